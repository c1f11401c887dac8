//! [`TenantPool`]: used like a `sqlx::Pool`, sees one tenant.

mod bound;
mod builder;
mod executor;

use std::fmt;
use std::sync::Arc;

use sqlx::Execute;
use tenancy_core::TenantContext;
use tenancy_sql::{Access, Catalog, Dialect, Firewall};

pub use bound::BoundPool;
pub use builder::TenantPoolBuilder;

use crate::Result;
use crate::budget::{BudgetStats, Flight, Lease, Ledger};
use crate::db::{self, Begin, TenantDb};
use crate::error::is_connection_lost;
use crate::statement::{Plan, plan};
use crate::tx::TenantTx;

/// A pool that sees the current tenant's rows, wherever they live.
///
/// It is an [`sqlx::Executor`]: `sqlx::query(…).fetch_all(&pool)` and all its relatives work unchanged. Cloning is cheap.
///
/// The tenant is that of [`TenantContext::current`]. `fetch` and the other methods of [`sqlx::Executor`] read it when they are
/// called; `Query::fetch_all`, `fetch_one` and `execute` are `async fn`s of sqlx and read it when they are first polled.
/// [`Self::for_tenant`] is the explicit twin, which takes the context as a value.
///
/// # Guarantee
/// A statement reaches a connection only after the firewall has rewritten it for one tenant, and only a connection that is
/// set to that tenant or belongs to it. A connection whose user was cancelled is put into a known state before it serves
/// anyone else, or is closed.
///
/// What it does not guarantee: that a statement's plan is cheap, or that two statements outside a transaction see one state.
///
/// # Isolation
/// | isolation | PostgreSQL | SQLite |
/// |---|---|---|
/// | shared | one transaction a statement, `app.tenant_id` set for row level security | the file of shared tables; a second wall if asked (`SqliteServer::engine_wall`) |
/// | schema | the same, `search_path` and role set to the tenant's | the tenant's file, attached alone |
/// | database | the same, on a connection of the tenant's own login role | the tenant's file |
///
/// On PostgreSQL a statement that provably changes nothing costs two round trips; its transaction ends with the next use of
/// the connection. One that writes costs three: its commit is waited for before the first row is handed out.
///
/// # Errors
/// Through sqlx's functions all errors are [`sqlx::Error`]; [`Error::from_sqlx`](crate::Error::from_sqlx) finds ours inside.
/// Without a tenant, with a suspended one, or with a statement that the firewall refuses, nothing is sent.
///
/// # Example: refused without a tenant
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenancy_core::ServerName;
/// use tenancy_sql::{Catalog, Dialect};
/// use tenancy_sqlx::{Error, SqliteServer, TenantPool, sqlx};
///
/// let catalog = Catalog::builder(Dialect::Sqlite)
///     .migration(
///         "1_leads.sql",
///         "CREATE TABLE leads (tenant_id BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id))",
///     )
///     .build()?;
/// let pool = TenantPool::<sqlx::Sqlite>::builder(catalog)
///     .server(ServerName::default(), SqliteServer::folder("data"))
///     .build()?;
///
/// let refused = sqlx::query("SELECT * FROM leads").fetch_all(&pool).await.unwrap_err();
/// assert!(Error::from_sqlx(&refused).unwrap().as_tenancy().unwrap().is_no_tenant());
/// # Ok(()) }
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// ```
pub struct TenantPool<DB: TenantDb> {
    core: Arc<PoolCore<DB>>,
}

