//! All objects of one tenant at once: taken along (`export`) and removed for good (`erase`). What is done with one object is in
//! `store`.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{GetOptions, GetResult, ObjectStore};
use tenancy_core::{Operation, TenantStatus};

use crate::error::scrub;
use crate::store::{Access, BoundStore, Scope};
use crate::{Error, Result, Usage};

/// How often what is left is removed before giving up.
const ROUNDS: u32 = 3;

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erased {
    /// Objects and bytes that were listed and removed.
    pub usage: Usage,
    /// Uploads in parts that had not ended, begun in this process.
    pub uploads: u64,
}

impl<S: ObjectStore> BoundStore<S> {
    /// Every object of the tenant, one after the other, with metadata, attributes and body. An object that is removed
    /// meanwhile is left out.
    ///
    /// With a context [`for_maintenance`](tenancy_core::TenantContext::for_maintenance) a suspended tenant can be exported.
    ///
    /// # Errors
    /// The stream gives what listing and reading give: no tenant, the wrong one, a suspended one, or an error of the store
    /// behind. It goes on after an error of one object.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// use futures_util::TryStreamExt;
    /// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
    /// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_object_store::{ObjectServer, TenantStore, object_store};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let acme = TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse("1")?, TenantSlug::parse("acme")?).build()?), Actor::user("ada"))?;
    /// # let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(InMemory::new())).build()?;
    /// let files = files.for_tenant(&acme);
    /// files.put(&Path::from("leads/7/offer.pdf"), "offer".into()).await?;
    /// let mut objects = files.export();
    /// while let Some(object) = objects.try_next().await? {
    ///     assert_eq!(object.meta.location.as_ref(), "leads/7/offer.pdf");
    ///     assert_eq!(object.bytes().await?, "offer");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn export(&self) -> BoxStream<'static, Result<GetResult>> {
        let store = self.clone();
        self.list(None)
            .filter_map(move |meta| {
                let store = store.clone();
                async move {
                    let meta = match meta {
                        Ok(meta) => meta,
                        Err(error) => return Some(Err(error.into())),
                    };
                    match store.get_opts(&meta.location, GetOptions::new()).await {
                        Err(object_store::Error::NotFound { .. }) => None,
                        got => Some(got.map_err(Error::from)),
                    }
                }
            })
            .boxed()
    }

    /// Removes every object of the tenant, aborts its uploads that were begun in this process, and looks whether anything is
    /// left.
    ///
    /// What it can't reach: uploads in parts that were begun by processes which have ended, and old versions in a bucket that
    /// keeps them. Give the bucket a lifecycle rule for both. A bucket of the tenant's own stays, empty.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`](tenancy_core::ErrorKind::Forbidden) unless the context is one for maintenance and the tenant
    /// is closed for requests (suspend or offboard it first), since others would write meanwhile; [`Error::NotErased`] if
    /// something is left after three rounds.
    ///
    /// # Example: refused while it is open, done once it is offboarded
    /// ```
    /// use futures_util::TryStreamExt;
    /// use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path};
    /// use tenancy_core::{
    ///     Actor, InMemoryRegistry, ServerName, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus,
    /// };
    /// use tenancy_object_store::{ObjectServer, TenantStore, object_store};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let registry = InMemoryRegistry::new();
    /// let id = TenantId::parse("1")?;
    /// let tenant = registry.insert(Tenant::builder(id, TenantSlug::parse("acme")?).build()?)?;
    /// let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(InMemory::new())).build()?;
    /// let operator = TenantContext::for_maintenance(tenant, Actor::user("op-3"), "left in May, ticket 4711")?;
    /// let files = files.for_tenant(&operator);
    /// files.put(&Path::from("logo.svg"), "<svg/>".into()).await?;
    ///
    /// assert!(files.erase().await.is_err());
    /// registry.set_status(&id, TenantStatus::Offboarding)?;
    /// assert_eq!(files.erase().await?.usage.objects, 1);
    /// assert!(files.list(None).try_next().await?.is_none());
    /// # Ok(()) }
    /// ```
    pub async fn erase(&self) -> Result<Erased> {
        let (core, cx) = self.bound();
        cx.ensure_not_elsewhere()?;
        let open = matches!(
            cx.tenant().status(),
            TenantStatus::Active | TenantStatus::ReadOnly
        );
        if cx.operation() != Operation::Maintenance || open {
            return Err(Error::Tenancy(tenancy_core::Error::new(
                tenancy_core::ErrorKind::Forbidden,
                "a tenant's objects are erased by maintenance, once it is suspended or offboarded",
            )));
        }
        let scope = Scope::open(core, cx.clone(), Access::Write)?;
        tracing::info!(tenant = %cx.tenant_id(), actor = %cx.actor(), "erasing all objects");
        let mut erased = Erased {
            usage: Usage::default(),
            uploads: 0,
        };
        for _ in 0..ROUNDS {
            for abort in core.uploads.take(cx.tenant_id()) {
                abort().await.map_err(|error| scrub(error, ""))?;
                erased.uploads += 1;
            }
            erased.usage = erased.usage.plus(remove_all(&scope).await?);
            let left = scope.count().await?;
            if left.objects == 0 {
                if let Some(meter) = scope.meter() {
                    meter.recount(scope.place()).await?;
                }
                return Ok(erased);
            }
        }
        let left = scope.count().await?.objects;
        Err(Error::NotErased { left })
    }
}

/// Lists and removes once; says how much was listed.
async fn remove_all<S: ObjectStore>(scope: &Scope<S>) -> Result<Usage> {
    // Listed to the end first: some stores lose their place when what they list is removed under them.
    let found: Vec<_> = scope
        .store()
        .list(Some(scope.prefix.path()))
        .try_collect()
        .await
        .map_err(|error| scrub(error, ""))?;
    let mut usage = Usage::default();
    let mut paths = Vec::with_capacity(found.len());
    for meta in found {
        // Nothing of anybody else's, whatever the store has listed.
        scope.prefix.own(&meta.location)?;
        usage = usage.plus(Usage::new(meta.size, 1));
        paths.push(Ok(meta.location));
    }
    scope.doubt();
    let mut gone = scope
        .store()
        .delete_stream(futures_util::stream::iter(paths).boxed());
    while let Some(one) = gone.next().await {
        match one {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(scrub(error, "").into()),
        }
    }
    Ok(usage)
}
