//! The wall alone: raw statements on a connection that no firewall looks at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "raw connections are what is tested"
)]

mod attacks;
mod plans;
mod reads;
mod schema;
mod world;
mod writes;
