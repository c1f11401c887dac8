//! [`AsyncTenantConnection`]: used like a diesel-async connection, sees one tenant.

use std::fmt;
use std::sync::Arc;

use diesel::QueryResult;
use diesel::associations::Identifiable;
use diesel::connection::{CacheSize, Instrumentation};
use diesel::dsl::{Find, Update};
use diesel::pg::Pg;
use diesel::query_builder::{
    AsChangeset, AsQuery, IntoUpdateTarget, QueryFragment, QueryId, UpdateStatement,
};
use diesel::query_dsl::methods::FindDsl;
use diesel::result::{ConnectionError, ConnectionResult};
use diesel_async::methods::LoadQuery;
use diesel_async::{
    AsyncConnection, AsyncConnectionCore, AsyncPgConnection, RunQueryDsl as _,
    SimpleAsyncConnection, UpdateAndFetchResults,
};
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tenancy_core::TenantContext;
use tenancy_sql::Access;

use super::lease::{Flight, Lease};
use super::pool::AsyncCore;
use super::run::{self, Watched};
use super::transaction::{AsyncTenantTransactionManager, AsyncTransactionState};
use crate::statement::{RawText, Scoped, scope};
use crate::{Error, Result};

type Row = <AsyncPgConnection as AsyncConnectionCore>::Row<'static, 'static>;
type Rows = BoxStream<'static, QueryResult<Row>>;

/// A connection on which one tenant's statements run, taken with [`AsyncTenantPool::get`](super::AsyncTenantPool::get).
///
/// It is a `diesel_async::AsyncConnection`: `load`, `execute`, `transaction` and all their relatives work on it. It gives out
/// no connection of the driver, so nothing can change its tenant. Dropping it gives its slot of the budget back.
///
/// # Guarantee
/// Each statement is rewritten for the tenant, or refused before anything is sent; `sql_query` and `batch_execute` too, the
/// latter with one statement at a time. Transactions and savepoints begin and end through diesel-async's functions alone.
///
/// # Isolation
/// As [`AsyncTenantPool`](super::AsyncTenantPool).
///
/// # Errors
/// Once a statement failed in a transaction, its commit is [`Error::TransactionFailed`], though the server would answer it
/// with success. A savepoint that is rolled back takes its failure along.
///
/// # Example: two statements or none
/// ```
/// # async fn example(pool: tenancy_diesel::AsyncTenantPool) -> Result<(), Box<dyn std::error::Error>> {
/// use diesel::sql_query;
/// use diesel::sql_types::BigInt;
/// use diesel_async::{AsyncConnection, RunQueryDsl};
///
/// let mut conn = pool.get().await?;
/// conn.transaction(async |conn| {
///     sql_query("UPDATE leads SET status = 'won' WHERE id = $1").bind::<BigInt, _>(7).execute(conn).await?;
///     sql_query("INSERT INTO notes (lead_id, text) VALUES ($1, 'won')").bind::<BigInt, _>(7).execute(conn).await
/// })
/// .await?;
/// # Ok(()) }
/// ```
pub struct AsyncTenantConnection {
    pub(super) core: Arc<AsyncCore>,
    pub(super) cx: TenantContext,
    pub(super) lease: Lease,
    pub(super) state: AsyncTransactionState,
}

