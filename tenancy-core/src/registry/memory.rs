//! `InMemoryRegistry`: for tests and for services with a fixed handful of tenants. Nothing is kept on disk.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures_core::future::BoxFuture;

use super::{ApiKeyHash, DomainName, Known, LookupKey, Resolved, TenantRegistry};
use crate::{Error, ErrorKind, Tenant, TenantId, TenantSlug, TenantStatus};

/// A registry in the memory of this process. Clones share it.
///
/// A new status is seen at once by every context that was made from it.
///
/// # Example
/// ```
/// use tenancy_core::{Actor, InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (id, acme) = (TenantId::parse("7")?, TenantSlug::parse("acme")?);
/// let registry = InMemoryRegistry::new();
/// registry.insert(Tenant::builder(id, acme).build()?)?;
///
/// let cx = TenantContext::for_request(registry.by_slug(&acme).await?, Actor::user("u-1"))?;
/// registry.set_status(&id, TenantStatus::Suspended)?;
/// assert!(cx.ensure_live().unwrap_err().is_suspended());
/// // Another tenant can't take the slug.
/// assert!(registry.insert(Tenant::builder(TenantId::parse("8")?, acme).build()?).is_err());
/// # Ok::<(), tenancy_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct InMemoryRegistry(Arc<RwLock<Tables>>);

#[derive(Debug, Default)]
struct Tables {
    tenants: HashMap<TenantId, Arc<Tenant>>,
    slugs: HashMap<TenantSlug, TenantId>,
    domains: HashMap<DomainName, TenantId>,
    api_keys: HashMap<ApiKeyHash, TenantId>,
}

