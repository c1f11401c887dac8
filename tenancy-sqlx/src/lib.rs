//! sqlx pools and transactions that see one tenant, in shared tables, in a schema or in a database of its own.
//!
//! [`TenantPool`] is used where a `sqlx::Pool` would be: it is an [`sqlx::Executor`], so `query`, `query_as`, `query!` and
//! `QueryBuilder` run on it unchanged. What changes is what they can reach. The tenant of each statement is the tenant of
//! the current [`TenantContext`](tenancy_core::TenantContext); without one the statement is refused before a connection is
//! taken. Two walls then keep tenants apart:
//!
//! 1. the *firewall* ([`tenancy_sql::Firewall`]) rewrites the statement for one tenant, or refuses it;
//! 2. the *server* enforces the same on its own: row level security, a role per schema, a database per tenant
//!    (see [`walls`]).
//!
//! [`TenantTx`] is the same for transactions, [`SqlRegistry`] keeps the tenants in SQL, and [`Provisioner`] makes them.
//!
//! # Adding a database
//! Implement the sealed [`TenantDb`] trait in `db/`, a server type in `server/`, the walls in `walls/` and the steps of
//! provisioning in `provision/`; everything else is generic.
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

mod budget;
mod db;
pub mod drift;
mod error;
pub mod model;
mod pool;
pub mod provision;
pub mod registry;
mod server;
mod statement;
mod tx;
pub mod walls;

pub use budget::{Budget, BudgetStats};
pub use db::TenantDb;
pub use error::{Error, Result};
pub use pool::{BoundPool, TenantPool, TenantPoolBuilder};
pub use provision::Provisioner;
pub use registry::SqlRegistry;
#[cfg(feature = "postgres")]
pub use server::PgServer;
#[cfg(feature = "sqlite")]
pub use server::SqliteServer;
pub use tenancy_core::Secret;
pub use tx::{TenantConn, TenantTx};

/// The driver this crate wraps, so that users name one version of it.
pub use sqlx;
