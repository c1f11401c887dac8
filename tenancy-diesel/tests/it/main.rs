//! The crate against real databases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests spawn without a context on purpose"
)]
#![allow(
    clippy::duplicate_mod,
    reason = "probes and traffic are one text, compiled once per driver"
)]

// Links libpq, built from source.
use pq_sys as _;

mod asynchronous;
mod changes;
mod composes;
mod matrix;
mod per_tenant;
mod places;
mod soak;
mod tables;
mod unscoped;