impl InMemoryRegistry {
    /// A registry without tenants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tenant.
    ///
    /// # Errors
    /// [`ErrorKind::ApiMisuse`] if its id or slug is taken; nothing has changed then.
    pub fn insert(&self, tenant: impl Into<Arc<Tenant>>) -> Result<Arc<Tenant>, Error> {
        let tenant = tenant.into();
        let mut tables = self.write();
        if tables.tenants.contains_key(&tenant.id()) {
            return Err(taken(
                "this tenant id is taken; use `replace` to change a tenant",
            ));
        }
        if tables.slugs.contains_key(tenant.slug()) {
            return Err(taken("this slug is taken; choose another"));
        }
        tables.slugs.insert(*tenant.slug(), tenant.id());
        tables.tenants.insert(tenant.id(), Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Puts a later state of a tenant in place of the one it has. Its domains and API keys stay.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant; [`ErrorKind::ApiMisuse`] if the epoch has not grown or
    /// the slug is taken. Nothing has changed then.
    pub fn replace(&self, tenant: impl Into<Arc<Tenant>>) -> Result<Arc<Tenant>, Error> {
        let mut tenant = tenant.into();
        let mut tables = self.write();
        let old = Arc::clone(
            tables
                .tenants
                .get(&tenant.id())
                .ok_or_else(Error::unknown_tenant)?,
        );
        if tables
            .slugs
            .get(tenant.slug())
            .is_some_and(|owner| *owner != tenant.id())
        {
            return Err(taken("this slug is taken; choose another"));
        }
        let later = tenant.epoch() > old.epoch();
        later
            .then(|| tenant.adopt(old.live()))
            .flatten()
            .ok_or_else(|| taken("the epoch must grow with every change of a tenant"))?;
        tables.slugs.remove(old.slug());
        tables.slugs.insert(*tenant.slug(), tenant.id());
        tables.tenants.insert(tenant.id(), Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Gives a tenant another status, one epoch later. Every context made from this registry sees it at once.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant.
    pub fn set_status(&self, id: &TenantId, status: TenantStatus) -> Result<Arc<Tenant>, Error> {
        let mut tables = self.write();
        let tenant = tables
            .tenants
            .get_mut(id)
            .ok_or_else(Error::unknown_tenant)?;
        *tenant = Arc::new(tenant.with_status(status));
        Ok(Arc::clone(tenant))
    }

    /// Takes a tenant out, with its slug, domains and API keys. Contexts made from it refuse from now on.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant.
    pub fn remove(&self, id: &TenantId) -> Result<Arc<Tenant>, Error> {
        let mut tables = self.write();
        let tenant = tables
            .tenants
            .remove(id)
            .ok_or_else(Error::unknown_tenant)?;
        tables.slugs.retain(|_, owner| owner != id);
        tables.domains.retain(|_, owner| owner != id);
        tables.api_keys.retain(|_, owner| owner != id);
        Ok(Arc::new(tenant.with_status(TenantStatus::Offboarding)))
    }

    /// Gives a tenant a domain of its own.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant; [`ErrorKind::ApiMisuse`] if the domain is taken.
    pub fn add_domain(&self, id: &TenantId, domain: DomainName) -> Result<(), Error> {
        let mut tables = self.write();
        if !tables.tenants.contains_key(id) {
            return Err(Error::unknown_tenant());
        }
        if tables.domains.get(&domain).is_some_and(|owner| owner != id) {
            return Err(taken(
                "this domain is taken; remove it from the tenant that has it first",
            ));
        }
        tables.domains.insert(domain, *id);
        Ok(())
    }

    /// Gives a tenant an API key.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant; [`ErrorKind::ApiMisuse`] if another tenant has the key.
    pub fn add_api_key(&self, id: &TenantId, key: ApiKeyHash) -> Result<(), Error> {
        let mut tables = self.write();
        if !tables.tenants.contains_key(id) {
            return Err(Error::unknown_tenant());
        }
        if tables.api_keys.get(&key).is_some_and(|owner| owner != id) {
            return Err(taken("this API key is taken; draw another"));
        }
        tables.api_keys.insert(key, *id);
        Ok(())
    }

    fn find(&self, key: &LookupKey) -> Option<Arc<Tenant>> {
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let id = match key {
            LookupKey::Id(id) => id,
            LookupKey::Slug(slug) => tables.slugs.get(slug)?,
            LookupKey::Domain(domain) => tables.domains.get(domain)?,
            LookupKey::ApiKey(key) => tables.api_keys.get(key)?,
        };
        tables.tenants.get(id).cloned()
    }

    /// No change is left half done, so a panic elsewhere does not spoil the tables.
    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn taken(message: &'static str) -> Error {
    Error::new(ErrorKind::ApiMisuse, message)
}

#[deny(clippy::missing_trait_methods)]
impl TenantRegistry for InMemoryRegistry {
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
        Box::pin(std::future::ready(Ok(self.find(key))))
    }

    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, Error>> {
        let found = self.find(key).map(Resolved::from);
        Box::pin(std::future::ready(Ok(found)))
    }

    fn peek(&self, key: &LookupKey) -> Known {
        self.find(key).map_or(Known::Absent, Known::Tenant)
    }

    fn peek_slug(&self, label: &[u8]) -> Known {
        TenantSlug::from_label(label)
            .map_or(Known::Unsure, |slug| self.peek(&LookupKey::Slug(slug)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, Placement};

    fn id(text: &str) -> TenantId {
        TenantId::parse(text).unwrap()
    }

    fn build(id_text: &str, slug: &str, epoch: u64) -> Tenant {
        Tenant::builder(id(id_text), TenantSlug::parse(slug).unwrap())
            .epoch(epoch)
            .build()
            .unwrap()
    }

    #[tokio::test]
    async fn every_key_leads_to_its_tenant_and_no_other() {
        let registry = InMemoryRegistry::new();
        registry.insert(build("1", "acme", 1)).unwrap();
        registry.insert(build("10", "globex", 1)).unwrap();
        let domain = DomainName::parse("crm.acme.example").unwrap();
        registry.add_domain(&id("1"), domain.clone()).unwrap();
        registry
            .add_api_key(&id("10"), ApiKeyHash::of("k"))
            .unwrap();
        let check = async |key: LookupKey, expect: Option<&str>| {
            let found = registry.lookup(&key).await.unwrap();
            assert_eq!(found.map(|tenant| tenant.id()), expect.map(id), "{key:?}");
        };
        check(LookupKey::Id(id("1")), Some("1")).await;
        check(LookupKey::Id(id("100")), None).await;
        check(
            LookupKey::Slug(TenantSlug::parse("globex").unwrap()),
            Some("10"),
        )
        .await;
        check(LookupKey::Domain(domain.clone()), Some("1")).await;
        check(LookupKey::ApiKey(ApiKeyHash::of("k")), Some("10")).await;
        check(LookupKey::ApiKey(ApiKeyHash::of("K")), None).await;
        assert!(registry.add_domain(&id("10"), domain.clone()).is_err());
        assert!(registry.add_api_key(&id("1"), ApiKeyHash::of("k")).is_err());
        registry.remove(&id("1")).unwrap();
        check(LookupKey::Domain(domain), None).await;
        check(LookupKey::Slug(TenantSlug::parse("acme").unwrap()), None).await;
    }

    #[test]
    fn replacing_needs_a_later_epoch_and_a_free_slug() {
        let registry = InMemoryRegistry::new();
        let old = registry.insert(build("1", "acme", 1)).unwrap();
        registry.insert(build("2", "globex", 1)).unwrap();
        let check = |tenant: Tenant, expect: Option<ErrorKind>| {
            assert_eq!(registry.replace(tenant).err().map(|e| e.kind()), expect);
        };
        check(build("1", "acme", 1), Some(ErrorKind::ApiMisuse));
        check(build("1", "globex", 2), Some(ErrorKind::ApiMisuse));
        check(build("3", "initech", 2), Some(ErrorKind::UnknownTenant));
        check(build("1", "acme-eu", 2), None);
        assert!(
            old.ensure_admits(Operation::Request).is_ok(),
            "a new slug does not disturb work under way"
        );
        assert!(
            registry.insert(build("4", "acme", 1)).is_ok(),
            "the old slug is free"
        );
        let moved = Tenant::builder(id("1"), TenantSlug::parse("acme-eu").unwrap())
            .placement(Placement::schema(&id("1")))
            .epoch(3);
        check(moved.build().unwrap(), None);
        assert_eq!(
            old.ensure_admits(Operation::Request).unwrap_err().kind(),
            ErrorKind::Moved
        );
    }

    #[test]
    fn removal_refuses_work_under_way() {
        let registry = InMemoryRegistry::new();
        let tenant = registry.insert(build("1", "acme", 1)).unwrap();
        registry.remove(&id("1")).unwrap();
        assert!(
            tenant
                .ensure_admits(Operation::Job)
                .unwrap_err()
                .is_suspended()
        );
        assert!(registry.remove(&id("1")).unwrap_err().is_unknown_tenant());
    }
}
