//! The audit log: rows are added, never changed.

use std::time::UNIX_EPOCH;

use futures_core::future::BoxFuture;
use tenancy_core::{Actor, AuditEvent, AuditSink, Error as CoreError, TenantId};

use super::store::Value;
use super::{SqlRegistry, unavailable};
use crate::TenantDb;

pub(super) const INSERT: &str = "INSERT INTO tenancy.audit_log (at, kind, tenant, actor, reason, detail) VALUES ($1, $2, $3, $4, $5, $6)";

/// The values of [`INSERT`].
pub(super) fn values(
    at: i64,
    kind: &'static str,
    tenant: Option<TenantId>,
    actor: &Actor,
    reason: Option<&str>,
    detail: Option<String>,
) -> Vec<Value> {
    vec![
        at.into(),
        kind.into(),
        Value::optional(tenant.map(|id| id.to_string())),
        actor.to_string().into(),
        Value::optional(reason),
        Value::optional(detail),
    ]
}

impl<DB: TenantDb> AuditSink for SqlRegistry<DB> {
    /// Adds a row, in a transaction of its own.
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), CoreError>> {
        Box::pin(async move {
            let at = event.at().duration_since(UNIX_EPOCH).map_or(0, |time| {
                i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
            });
            let detail = event
                .permission()
                .map(|permission| serde_json::json!({ "permission": permission }).to_string());
            let values = values(
                at,
                event.kind().as_str(),
                event.tenant(),
                event.actor(),
                event.reason(),
                detail,
            );
            self.store
                .fetch(INSERT, values)
                .await
                .map_err(unavailable)?;
            Ok(())
        })
    }
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number; later rows have greater ones.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What, in the past tense: `suspended`, `domain_verified`.
    pub kind: String,
    /// Whom it is about.
    pub tenant: Option<String>,
    /// Who did it, as `kind:id`.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// More, as JSON.
    pub detail: Option<String>,
}

impl<DB: TenantDb> SqlRegistry<DB> {
    /// The audit rows of a tenant after the row `after` (0 for the first), oldest first, at most `limit`.
    ///
    /// # Errors
    /// `RegistryUnavailable`.
    pub async fn audit_rows(
        &self,
        tenant: TenantId,
        after: i64,
        limit: u32,
    ) -> crate::Result<Vec<AuditRow>> {
        let mut rows = self
            .fetch(
                "SELECT id, at, kind, tenant, actor, reason, detail FROM tenancy.audit_log \
                 WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
                vec![
                    tenant.to_string().into(),
                    after.into(),
                    i64::from(limit).into(),
                ],
            )
            .await?;
        let read = rows.iter_mut().map(|row| {
            Ok(AuditRow {
                id: row.int("id")?,
                at: row.int("at")?,
                kind: row.text("kind")?,
                tenant: row.optional_text("tenant")?,
                actor: row.text("actor")?,
                reason: row.optional_text("reason")?,
                detail: row.optional_text("detail")?,
            })
        });
        let read: Result<_, super::RowError> = read.collect();
        Ok(read.map_err(CoreError::from)?)
    }
}
