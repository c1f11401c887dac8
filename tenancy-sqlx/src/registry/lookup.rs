//! Who is this: by id, slug, verified domain or API key.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use tenancy_core::{Error as CoreError, LookupKey, Tenant, TenantRegistry};

use super::change::now;
use super::row::{select_tenants, tenant};
use super::store::Value;
use super::{SqlRegistry, unavailable};
use crate::TenantDb;

impl<DB: TenantDb> TenantRegistry for SqlRegistry<DB> {
    /// One statement by a unique key.
    ///
    /// A domain leads to a tenant only after [`verify_domain`](SqlRegistry::verify_domain), a key until it is revoked or its
    /// time is over. Tenants
    /// of every status are found: who may work for them is decided by whoever makes the context.
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, CoreError>> {
        Box::pin(async move {
            let (sql, values) = match key {
                LookupKey::Id(id) => (
                    select_tenants!("WHERE t.id = $1"),
                    vec![Value::Text(id.to_string())],
                ),
                LookupKey::Slug(slug) => (
                    select_tenants!("WHERE t.slug = $1"),
                    vec![slug.as_str().into()],
                ),
                LookupKey::Domain(domain) => (
                    select_tenants!(
                        "JOIN tenancy.domains d ON d.tenant = t.id WHERE d.domain = $1 AND d.verified_at IS NOT NULL"
                    ),
                    vec![domain.as_str().into()],
                ),
                LookupKey::ApiKey(hash) => (
                    select_tenants!(
                        "JOIN tenancy.api_keys k ON k.tenant = t.id WHERE k.hash = $1 AND k.revoked_at IS NULL \
                         AND (k.expires_at IS NULL OR k.expires_at > $2)"
                    ),
                    vec![Value::Bytes(hash.as_bytes().to_vec()), now().into()],
                ),
            };
            let mut rows = self.store.fetch(sql, values).await.map_err(unavailable)?;
            match rows.first_mut() {
                Some(row) => Ok(Some(tenant(row)?)),
                None => Ok(None),
            }
        })
    }
}
