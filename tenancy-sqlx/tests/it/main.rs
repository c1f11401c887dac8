//! Tests of this crate against real databases.
#![allow(
    clippy::disallowed_methods,
    reason = "tests use bare connections to look at what ours did"
)]

mod cancelled_begin;
mod faults;
