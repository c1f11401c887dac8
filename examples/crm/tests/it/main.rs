//! Drives the CRM as a browser and as a program would, over both databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may fail loudly"
)]

mod absent;
mod front;
mod input;
mod leads;
mod nodes;
mod source;
mod start;
mod users;
mod work;
mod world;
