//! The shell: everything that talks to AWS, and the one reader of the environment.

pub mod aws;
pub mod emf;
pub mod facts;
#[cfg(feature = "laptop")]
pub mod laptop;
pub mod log;
pub mod sns;
pub mod start;
pub mod vars;
