//! Against a real PostgreSQL, a real SQLite and a real Redis. Workers are apalis's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption in a test is a failed test, and tests make tasks and connections of no tenant"
)]

mod attacks;
mod look;
mod outages;
mod outbox;
mod push;
mod redis;
mod running;
mod schedule;
mod sending;
mod soak;
mod threats;
mod turns;
mod world;
mod writer;
