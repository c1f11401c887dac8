//! `TenantJoinSet`: tasks of one tenant, awaited together.

use std::fmt;

use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::{TenantContext, spawn};
use crate::{Error, TenantId};

/// A [`JoinSet`] whose tasks keep the context and tracing span they were started in.
///
/// All tasks of a set are of one tenant, so whoever collects the results has nobody else's. Dropping the set aborts them.
///
/// # Example
/// ```
/// use tenancy_core::{TenantContext, TenantJoinSet};
///
/// # use std::sync::Arc;
/// # use tenancy_core::{Actor, Tenant, TenantId, TenantSlug};
/// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("u"));
/// # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut set = TenantJoinSet::new();
/// acme.sync_scope(|| set.spawn(async { TenantContext::current().map(|cx| cx.tenant_id()) }))??;
/// assert!(globex.sync_scope(|| set.spawn(async { unreachable!() }))?.unwrap_err().is_wrong_tenant());
/// assert!(set.spawn(async { unreachable!() }).unwrap_err().is_no_tenant());
///
/// assert_eq!(set.join_next().await.unwrap().unwrap()?, acme.tenant_id());
/// assert!(set.join_next().await.is_none());
/// # Ok::<(), tenancy_core::Error>(())
/// # })?;
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[must_use = "dropping the set aborts its tasks"]
pub struct TenantJoinSet<T> {
    tenant: Option<TenantId>,
    tasks: JoinSet<T>,
}

impl<T: 'static> TenantJoinSet<T> {
    /// An empty set. It belongs to the tenant of the first task started on it.
    pub fn new() -> Self {
        Self {
            tenant: None,
            tasks: JoinSet::new(),
        }
    }

    /// Starts a task that does the current tenant's work.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`](crate::ErrorKind::NoTenant) outside every scope,
    /// [`ErrorKind::WrongTenant`](crate::ErrorKind::WrongTenant) if the set is another tenant's. Nothing is started then.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is what the ban points to: the task carries the context"
    )]
    pub fn spawn<F>(&mut self, future: F) -> Result<AbortHandle, Error>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.ensure_ours()?;
        Ok(self.tasks.spawn(spawn::carry(future)?))
    }

    /// Runs a blocking function for the current tenant.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is what the ban points to: the task carries the context"
    )]
    pub fn spawn_blocking<F>(&mut self, f: F) -> Result<AbortHandle, Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.ensure_ours()?;
        Ok(self.tasks.spawn_blocking(spawn::carry_blocking(f)?))
    }

    fn ensure_ours(&mut self) -> Result<(), Error> {
        let here = TenantContext::with_current(TenantContext::tenant_id)?;
        if *self.tenant.get_or_insert(here) == here {
            Ok(())
        } else {
            Err(Error::wrong_tenant())
        }
    }

    /// Waits for the next task to finish; `None` if there is none left. May be cancelled without losing a result.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.tasks.join_next().await
    }

    /// How many tasks are in the set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Asks every task to stop; [`join_next`](Self::join_next) tells when they have.
    pub fn abort_all(&mut self) {
        self.tasks.abort_all();
    }

    /// Asks every task to stop and waits until they have.
    pub async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

impl<T: 'static> Default for TenantJoinSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for TenantJoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantJoinSet")
            .field("tenant", &self.tenant)
            .field("tasks", &self.tasks.len())
            .finish()
    }
}
