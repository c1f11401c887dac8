//! Settings, features and plan of a tenant: small things that travel with it, so that no code need ask for its id.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use tenancy_core::{Actor, Error as CoreError, ErrorKind, RegistryEvent, TenantId};

use super::SqlRegistry;
use super::change::{Change, unknown};
use crate::{Result, TenantDb};

impl<DB: TenantDb> SqlRegistry<DB> {
    /// The settings as they are stored now, past every cache.
    ///
    /// # Errors
    /// `UnknownTenant`, `RegistryUnavailable`.
    pub async fn settings(&self, tenant: TenantId) -> Result<Map<String, Json>> {
        let mut rows = self
            .fetch(
                "SELECT settings FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        parse(rows.first_mut())
    }

    /// Sets one setting; `Json::Null` removes it. Concurrent changes of other settings are kept.
    ///
    /// # Errors
    /// `UnknownTenant`, `RegistryUnavailable`.
    pub async fn set_setting(
        &self,
        tenant: TenantId,
        name: &str,
        value: Json,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        self.merge_settings(tenant, Map::from_iter([(name.to_owned(), value)]), actor)
            .await
    }

    /// Sets every setting that `settings` has a field for; those it does not name stay. A field that is `None` is removed.
    ///
    /// Read them back with [`Tenant::settings`](tenancy_core::Tenant::settings), as the same type.
    ///
    /// # Errors
    /// `ApiMisuse` if `settings` is not a struct or map with text keys; `UnknownTenant`, `RegistryUnavailable`.
    pub async fn set_settings<T: Serialize + Sync>(
        &self,
        tenant: TenantId,
        settings: &T,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        match serde_json::to_value(settings) {
            Ok(Json::Object(settings)) => self.merge_settings(tenant, settings, actor).await,
            Ok(_) | Err(_) => Err(CoreError::new(
                ErrorKind::ApiMisuse,
                "settings are a struct or a map with text keys",
            )
            .into()),
        }
    }

    async fn merge_settings(
        &self,
        tenant: TenantId,
        merged: Map<String, Json>,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let mut rows = change
            .fetch(
                "SELECT settings FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        let mut settings = parse(rows.first_mut())?;
        // Values may be private; their names are enough for the log.
        let names: Vec<_> = merged.keys().cloned().collect();
        for (name, value) in merged {
            match value {
                Json::Null => settings.remove(&name),
                value => settings.insert(name, value),
            };
        }
        let values = vec![
            tenant.to_string().into(),
            Json::Object(settings).to_string().into(),
        ];
        change
            .fetch(
                "UPDATE tenancy.tenants SET settings = $2 WHERE id = $1",
                values,
            )
            .await?;
        let detail = serde_json::json!({ "settings": names }).to_string();
        change
            .audit(
                "settings_changed",
                tenant,
                actor,
                "changed settings",
                Some(detail),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }

    /// Switches a feature on or off for a tenant. Read it with [`Tenant::feature`](tenancy_core::Tenant::feature).
    ///
    /// Concurrent changes of other features are kept. Caches that [`Self::watch`] feeds see it as soon as a suspension.
    ///
    /// # Errors
    /// `ApiMisuse` if the name is not 1 to 64 of `a-z`, `0-9`, `_`, `.` and `-`; `UnknownTenant`, `RegistryUnavailable`.
    pub async fn set_feature(
        &self,
        tenant: TenantId,
        name: &str,
        on: bool,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        ensure_feature_name(name)?;
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let mut rows = change
            .fetch(
                "SELECT features FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        let row = rows.first_mut().ok_or_else(unknown)?;
        let text = row.text("features").map_err(CoreError::from)?;
        let mut features: BTreeSet<String> = serde_json::from_str(&text).map_err(|_| {
            CoreError::from(super::RowError::new(
                "features",
                "it is not a JSON array of names",
            ))
        })?;
        if on {
            features.insert(name.to_owned());
        } else {
            features.remove(name);
        }
        let features = Json::from_iter(features).to_string();
        change
            .fetch(
                "UPDATE tenancy.tenants SET features = $2 WHERE id = $1",
                vec![tenant.to_string().into(), features.into()],
            )
            .await?;
        let detail = serde_json::json!({ "feature": name, "on": on }).to_string();
        change
            .audit(
                "feature_changed",
                tenant,
                actor,
                "switched a feature",
                Some(detail),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }

    /// Puts a tenant on a plan, or on none.
    ///
    /// # Errors
    /// `UnknownTenant`, `RegistryUnavailable`.
    pub async fn set_plan(
        &self,
        tenant: TenantId,
        plan: Option<&str>,
        actor: &Actor,
    ) -> Result<RegistryEvent> {
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        change
            .fetch(
                "UPDATE tenancy.tenants SET plan = $2 WHERE id = $1",
                vec![tenant.to_string().into(), super::Value::optional(plan)],
            )
            .await?;
        let detail = serde_json::json!({ "plan": plan }).to_string();
        change
            .audit(
                "plan_changed",
                tenant,
                actor,
                "put it on a plan",
                Some(detail),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }
}

/// A feature's name is written in code and in configuration; this keeps it printable in both.
pub(crate) fn ensure_feature_name(name: &str) -> Result<()> {
    let is_plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(CoreError::new(
        ErrorKind::ApiMisuse,
        "the name of a feature is 1 to 64 of a-z, 0-9, `_`, `.` and `-`",
    )
    .into())
}

fn parse(row: Option<&mut super::Row>) -> Result<Map<String, Json>> {
    let text = row
        .ok_or_else(unknown)?
        .text("settings")
        .map_err(CoreError::from)?;
    serde_json::from_str(&text)
        .map_err(|_| CoreError::from(super::RowError::new("settings", "it is not a JSON object")))
        .map_err(Into::into)
}
