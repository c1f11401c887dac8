//! Tests of this crate against real databases.
#![allow(
    clippy::disallowed_methods,
    reason = "tests use bare connections to look at what ours did"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption in a test is a failed test"
)]
#![allow(
    clippy::duplicate_mod,
    reason = "the tests of the surface are one text, compiled once per driver"
)]

mod access;
mod announce;
mod budget;
mod cancelled_begin;
mod drift;
mod ended_by_sqlite;
mod faults;
mod interrupted_provisioning;
mod per_tenant;
mod places;
mod provision;
mod refusals;
mod registry;
mod settings;
mod surface;
mod versions;
mod walls;
