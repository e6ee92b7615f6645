//! `eks-access` as people run it: the real binary, in every format they have at hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

#[cfg(feature = "live")]
mod admins;
#[cfg(feature = "live")]
mod approvals;
mod attacks;
mod aws_auth;
mod catalogue;
#[cfg(feature = "live")]
mod doctor;
mod explain;
mod formats;
#[cfg(feature = "live")]
mod live;
mod policy;
#[cfg(feature = "live")]
mod remembered;
mod run;
#[cfg(feature = "live")]
mod whoami;
#[cfg(feature = "live")]
mod world;
