//! Migrations, applied by sqlx's own machinery and ledger, under a lock of ours.

use std::sync::Arc;

use sqlx::migrate::{Migrate, Migrator};

#[cfg(feature = "postgres")]
use crate::Error;
use crate::Result;

/// Migrations, built in or read at run time.
#[derive(Clone, Debug)]
pub(super) enum Migrations {
    Static(&'static Migrator),
    Owned(Arc<Migrator>),
}

impl Migrations {
    pub(super) fn get(&self) -> &Migrator {
        match self {
            Self::Static(migrator) => migrator,
            Self::Owned(migrator) => migrator,
        }
    }
}

/// The table in which sqlx notes what was applied, in each place its own.
#[cfg(feature = "postgres")]
const LEDGER: &str = "_sqlx_migrations";

/// Applies what is pending.
///
/// Without sqlx's lock: it is one for the whole database, so that schemas would wait for each other, and it is never let go
/// after a failure (in sqlx 0.9 the error returns before the unlock).
pub(super) async fn run<C: Migrate>(conn: &mut C, migrations: &Migrator) -> Result<()> {
    let mut quiet = Migrator::with_migrations(migrations.iter().cloned().collect());
    quiet.set_locking(false);
    quiet.set_ignore_missing(migrations.ignore_missing);
    // `run` does the same, but its `Acquire` bound can't be met by a connection in hands of a generic function.
    Ok(quiet
        .run_direct(None, conn, false)
        .await
        .map_err(sqlx::Error::from)?)
}

/// Whether anything is pending, on a connection whose ledger is there.
#[cfg(feature = "postgres")]
pub(super) async fn is_pending<C: Migrate>(conn: &mut C, migrations: &Migrator) -> Result<bool> {
    let applied = conn
        .list_applied_migrations(LEDGER)
        .await
        .map_err(sqlx::Error::from)?;
    Ok(migrations.iter().any(|migration| {
        !migration.migration_type.is_down_migration()
            && !applied.iter().any(|done| {
                done.version == migration.version && done.checksum == migration.checksum
            })
    }))
}

/// The version of a migration that has to run outside a transaction.
pub(super) fn outside_transaction(migrations: &Migrator) -> Option<i64> {
    migrations
        .iter()
        .find(|migration| migration.no_tx)
        .map(|migration| migration.version)
}

/// What is said about one where it can't be run.
#[cfg(feature = "postgres")]
pub(super) fn refuse_outside_transaction(version: i64) -> Error {
    Error::Config(format!(
        "migration {version} is marked `no-transaction`, but a schema is made in one transaction; \
         create the index without CONCURRENTLY, or give the tenant a database of its own"
    ))
}
