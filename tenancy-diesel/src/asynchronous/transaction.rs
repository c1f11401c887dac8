//! Transactions of an [`AsyncTenantConnection`] in the caller's hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use diesel::QueryResult;
use diesel::connection::{TransactionDepthChange, TransactionManagerStatus};
use diesel_async::TransactionManager;
use futures_util::future::join;
use tenancy_core::session::postgres_begin;
use tenancy_sql::Access;

use super::connection::AsyncTenantConnection;
use super::lease::{Flight, send, send_unawaited};
use crate::db::unreachable;
use crate::{Error, Result};

/// Begins, commits and rolls back as one tenant. Used by `diesel_async::AsyncConnection::transaction`; there is no need to
/// name it.
///
/// The outermost transaction begins with the tenant's settings in the same message; those inside are savepoints.
#[derive(Debug)]
pub struct AsyncTenantTransactionManager;

/// What an [`AsyncTenantConnection`] knows of its transaction.
#[derive(Debug)]
pub struct AsyncTransactionState {
    status: TransactionManagerStatus,
    access: Access,
    outcome: Outcome,
    /// What was known of the surrounding transaction when each savepoint was made.
    before: Vec<u8>,
    /// A nested transaction was dropped in the middle of something: what is inside its savepoint and what is not can't be
    /// told any more.
    torn: bool,
    pub(super) reads_next: bool,
}

/// How the statements of a transaction went, as far as is known. Shared with the rows that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Outcome(Arc<AtomicU8>);

impl Outcome {
    const GOOD: u8 = 0;
    /// Somebody stopped looking before the end.
    const UNSEEN: u8 = 1;
    const FAILED: u8 = 2;

    fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Self::GOOD)))
    }

    /// A statement begins, and nobody has seen its end.
    pub(super) fn begun(&self) -> Statement {
        let before = self.0.fetch_max(Self::UNSEEN, Ordering::Relaxed);
        Statement {
            outcome: self.clone(),
            before,
        }
    }
}

/// One statement of a transaction, until its end was seen.
#[derive(Debug)]
pub(super) struct Statement {
    outcome: Outcome,
    before: u8,
}

