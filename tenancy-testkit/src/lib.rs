//! What tests of multi-tenant code need around them: servers, databases, folders and a slow network.
//!
//! - [`PgCluster`] starts a throw-away PostgreSQL (or uses the one that `DATABASE_URL` names) and hands out a fresh
//!   database per test, with an application role that row level security really binds.
//! - [`RedisServer`] starts a throw-away Redis, or uses the one that `REDIS_URL` names.
//! - [`TempFolder`] is a folder for SQLite files that is gone after the test.
//! - [`fixture`] makes tenants with the same keys, so that any leak changes an answer.
//! - [`NetworkDelay`] puts a network with a chosen delay between a client and its server, and can cut it.
//! - [`threat_table`] checks that the tests which a page of documentation names are there.
//!
//! This crate belongs into `dev-dependencies` only: it starts processes and knows superuser passwords.
//!
//! Test code may use bare `tokio::spawn` and bare connections, which `clippy.toml` bans elsewhere because they have no
//! tenant: a test crate says so once, with `#![allow(clippy::disallowed_methods, reason = "...")]` at its top.
#![expect(
    clippy::disallowed_methods,
    reason = "makes servers, databases and networks for tests, which is no tenant's work"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

mod error;
pub mod fixture;
mod folder;
mod network;
mod postgres;
mod process;
mod redis;
mod threats;

use crate::process::{blocking, free_port};
pub use crate::{
    error::Error,
    folder::TempFolder,
    network::NetworkDelay,
    postgres::{PgCluster, PgDatabase},
    redis::RedisServer,
    threats::threat_table,
};
