//! [`AsyncTenantPool`]: hands connections of one tenant to code that awaits.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use tenancy_core::budget::Ledger;
use tenancy_core::{Placement, ServerName, TenantContext};
use tenancy_sql::{Catalog, Dialect, Firewall};

use super::connection::AsyncTenantConnection;
use super::lease::{Lease, Session};
use crate::budget::Keeper;
use crate::db::Walls;
use crate::{Budget, BudgetStats, Error, PgServer, Result};

/// A pool of diesel-async connections that see the current tenant's rows, wherever they live. PostgreSQL only.
///
/// [`get`](Self::get) takes a connection out of the budget; on it all of `diesel_async::RunQueryDsl` works unchanged. Cloning
/// a pool is cheap.
///
/// # Guarantee
/// A statement reaches a connection only after the firewall has rewritten it for one tenant, and only a connection that is
/// set to that tenant or belongs to it. A future that is dropped, at whatever await, leaves no tenant on its connection: the
/// end of its transaction is sent before anything else is.
///
/// What it does not guarantee: that a statement whose future was dropped did not run.
///
/// # Isolation
/// In all three a statement gets a transaction of its own, opened in one message with the tenant's settings: `app.tenant_id`
/// for shared tables, `search_path` and role besides for a schema, the tenant's own login role for a database.
///
/// A statement that provably changes nothing costs one awaited round trip: the opening message and the statement travel
/// together, the end is not waited for. One that writes costs three, and its commit is waited for before its result is seen.
///
/// # Errors
/// Through Diesel's functions all errors are [`diesel::result::Error`]; [`Error::from_diesel`] finds ours inside.
///
/// # Example: refused without a tenant
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenancy_core::ServerName;
/// use tenancy_diesel::{AsyncTenantPool, PgServer};
/// use tenancy_sql::{Catalog, Dialect};
///
/// let catalog = Catalog::builder(Dialect::Postgres)
///     .migration(
///         "1_leads.sql",
///         "CREATE TABLE leads (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id))",
///     )
///     .build()?;
/// let pool = AsyncTenantPool::builder(catalog)
///     .server(ServerName::default(), PgServer::new("db.internal", "crm").user("crm_app"))
///     .build()?;
///
/// let refused = pool.get().await.unwrap_err();
/// assert!(refused.as_tenancy().unwrap().is_no_tenant());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AsyncTenantPool {
    core: Arc<AsyncCore>,
}

impl fmt::Debug for AsyncTenantPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTenantPool")
            .field("budget", &self.stats())
            .finish_non_exhaustive()
    }
}

impl AsyncTenantPool {
    /// Starts a pool over the tables of a catalogue.
    pub fn builder(catalog: Catalog) -> AsyncTenantPoolBuilder {
        AsyncTenantPoolBuilder {
            catalog,
            servers: HashMap::new(),
            budget: Budget::default(),
            walls: Walls::BOTH,
        }
    }

    /// Takes a connection for the current tenant out of the budget; nothing is sent before the first statement.
    ///
    /// # Errors
    /// No tenant or a suspended one; the budget is exhausted; the tenant's place can't be reached.
    pub async fn get(&self) -> Result<AsyncTenantConnection> {
        self.connection(TenantContext::current()?).await
    }

    /// The same for the tenant of a context, whatever the surroundings: the explicit twin.
    ///
    /// # Errors
    /// As [`get`](Self::get); and inside the scope of another tenant.
    pub async fn get_for(&self, cx: &TenantContext) -> Result<AsyncTenantConnection> {
        cx.ensure_not_elsewhere()?;
        self.connection(cx.clone()).await
    }

    async fn connection(&self, cx: TenantContext) -> Result<AsyncTenantConnection> {
        cx.ensure_live()?;
        self.core.keeper.ensure(&self.core.book);
        let lease = Lease::acquire(&self.core, cx.tenant()).await?;
        // The wait may have been long.
        cx.ensure_live()?;
        Ok(AsyncTenantConnection::new(
            Arc::clone(&self.core),
            cx,
            lease,
        ))
    }

    /// The tables this pool knows.
    pub fn catalog(&self) -> &Catalog {
        self.core.firewall.catalog()
    }

    /// How the budget is used now.
    pub fn stats(&self) -> BudgetStats {
        self.core.book.stats()
    }

    /// Refuses new callers, waits for those that have a connection, and closes all.
    pub async fn close(&self) {
        drop(self.core.book.close().await);
    }
}

/// What all handles of one pool share.
pub(crate) struct AsyncCore {
    pub(crate) firewall: Firewall,
    pub(crate) book: Arc<Ledger<Session>>,
    pub(crate) walls: Walls,
    servers: HashMap<ServerName, PgServer>,
    keeper: Keeper,
}

impl fmt::Debug for AsyncCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncCore").finish_non_exhaustive()
    }
}

impl AsyncCore {
    /// The server of a placement.
    pub(crate) fn server(&self, placement: &Placement) -> Result<&PgServer> {
        self.servers
            .get(placement.server())
            .ok_or_else(|| Error::UnknownServer(placement.server().to_string()))
    }
}

/// Makes an [`AsyncTenantPool`]; see [`AsyncTenantPool::builder`].
#[derive(Debug)]
pub struct AsyncTenantPoolBuilder {
    catalog: Catalog,
    servers: HashMap<ServerName, PgServer>,
    budget: Budget,
    walls: Walls,
}

impl AsyncTenantPoolBuilder {
    /// Adds a server under the name that placements call it by.
    #[must_use]
    pub fn server(mut self, name: ServerName, server: PgServer) -> Self {
        self.servers.insert(name, server);
        self
    }

    /// Sets the budget of connections; ten unless told.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
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
    /// [`Error::Config`] if there is no server, or if the catalogue is not of PostgreSQL.
    pub fn build(self) -> Result<AsyncTenantPool> {
        if self.servers.is_empty() {
            return Err(Error::Config(
                "the pool has no server; add one with `AsyncTenantPoolBuilder::server`".into(),
            ));
        }
        if self.catalog.dialect() != Dialect::Postgres {
            return Err(Error::Config(
                "the catalogue is of SQLite, the pool of PostgreSQL; read the migrations of this database"
                    .into(),
            ));
        }
        Ok(AsyncTenantPool {
            core: Arc::new(AsyncCore {
                firewall: Firewall::new(self.catalog),
                book: Arc::new(Ledger::new(self.budget)),
                walls: self.walls,
                servers: self.servers,
                keeper: Keeper::default(),
            }),
        })
    }
}
