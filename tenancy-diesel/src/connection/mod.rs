//! [`TenantConnection`]: used like a Diesel connection, sees one tenant.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;

use std::fmt;
use std::sync::Arc;

use diesel::Connection;
use diesel::connection::{CacheSize, ConnectionSealed, Instrumentation, SimpleConnection};
use diesel::query_builder::{QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};
use tenancy_core::TenantContext;
use tenancy_sql::Access;

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteRows;
pub use transaction::{TenantTransactionManager, TransactionState};

use crate::Result;
use crate::budget::Lease;
use crate::db::TenantDb;
use crate::pool::PoolCore;
use crate::statement::{RawText, Scoped, scope};

/// A connection on which one tenant's statements run, given to the closure of
/// [`TenantPool::interact`](crate::TenantPool::interact).
///
/// It is a [`diesel::Connection`]: `load`, `execute`, `transaction` and all their relatives work on it. It gives out no
/// connection of the driver, so nothing can change its tenant.
///
/// # Guarantee
/// Each statement is rewritten for the tenant, or refused before anything is sent; `sql_query` and `batch_execute` too, the
/// latter with one statement at a time. Transactions and savepoints begin and end through Diesel's functions alone: `BEGIN`
/// and its relatives are refused as statements.
///
/// # Isolation
/// As [`TenantPool`](crate::TenantPool). On PostgreSQL a statement outside a transaction gets one of its own: a write is
/// committed before its result is seen; one that changes nothing ends with the next statement, or right after the closure.
///
/// # Errors
/// Once a statement failed in a transaction on PostgreSQL, its commit is
/// [`Error::TransactionFailed`](crate::Error::TransactionFailed), though the server would answer it with success. A savepoint
/// that is rolled back takes its failure along.
///
/// # Example: two statements or none
/// ```
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: tenancy_diesel::TenantPool<diesel::SqliteConnection>) -> diesel::QueryResult<()> {
/// use diesel::prelude::*;
/// use diesel::sql_query;
/// use diesel::sql_types::BigInt;
///
/// pool.interact(|conn| {
///     conn.transaction(|conn| {
///         sql_query("UPDATE leads SET status = 'won' WHERE id = ?").bind::<BigInt, _>(7).execute(conn)?;
///         sql_query("INSERT INTO notes (lead_id, text) VALUES (?, 'won')").bind::<BigInt, _>(7).execute(conn)
///     })
/// })
/// .await?;
/// # Ok(()) }
/// ```
pub struct TenantConnection<C: TenantDb> {
    core: Arc<PoolCore<C>>,
    cx: TenantContext,
    lease: Lease<C>,
    state: TransactionState,
}

impl<C: TenantDb> fmt::Debug for TenantConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantConnection")
            .field("tenant", &self.cx.tenant_id())
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<C: TenantDb> TenantConnection<C> {
    pub(crate) fn new(core: Arc<PoolCore<C>>, cx: TenantContext, lease: Lease<C>) -> Self {
        Self {
            core,
            cx,
            lease,
            state: TransactionState::new(),
        }
    }

    /// The context it works for.
    pub fn context(&self) -> &TenantContext {
        &self.cx
    }

    /// Runs a closure in a transaction that only reads; several statements see one state.
    ///
    /// # Errors
    /// As [`transaction`](diesel::Connection::transaction); read-only tenants are welcome, statements that write are not.
    pub fn read_only_transaction<T, E, F>(&mut self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self) -> Result<T, E>,
        E: From<diesel::result::Error>,
    {
        self.state.reads_next = true;
        let done = self.transaction(work);
        self.state.reads_next = false;
        done
    }

    /// Refuses a tenant that is suspended, and another tenant's scope.
    fn ensure_admitted(&self) -> Result<()> {
        self.cx.ensure_live()?;
        Ok(self.cx.ensure_not_elsewhere()?)
    }

    /// The query as it may be sent, and whether it changes anything.
    fn scope<T: QueryFragment<C::Backend>>(&self, query: T) -> Result<(Scoped<T>, Access)> {
        let rewrite = self.core.walls.firewall;
        scope::<C::Backend, T>(&self.core.firewall, rewrite, &self.cx, query)
    }
}

impl<C: TenantDb> SimpleConnection for TenantConnection<C> {
    /// Runs one statement. Several at once are refused.
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.execute_returning_count(&RawText(query)).map(drop)
    }
}

impl<C: TenantDb> ConnectionSealed for TenantConnection<C> {}

impl<C: TenantDb> Connection for TenantConnection<C> {
    type Backend = C::Backend;
    type TransactionManager = TenantTransactionManager;

    /// Refuses: a connection has a tenant, and comes from a [`TenantPool`](crate::TenantPool).
    fn establish(_database_url: &str) -> ConnectionResult<Self> {
        Err(ConnectionError::BadConnection(
            "a tenant's connection comes from a pool: use `TenantPool::interact`".to_owned(),
        ))
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Self::Backend> + QueryId,
    {
        let (scoped, access) = self.scope(source)?;
        self.before(access)?;
        let done = self.lease.conn().execute_returning_count(&scoped);
        self.after(access, done)
    }

    fn transaction_state(&mut self) -> &mut TransactionState {
        &mut self.state
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.lease.conn().instrumentation()
    }

    /// Until the closure ends: the connection's next user is another.
    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.state.instrumented = true;
        self.lease.conn().set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.lease.conn().set_prepared_statement_cache_size(size);
    }
}
