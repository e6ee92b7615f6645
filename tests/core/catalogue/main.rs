//! The catalogue's rules, held for every cause and every kind of case.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it finds something missing"
)]

mod cases;
mod claims;
mod entries;
mod facts;
mod forbidden;
mod grants;
mod likeness;
mod mappings;
mod pages;
mod remedies;
mod roles;
mod shell;
mod worlds;
