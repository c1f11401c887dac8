//! From a key to a tenant, and from a tenant to a context: what the registry is asked, and what becomes of its answer.

use std::sync::Arc;

use tenancy_core::{
    Actor, Error, ErrorKind, LookupKey, Tenant, TenantContext, TenantRegistry, TenantSlug,
};

use crate::Problem;

/// Asks the registry for the tenant that a key leads to.
pub(super) async fn find(
    registry: &dyn TenantRegistry,
    key: &LookupKey,
) -> Result<Arc<Tenant>, Problem> {
    let found = registry.lookup(key).await;
    found
        .and_then(|tenant| check(tenant, key))
        .map_err(|refused| Problem::reported(&refused, slug(key)))
}

/// The context of a request for a tenant that was found.
///
/// The actor is anonymous: a host name says for which tenant, and nothing about who asks.
pub(super) fn judge(tenant: Arc<Tenant>) -> Result<TenantContext, Problem> {
    let slug = *tenant.slug();
    TenantContext::for_request(tenant, Actor::anonymous())
        .map_err(|refused| Problem::reported(&refused, Some(&slug)))
}

/// The same for an answer that the registry had at hand.
pub(super) fn admit_known(
    found: Option<Arc<Tenant>>,
    key: &LookupKey,
) -> Result<TenantContext, Problem> {
    check(found, key)
        .map_err(|refused| Problem::reported(&refused, slug(key)))
        .and_then(judge)
}

fn slug(key: &LookupKey) -> Option<&TenantSlug> {
    match key {
        LookupKey::Slug(slug) => Some(slug),
        LookupKey::Id(_) | LookupKey::Domain(_) | LookupKey::ApiKey(_) => None,
    }
}

/// A tenant is evidence only if it is the one that was asked for.
fn check(found: Option<Arc<Tenant>>, key: &LookupKey) -> Result<Arc<Tenant>, Error> {
    let tenant = found.ok_or_else(|| {
        Error::new(
            ErrorKind::UnknownTenant,
            "the registry knows no tenant by this key",
        )
    })?;
    let is_asked_for = match key {
        LookupKey::Slug(slug) => tenant.slug() == slug,
        LookupKey::Id(id) => tenant.id() == *id,
        // A tenant does not say which domains and keys lead to it.
        LookupKey::Domain(_) | LookupKey::ApiKey(_) => true,
    };
    if !is_asked_for {
        tracing::error!(asked = ?key, answered = %tenant.slug(), tenant.id = %tenant.id(), "the registry mixed up tenants");
        return Err(Error::new(
            ErrorKind::WrongTenant,
            "the registry answered another tenant than it was asked for; make it compare slugs byte by byte",
        ));
    }
    Ok(tenant)
}
