//! `Scope`: one tenant's part of a store, for one operation. Everything that is asked of the store behind goes through here.

use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use tenancy_core::{Operation, TenantContext};

use super::Core;
use crate::prefix::Prefix;
use crate::quota::{Account, Meter, OBJECT, Reservation, Usage};
use crate::{Error, Result, quota};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A tenant, the store that holds its objects, and where they begin there.
pub(crate) struct Scope<S> {
    pub(crate) core: Arc<Core<S>>,
    pub(crate) cx: TenantContext,
    pub(crate) store: Arc<S>,
    pub(crate) prefix: Prefix,
}

impl<S> Clone for Scope<S> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            cx: self.cx.clone(),
            store: Arc::clone(&self.store),
            prefix: self.prefix.clone(),
        }
    }
}

impl<S> Core<S> {
    /// The store that holds a tenant's objects, if the tenant admits `access` just now.
    fn store_of(&self, cx: &TenantContext, access: Access) -> Result<Arc<S>> {
        ensure_admits(cx, access)?;
        let tenant = cx.tenant();
        let placement = tenant.placement();
        let server = self
            .servers
            .iter()
            .find(|(name, _)| name == placement.server())
            .ok_or_else(|| Error::UnknownServer(placement.server().to_string()))?;
        server.1.store(tenant.id(), placement)
    }

    /// A store and a whole path in it: enough for what is done at once, and cheaper than a scope.
    pub(super) fn place_of(
        &self,
        cx: &TenantContext,
        access: Access,
        location: &Path,
    ) -> Result<(Arc<S>, Path)> {
        let store = self.store_of(cx, access)?;
        let whole = self
            .prefixes
            .with(cx.tenant_id(), |prefix| prefix.object(location))?;
        Ok((store, whole))
    }
}

impl<S: ObjectStore> Scope<S> {
    /// The tenant's part, if the tenant admits `access` just now.
    pub(crate) fn open(core: &Arc<Core<S>>, cx: TenantContext, access: Access) -> Result<Self> {
        let store = core.store_of(&cx, access)?;
        let prefix = core.prefixes.of(cx.tenant_id());
        Ok(Self {
            core: Arc::clone(core),
            cx,
            store,
            prefix,
        })
    }

    /// The store behind itself: asking its `Arc` would wrap each future once more.
    pub(crate) fn store(&self) -> &S {
        &self.store
    }

    /// Asks again, later: still this tenant's scope or none, and the tenant still admits it.
    #[inline]
    pub(crate) fn ensure(&self, access: Access) -> Result<()> {
        self.cx.ensure_not_elsewhere()?;
        ensure_admits(&self.cx, access)
    }

    /// Asks again whether the tenant is open for work, whatever scope this is.
    pub(crate) fn ensure_live(&self) -> Result<()> {
        Ok(self.cx.ensure_live()?)
    }

    pub(crate) fn meter(&self) -> Option<&Meter> {
        self.core.meter.as_ref()
    }

    pub(crate) fn place(&self) -> quota::Place<'_, S> {
        quota::Place {
            cx: &self.cx,
            store: &self.store,
            prefix: self.prefix.path(),
        }
    }

    /// Counts without an account.
    pub(crate) async fn count(&self) -> Result<Usage> {
        quota::count(&*self.store, self.prefix.path()).await
    }

    /// The tenant's account, if there are limits.
    pub(crate) fn account(&self) -> Option<Arc<Account>> {
        Some(self.meter()?.account(self.cx.tenant_id()))
    }

    /// Room for a write, if there are limits.
    pub(crate) async fn reserve(&self, bytes: u64, objects: u64) -> Result<Option<Reservation>> {
        let Some(meter) = self.meter() else {
            return Ok(None);
        };
        let room = meter
            .reserve(self.place(), Usage::new(bytes, objects))
            .await?;
        ensure_admits(&self.cx, Access::Write)?;
        Ok(Some(room))
    }

    /// Room for an object that may take the place of another. Both fit, or the store is asked how large the old one is.
    pub(crate) async fn reserve_instead(
        &self,
        whole: &Path,
        bytes: u64,
    ) -> Result<Option<Reservation>> {
        match (self.reserve(bytes, 1).await, self.meter()) {
            (Err(Error::Quota { what, .. }), Some(meter)) if what != OBJECT => {
                let more = Usage::new(bytes, 1);
                let room = meter.reserve_instead(self.place(), whole, more).await?;
                ensure_admits(&self.cx, Access::Write)?;
                Ok(Some(room))
            }
            (room, _) => room,
        }
    }

    /// Something was removed or replaced, so that what is known of the tenant's usage may be too high.
    pub(crate) fn doubt(&self) {
        if let Some(meter) = self.meter() {
            meter.account(self.cx.tenant_id()).doubt();
        }
    }
}

/// Refuses what the tenant does not admit just now.
fn ensure_admits(cx: &TenantContext, access: Access) -> Result<()> {
    cx.ensure_live()?;
    // An operator who moves or mends a tenant has made it read-only for everybody else.
    if access == Access::Write
        && cx.tenant().is_read_only()
        && cx.operation() != Operation::Maintenance
    {
        return Err(Error::Tenancy(tenancy_core::Error::new(
            tenancy_core::ErrorKind::ReadOnly,
            "the tenant is read-only just now; reads go on",
        )));
    }
    Ok(())
}
