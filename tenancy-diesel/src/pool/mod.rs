//! [`TenantPool`]: hands connections of one tenant to code that blocks.

mod bound;
mod builder;

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use tenancy_core::budget::{Ledger, Slot};
use tenancy_core::{Placement, ServerName, TenantContext};
use tenancy_sql::{Catalog, Firewall};
use tokio::sync::oneshot;

pub use bound::BoundPool;
pub use builder::TenantPoolBuilder;

use crate::budget::{Keeper, Lease};
use crate::connection::TenantConnection;
use crate::db::{TenantDb, Walls};
use crate::{BudgetStats, Error, Result};

/// A pool of Diesel connections that see the current tenant's rows, wherever they live.
///
/// Diesel blocks, so its work runs on tokio's blocking threads: [`interact`](Self::interact) takes a closure there together
/// with the context, and gives it a [`TenantConnection`]. Cloning a pool is cheap.
///
/// # Guarantee
/// A statement reaches a connection only after the firewall has rewritten it for one tenant, and only a connection that is
/// set to that tenant or belongs to it. A closure that panics has its connection closed.
///
/// What it does not guarantee: that the closure stops when the future of `interact` is dropped. One that has begun runs to its
/// end, and what it commits is committed; one that has not begun never does.
///
/// # Isolation
/// | isolation | PostgreSQL | SQLite |
/// |---|---|---|
/// | shared | one transaction a statement, `app.tenant_id` set for row level security | the file of shared tables; no second wall |
/// | schema | the same, `search_path` and role set to the tenant's | the tenant's file, attached alone |
/// | database | the same, on a connection of the tenant's own login role | the tenant's file |
///
/// # Errors
/// Through Diesel's functions all errors are [`diesel::result::Error`]; [`Error::from_diesel`] finds ours inside. Without a
/// tenant, with a suspended one, or with a statement that the firewall refuses, nothing is sent.
///
/// # Example: refused without a tenant
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use diesel::prelude::*;
/// use tenancy_core::ServerName;
/// use tenancy_diesel::{SqliteServer, TenantPool};
/// use tenancy_sql::{Catalog, Dialect};
///
/// let catalog = Catalog::builder(Dialect::Sqlite)
///     .migration(
///         "1_leads.sql",
///         "CREATE TABLE leads (tenant_id BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id))",
///     )
///     .build()?;
/// let pool = TenantPool::<SqliteConnection>::builder(catalog)
///     .server(ServerName::default(), SqliteServer::folder("data")?)
///     .build()?;
///
/// let refused = pool.interact(|conn| diesel::sql_query("SELECT * FROM leads").execute(conn)).await.unwrap_err();
/// let ours = tenancy_diesel::Error::from_diesel(&refused).unwrap();
/// assert!(ours.as_tenancy().unwrap().is_no_tenant());
/// # Ok(()) }
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// ```
pub struct TenantPool<C: TenantDb> {
    core: Arc<PoolCore<C>>,
}

impl<C: TenantDb> Clone for TenantPool<C> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<C: TenantDb> fmt::Debug for TenantPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPool")
            .field("budget", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<C: TenantDb> TenantPool<C> {
    /// Starts a pool over the tables of a catalogue.
    pub fn builder(catalog: Catalog) -> TenantPoolBuilder<C> {
        TenantPoolBuilder::new(catalog)
    }

    /// The same pool for one tenant, whatever context it is used in: the explicit twin.
    ///
    /// # Errors
    /// Using it inside the scope of another tenant is refused, as is using it once the tenant is suspended.
    pub fn for_tenant(&self, cx: &TenantContext) -> BoundPool<C> {
        BoundPool::new(Arc::clone(&self.core), cx.clone())
    }

    /// Runs a closure on a blocking thread, with a connection of the current tenant and inside its context and tracing span.
    ///
    /// The error of the closure is its own; what goes wrong around it is ours, and becomes that by `From`.
    ///
    /// # Errors
    /// No tenant or a suspended one; the budget is exhausted; the tenant's place can't be reached; what the closure returns.
    ///
    /// # Panics
    /// If the closure does, with its payload, and outside a Tokio runtime.
    pub async fn interact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut TenantConnection<C>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let cx = TenantContext::current().map_err(Error::from)?;
        self.core.interact(cx, work).await
    }

    /// The tables this pool knows.
    pub fn catalog(&self) -> &Catalog {
        self.core.firewall.catalog()
    }

    /// How the budget is used now.
    pub fn stats(&self) -> BudgetStats {
        self.core.book.stats()
    }

    /// Refuses new work, waits for that which runs, and closes all connections.
    pub async fn close(&self) {
        self.core.close().await;
    }
}