impl Statement {
    /// It came to its end.
    pub(super) fn ended_well(&self) {
        // Unless another one failed meanwhile.
        let _ = self.outcome.0.compare_exchange(
            Outcome::UNSEEN,
            self.before,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// It failed, and the transaction with it.
    pub(super) fn failed(&self) {
        self.outcome.0.store(Outcome::FAILED, Ordering::Relaxed);
    }
}

impl AsyncTransactionState {
    // Not `Default`: Diesel hands out `&mut` to this, and nobody is to put a fresh one in its place.
    pub(super) fn new() -> Self {
        Self {
            status: TransactionManagerStatus::default(),
            access: Access::Read,
            outcome: Outcome::new(),
            before: Vec::new(),
            torn: false,
            reads_next: false,
        }
    }

    /// How deep in transactions of the caller.
    pub(super) fn depth(&self) -> u32 {
        self.status
            .transaction_depth()
            .ok()
            .flatten()
            .map_or(0, u32::from)
    }

    pub(super) fn access(&self) -> Access {
        self.access
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    fn change_depth(&mut self, change: TransactionDepthChange) -> QueryResult<()> {
        match &mut self.status {
            TransactionManagerStatus::Valid(status) => status.change_transaction_depth(change),
            TransactionManagerStatus::InError => {
                Err(diesel::result::Error::BrokenTransactionManager)
            }
        }
    }

    fn over(&mut self) {
        self.status = TransactionManagerStatus::default();
        self.outcome = Outcome::new();
        self.before.clear();
        self.torn = false;
    }
}

impl AsyncTenantConnection {
    /// Refuses to keep what was written: for a tenant that may no longer be written, in another tenant's scope, and after a
    /// failure.
    fn ensure_may_commit(&self) -> Result<()> {
        self.ensure_admitted()?;
        if self.state.access == Access::Write {
            self.cx.ensure_writable()?;
        }
        let failed = self.state.outcome.0.load(Ordering::Relaxed) == Outcome::FAILED;
        if failed || self.state.torn {
            return Err(Error::TransactionFailed);
        }
        Ok(())
    }

    /// A statement that was dropped inside a nested transaction may have been dropped with it. Diesel does not tell, and would
    /// take the commit of the surrounding transaction for that of the nested one.
    pub(super) fn note_dropped(&mut self) {
        self.state.torn |= self.state.depth() > 1 && self.lease.flight == Flight::Statement;
    }

    /// Ends what a cancelled boundary of an outermost transaction may have left open.
    pub(super) fn mend(&mut self) -> Result<()> {
        let depth = self.state.depth();
        let (session, flight) = self.lease.parts()?;
        if depth == 0 && *flight != Flight::Landed {
            send_unawaited(session.shared(), "ROLLBACK");
            *flight = Flight::Landed;
        }
        Ok(())
    }

    /// Sends the boundary of a transaction, so that being cancelled in it is noticed.
    async fn boundary(&mut self, sql: &str, after: Flight) -> QueryResult<()> {
        let (session, flight) = self.lease.parts()?;
        *flight = Flight::Statement;
        let done = send(session.shared(), sql).await;
        if done.is_ok() {
            *flight = after;
        }
        done
    }
}

impl TransactionManager<AsyncTenantConnection> for AsyncTenantTransactionManager {
    type TransactionStateData = AsyncTransactionState;

    async fn begin_transaction(conn: &mut AsyncTenantConnection) -> QueryResult<()> {
        conn.ensure_admitted()?;
        conn.note_dropped();
        let depth = conn.state.depth();
        if depth > 0 {
            let was_torn = std::mem::replace(&mut conn.state.torn, true);
            let sql = format!("SAVEPOINT tenancy_{depth}");
            conn.boundary(&sql, Flight::Transaction).await?;
            conn.state.torn = was_torn;
            let outcome = conn.state.outcome.0.load(Ordering::Relaxed);
            conn.state.before.push(outcome);
            return conn
                .state
                .change_depth(TransactionDepthChange::IncreaseDepth);
        }
        conn.mend()?;
        let reads = conn.state.reads_next || conn.cx.ensure_writable().is_err();
        let tenant = conn.cx.tenant();
        let sql = postgres_begin(
            tenant.placement(),
            tenant.id(),
            reads,
            conn.core.walls.server,
        );
        if let Err(error) = conn.boundary(&sql, Flight::Transaction).await {
            conn.mend()?;
            return Err(unreachable(conn.cx.tenant().placement(), error).into());
        }
        conn.state.over();
        conn.state.access = if reads { Access::Read } else { Access::Write };
        conn.state
            .change_depth(TransactionDepthChange::IncreaseDepth)
    }

    async fn rollback_transaction(conn: &mut AsyncTenantConnection) -> QueryResult<()> {
        match conn.state.depth() {
            0 => Err(diesel::result::Error::NotInTransaction),
            1 => {
                // Over for the caller, whatever comes of it: dropping the connection sends it again.
                conn.state.over();
                conn.boundary("ROLLBACK", Flight::Landed).await
            }
            depth => {
                conn.note_dropped();
                let was_torn = std::mem::replace(&mut conn.state.torn, true);
                let sql = format!("ROLLBACK TO SAVEPOINT tenancy_{}", depth - 1);
                conn.boundary(&sql, Flight::Transaction).await?;
                conn.state.torn = was_torn;
                let before = conn.state.before.pop().unwrap_or(Outcome::FAILED);
                conn.state.outcome = Outcome::new();
                conn.state.outcome.0.store(before, Ordering::Relaxed);
                conn.state
                    .change_depth(TransactionDepthChange::DecreaseDepth)
            }
        }
    }

    async fn commit_transaction(conn: &mut AsyncTenantConnection) -> QueryResult<()> {
        let depth = conn.state.depth();
        if depth == 0 {
            return Err(diesel::result::Error::NotInTransaction);
        }
        conn.note_dropped();
        if let Err(refused) = conn.ensure_may_commit() {
            // What went wrong first is what the caller wants to know.
            let _ = Self::rollback_transaction(conn).await;
            return Err(refused.into());
        }
        if depth > 1 {
            conn.state.torn = true;
            let sql = format!("RELEASE SAVEPOINT tenancy_{}", depth - 1);
            if let Err(error) = conn.boundary(&sql, Flight::Transaction).await {
                conn.state.torn = false;
                let _ = Self::rollback_transaction(conn).await;
                return Err(error);
            }
            conn.state.torn = false;
            conn.state.before.pop();
            return conn
                .state
                .change_depth(TransactionDepthChange::DecreaseDepth);
        }
        let unseen = conn.state.outcome.0.load(Ordering::Relaxed) != Outcome::GOOD;
        conn.state.over();
        if !unseen {
            return conn.boundary("COMMIT", Flight::Landed).await;
        }
        // In a failed transaction any statement fails; `COMMIT` alone would report success.
        let (session, flight) = conn.lease.parts()?;
        *flight = Flight::Statement;
        let shared = session.shared();
        let (asked, committed) = join(send(shared, "SELECT 1"), send(shared, "COMMIT")).await;
        committed?;
        *flight = Flight::Landed;
        asked.map_err(|_| Error::TransactionFailed.into())
    }

    fn transaction_manager_status_mut(
        conn: &mut AsyncTenantConnection,
    ) -> &mut TransactionManagerStatus {
        &mut conn.state.status
    }
}
