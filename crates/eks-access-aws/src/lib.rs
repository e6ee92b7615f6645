//! The shell: everything that talks to AWS, and the one reader of the environment.

pub mod aws;
pub mod courier;
pub mod emf;
pub mod facts;
#[cfg(feature = "laptop")]
pub mod laptop;
pub mod log;
pub mod logins;
pub mod parcel;
pub mod secret;
pub mod slack;
pub mod sns;
pub mod start;
pub mod store;
pub mod vars;
