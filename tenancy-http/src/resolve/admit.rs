//! From a label to a context: what the registry is asked, and what becomes of its answer.

use std::sync::Arc;

use tenancy_core::{
    Actor, Error, ErrorKind, LookupKey, Tenant, TenantContext, TenantRegistry, TenantSlug,
};

use crate::Problem;

/// Asks the registry for the tenant of this slug, and makes the context of a request of it.
///
/// The actor is anonymous: a host name says for which tenant, and nothing about who asks.
pub(super) async fn admit(
    registry: Arc<dyn TenantRegistry>,
    slug: TenantSlug,
) -> Result<TenantContext, Problem> {
    let key = LookupKey::Slug(slug);
    let found = registry.lookup(&key).await;
    found
        .and_then(|tenant| judge(tenant, &slug))
        .map_err(|refused| Problem::reported(&refused, Some(&slug)))
}

/// A tenant is evidence only if it is the one that was asked for.
fn judge(found: Option<Arc<Tenant>>, slug: &TenantSlug) -> Result<TenantContext, Error> {
    let tenant = found.ok_or_else(|| {
        Error::new(
            ErrorKind::UnknownTenant,
            "the registry knows no tenant by this slug",
        )
    })?;
    if tenant.slug() != slug {
        tracing::error!(asked = %slug, answered = %tenant.slug(), tenant.id = %tenant.id(), "the registry mixed up tenants");
        return Err(Error::new(
            ErrorKind::WrongTenant,
            "the registry answered another tenant than it was asked for; make it compare slugs byte by byte",
        ));
    }
    TenantContext::for_request(tenant, Actor::anonymous())
}
