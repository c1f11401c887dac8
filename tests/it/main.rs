//! Tests that cross crates.
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

mod compiled;
mod engine_faults;
mod engine_wall;
mod functions;
mod fuzz;
mod lints;
mod macros;
mod matrix;
mod models;
mod news;
mod oracle;
mod pages;
mod plans;
mod soak;
mod tenant_test;
mod threats;
