//! API keys: shown once, kept as a hash.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// What is known of a key that was made. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its first characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was last used, as far as that was noted.
    pub last_used_at: Option<i64>,
    /// Until when it leads to its tenant, if another took its place.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

const INSERT: &str =
    "INSERT INTO tenancy.api_keys (hash, tenant, prefix, created_at) VALUES ($1, $2, $3, $4)";

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
        change.fetch(INSERT, values).await?;
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

    /// Puts a new API key in the place of one, which goes on leading to the tenant for the time of `overlap`: callers change over
    /// meanwhile, and none of them sees a refusal. The old key is named by its prefix, as [`api_keys`](Self::api_keys) lists it.
    ///
    /// A cache serves the old key to the end of the overlap and not beyond, by the clock of its machine.
    ///
    /// # Errors
    /// `UnknownTenant` if the tenant has no valid key of this prefix, or several; `RegistryUnavailable`.
    pub async fn rotate_api_key(
        &self,
        tenant: TenantId,
        prefix: &str,
        overlap: Duration,
        actor: &Actor,
    ) -> Result<ApiKey> {
        let key = ApiKey::generate();
        let mut change = Change::begin(self.store()).await?;
        change.touch(tenant).await?;
        let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
        let values = vec![
            tenant.to_string().into(),
            prefix.into(),
            change.now().into(),
            change.now().saturating_add(overlap).into(),
        ];
        // A key whose end is near already does not live longer for being rotated again.
        let old = change
            .fetch(
                "UPDATE tenancy.api_keys SET expires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END \
                 WHERE tenant = $1 AND prefix = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) RETURNING prefix",
                values,
            )
            .await?;
        if old.len() != 1 {
            return Err(unknown().into());
        }
        let values = vec![
            hash(&ApiKeyHash::of(key.reveal())),
            tenant.to_string().into(),
            key.prefix().into(),
            change.now().into(),
        ];
        change.fetch(INSERT, values).await?;
        let detail = serde_json::json!({ "prefix": key.prefix(), "in_place_of": prefix });
        change
            .audit(
                "api_key_rotated",
                tenant,
                actor,
                "rotated an API key",
                Some(detail.to_string()),
            )
            .await?;
        change.commit().await?;
        Ok(key)
    }

    /// Revokes a tenant's API key by its prefix, as [`api_keys`](Self::api_keys) lists it.
    ///
    /// # Errors
    /// `UnknownTenant` if the tenant has no valid key of this prefix, or several; `RegistryUnavailable`.
    pub async fn revoke_listed_api_key(
        &self,
        tenant: TenantId,
        prefix: &str,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let values = vec![
            prefix.into(),
            tenant.to_string().into(),
            change.now().into(),
        ];
        let rows = change
            .fetch(
                "UPDATE tenancy.api_keys SET revoked_at = $3 WHERE prefix = $1 AND tenant = $2 AND revoked_at IS NULL RETURNING prefix",
                values,
            )
            .await?;
        if rows.len() != 1 {
            return Err(unknown().into());
        }
        change
            .audit(
                "api_key_revoked",
                tenant,
                actor,
                "revoked an API key",
                detail(prefix),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }

    /// The keys of a tenant, the newest first, revoked ones too. Only their prefixes: nobody can read a key again.
    ///
    /// # Errors
    /// `RegistryUnavailable`.
    pub async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKeyRow>> {
        let mut rows = self
            .fetch(
                "SELECT prefix, created_at, last_used_at, expires_at, revoked_at FROM tenancy.api_keys \
                 WHERE tenant = $1 ORDER BY created_at DESC, prefix",
                vec![tenant.to_string().into()],
            )
            .await?;
        let read = rows.iter_mut().map(|row| {
            Ok(ApiKeyRow {
                prefix: row.text("prefix")?,
                created_at: row.int("created_at")?,
                last_used_at: row.optional_int("last_used_at")?,
                expires_at: row.optional_int("expires_at")?,
                revoked_at: row.optional_int("revoked_at")?,
            })
        });
        let read: Result<_, super::RowError> = read.collect();
        Ok(read.map_err(tenancy_core::Error::from)?)
    }

    /// Notes when keys were last used, as `tenancy_http::UsedKeys` collects it.
    ///
    /// # Errors
    /// `RegistryUnavailable`; some may have been noted then.
    pub async fn mark_api_keys_used(&self, keys: &[(ApiKeyHash, SystemTime)]) -> Result<()> {
        for (key, at) in keys {
            let at = at.duration_since(UNIX_EPOCH).map_or(0, |since| {
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            });
            self.fetch(
                "UPDATE tenancy.api_keys SET last_used_at = $2 WHERE hash = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
                vec![hash(key), at.into()],
            )
            .await?;
        }
        Ok(())
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
