//! The responder.

fn main() {}
