//! The kit itself: a kit that lies makes every other test worthless.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption in a test is a failed test, and bare connections are what is tested"
)]

mod network;
mod postgres;
mod redis;
