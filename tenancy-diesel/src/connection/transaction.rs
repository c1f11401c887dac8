//! Transactions of a [`TenantConnection`]: those of Diesel's functions, and those that a single statement gets on PostgreSQL.

use diesel::connection::{
    AnsiTransactionManager, CacheSize, TransactionManager, TransactionManagerStatus,
    get_default_instrumentation,
};
use diesel::result::QueryResult;
use tenancy_sql::Access;

use super::TenantConnection;
use crate::db::{TenantDb, unreachable};
use crate::{Error, Result};

/// Begins, commits and rolls back as one tenant. Used by [`diesel::Connection::transaction`]; there is no need to name it.
///
/// The outermost transaction begins with the tenant's settings in the same message; those inside are savepoints.
#[derive(Debug)]
pub struct TenantTransactionManager;

/// What a [`TenantConnection`] knows of its transaction.
#[derive(Debug)]
pub struct TransactionState {
    /// What the open transaction may do.
    access: Access,
    /// A statement failed, and the database will only roll back.
    failed: bool,
    /// Whether the surrounding transaction had failed when each savepoint was made.
    failed_before: Vec<bool>,
    /// A statement failed, and may have ended the transaction (SQLite).
    pub(super) doubtful: bool,
    /// A transaction of ours in which something was read is still open (PostgreSQL).
    open_read: bool,
    /// The connection has served its borrower, so a failure is not an old one.
    used: bool,
    /// The end of a transaction failed: only closing the connection is sure to end it.
    lost: bool,
    /// The next transaction is for reading.
    pub(super) reads_next: bool,
    /// The borrower looks at statements.
    pub(super) instrumented: bool,
}

impl TransactionState {
    // Not `Default`: Diesel hands out `&mut` to this, and nobody is to put a fresh one in its place.
    pub(super) fn new() -> Self {
        Self {
            access: Access::Read,
            failed: false,
            failed_before: Vec::new(),
            doubtful: false,
            open_read: false,
            used: false,
            lost: false,
            reads_next: false,
            instrumented: false,
        }
    }
}

impl<C: TenantDb> TenantConnection<C> {
    /// How deep in transactions of the caller it is.
    fn depth(&mut self) -> QueryResult<u32> {
        let status = AnsiTransactionManager::transaction_manager_status_mut(self.lease.conn());
        Ok(status.transaction_depth()?.map_or(0, u32::from))
    }

    /// Whether Diesel gave the connection up.
    fn is_broken(&mut self) -> bool {
        self.depth().is_err()
    }

    /// Makes the connection ready for a statement.
    pub(super) fn before(&mut self, access: Access) -> QueryResult<()> {
        self.ensure_admitted()?;
        if self.depth()? > 0 {
            // Without the firewall (in tests) nobody knows what a statement does.
            let known = self.core.walls.firewall;
            if known && access == Access::Write && self.state.access == Access::Read {
                return Err(Error::ReadOnlyTransaction.into());
            }
            return self.settle();
        }
        if C::STATEMENT_NEEDS_TRANSACTION {
            self.begin(access, |conn, sql| conn.batch_execute(sql))?;
        }
        self.state.used = true;
        Ok(())
    }

