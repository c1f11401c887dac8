//! The seam between the registry and its database: a handful of operations, so that everything above is written once.
//!
//! Statements are written for PostgreSQL with the schema `tenancy.` in front of each table. SQLite has a file of its own
//! instead of a schema, and leaves the prefix away; everything else in them is the same SQL.

mod value;

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;

use futures_core::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::Result;

#[cfg(feature = "postgres")]
pub(super) use postgres::PgStore;
#[cfg(feature = "sqlite")]
pub(super) use sqlite::SqliteStore;
pub(super) use value::{Row, Value};

/// What the registry asks of its database.
pub(super) trait Store: Debug + Send + Sync {
    /// Brings the registry's own tables up to date.
    fn migrate(&self) -> BoxFuture<'_, Result<()>>;

    /// Runs one statement.
    fn fetch(&self, sql: &'static str, values: Vec<Value>)
    -> BoxFuture<'_, sqlx::Result<Vec<Row>>>;

    /// Begins a transaction; dropped, it is rolled back.
    fn begin(&self) -> BoxFuture<'_, sqlx::Result<Box<dyn StoreTx>>>;

    /// Takes the lock of this name, or gives up after a while: `None`, somebody else has it.
    ///
    /// It is let go when the guard is dropped, and when the process dies.
    fn lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, sqlx::Result<Option<Lock>>>;

    /// A stream of hints that something changed; `None` where there are none, and polling has to do.
    fn hints(&self) -> BoxFuture<'_, sqlx::Result<Option<Box<dyn Hints>>>>;

    /// Closes the pool.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// A transaction on the registry.
pub(super) trait StoreTx: Send {
    /// Runs one statement.
    fn fetch(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> BoxFuture<'_, sqlx::Result<Vec<Row>>>;

    /// Commits.
    fn commit(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>>;
}

/// Hints that the registry changed.
pub(super) trait Hints: Send {
    /// Waits for the next one.
    fn next(&mut self) -> BoxFuture<'_, sqlx::Result<()>>;
}

/// A lock that is held until this is dropped.
pub(crate) struct Lock {
    _held: Box<dyn Send + Sync>,
}

impl Lock {
    fn held(by: impl Send + Sync + 'static) -> Self {
        Self {
            _held: Box::new(by),
        }
    }
}

/// How long [`Store::lock`] waits for somebody else who may just be on the way out.
const LOCK_PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// A name as a number: 64 bits of SHA-256, since a shorter hash would make strangers wait for each other.
fn number_of(name: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let (first, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}

/// The registry's own migrations, with a ledger of their own and without sqlx's lock (it is never let go after a failure).
fn migrator(migrations: &[(&'static str, &'static str)], ledger: &'static str) -> Migrator {
    let migrations = (1..).zip(migrations).map(|(version, (name, sql))| {
        let kind = MigrationType::Simple;
        Migration::new(version, (*name).into(), kind, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(ledger);
    migrator
}

/// The migrations of one database, in order; a new one is a line here and a file for each database.
macro_rules! migrations {
    ($database:literal) => {
        [
            (
                "registry",
                include_str!(concat!("../migrations/1_registry.", $database, ".sql")),
            ),
            (
                "features",
                include_str!(concat!("../migrations/2_features.", $database, ".sql")),
            ),
            (
                "key rotation",
                include_str!(concat!("../migrations/3_key_rotation.", $database, ".sql")),
            ),
        ]
    };
}
use migrations;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_whose_names_meet_in_thirty_two_bits_are_two() {
        // PostgreSQL's `hashtext` makes one number of these.
        let numbers = ["tenant_74858:invoice", "tenant_139189:invoice"].map(number_of);
        assert_ne!(numbers[0], numbers[1]);
    }
}
