//! Diesel connections that see one tenant, in shared tables, in a schema or in a database of its own.
//!
//! [`TenantConnection`] implements Diesel's own connection traits, so the query builder, `sql_query` and `transaction` run on
//! it unchanged; [`TenantPool::interact`] hands it to a closure on a blocking thread, with the context. What changes is what a
//! query can reach. Two walls keep tenants apart:
//!
//! 1. the *firewall* ([`tenancy_sql::Firewall`]) rewrites the text of each query for one tenant, or refuses it;
//! 2. the *server* enforces the same on its own: row level security, a role per schema, a database per tenant.
//!
//! With the feature `async-postgres`, `AsyncTenantPool` and `AsyncTenantConnection` are the same for diesel-async.
//!
//! Tenants are provisioned by tenancy-sqlx, which lays out databases, schemas, files and roles; both drivers can serve the
//! same data side by side. `docs/diesel.md` of the repository says what compiles, what is refused when, and what differs.
//!
//! # Features
//! `sqlite`; `postgres`, which links libpq; `async-postgres`, which does not. None is on by default. `testing` adds ways to
//! take a wall down, for tests that see the other hold.
//!
//! # Adding a backend
//! Say how it binds the tenant in `backend.rs`, implement the sealed [`TenantDb`] in `db/` and
//! [`LoadConnection`](diesel::connection::LoadConnection) in `connection/`, and give it a server in `server/`.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )
)]
#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, unused_imports, reason = "each driver is a feature")
)]

#[cfg(feature = "async-postgres")]
mod asynchronous;
mod backend;
mod budget;
mod connection;
mod db;
mod error;
mod pool;
mod server;
mod statement;

#[cfg(feature = "async-postgres")]
pub use asynchronous::{
    AsyncTenantConnection, AsyncTenantPool, AsyncTenantPoolBuilder, AsyncTenantTransactionManager,
    AsyncTransactionState,
};
#[cfg(feature = "sqlite")]
pub use connection::SqliteRows;
pub use connection::{TenantConnection, TenantTransactionManager, TransactionState};
pub use db::TenantDb;
pub use error::{Error, Result};
pub use pool::{BoundPool, TenantPool, TenantPoolBuilder};
#[cfg(feature = "_pg")]
pub use server::PgServer;
#[cfg(feature = "sqlite")]
pub use server::SqliteServer;
pub use tenancy_core::budget::{Budget, BudgetStats};

/// The asynchronous driver this crate wraps.
#[cfg(feature = "async-postgres")]
pub use diesel_async;

/// The driver this crate wraps, so that users name one version of it.
pub use diesel;