    /// Notes how a statement ended, and ends a transaction that was its own.
    pub(super) fn after<R>(&mut self, access: Access, done: QueryResult<R>) -> QueryResult<R> {
        let inside = self.depth().map_or(true, |depth| depth > 0);
        match done {
            Ok(result) => {
                if !inside && C::STATEMENT_NEEDS_TRANSACTION {
                    match access {
                        Access::Read => self.state.open_read = true,
                        Access::Write => self.end("COMMIT")?,
                    }
                }
                Ok(result)
            }
            Err(error) => {
                if inside {
                    self.state.failed |= C::FAILED_STATEMENT_FAILS_TRANSACTION;
                    self.state.doubtful |= !C::FAILED_STATEMENT_FAILS_TRANSACTION;
                } else if C::STATEMENT_NEEDS_TRANSACTION {
                    // What went wrong first is what the caller wants to know.
                    let _ = self.end("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    /// Sends the message that opens a transaction. A connection that was lost while it was idle is replaced, as long as
    /// nothing of the caller's was sent on it.
    fn begin(
        &mut self,
        access: Access,
        send: impl Fn(&mut C, &str) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let tenant = self.cx.tenant();
        let wall = self.core.walls.server;
        let mut sql = C::begin_sql(tenant.placement(), tenant.id(), access, wall);
        if self.state.open_read {
            sql.insert_str(0, "ROLLBACK; ");
        }
        loop {
            match send(self.lease.conn(), &sql) {
                Ok(()) => {
                    self.state.open_read = false;
                    return Ok(());
                }
                Err(error) if self.lease.reused && !self.state.used && self.is_broken() => {
                    tracing::debug!(%error, "an idle connection was lost; opening another");
                    let tenant = self.cx.tenant();
                    self.lease.replace(tenant)?;
                }
                Err(error) => {
                    self.state.lost = true;
                    // PostgreSQL found no such schema or role; SQLite has opened its file, and is busy.
                    return Err(if C::STATEMENT_NEEDS_TRANSACTION {
                        unreachable(self.cx.tenant().placement(), error).into()
                    } else {
                        self.state.lost = false;
                        error
                    });
                }
            }
        }
    }

    /// Ends a transaction that was a statement's own.
    fn end(&mut self, sql: &str) -> QueryResult<()> {
        self.lease.conn().batch_execute(sql).inspect_err(|_| {
            self.state.lost = true;
        })
    }

    /// Asks the database whether the transaction is still there, if that is in doubt.
    fn settle(&mut self) -> QueryResult<()> {
        if self.state.doubtful {
            self.lease.conn().settle()?;
            self.state.doubtful = false;
        }
        Ok(())
    }

    /// Refuses to keep what was written: for a tenant that may no longer be written, in another tenant's scope, and after a
    /// failure.
    fn ensure_may_commit(&mut self) -> Result<()> {
        self.ensure_admitted()?;
        if self.state.access == Access::Write {
            self.cx.ensure_writable()?;
        }
        self.settle()?;
        if self.state.failed {
            return Err(Error::TransactionFailed);
        }
        Ok(())
    }

    /// Rolls back what is open and gives the connection back, or closes it.
    pub(crate) fn settle_and_give_back(mut self) {
        while let Ok(1..) = self.depth() {
            if AnsiTransactionManager::rollback_transaction(self.lease.conn()).is_err() {
                return;
            }
        }
        if self.state.open_read && self.end("ROLLBACK").is_err() {
            return;
        }
        if self.state.lost || self.is_broken() {
            return;
        }
        let conn = self.lease.conn();
        if self.state.instrumented {
            // Whoever looked at this tenant's statements does not see the next one's.
            conn.set_instrumentation(get_default_instrumentation());
        }
        conn.set_prepared_statement_cache_size(CacheSize::Unbounded);
        self.lease.give_back();
    }
}

impl<C: TenantDb> TransactionManager<TenantConnection<C>> for TenantTransactionManager {
    type TransactionStateData = TransactionState;

    fn begin_transaction(conn: &mut TenantConnection<C>) -> QueryResult<()> {
        conn.ensure_admitted()?;
        if conn.depth()? > 0 {
            conn.settle()?;
            AnsiTransactionManager::begin_transaction(conn.lease.conn())?;
            let failed = conn.state.failed;
            conn.state.failed_before.push(failed);
            return Ok(());
        }
        let reads = conn.state.reads_next || conn.cx.ensure_writable().is_err();
        let access = if reads { Access::Read } else { Access::Write };
        conn.begin(access, AnsiTransactionManager::begin_transaction_sql)?;
        conn.state.used = true;
        conn.state.access = access;
        conn.state.failed = false;
        conn.state.doubtful = false;
        conn.state.failed_before.clear();
        Ok(())
    }

    fn rollback_transaction(conn: &mut TenantConnection<C>) -> QueryResult<()> {
        AnsiTransactionManager::rollback_transaction(conn.lease.conn())?;
        conn.state.failed = conn.state.failed_before.pop().unwrap_or(false);
        Ok(())
    }

    fn commit_transaction(conn: &mut TenantConnection<C>) -> QueryResult<()> {
        if let Err(refused) = conn.ensure_may_commit() {
            // What went wrong first is what the caller wants to know; a rollback that fails has Diesel give the connection up.
            let _ = Self::rollback_transaction(conn);
            return Err(refused.into());
        }
        let depth = conn.depth()?;
        let done = AnsiTransactionManager::commit_transaction(conn.lease.conn());
        if done.is_err() && conn.depth().is_ok_and(|now| now == depth) {
            let _ = Self::rollback_transaction(conn);
        } else {
            conn.state.failed_before.pop();
        }
        done
    }

    fn transaction_manager_status_mut(
        conn: &mut TenantConnection<C>,
    ) -> &mut TransactionManagerStatus {
        AnsiTransactionManager::transaction_manager_status_mut(conn.lease.conn())
    }
}
