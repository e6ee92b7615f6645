//! The shell: everything that talks to AWS, and the one reader of the environment.

pub mod aws;
pub mod clock;
pub mod courier;
pub mod emf;
pub mod entries;
pub mod facts;
#[cfg(feature = "door")]
pub mod granter;
pub mod herald;
#[cfg(feature = "laptop")]
pub mod laptop;
pub mod log;
pub mod logins;
pub mod parcel;
pub mod random;
pub mod recheck;
pub mod requests;
pub mod secret;
pub mod slack;
pub mod sns;
pub mod start;
pub mod store;
pub mod tally;
pub mod tick;
pub mod vars;
