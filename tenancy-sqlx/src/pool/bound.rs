//! The explicit twin of the pool: the tenant is a value, not the surroundings.

use std::fmt;
use std::sync::Arc;

use tenancy_core::TenantContext;
use tenancy_sql::{Access, Firewall};

use super::PoolCore;
use crate::Result;
use crate::db::TenantDb;
use crate::tx::TenantTx;

/// A [`TenantPool`](crate::TenantPool) for one tenant, made by [`TenantPool::for_tenant`](crate::TenantPool::for_tenant).
///
/// It works outside any scope and inside scopes of the same tenant.
///
/// # Errors
/// Inside the scope of another tenant every statement is refused, as it is once the tenant is suspended.
pub struct BoundPool<DB: TenantDb> {
    pub(super) core: Arc<PoolCore<DB>>,
    cx: TenantContext,
}

impl<DB: TenantDb> Clone for BoundPool<DB> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            cx: self.cx.clone(),
        }
    }
}

impl<DB: TenantDb> fmt::Debug for BoundPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundPool")
            .field("tenant", &self.cx.tenant_id())
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> BoundPool<DB> {
    pub(super) fn new(core: Arc<PoolCore<DB>>, cx: TenantContext) -> Self {
        Self { core, cx }
    }

    /// Begins a transaction of this tenant that may write.
    ///
    /// # Errors
    /// As [`TenantPool::begin`](crate::TenantPool::begin).
    pub async fn begin(&self) -> Result<TenantTx<'static, DB>> {
        self.core.begin(self.context()?, Access::Write).await
    }

    /// Begins a transaction of this tenant that only reads.
    ///
    /// # Errors
    /// As [`TenantPool::begin_read_only`](crate::TenantPool::begin_read_only).
    pub async fn begin_read_only(&self) -> Result<TenantTx<'static, DB>> {
        self.core.begin(self.context()?, Access::Read).await
    }

    pub(crate) fn firewall(&self) -> &Firewall {
        &self.core.firewall
    }

    pub(crate) fn context(&self) -> Result<TenantContext> {
        self.cx.ensure_not_elsewhere()?;
        Ok(self.cx.clone())
    }
}