/// What all handles of one pool share.
pub(crate) struct PoolCore<C: TenantDb> {
    pub(crate) firewall: Firewall,
    pub(crate) book: Arc<Ledger<C>>,
    pub(crate) walls: Walls,
    servers: HashMap<ServerName, C::Server>,
    keeper: Keeper,
}

impl<C: TenantDb> fmt::Debug for PoolCore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolCore").finish_non_exhaustive()
    }
}

impl<C: TenantDb> PoolCore<C> {
    /// The server of a placement.
    pub(crate) fn server(&self, placement: &Placement) -> Result<&C::Server> {
        self.servers
            .get(placement.server())
            .ok_or_else(|| Error::UnknownServer(placement.server().to_string()))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the closure runs inside the scope of the context, which may be no one's surroundings"
    )]
    async fn interact<R, E, F>(self: &Arc<Self>, cx: TenantContext, work: F) -> Result<R, E>
    where
        F: FnOnce(&mut TenantConnection<C>) -> Result<R, E> + Send + 'static,
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        cx.ensure_live().map_err(Error::from)?;
        self.server(cx.tenant().placement())?;
        let tenant = cx.tenant_id();
        let slot = self.book.slot(tenant).await.map_err(Error::from)?;
        self.keeper.ensure(&self.book);
        let (answer, asked) = oneshot::channel();
        let (core, span) = (Arc::clone(self), tracing::Span::current());
        let thread = tokio::task::spawn_blocking(move || {
            // Nobody waits any more, and nothing was begun: the future was dropped.
            if answer.is_closed() {
                return;
            }
            span.in_scope(|| core.on_thread(&cx, slot, work, answer));
        });
        match asked.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // The runtime shuts down, or there is no thread to be had.
            Err(_) => {
                drop(thread);
                Err(Error::Budget(tenancy_core::budget::BudgetError::Closed).into())
            }
        }
    }

    fn on_thread<R, E, F>(
        self: Arc<Self>,
        cx: &TenantContext,
        slot: Slot,
        work: F,
        answer: oneshot::Sender<std::thread::Result<Result<R, E>>>,
    ) where
        F: FnOnce(&mut TenantConnection<C>) -> Result<R, E>,
        E: From<Error>,
    {
        let mut kept = None;
        let run = || {
            cx.sync_scope(|| {
                let lease = Lease::acquire(Arc::clone(&self), slot, cx.tenant())?;
                // The wait may have been long.
                cx.ensure_live().map_err(Error::from)?;
                let conn = kept.insert(TenantConnection::new(self, cx.clone(), lease));
                work(conn)
            })
            .map_err(Error::from)?
        };
        let result = std::panic::catch_unwind(AssertUnwindSafe(run));
        let panicked = result.is_err();
        // First the answer: nobody has to wait for the end of a transaction that changed nothing.
        let _ = answer.send(result);
        if let Some(conn) = kept
            && !panicked
        {
            conn.settle_and_give_back();
        }
    }

    async fn close(&self) {
        let idle = self.book.close().await;
        #[expect(
            clippy::disallowed_methods,
            reason = "the work is the pool's own and of no tenant"
        )]
        let _ = tokio::task::spawn_blocking(move || drop(idle)).await;
    }
}