impl fmt::Debug for AsyncTenantConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTenantConnection")
            .field("tenant", &self.cx.tenant_id())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl AsyncTenantConnection {
    pub(super) fn new(core: Arc<AsyncCore>, cx: TenantContext, lease: Lease) -> Self {
        Self {
            core,
            cx,
            lease,
            state: AsyncTransactionState::new(),
        }
    }

    /// The context it works for.
    pub fn context(&self) -> &TenantContext {
        &self.cx
    }

    /// Runs a closure in a transaction that only reads; several statements see one state.
    ///
    /// # Errors
    /// As `transaction`; read-only tenants are welcome, statements that write are not.
    pub async fn read_only_transaction<R, E, F>(&mut self, work: F) -> Result<R, E>
    where
        F: AsyncFnOnce(&mut Self) -> Result<R, E>,
        E: From<diesel::result::Error>,
    {
        use diesel_async::TransactionManager as _;

        self.state.reads_next = true;
        let begun = AsyncTenantTransactionManager::begin_transaction(self).await;
        self.state.reads_next = false;
        begun?;
        let done = work(&mut *self).await;
        // Nothing was changed: what the end of it says is of no interest, unless the work went well.
        let ended = AsyncTenantTransactionManager::rollback_transaction(self).await;
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Refuses a tenant that is suspended, and another tenant's scope.
    pub(super) fn ensure_admitted(&self) -> Result<()> {
        self.cx.ensure_live()?;
        Ok(self.cx.ensure_not_elsewhere()?)
    }

    /// The query as it may be sent, and whether it changes anything.
    fn prepare<T: QueryFragment<Pg>>(&mut self, query: T) -> Result<(Scoped<T>, Access)> {
        self.ensure_admitted()?;
        self.note_dropped();
        self.mend()?;
        let rewrite = self.core.walls.firewall;
        let (scoped, access) = scope::<Pg, T>(&self.core.firewall, rewrite, &self.cx, query)?;
        let inside = self.state.depth() > 0;
        // Without the firewall (in tests) nobody knows what a statement does.
        if rewrite && inside && access == Access::Write && self.state.access() == Access::Read {
            return Err(Error::ReadOnlyTransaction);
        }
        Ok((scoped, access))
    }

    /// Runs a statement that the driver has made into a future already, in the transaction it is to run in.
    fn execute<'conn, T: QueryFragment<Pg> + QueryId>(
        &'conn mut self,
        query: T,
    ) -> Result<BoxFuture<'conn, QueryResult<usize>>> {
        let (scoped, access) = self.prepare(query)?;
        let Self {
            core,
            cx,
            lease,
            state,
        } = self;
        let (session, flight) = lease.parts()?;
        let session = &*session;
        let statement = session.shared().execute_shared(scoped);
        let wall = core.walls.server;
        if state.depth() > 0 {
            let watch = state.outcome().begun();
            return Ok(Box::pin(async move {
                *flight = Flight::Statement;
                let done = statement.await;
                *flight = Flight::Transaction;
                match &done {
                    Ok(_) => watch.ended_well(),
                    Err(_) => watch.failed(),
                }
                done
            }));
        }
        Ok(match access {
            Access::Read => Box::pin(run::read(cx, wall, session, flight, statement)),
            Access::Write => Box::pin(run::write(cx, wall, session, flight, statement)),
        })
    }

    fn rows<'conn, T>(&'conn mut self, query: T) -> Result<BoxFuture<'conn, QueryResult<Rows>>>
    where
        T: diesel::query_builder::Query + QueryFragment<Pg> + QueryId,
    {
        let (scoped, access) = self.prepare(query)?;
        let Self {
            core,
            cx,
            lease,
            state,
        } = self;
        let (session, flight) = lease.parts()?;
        let session = &*session;
        let statement = session.shared().load_shared(scoped);
        let wall = core.walls.server;
        if state.depth() > 0 {
            let watch = state.outcome().begun();
            return Ok(Box::pin(async move {
                *flight = Flight::Statement;
                let rows = statement.await;
                *flight = Flight::Transaction;
                match rows {
                    Ok(rows) => {
                        let statement = watch;
                        Ok(Watched { rows, statement }.boxed())
                    }
                    Err(error) => {
                        watch.failed();
                        Err(error)
                    }
                }
            }));
        }
        Ok(match access {
            Access::Read => Box::pin(run::read(cx, wall, session, flight, statement)),
            Access::Write => {
                // To its end and committed before the first row is seen: a caller who drops the stream has still written.
                let all = async move { statement.await?.try_collect::<Vec<_>>().await };
                Box::pin(async move {
                    let rows = run::write(cx, wall, session, flight, all).await?;
                    Ok(futures_util::stream::iter(rows.into_iter().map(Ok)).boxed())
                })
            }
        })
    }
}

