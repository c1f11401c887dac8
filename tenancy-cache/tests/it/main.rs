//! Against a real Redis: one of our own, or that of `REDIS_URL`. Tenants are fresh in each test, so that tests share it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a failed assumption in a test is a failed test, and tests make tasks and connections of no tenant"
)]

mod access;
mod alone;
mod cache;
mod cache_nodes;
mod cache_outage;
mod hostile;
mod refusals;
mod subscription;
mod surface;
mod table;
mod tenants;
mod threats;
mod usage;
