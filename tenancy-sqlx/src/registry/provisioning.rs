//! What [`Provisioner`](crate::Provisioner) asks of the registry: the row that comes first, and the lock.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tenancy_core::{
    Actor, AuditKind, Error as CoreError, Placement, Tenant, TenantId, TenantSlug, TenantStatus,
};

use super::change::Change;
use super::row::{select_tenants, tenant};
use super::{Lock, SqlRegistry, Value, unavailable};
use crate::{Error, Result, TenantDb};

/// A tenant that is to be.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: TenantId,
    pub(crate) slug: TenantSlug,
    pub(crate) name: String,
    pub(crate) placement: Placement,
    pub(crate) plan: Option<String>,
    pub(crate) settings: Map<String, Json>,
    pub(crate) features: Vec<String>,
}

impl<DB: TenantDb> SqlRegistry<DB> {
    /// Takes the lock under which one tenant is provisioned.
    ///
    /// # Errors
    /// [`Error::ProvisioningBusy`] if somebody else has it and keeps it.
    pub(crate) async fn lock_provisioning(&self, slug: &TenantSlug) -> Result<Lock> {
        let name = format!("tenancy provision {slug}");
        match self.store.lock(&name).await {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(Error::ProvisioningBusy),
            Err(error) => Err(unavailable(error).into()),
        }
    }

    /// This registry's own name: random, made once, unlike that of any other registry.
    pub(crate) async fn identity(&self) -> Result<String> {
        let mut rows = self
            .fetch("SELECT id FROM tenancy.registry", vec![])
            .await?;
        let row = rows.first_mut().ok_or_else(|| {
            CoreError::new(
                tenancy_core::ErrorKind::RegistryUnavailable,
                "the registry is empty; run `SqlRegistry::migrate` first",
            )
        })?;
        Ok(row.text("id").map_err(CoreError::from)?)
    }

    /// Finds the tenant of this slug, whatever its status.
    pub(crate) async fn find_slug(&self, slug: &TenantSlug) -> Result<Option<Arc<Tenant>>> {
        let mut rows = self
            .fetch(
                select_tenants!("WHERE t.slug = $1"),
                vec![slug.as_str().into()],
            )
            .await?;
        match rows.first_mut() {
            Some(row) => Ok(Some(tenant(row).map_err(CoreError::from)?)),
            None => Ok(None),
        }
    }

    /// Writes the row of a tenant that is to be, with the status *provisioning* and an audit row.
    ///
    /// # Errors
    /// [`Error::SlugTaken`] if a tenant has the slug or had it; [`Error::IdTaken`] for the id.
    pub(crate) async fn register(&self, draft: &Draft, actor: &Actor) -> Result<Arc<Tenant>> {
        let mut change = Change::begin(self.store()).await?;
        let slug = Value::from(draft.slug.as_str());
        let taken = change
            .fetch(
                "SELECT 1 FROM tenancy.tombstones WHERE slug = $1 \
                 UNION ALL SELECT 1 FROM tenancy.tenants WHERE slug = $1",
                vec![slug.clone()],
            )
            .await?;
        if !taken.is_empty() {
            return Err(Error::SlugTaken);
        }
        let values = vec![
            draft.id.to_string().into(),
            slug.clone(),
            draft.name.clone().into(),
            TenantStatus::Provisioning.as_str().into(),
            draft.placement.isolation().as_str().into(),
            draft.placement.server().as_str().into(),
            Value::optional(draft.placement.name()),
            Value::optional(draft.plan.as_deref()),
            Json::Object(draft.settings.clone()).to_string().into(),
            Json::from(draft.features.clone()).to_string().into(),
            change.epoch().into(),
            change.now().into(),
        ];
        change
            .insert(
                "INSERT INTO tenancy.tenants \
                 (id, slug, name, status, isolation, server, placement_name, plan, settings, features, epoch, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
                values,
                || Error::IdTaken,
            )
            .await?;
        change
            .audit(
                AuditKind::Provisioned.as_str(),
                draft.id,
                actor,
                "began to provision",
                None,
            )
            .await?;
        let mut rows = change
            .fetch(select_tenants!("WHERE t.slug = $1"), vec![slug])
            .await?;
        let row = rows.first_mut().ok_or_else(super::change::unknown)?;
        let registered = tenant(row).map_err(CoreError::from)?;
        change.commit().await?;
        Ok(registered)
    }

    /// Writes what a second attempt asks for into the row that the first one left.
    pub(crate) async fn register_again(&self, draft: &Draft) -> Result<()> {
        let mut change = Change::begin(self.store()).await?;
        change.touch(draft.id).await?;
        let values = vec![
            draft.id.to_string().into(),
            draft.name.clone().into(),
            Value::optional(draft.plan.as_deref()),
            Json::Object(draft.settings.clone()).to_string().into(),
            Json::from(draft.features.clone()).to_string().into(),
        ];
        change
            .fetch(
                "UPDATE tenancy.tenants SET name = $2, plan = $3, settings = $4, features = $5 \
                 WHERE id = $1 AND status = 'provisioning'",
                values,
            )
            .await?;
        change.commit().await
    }

    /// The tenant of this slug, if it is still being provisioned.
    ///
    /// # Errors
    /// `UnknownTenant`; `ApiMisuse` if it was activated.
    pub(crate) async fn provisioning(&self, slug: &TenantSlug) -> Result<Arc<Tenant>> {
        let tenant = self
            .find_slug(slug)
            .await?
            .ok_or_else(super::change::unknown)?;
        if tenant.status() == TenantStatus::Provisioning {
            Ok(tenant)
        } else {
            Err(CoreError::new(
                tenancy_core::ErrorKind::ApiMisuse,
                "this tenant was activated; offboard it instead of abandoning it",
            )
            .into())
        }
    }

    /// Removes the row of a tenant that was never active; its slug is free again.
    pub(crate) async fn forget(&self, tenant: TenantId, actor: &Actor, reason: &str) -> Result<()> {
        let mut change = Change::begin(self.store()).await?;
        let id = Value::from(tenant.to_string());
        for sql in [
            "DELETE FROM tenancy.domains WHERE tenant = $1",
            "DELETE FROM tenancy.api_keys WHERE tenant = $1",
            "DELETE FROM tenancy.tenants WHERE id = $1 AND status = 'provisioning'",
        ] {
            change.fetch(sql, vec![id.clone()]).await?;
        }
        change
            .audit("abandoned", tenant, actor, reason, None)
            .await?;
        change.commit().await
    }
}