impl<DB: TenantDb> Clone for TenantPool<DB> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<DB: TenantDb> fmt::Debug for TenantPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantPool")
            .field("budget", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> TenantPool<DB> {
    /// Starts a pool over the tables of a catalogue.
    pub fn builder(catalog: Catalog) -> TenantPoolBuilder<DB> {
        TenantPoolBuilder::new(catalog)
    }

    /// The same pool for one tenant, whatever context it is used in: the explicit twin.
    ///
    /// # Errors
    /// Using it inside the scope of another tenant is refused, as is using it once the tenant is suspended.
    pub fn for_tenant(&self, cx: &TenantContext) -> BoundPool<DB> {
        BoundPool::new(Arc::clone(&self.core), cx.clone())
    }

    /// Begins a transaction of the current tenant that may write.
    ///
    /// # Errors
    /// No tenant, a suspended or a read-only one; the budget is exhausted; the tenant's place can't be reached.
    ///
    /// # Example: two statements or none
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # async fn example(pool: tenancy_sqlx::TenantPool<sqlx::Sqlite>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut tx = pool.begin().await?;
    /// sqlx::query("UPDATE leads SET status = 'won' WHERE id = $1").bind(7).execute(&mut tx).await?;
    /// sqlx::query("INSERT INTO notes (lead_id, text) VALUES ($1, $2)").bind(7).bind("won").execute(&mut tx).await?;
    /// tx.commit().await?;
    /// # Ok(()) }
    /// ```
    pub async fn begin(&self) -> Result<TenantTx<'static, DB>> {
        self.core
            .begin(TenantContext::current()?, Access::Write)
            .await
    }

    /// Begins a transaction of the current tenant that only reads; several statements see one state.
    ///
    /// # Errors
    /// As [`Self::begin`]; read-only tenants are welcome.
    pub async fn begin_read_only(&self) -> Result<TenantTx<'static, DB>> {
        self.core
            .begin(TenantContext::current()?, Access::Read)
            .await
    }

    /// The tables this pool knows.
    pub fn catalog(&self) -> &Catalog {
        self.core.firewall.catalog()
    }

    /// The firewall that all statements pass: for looking at what it makes of one, and at how often it had to parse.
    pub fn firewall(&self) -> &Firewall {
        &self.core.firewall
    }

    /// How the budget is used now.
    pub fn stats(&self) -> BudgetStats {
        self.core.ledger.stats()
    }

    /// Refuses new statements, waits for those that run, and closes all connections.
    pub async fn close(&self) {
        self.core.ledger.close().await;
    }
}

/// What all handles of one pool share.
pub(crate) struct PoolCore<DB: TenantDb> {
    pub(crate) firewall: Firewall,
    pub(crate) ledger: Arc<Ledger<DB>>,
}

impl<DB: TenantDb> fmt::Debug for PoolCore<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolCore").finish_non_exhaustive()
    }
}

impl<DB: TenantDb> PoolCore<DB> {
    fn plan<'q, E: Execute<'q, DB>>(
        &self,
        cx: Result<TenantContext>,
        query: E,
    ) -> Result<Plan<DB>> {
        plan(&self.firewall, self.ledger.walls.firewall, cx?, query)
    }

    /// A connection that serves the tenant of a context, in a transaction where the database wants one.
    ///
    /// A connection that was idle may have died there (the server was restarted); it is replaced as long as nothing of the
    /// caller's was sent on it.
    pub(crate) async fn lease(&self, cx: &TenantContext, begin: Begin) -> Result<Lease<DB>> {
        let tenant = cx.tenant();
        loop {
            let mut lease = self.ledger.acquire(tenant).await?;
            // The wait may have been long.
            cx.ensure_live()?;
            if begin.access() == Access::Write {
                cx.ensure_writable()?;
            }
            let Some(sql) = DB::begin_sql(
                tenant.placement(),
                tenant.id(),
                begin,
                self.ledger.walls.server,
            ) else {
                return Ok(lease);
            };
            let begun = lease
                .boundary(|conn| db::begin::<DB>(conn, Some(sql)))
                .await;
            match begun {
                Ok(()) => return Ok(lease),
                Err(error) if lease.was_reused() && is_connection_lost(&error) => {
                    tracing::debug!(%error, "an idle connection was lost; taking another");
                }
                // PostgreSQL found no such schema or role; SQLite has opened its file, and is busy.
                Err(error) if DB::DIALECT == Dialect::Postgres => {
                    return Err(db::unreachable(tenant.placement(), error));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn begin(
        self: &Arc<Self>,
        cx: TenantContext,
        access: Access,
    ) -> Result<TenantTx<'static, DB>> {
        cx.ensure_live()?;
        if access == Access::Write {
            cx.ensure_writable()?;
        }
        let lease = self.lease(&cx, Begin::Transaction(access)).await?;
        Ok(TenantTx::new(Arc::clone(self), cx, lease, access))
    }
}

/// Commits what a lease holds, if the database began a transaction for it.
pub(crate) async fn commit<DB: TenantDb>(lease: &mut Lease<DB>) -> Result<(), sqlx::Error> {
    if lease.flight == Flight::Landed && db::depth::<DB>(lease.parts()?.0) > 0 {
        lease.boundary(db::commit::<DB>).await?;
    }
    Ok(())
}
