//! Settings of a tenant: a small JSON object that travels with it.

use serde_json::{Map, Value as Json};
use tenancy_core::{Actor, Error as CoreError, RegistryEvent, TenantId};

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
        let mut change = Change::begin(self.store()).await?;
        let event = change.touch(tenant).await?;
        let mut rows = change
            .fetch(
                "SELECT settings FROM tenancy.tenants WHERE id = $1",
                vec![tenant.to_string().into()],
            )
            .await?;
        let mut settings = parse(rows.first_mut())?;
        match value {
            Json::Null => settings.remove(name),
            value => settings.insert(name.to_owned(), value),
        };
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
        // The value may be private; its name is enough for the log.
        let detail = serde_json::json!({ "setting": name }).to_string();
        change
            .audit(
                "setting_changed",
                tenant,
                actor,
                "changed a setting",
                Some(detail),
            )
            .await?;
        change.commit().await?;
        Ok(event)
    }
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
