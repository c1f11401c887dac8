//! API keys: shown once, kept as a hash.

use std::fmt;

use tenancy_core::{Actor, ApiKeyHash, RegistryEvent, TenantId};
use uuid::Uuid;

use super::change::{Change, now, unknown};
use super::{SqlRegistry, Value};
use crate::{Result, TenantDb};

/// An API key in the clear. It exists only here: the registry keeps its hash.
///
/// `Debug` shows the first characters only, which the registry keeps too so that people can tell keys apart.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(Box<str>);

/// `tk_` and this many characters are kept in the clear.
const PREFIX: usize = 11;

impl ApiKey {
    /// 244 random bits from the operating system, in hexadecimal.
    fn generate() -> Self {
        let (a, b) = (Uuid::new_v4(), Uuid::new_v4());
        Self(format!("tk_{}{}", a.simple(), b.simple()).into())
    }

    /// The text to hand over, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The start of the key, as listed later.
    pub fn prefix(&self) -> &str {
        self.0.get(..PREFIX).unwrap_or(&self.0)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}..)", self.prefix())
    }
}

impl<DB: TenantDb> SqlRegistry<DB> {
    /// Makes an API key for a tenant. The key is returned once and can't be read again.
    ///
    /// # Errors
    /// `UnknownTenant`, `RegistryUnavailable`.
    pub async fn add_api_key(&self, tenant: TenantId, actor: &Actor) -> Result<ApiKey> {
        let key = ApiKey::generate();
        let mut change = Change::begin(self.store()).await?;
        change.touch(tenant).await?;
        let values = vec![
            hash(&ApiKeyHash::of(key.reveal())),
            tenant.to_string().into(),
            key.prefix().into(),
            change.now().into(),
        ];
        change
            .fetch(
                "INSERT INTO tenancy.api_keys (hash, tenant, prefix, created_at) VALUES ($1, $2, $3, $4)",
                values,
            )
            .await?;
        change
            .audit(
                "api_key_added",
                tenant,
                actor,
                "made an API key",
                detail(key.prefix()),
            )
            .await?;
        change.commit().await?;
        Ok(key)
    }

    /// Revokes a tenant's API key. Apply the event to caches, which forget what they knew of the tenant.
    ///
    /// # Errors
    /// `UnknownTenant` if it is not a valid key of this tenant; `RegistryUnavailable`.
    pub async fn revoke_api_key(
        &self,
        tenant: TenantId,
        key: &ApiKeyHash,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let values = vec![hash(key), tenant.to_string().into(), change.now().into()];
        let mut rows = change
            .fetch(
                "UPDATE tenancy.api_keys SET revoked_at = $3 WHERE hash = $1 AND tenant = $2 AND revoked_at IS NULL RETURNING prefix",
                values,
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        let prefix = row.text("prefix").map_err(tenancy_core::Error::from)?;
        change
            .audit(
                "api_key_revoked",
                tenant,
                actor,
                "revoked an API key",
                detail(&prefix),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }

    /// Notes that a key was used. Lookups don't: most never get past the cache.
    ///
    /// # Errors
    /// `RegistryUnavailable`.
    pub async fn mark_api_key_used(&self, key: &ApiKeyHash) -> Result<()> {
        self.fetch(
            "UPDATE tenancy.api_keys SET last_used_at = $2 WHERE hash = $1",
            vec![hash(key), now().into()],
        )
        .await?;
        Ok(())
    }
}

fn hash(key: &ApiKeyHash) -> Value {
    Value::Bytes(key.as_bytes().to_vec())
}

fn detail(prefix: &str) -> Option<String> {
    Some(serde_json::json!({ "prefix": prefix }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_start_only() {
        let key = ApiKey::generate();
        assert_eq!(key.reveal().len(), 3 + 64);
        assert_eq!(key.prefix().len(), PREFIX);
        assert_eq!(format!("{key:?}"), format!("ApiKey({}..)", key.prefix()));
        assert_ne!(key, ApiKey::generate());
    }
}