/// The driver's connection, by a shared reference: what it is given becomes a future that borrows nothing else.
trait Shared {
    fn execute_shared<'a, T: QueryFragment<Pg> + QueryId>(
        &'a self,
        query: T,
    ) -> BoxFuture<'a, QueryResult<usize>>;

    fn load_shared<'a, T>(&'a self, query: T) -> BoxFuture<'a, QueryResult<Rows>>
    where
        T: diesel::query_builder::Query + QueryFragment<Pg> + QueryId;
}

impl Shared for AsyncPgConnection {
    fn execute_shared<'a, T: QueryFragment<Pg> + QueryId>(
        &'a self,
        query: T,
    ) -> BoxFuture<'a, QueryResult<usize>> {
        let mut shared = self;
        AsyncConnectionCore::execute_returning_count(&mut shared, query)
    }

    fn load_shared<'a, T>(&'a self, query: T) -> BoxFuture<'a, QueryResult<Rows>>
    where
        T: diesel::query_builder::Query + QueryFragment<Pg> + QueryId,
    {
        let mut shared = self;
        AsyncConnectionCore::load(&mut shared, query)
    }
}

impl SimpleAsyncConnection for AsyncTenantConnection {
    /// Runs one statement. Several at once are refused.
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        Self::execute(self, RawText(query))?.await.map(drop)
    }
}

impl AsyncConnectionCore for AsyncTenantConnection {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = Rows;
    type Row<'conn, 'query> = Row;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        match self.rows(source.as_query()) {
            Ok(rows) => rows,
            Err(error) => Box::pin(std::future::ready(Err(error.into()))),
        }
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        match Self::execute(self, source) {
            Ok(done) => done,
            Err(error) => Box::pin(std::future::ready(Err(error.into()))),
        }
    }
}

impl AsyncConnection for AsyncTenantConnection {
    type TransactionManager = AsyncTenantTransactionManager;

    /// Refuses: a connection has a tenant, and comes from an [`AsyncTenantPool`](super::AsyncTenantPool).
    async fn establish(_database_url: &str) -> ConnectionResult<Self> {
        Err(ConnectionError::BadConnection(
            "a tenant's connection comes from a pool: use `AsyncTenantPool::get`".to_owned(),
        ))
    }

    fn transaction_state(&mut self) -> &mut AsyncTransactionState {
        &mut self.state
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.lease.instrumentation()
    }

    /// Until the connection goes back: its next user is another.
    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.lease.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        if let Ok((session, _)) = self.lease.parts() {
            session.inner().set_prepared_statement_cache_size(size);
        }
    }
}

impl<'b, Changes, Output, Tab, V> UpdateAndFetchResults<Changes, Output> for AsyncTenantConnection
where
    Output: Send + 'static,
    Changes: Copy + AsChangeset<Target = Tab> + Send + Identifiable<Table = Tab>,
    Tab: diesel::Table + FindDsl<Changes::Id> + 'b,
    Find<Tab, Changes::Id>: IntoUpdateTarget<Table = Tab, WhereClause = V>,
    UpdateStatement<Tab, V, Changes::Changeset>: AsQuery,
    Update<Changes, Changes>: LoadQuery<'b, Self, Output>,
    V: Send + 'b,
    Changes::Changeset: Send + 'b,
    Tab::FromClause: Send,
{
    fn update_and_fetch<'conn, 'changes>(
        &'conn mut self,
        changeset: Changes,
    ) -> BoxFuture<'changes, QueryResult<Output>>
    where
        Changes: 'changes,
        Changes::Changeset: 'changes,
        'conn: 'changes,
        Self: 'changes,
    {
        Box::pin(async move {
            diesel::update(changeset)
                .set(changeset)
                .get_result(self)
                .await
        })
    }
}
