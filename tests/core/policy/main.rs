//! The guardrails: what they refuse, what they let through, and what IAM makes of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails where it finds something missing"
)]

mod decisions;
mod files;
mod mistakes;
mod people;
mod properties;
mod reach;
mod template;
mod world;
