//! The builder of [`Provisioner`].

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::migrate::Migrator;
use tenancy_core::{Actor, ServerName};
use tenancy_sql::Catalog;

use super::migrate::Migrations;
use super::provisioner::{Inner, Provisioner};
use super::step::ProvisionStep;
use super::work::ProvisionDb;
use crate::{Error, Result, SqlRegistry};

/// Collects what [`Provisioner`] needs.
#[must_use = "a builder does nothing until `build`"]
#[derive(Debug)]
pub struct ProvisionerBuilder<DB: ProvisionDb> {
    registry: SqlRegistry<DB>,
    catalog: Catalog,
    servers: HashMap<ServerName, DB::Server>,
    migrations: Option<Migrations>,
    actor: Actor,
    fail_after: Option<ProvisionStep>,
}

impl<DB: ProvisionDb> ProvisionerBuilder<DB> {
    pub(super) fn new(registry: SqlRegistry<DB>, catalog: Catalog) -> Self {
        Self {
            registry,
            catalog,
            servers: HashMap::new(),
            migrations: None,
            actor: Actor::system("provisioner"),
            fail_after: None,
        }
    }

    /// Adds a server under a name; tenants are placed on `main` unless they say otherwise.
    pub fn server(mut self, name: ServerName, server: DB::Server) -> Self {
        self.servers.insert(name, server);
        self
    }

    /// The migrations that build the tables, such as `sqlx::migrate!()`.
    pub fn migrations(mut self, migrations: &'static Migrator) -> Self {
        self.migrations = Some(Migrations::Static(migrations));
        self
    }

    /// The same for migrations that were read at run time.
    pub fn owned_migrations(mut self, migrations: Migrator) -> Self {
        self.migrations = Some(Migrations::Owned(Arc::new(migrations)));
        self
    }

    /// Who is written into the audit log; `system:provisioner` by default.
    pub fn actor(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Makes provisioning fail after this step has done its work.
    #[cfg(feature = "testing")]
    pub fn fail_after(mut self, step: ProvisionStep) -> Self {
        self.fail_after = Some(step);
        self
    }

    /// Builds it. Nothing is connected to yet.
    ///
    /// # Errors
    /// [`Error::Config`] without a server or migrations, or if the catalogue is of another dialect.
    pub fn build(self) -> Result<Provisioner<DB>> {
        let Self {
            registry,
            catalog,
            servers,
            migrations,
            actor,
            fail_after,
        } = self;
        if servers.is_empty() {
            return Err(Error::Config(
                "a provisioner needs a server: add one with `ProvisionerBuilder::server`".into(),
            ));
        }
        if catalog.dialect() != DB::DIALECT {
            return Err(Error::Config(format!(
                "the catalogue was read as {:?}, but the servers speak {:?}",
                catalog.dialect(),
                DB::DIALECT
            )));
        }
        let Some(migrations) = migrations else {
            return Err(Error::Config(
                "a provisioner needs migrations: add them with `ProvisionerBuilder::migrations`"
                    .into(),
            ));
        };
        Ok(Provisioner::new(Inner {
            registry,
            catalog,
            servers,
            migrations,
            actor,
            fail_after,
        }))
    }
}
