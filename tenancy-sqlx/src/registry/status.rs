//! The life of a tenant, as verbs: suspend, resume, offboard, bury.

use tenancy_core::{
    Actor, AuditKind, Error as CoreError, ErrorKind, RegistryEvent, TenantId, TenantStatus,
};

use super::change::{Change, unknown};
use super::row::parsed;
use super::{SqlRegistry, Value};
use crate::{Result, TenantDb};

impl<DB: TenantDb> SqlRegistry<DB> {
    /// Sets the status of a tenant and writes an audit row, in one transaction.
    ///
    /// Hand the event to [`CachedRegistry::apply`](tenancy_core::CachedRegistry) so that it bites in this process at once;
    /// others learn of it through [`Self::watch`]. A tenant that has the status already keeps its epoch.
    ///
    /// | from | to |
    /// |---|---|
    /// | provisioning | offboarding (only [`Provisioner`](crate::Provisioner) activates) |
    /// | active, read-only, suspended | each other, offboarding |
    /// | offboarding | nothing; see [`Self::bury`] |
    ///
    /// # Errors
    /// `UnknownTenant`; `ApiMisuse` for a step that is not in the table or an empty reason; `RegistryUnavailable`.
    pub async fn set_status(
        &self,
        tenant: TenantId,
        to: TenantStatus,
        actor: &Actor,
        reason: &str,
    ) -> Result<RegistryEvent> {
        if to == TenantStatus::Active {
            let from = self.status_of(tenant).await?;
            if from == TenantStatus::Provisioning {
                return Err(refused_step().into());
            }
        }
        self.step(tenant, to, actor, reason).await
    }

    /// The same, for [`Provisioner`](crate::Provisioner) too: it may activate what it provisioned.
    pub(crate) async fn step(
        &self,
        tenant: TenantId,
        to: TenantStatus,
        actor: &Actor,
        reason: &str,
    ) -> Result<RegistryEvent> {
        if reason.trim().is_empty() {
            return Err(CoreError::new(
                ErrorKind::ApiMisuse,
                "a change of status needs a reason; the audit log keeps it",
            )
            .into());
        }
        let mut change = Change::begin(self.store()).await?;
        let mut rows = change
            .fetch(
                "SELECT status, epoch FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        let from = row
            .text("status")
            .and_then(|text| parsed("status", text, TenantStatus::parse))
            .map_err(CoreError::from)?;
        if from == to {
            // Rolled back: nothing changed, so nothing is announced.
            let epoch = row.int("epoch").map_err(CoreError::from)?.unsigned_abs();
            return Ok(RegistryEvent {
                tenant,
                epoch,
                status: to,
            });
        }
        let kind = kind_of_step(from, to).ok_or_else(refused_step)?;
        let values = vec![
            tenant.to_string().into(),
            to.as_str().into(),
            change.epoch().into(),
            change.now().into(),
        ];
        change
            .fetch(
                "UPDATE tenancy.tenants SET status = $2, epoch = $3, updated_at = $4 WHERE id = $1",
                values,
            )
            .await?;
        let detail = format!(r#"{{"from":"{from}","to":"{to}"}}"#);
        change
            .audit(kind.as_str(), tenant, actor, reason, Some(detail))
            .await?;
        let event = change.event(tenant, to);
        change.commit().await?;
        Ok(event)
    }

    /// Removes an offboarded tenant's row for good and keeps its slug from being given to somebody else.
    ///
    /// Its data are not touched; erase them first. Its audit rows stay.
    ///
    /// # Errors
    /// `UnknownTenant`; `ApiMisuse` if it is not being offboarded; `RegistryUnavailable`.
    pub async fn bury(&self, tenant: TenantId, actor: &Actor, reason: &str) -> Result<()> {
        let mut change = Change::begin(self.store()).await?;
        let id = Value::from(tenant.to_string());
        let mut rows = change
            .fetch(
                "SELECT slug, status FROM tenancy.tenants WHERE id = $1",
                vec![id.clone()],
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        let slug = row.text("slug").map_err(CoreError::from)?;
        if row.text("status").map_err(CoreError::from)? != TenantStatus::Offboarding.as_str() {
            return Err(refused_step().into());
        }
        let values = vec![slug.into(), id.clone(), change.now().into()];
        change
            .fetch(
                "INSERT INTO tenancy.tombstones (slug, tenant, buried_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                values,
            )
            .await?;
        for sql in [
            "DELETE FROM tenancy.domains WHERE tenant = $1",
            "DELETE FROM tenancy.api_keys WHERE tenant = $1",
            "DELETE FROM tenancy.tenants WHERE id = $1",
        ] {
            change.fetch(sql, vec![id.clone()]).await?;
        }
        change.audit("buried", tenant, actor, reason, None).await?;
        change.commit().await
    }

    async fn status_of(&self, tenant: TenantId) -> Result<TenantStatus> {
        let mut rows = self
            .fetch(
                "SELECT status FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        Ok(row
            .text("status")
            .and_then(|text| parsed("status", text, TenantStatus::parse))
            .map_err(CoreError::from)?)
    }
}

/// What a step is called in the audit log; `None` if it is not allowed.
fn kind_of_step(from: TenantStatus, to: TenantStatus) -> Option<AuditKind> {
    use TenantStatus::{Active, Offboarding, Provisioning, ReadOnly, Suspended};
    match (from, to) {
        (Provisioning, Active) => Some(AuditKind::Activated),
        (Provisioning | Active | ReadOnly | Suspended, Offboarding) => Some(AuditKind::Offboarded),
        (Active | ReadOnly, Suspended) => Some(AuditKind::Suspended),
        (Suspended | ReadOnly, Active) | (Suspended, ReadOnly) => Some(AuditKind::Resumed),
        (Active, ReadOnly) => Some(AuditKind::Suspended),
        _ => None,
    }
}

fn refused_step() -> CoreError {
    CoreError::new(
        ErrorKind::ApiMisuse,
        "a tenant of this status can't be given that one; see `SqlRegistry::set_status`",
    )
}
