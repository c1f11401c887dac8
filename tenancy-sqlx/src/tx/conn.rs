//! The connection inside a transaction, as sqlx's `Executor`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Describe, Execute, Executor, SqlStr};
use tenancy_core::TenantContext;
use tenancy_sql::{Access, Firewall};

use super::TenantTx;
use crate::budget::{Flight, Lease};
use crate::db::{self, Step, TenantDb};
use crate::pool::PoolCore;
use crate::statement::{Plan, Scoped, ensure_describable, ensure_preparable, plan};
use crate::{Error, Result};

/// What a [`TenantTx`] dereferences to: a connection on which one tenant's statements run.
///
/// It is no `sqlx::Connection` and gives out none, so nothing can change its tenant.
pub struct TenantConn<DB: TenantDb> {
    core: Arc<PoolCore<DB>>,
    cx: TenantContext,
    access: Access,
    pub(super) lease: Lease<DB>,
    /// A statement failed, and the database will only roll back.
    pub(super) failed: bool,
}

impl<DB: TenantDb> fmt::Debug for TenantConn<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantConn")
            .field("tenant", &self.cx.tenant_id())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> TenantConn<DB> {
    pub(super) fn new(
        core: Arc<PoolCore<DB>>,
        cx: TenantContext,
        lease: Lease<DB>,
        access: Access,
    ) -> Self {
        Self {
            core,
            cx,
            access,
            lease,
            failed: false,
        }
    }

    /// For whom it was begun, and by whom: the proof that it holds anyway.
    pub fn context(&self) -> &TenantContext {
        &self.cx
    }

    /// Refuses to keep what was written: for a tenant that may no longer be written, and in another tenant's scope.
    pub(super) fn ensure_may_commit(&self) -> Result<()> {
        self.ensure_admitted()?;
        if self.access == Access::Write {
            self.cx.ensure_writable()?;
        }
        Ok(())
    }

    pub(crate) fn firewall(&self) -> &Firewall {
        &self.core.firewall
    }

    /// Refuses where a statement that writes would be refused.
    pub(crate) fn ensure_may_write(&self) -> Result<()> {
        self.ensure_usable()?;
        if self.access == Access::Read {
            return Err(Error::ReadOnlyTransaction);
        }
        Ok(self.cx.ensure_writable()?)
    }

    /// Refuses a tenant that is suspended, and another tenant's scope.
    fn ensure_admitted(&self) -> Result<()> {
        self.cx.ensure_live()?;
        Ok(self.cx.ensure_not_elsewhere()?)
    }

    /// Refuses a tenant that is suspended, another tenant's scope, and a connection whose state is not known.
    pub(super) fn ensure_usable(&self) -> Result<()> {
        self.ensure_admitted()?;
        match self.lease.flight {
            // A stream that was dropped midway is read to its end by the next statement.
            Flight::Landed | Flight::Statement | Flight::Doubtful => Ok(()),
            Flight::Boundary | Flight::Lost => Err(Error::TransactionFailed),
        }
    }

    /// Whether the database may have ended the transaction, and would not say so by itself.
    pub(super) fn is_in_doubt(&self) -> bool {
        match self.lease.flight {
            Flight::Doubtful => true,
            Flight::Statement => !DB::FAILED_STATEMENT_FAILS_TRANSACTION,
            Flight::Landed | Flight::Boundary | Flight::Lost => false,
        }
    }

    /// Asks the database whether the transaction is still there, if that is in doubt.
    pub(super) async fn settle(&mut self) -> Result<()> {
        if self.is_in_doubt() {
            self.lease.boundary(DB::settle).await?;
        }
        Ok(())
    }

    /// Queues the rollback of a savepoint that was dropped.
    pub(super) fn queue_rollback(&mut self, failed_before: bool) {
        if matches!(self.lease.flight, Flight::Boundary | Flight::Lost) {
            self.failed = true;
            return;
        }
        if let Ok((conn, _)) = self.lease.parts() {
            db::start_rollback::<DB>(conn);
            self.failed = failed_before;
        }
    }

    fn plan<'q, E: Execute<'q, DB>>(&self, query: E) -> Result<Plan<DB>> {
        self.ensure_usable()?;
        let walls = self.core.ledger.walls;
        let plan = plan(&self.core.firewall, walls.firewall, self.cx.clone(), query)?;
        if walls.firewall && plan.access == Access::Write && self.access == Access::Read {
            return Err(Error::ReadOnlyTransaction);
        }
        Ok(plan)
    }

    fn run<'e, 'q, E>(&'e mut self, query: E) -> BoxStream<'e, Step<DB>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let query = match self.plan(query) {
            Ok(plan) => self.lease.aim(plan.query),
            Err(error) => return once::<DB>(error),
        };
        let in_doubt = self.is_in_doubt();
        let failed = &mut self.failed;
        match self.lease.parts() {
            Ok((conn, flight)) => {
                *flight = Flight::Statement;
                let steps = if in_doubt {
                    settle_and_fetch(conn, query)
                } else {
                    DB::fetch_many(conn, query)
                };
                Box::pin(Watched::<DB> {
                    steps,
                    flight,
                    failed,
                })
            }
            Err(error) => once::<DB>(error),
        }
    }

    async fn run_optional(
        &mut self,
        plan: Result<Plan<DB>>,
    ) -> Result<Option<DB::Row>, sqlx::Error> {
        let query = self.lease.aim(plan?.query);
        self.settle().await?;
        let (conn, flight) = self.lease.parts()?;
        *flight = Flight::Statement;
        let row = DB::fetch_optional(conn, query).await;
        land::<DB, _>(flight, &mut self.failed, &row);
        row
    }

    async fn run_prepare(
        &mut self,
        sql: SqlStr,
        parameters: &[DB::TypeInfo],
    ) -> Result<DB::Statement, sqlx::Error> {
        self.ensure_usable()?;
        let checked = self
            .core
            .firewall
            .check(sql.as_str())
            .map_err(Error::from)?;
        ensure_preparable(&self.lease, &checked)?;
        self.settle().await?;
        let (conn, flight) = self.lease.parts()?;
        *flight = Flight::Statement;
        let statement = DB::prepare_with(conn, sql, parameters).await;
        land::<DB, _>(flight, &mut self.failed, &statement);
        statement
    }

    async fn run_describe(&mut self, sql: SqlStr) -> Result<Describe<DB>, sqlx::Error> {
        self.ensure_usable()?;
        self.core
            .firewall
            .check(sql.as_str())
            .map_err(Error::from)?;
        ensure_describable(&self.lease)?;
        self.settle().await?;
        let (conn, flight) = self.lease.parts()?;
        *flight = Flight::Statement;
        let described = DB::describe(conn, sql).await;
        land::<DB, _>(flight, &mut self.failed, &described);
        described
    }
}

