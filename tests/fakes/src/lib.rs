//! Servers on loopback that stand in for AWS, and a runner for the real binaries, for end-to-end tests.
//!
//! Nothing here knows a type of ours: a fake that shared our types would share our mistakes. Every wait has a
//! deadline, and whatever was asked of a fake that nobody expected is kept, so that a test can assert the silence.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "a fake that is used wrongly stops the test that uses it"
)]

pub mod aws;
mod cbor;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod delivery;
pub mod deployed;
pub mod directory;
pub mod eks;
pub mod emf;
pub mod gateway;
pub mod http;
pub mod iam;
pub mod invoke;
mod json;
pub mod lambda;
pub mod lines;
pub mod logs;
pub mod ministack;
pub mod pool;
pub mod process;
pub mod record;
mod sigv4;
pub mod slack;
pub mod sns;
pub mod sts;
mod wire;
