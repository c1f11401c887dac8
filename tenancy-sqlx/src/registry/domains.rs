//! Domains of tenants' own: claimed first, theirs once verified.

use tenancy_core::{Actor, DomainName, Error as CoreError, ErrorKind, RegistryEvent, TenantId};

use super::change::{Change, unknown};
use super::row::parsed;
use super::{SqlRegistry, Value};
use crate::{Result, TenantDb};

/// A domain that a tenant claims. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRow {
    /// The domain.
    pub domain: DomainName,
    /// When it was claimed.
    pub created_at: i64,
    /// When the tenant proved that it is its own; until then it leads nowhere.
    pub verified_at: Option<i64>,
}

impl<DB: TenantDb> SqlRegistry<DB> {
    /// The domains that a tenant claims, by name.
    ///
    /// # Errors
    /// `RegistryUnavailable`, or the [`RowError`](super::RowError) of a row that can't be read.
    pub async fn domains(&self, tenant: TenantId) -> Result<Vec<DomainRow>> {
        let mut rows = self
            .fetch(
                "SELECT domain, created_at, verified_at FROM tenancy.domains WHERE tenant = $1 ORDER BY domain",
                vec![tenant.to_string().into()],
            )
            .await?;
        let read = rows.iter_mut().map(|row| {
            Ok(DomainRow {
                domain: parsed("domain", row.text("domain")?, DomainName::parse)?,
                created_at: row.int("created_at")?,
                verified_at: row.optional_int("verified_at")?,
            })
        });
        let read: Result<_, super::RowError> = read.collect();
        Ok(read.map_err(CoreError::from)?)
    }

    /// All verified domains of tenants that requests may be for: what a proxy may get certificates for.
    ///
    /// # Errors
    /// `RegistryUnavailable`, or the [`RowError`](super::RowError) of a row that can't be read.
    pub async fn served_domains(&self) -> Result<Vec<DomainName>> {
        let mut rows = self
            .fetch(
                "SELECT d.domain FROM tenancy.domains d JOIN tenancy.tenants t ON t.id = d.tenant \
                 WHERE d.verified_at IS NOT NULL AND t.status IN ('active', 'read_only') ORDER BY d.domain",
                vec![],
            )
            .await?;
        let read = rows
            .iter_mut()
            .map(|row| parsed("domain", row.text("domain")?, DomainName::parse));
        let read: Result<_, super::RowError> = read.collect();
        Ok(read.map_err(CoreError::from)?)
    }

    /// Notes that a tenant claims a domain. It leads nowhere until [`Self::verify_domain`].
    ///
    /// Several tenants may claim one domain, so that nobody can block another by claiming first. Claiming again is no error.
    ///
    /// # Errors
    /// `UnknownTenant`, `RegistryUnavailable`.
    pub async fn add_domain(
        &self,
        tenant: TenantId,
        domain: &DomainName,
        actor: &Actor,
    ) -> Result<()> {
        let mut change = Change::begin(self.store()).await?;
        change.touch(tenant).await?;
        let values = vec![
            domain.as_str().into(),
            tenant.to_string().into(),
            change.now().into(),
        ];
        change
            .fetch(
                "INSERT INTO tenancy.domains (domain, tenant, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                values,
            )
            .await?;
        change
            .audit(
                "domain_added",
                tenant,
                actor,
                "claimed a domain",
                detail(domain),
            )
            .await?;
        change.commit().await
    }

    /// Notes that a tenant proved that a domain it claimed is its own; from now on the domain leads to it.
    ///
    /// How it is proved (a DNS record, a file) is the caller's business. A cache may still hold the answer "nobody's" until its
    /// negative time to live is over.
    ///
    /// # Errors
    /// `Forbidden` if another tenant has verified it; `UnknownTenant` if this one did not claim it; `RegistryUnavailable`.
    pub async fn verify_domain(
        &self,
        tenant: TenantId,
        domain: &DomainName,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let values = vec![
            domain.as_str().into(),
            tenant.to_string().into(),
            change.now().into(),
        ];
        let rows = change
            .insert(
                "UPDATE tenancy.domains SET verified_at = $3 WHERE domain = $1 AND tenant = $2 RETURNING tenant",
                values,
                || {
                    CoreError::new(
                        ErrorKind::Forbidden,
                        "this domain was verified by somebody else; they must give it up first",
                    )
                    .into()
                },
            )
            .await?;
        if rows.is_empty() {
            return Err(unknown().into());
        }
        change
            .audit(
                "domain_verified",
                tenant,
                actor,
                "verified a domain",
                detail(domain),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }

    /// Takes a domain away from a tenant.
    ///
    /// # Errors
    /// `UnknownTenant` if it is not the tenant's; `RegistryUnavailable`.
    pub async fn remove_domain(
        &self,
        tenant: TenantId,
        domain: &DomainName,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let values: Vec<Value> = vec![domain.as_str().into(), tenant.to_string().into()];
        let rows = change
            .fetch(
                "DELETE FROM tenancy.domains WHERE domain = $1 AND tenant = $2 RETURNING tenant",
                values,
            )
            .await?;
        if rows.is_empty() {
            return Err(unknown().into());
        }
        change
            .audit(
                "domain_removed",
                tenant,
                actor,
                "removed a domain",
                detail(domain),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }
}

fn detail(domain: &DomainName) -> Option<String> {
    Some(serde_json::json!({ "domain": domain.as_str() }).to_string())
}
