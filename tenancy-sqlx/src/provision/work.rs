//! What a database has to be able to do for provisioning: three verbs, implemented once per driver.

use futures_core::future::BoxFuture;
use sqlx::migrate::Migrator;
use tenancy_core::Tenant;
use tenancy_sql::Catalog;

use super::step::ProvisionStep;
use crate::{Error, Result, TenantDb};

/// A database that tenants can be provisioned in. Sealed, like [`TenantDb`].
pub trait ProvisionDb: TenantDb {
    /// Brings the shared tables up to date and walls them off.
    #[doc(hidden)]
    fn migrate_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>>;

    /// Says whether the shared tables are there and walled off.
    #[doc(hidden)]
    fn ensure_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>>;

    /// Makes a place of its own for the tenant: steps *create* to *verify*.
    #[doc(hidden)]
    fn make<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>>;

    /// Removes what [`Self::make`] left, if it is this registry's.
    #[doc(hidden)]
    fn unmake<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>>;
}

/// What all of them work with.
#[doc(hidden)]
#[allow(
    unnameable_types,
    reason = "part of a sealed trait, named by nobody outside"
)]
#[derive(Debug)]
pub struct Work<'a, DB: TenantDb> {
    pub(super) server: &'a DB::Server,
    pub(super) catalog: &'a Catalog,
    pub(super) migrations: &'a Migrator,
    /// The registry's own name, which marks what was made for it.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "files need no mark: each says whose it is")
    )]
    pub(super) registry: &'a str,
    pub(super) fail_after: Option<ProvisionStep>,
}

impl<DB: TenantDb> Work<'_, DB> {
    /// Called when a step has done its work: the place where tests make it fail.
    pub(super) fn done(&self, step: ProvisionStep) -> Result<()> {
        done(self.fail_after, step)
    }

    /// The mark on what was made for this registry.
    #[cfg(feature = "postgres")]
    pub(super) fn mark(&self) -> String {
        format!("made for a tenant of registry {}", self.registry)
    }
}

/// Fails if this is the step after which a test wants it.
pub(super) fn done(fail_after: Option<ProvisionStep>, step: ProvisionStep) -> Result<()> {
    if fail_after == Some(step) {
        return Err(Error::Provision {
            step,
            source: Box::new(Error::Config("a test made this step fail".into())),
        });
    }
    Ok(())
}
