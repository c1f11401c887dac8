//! The explicit twin of the pool: the tenant is a value, not the surroundings.

use std::fmt;
use std::sync::Arc;

use tenancy_core::TenantContext;

use super::PoolCore;
use crate::connection::TenantConnection;
use crate::db::TenantDb;
use crate::{Error, Result};

/// A [`TenantPool`](crate::TenantPool) for one tenant, made by [`TenantPool::for_tenant`](crate::TenantPool::for_tenant).
///
/// It works outside any scope and inside scopes of the same tenant.
///
/// # Errors
/// Inside the scope of another tenant everything is refused, as it is once the tenant is suspended.
pub struct BoundPool<C: TenantDb> {
    core: Arc<PoolCore<C>>,
    cx: TenantContext,
}

impl<C: TenantDb> Clone for BoundPool<C> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            cx: self.cx.clone(),
        }
    }
}

impl<C: TenantDb> fmt::Debug for BoundPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundPool")
            .field("tenant", &self.cx.tenant_id())
            .finish_non_exhaustive()
    }
}

impl<C: TenantDb> BoundPool<C> {
    pub(super) fn new(core: Arc<PoolCore<C>>, cx: TenantContext) -> Self {
        Self { core, cx }
    }

    /// Runs a closure on a blocking thread, with a connection of this tenant and inside its context.
    ///
    /// # Errors
    /// As [`TenantPool::interact`](crate::TenantPool::interact).
    ///
    /// # Panics
    /// As [`TenantPool::interact`](crate::TenantPool::interact).
    pub async fn interact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut TenantConnection<C>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.cx.ensure_not_elsewhere().map_err(Error::from)?;
        self.core.interact(self.cx.clone(), work).await
    }
}
