//! A row of `tenants` as a [`Tenant`], or a typed error that says which column can't be read.

use std::sync::Arc;

use serde_json::{Map, Value as Json};
use tenancy_core::{
    Error as CoreError, ErrorKind, Isolation, Placement, ServerName, Tenant, TenantId, TenantSlug,
    TenantStatus,
};

use super::store::Row;

/// The start of every statement that reads tenants; the columns are the ones [`tenant`] takes, and whatever is asked for
/// behind them.
macro_rules! select_tenants {
    ($rest:literal) => {
        select_tenants!("", $rest)
    };
    ($more:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.slug, t.name, t.status, t.isolation, t.server, t.placement_name, t.plan, t.settings, t.features, t.epoch",
            $more,
            " FROM tenancy.tenants t ",
            $rest
        )
    };
}
pub(super) use select_tenants;

/// A row of the registry that can't be understood.
///
/// Neither "no such tenant" nor an outage: somebody has to look at the row. Found as the
/// [`source`](std::error::Error::source) of the error that a lookup returns.
#[derive(Debug, thiserror::Error)]
#[error("the column `{column}` of a row of the registry can't be read: {problem}")]
pub struct RowError {
    column: &'static str,
    problem: &'static str,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RowError {
    pub(super) fn new(column: &'static str, problem: &'static str) -> Self {
        Self {
            column,
            problem,
            source: None,
        }
    }

    fn because(
        column: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            column,
            problem: "its content is not valid",
            source: Some(source.into()),
        }
    }

    /// The column.
    pub fn column(&self) -> &'static str {
        self.column
    }
}

impl From<RowError> for CoreError {
    fn from(error: RowError) -> Self {
        Self::new(
            ErrorKind::Other,
            "a row of the registry can't be read; correct it",
        )
        .with_source(error)
    }
}

/// Reads what [`select_tenants`] selected.
pub(super) fn tenant(row: &mut Row) -> Result<Arc<Tenant>, RowError> {
    let id = parsed("id", row.text("id")?, TenantId::parse)?;
    let slug = parsed("slug", row.text("slug")?, TenantSlug::parse)?;
    let name = row.text("name")?;
    let status = parsed("status", row.text("status")?, TenantStatus::parse)?;
    let isolation = parsed("isolation", row.text("isolation")?, Isolation::parse)?;
    let server = parsed("server", row.text("server")?, ServerName::parse)?;
    let placement_name = row.optional_text("placement_name")?;
    let plan = row.optional_text("plan")?;
    let settings: Map<String, Json> = serde_json::from_str(&row.text("settings")?)
        .map_err(|error| RowError::because("settings", error))?;
    let features: Vec<Box<str>> = serde_json::from_str(&row.text("features")?)
        .map_err(|error| RowError::because("features", error))?;
    let epoch =
        u64::try_from(row.int("epoch")?).map_err(|error| RowError::because("epoch", error))?;

    let placement = Placement::from_parts(isolation, server, placement_name.as_deref())
        .map_err(|error| RowError::because("placement_name", error))?;
    let mut tenant = Tenant::builder(id, slug)
        .name(name)
        .status(status)
        .placement(placement)
        .settings(settings)
        .features(features)
        .epoch(epoch);
    if let Some(plan) = plan {
        tenant = tenant.plan(plan);
    }
    // What is left to go wrong: a place under another tenant's name, an epoch out of range.
    let tenant = tenant
        .build()
        .map_err(|error| RowError::because("placement_name", error))?;
    Ok(Arc::new(tenant))
}

/// Reads one column through the parser of its type.
pub(super) fn parsed<T>(
    column: &'static str,
    text: impl AsRef<str>,
    parse: impl FnOnce(&str) -> Result<T, CoreError>,
) -> Result<T, RowError> {
    parse(text.as_ref()).map_err(|error| RowError::because(column, error))
}
