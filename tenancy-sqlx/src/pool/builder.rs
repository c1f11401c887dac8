//! How a [`TenantPool`] is made.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tenancy_core::ServerName;
use tenancy_sql::{Catalog, Firewall};

use super::{PoolCore, TenantPool};
use crate::budget::{Budget, Ledger};
use crate::db::{TenantDb, Walls};
use crate::{Error, Result};

/// Makes a [`TenantPool`]; see [`TenantPool::builder`].
pub struct TenantPoolBuilder<DB: TenantDb> {
    catalog: Catalog,
    servers: HashMap<ServerName, DB::Server>,
    budget: Budget,
    statement_cache: Option<usize>,
    walls: Walls,
}

impl<DB: TenantDb> fmt::Debug for TenantPoolBuilder<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPoolBuilder")
            .field("servers", &self.servers.keys())
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> TenantPoolBuilder<DB> {
    pub(super) fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            servers: HashMap::new(),
            budget: Budget::default(),
            statement_cache: None,
            walls: Walls::BOTH,
        }
    }

    /// Adds a server under the name that placements call it by.
    #[must_use]
    pub fn server(mut self, name: ServerName, server: DB::Server) -> Self {
        self.servers.insert(name, server);
        self
    }

    /// Sets the budget of connections; ten unless told.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Sets how many rewritten statements are remembered.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = Some(statements);
        self
    }

    /// Takes the firewall down: statements go out as they came. For tests of the server's wall.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without_firewall(mut self) -> Self {
        self.walls.firewall = false;
        self
    }

    /// Takes the server's wall down: connections are the owner's and no setting is made. For tests of the firewall.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn without_server_wall(mut self) -> Self {
        self.walls.server = false;
        self
    }

    /// Makes the pool. No connection is opened.
    ///
    /// # Errors
    /// [`Error::Config`] if there is no server, or if the catalogue is of another dialect.
    pub fn build(self) -> Result<TenantPool<DB>> {
        if self.servers.is_empty() {
            return Err(Error::Config(
                "the pool has no server; add one with `TenantPoolBuilder::server`".into(),
            ));
        }
        if self.catalog.dialect() != DB::DIALECT {
            return Err(Error::Config(format!(
                "the catalogue is of {:?}, the pool of {:?}; read the migrations of this database",
                self.catalog.dialect(),
                DB::DIALECT
            )));
        }
        let catalog = self.catalog.clone();
        let mut firewall = Firewall::new(self.catalog);
        if let Some(statements) = self.statement_cache {
            firewall = firewall.with_cache_capacity(statements);
        }
        Ok(TenantPool {
            core: Arc::new(PoolCore {
                firewall,
                ledger: Ledger::new(self.servers, catalog, self.walls, self.budget),
            }),
        })
    }
}
