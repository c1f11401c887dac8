//! A change of the registry: one transaction that takes the next epoch, does its work and writes its audit row.

use std::time::{SystemTime, UNIX_EPOCH};

use tenancy_core::{Actor, Error as CoreError, ErrorKind, RegistryEvent, TenantId, TenantStatus};

use super::row::parsed;
use super::store::{Row, Store, StoreTx, Value};
use super::{audit, unavailable};
use crate::Result;

/// A transaction in progress. Dropped, nothing happened.
pub(super) struct Change {
    tx: Box<dyn StoreTx>,
    epoch: i64,
    now: i64,
}

impl Change {
    /// Begins one. Changes of a registry wait for each other here, so that epochs become visible in their order.
    pub(super) async fn begin(store: &dyn Store) -> Result<Self> {
        let mut tx = store.begin().await.map_err(unavailable)?;
        let mut rows = tx
            .fetch(
                "UPDATE tenancy.registry SET epoch = epoch + 1 RETURNING epoch",
                vec![],
            )
            .await
            .map_err(unavailable)?;
        let epoch = match rows.first_mut() {
            Some(row) => row.int("epoch").map_err(CoreError::from)?,
            None => {
                return Err(CoreError::new(
                    ErrorKind::RegistryUnavailable,
                    "the registry is empty; run `SqlRegistry::migrate` first",
                )
                .into());
            }
        };
        Ok(Self {
            tx,
            epoch,
            now: now(),
        })
    }

    /// The number of this change.
    pub(super) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// When it began, in milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.now
    }

    /// Runs a statement inside.
    pub(super) async fn fetch(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>> {
        Ok(self.tx.fetch(sql, values).await.map_err(unavailable)?)
    }

    /// Runs a statement inside; `taken` says what it means if it meets a unique key.
    pub(super) async fn insert(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        taken: impl FnOnce() -> crate::Error,
    ) -> Result<Vec<Row>> {
        match self.tx.fetch(sql, values).await {
            Ok(rows) => Ok(rows),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(taken()),
            Err(error) => Err(unavailable(error).into()),
        }
    }

    /// Gives the tenant this change's epoch.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is none.
    pub(super) async fn touch(&mut self, tenant: TenantId) -> Result<RegistryEvent> {
        let values = vec![
            tenant.to_string().into(),
            self.epoch.into(),
            self.now.into(),
        ];
        let mut rows = self
            .fetch(
                "UPDATE tenancy.tenants SET epoch = $2, updated_at = $3 WHERE id = $1 RETURNING status",
                values,
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        let status = row
            .text("status")
            .and_then(|text| parsed("status", text, TenantStatus::parse))
            .map_err(CoreError::from)?;
        Ok(self.event(tenant, status))
    }

    /// What to tell caches once this is committed.
    pub(super) fn event(&self, tenant: TenantId, status: TenantStatus) -> RegistryEvent {
        RegistryEvent {
            tenant,
            epoch: self.epoch.unsigned_abs(),
            status,
        }
    }

    /// Writes an audit row.
    pub(super) async fn audit(
        &mut self,
        kind: &'static str,
        tenant: TenantId,
        actor: &Actor,
        reason: &str,
        detail: Option<String>,
    ) -> Result<()> {
        let values = audit::values(self.now, kind, Some(tenant), actor, Some(reason), detail);
        self.fetch(audit::INSERT, values).await?;
        Ok(())
    }

    /// Commits.
    pub(super) async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await.map_err(unavailable)?)
    }
}

/// There is no such tenant.
pub(super) fn unknown() -> CoreError {
    CoreError::new(
        ErrorKind::UnknownTenant,
        "there is no such tenant in the registry",
    )
}

/// The clock of the registry's rows: milliseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        })
}
