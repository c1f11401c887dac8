//! Diesel connections that see one tenant, in shared tables, in a schema or in a database of its own.
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
