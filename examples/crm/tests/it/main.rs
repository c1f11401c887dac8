//! Drives the CRM as a browser and as a program would, over both databases.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod absent;
mod attempts;
mod browser;
mod front;
mod identity;
mod input;
mod leads;
mod nodes;
mod redis;
mod rights;
mod source;
mod start;
mod users;
mod work;
mod world;
