//! The registry in SQL: who the tenants are, where they live, which hosts and keys are theirs, and what was done to them.
//!
//! It is the control plane: rows of no tenant, reached through a small pool of its own that tenants' statements never see. On
//! PostgreSQL it is the schema `tenancy` of a database, on SQLite the file `registry.db` of a folder. The application role of
//! tenants' connections has no rights on it; give the registry a role of its own.
//!
//! Put a [`CachedRegistry`](tenancy_core::CachedRegistry) in front and connect the two with [`SqlRegistry::watch`].

mod audit;
mod change;
mod domains;
mod keys;
mod list;
mod lookup;
mod provisioning;
mod row;
mod settings;
mod status;
mod store;
mod watch;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use tenancy_core::{Error as CoreError, ErrorKind};

pub use audit::AuditRow;
pub use domains::DomainRow;
pub use keys::{ApiKey, ApiKeyRow};
pub use row::RowError;
pub use watch::RegistryWatch;

pub(crate) use provisioning::Draft;
pub(crate) use settings::ensure_feature_name;
pub(crate) use store::Lock;
use store::{Row, Store, Value};

use crate::{Result, TenantDb};

/// The registry of tenants in a database.
///
/// A handle: clones share one small pool, which connects when it is first needed.
///
/// # Outages
/// When the database does not answer, every method says [`ErrorKind::RegistryUnavailable`] with the driver's error as its
/// source. A lookup never answers "no such tenant" because it could not ask. A row that can't be understood is a
/// [`RowError`], which is neither.
///
/// # Example: a tenant that is not there, on SQLite
/// ```
/// use tenancy_core::{LookupKey, TenantRegistry, TenantSlug};
/// use tenancy_sqlx::SqlRegistry;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("tenancy-doc-{}", std::process::id()));
/// let registry = SqlRegistry::<sqlx::Sqlite>::new(&folder);
/// let acme = LookupKey::Slug(TenantSlug::parse("acme")?);
///
/// // Before its tables are there it can't answer, and says so.
/// assert!(registry.lookup(&acme).await.unwrap_err().is_registry_unavailable());
///
/// registry.migrate().await?;
/// assert!(registry.lookup(&acme).await?.is_none());
/// # registry.close().await;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(()) }
/// ```
pub struct SqlRegistry<DB> {
    store: Arc<dyn Store>,
    database: PhantomData<fn() -> DB>,
}

#[cfg(feature = "postgres")]
impl SqlRegistry<sqlx::Postgres> {
    /// A registry in the schema `tenancy` of this database.
    ///
    /// [`Self::migrate`] needs a role that may create the schema; everything else gets by with rights on its tables.
    pub fn new(options: sqlx::postgres::PgConnectOptions) -> Self {
        Self::over(store::PgStore::new(options))
    }
}

#[cfg(feature = "sqlite")]
impl SqlRegistry<sqlx::Sqlite> {
    /// A registry in the file `registry.db` of this folder; [`Self::migrate`] creates both.
    pub fn new(folder: impl Into<std::path::PathBuf>) -> Self {
        Self::over(store::SqliteStore::new(folder.into()))
    }
}

impl<DB: TenantDb> SqlRegistry<DB> {
    fn over(store: impl Store + 'static) -> Self {
        Self {
            store: Arc::new(store),
            database: PhantomData,
        }
    }

    /// Creates the registry's tables or brings them up to date.
    ///
    /// Can be run by several processes at once and again at each start.
    ///
    /// # Errors
    /// [`Error::Driver`](crate::Error::Driver) if the database can't be reached or the role may not create tables.
    pub async fn migrate(&self) -> Result<()> {
        self.store.migrate().await
    }

    /// Closes the pool; calls after this fail with `RegistryUnavailable`.
    pub async fn close(&self) {
        self.store.close().await;
    }

    fn store(&self) -> &dyn Store {
        &*self.store
    }

    async fn fetch(&self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        Ok(self.store.fetch(sql, values).await.map_err(unavailable)?)
    }
}

impl<DB> Clone for SqlRegistry<DB> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            database: PhantomData,
        }
    }
}

impl<DB> fmt::Debug for SqlRegistry<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Connect options hold a password.
        f.debug_struct("SqlRegistry").finish_non_exhaustive()
    }
}

/// The registry could not answer.
fn unavailable(source: sqlx::Error) -> CoreError {
    CoreError::new(
        ErrorKind::RegistryUnavailable,
        "the registry does not answer; check its database and that `SqlRegistry::migrate` was run",
    )
    .with_source(source)
}
