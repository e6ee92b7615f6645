//! In place of `live.rs` in a build without AWS.