fn once<DB: TenantDb>(error: impl Into<sqlx::Error>) -> BoxStream<'static, Step<DB>> {
    let error = error.into();
    Box::pin(futures_util::stream::once(std::future::ready(Err(error))))
}

/// Notes how a statement of a transaction ended, and what that means for the transaction.
fn land<DB: TenantDb, T>(flight: &mut Flight, failed: &mut bool, result: &Result<T, sqlx::Error>) {
    flight.land(result);
    if result.is_err() {
        *failed |= DB::FAILED_STATEMENT_FAILS_TRANSACTION;
        if *flight == Flight::Landed && !DB::FAILED_STATEMENT_FAILS_TRANSACTION {
            *flight = Flight::Doubtful;
        }
    }
}

fn settle_and_fetch<DB: TenantDb>(
    conn: &mut DB::Connection,
    query: Scoped<DB>,
) -> BoxStream<'_, Step<DB>> {
    Box::pin(async_stream::try_stream! {
        DB::settle(conn).await?;
        let mut steps = DB::fetch_many(conn, query);
        while let Some(step) = steps.try_next().await? {
            yield step;
        }
    })
}

/// A running statement that notes how it ends.
struct Watched<'e, DB: TenantDb> {
    steps: BoxStream<'e, Step<DB>>,
    flight: &'e mut Flight,
    failed: &'e mut bool,
}

impl<DB: TenantDb> Stream for Watched<'_, DB> {
    type Item = Step<DB>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step<DB>>> {
        let step = self.steps.poll_next_unpin(cx);
        match &step {
            Poll::Ready(None) => *self.flight = Flight::Landed,
            Poll::Ready(Some(result @ Err(_))) => {
                let Self { flight, failed, .. } = &mut *self;
                land::<DB, _>(flight, failed, result);
            }
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        step
    }
}

/// `&mut tx` and `&mut *tx` are both executors, as people write both.
macro_rules! executor_of {
    ($target:ty) => {
        impl<'c, DB: TenantDb> Executor<'c> for &'c mut $target {
            type Database = DB;

            fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                self.run(query)
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<DB::Row>, sqlx::Error>>
            where
                'c: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let plan = self.plan(query);
                Box::pin(self.run_optional(plan))
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> BoxFuture<'e, Result<DB::Statement, sqlx::Error>>
            where
                'c: 'e,
            {
                Box::pin(self.run_prepare(sql, parameters))
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, sqlx::Error>>
            where
                'c: 'e,
            {
                Box::pin(self.run_describe(sql))
            }
        }
    };
}

executor_of!(TenantConn<DB>);
executor_of!(TenantTx<'_, DB>);
