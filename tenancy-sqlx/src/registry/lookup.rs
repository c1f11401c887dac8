//! Who is this: by id, slug, verified domain or API key.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_core::future::BoxFuture;
use tenancy_core::{Error as CoreError, LookupKey, Resolved, Tenant, TenantRegistry};

use super::change::now;
use super::row::{RowError, select_tenants, tenant};
use super::store::{Row, Value};
use super::{SqlRegistry, unavailable};
use crate::TenantDb;

impl<DB: TenantDb> TenantRegistry for SqlRegistry<DB> {
    /// One statement by a unique key.
    ///
    /// A domain leads to a tenant only after [`verify_domain`](SqlRegistry::verify_domain), a key until it is revoked or its
    /// time is over. Tenants of every status are found: who may work for them is decided by whoever makes the context.
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, CoreError>> {
        Box::pin(async move {
            let found = self.lookup_until(key).await?;
            Ok(found.map(|found| found.tenant))
        })
    }

    /// The same, with the end of an API key's overlap after a rotation.
    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, CoreError>> {
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
                        ", k.expires_at",
                        "JOIN tenancy.api_keys k ON k.tenant = t.id WHERE k.hash = $1 AND k.revoked_at IS NULL \
                         AND (k.expires_at IS NULL OR k.expires_at > $2)"
                    ),
                    vec![Value::Bytes(hash.as_bytes().to_vec()), now().into()],
                ),
            };
            let mut rows = self.store.fetch(sql, values).await.map_err(unavailable)?;
            match rows.first_mut() {
                Some(row) => Ok(Some(Resolved {
                    tenant: tenant(row)?,
                    until: match key {
                        LookupKey::ApiKey(_) => expiry(row)?,
                        LookupKey::Id(_) | LookupKey::Slug(_) | LookupKey::Domain(_) => None,
                    },
                })),
                None => Ok(None),
            }
        })
    }
}

/// When a key is over, if it is to be.
fn expiry(row: &mut Row) -> Result<Option<SystemTime>, RowError> {
    let millis = row.optional_int("expires_at")?;
    // Before 1970 is over as well.
    let time =
        |millis| UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    Ok(millis.map(time))
}
