//! The pool as sqlx's `Executor`: each statement on its own.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::TryStreamExt as _;
use sqlx::{Describe, Either, Execute, Executor, SqlStr};
use tenancy_core::TenantContext;
use tenancy_sql::{Access, Checked};

use super::{BoundPool, PoolCore, TenantPool, commit};
use crate::budget::Flight;
use crate::db::{Begin, Step, TenantDb};
use crate::statement::{Plan, ensure_describable, ensure_preparable};
use crate::{Error, Result};

impl<DB: TenantDb> PoolCore<DB> {
    fn fetch_many(self: Arc<Self>, plan: Result<Plan<DB>>) -> BoxStream<'static, Step<DB>> {
        Box::pin(async_stream::try_stream! {
            let Plan { query, access, cx } = plan?;
            let mut lease = self.lease(&cx, Begin::Statement(access)).await?;
            let query = lease.aim(query);
            if access == Access::Read {
                let (conn, flight) = lease.parts()?;
                *flight = Flight::Statement;
                let mut steps = DB::fetch_many(conn, query);
                loop {
                    let step = steps.try_next().await;
                    match step {
                        Ok(Some(step)) => yield step,
                        Ok(None) => {
                            *flight = Flight::Landed;
                            break;
                        }
                        Err(error) => {
                            let failed = Err::<(), _>(error);
                            flight.land(&failed);
                            failed?;
                        }
                    }
                }
                // Nothing was changed, so nobody waits for the end of the transaction.
            } else {
                let (conn, flight) = lease.parts()?;
                *flight = Flight::Statement;
                let done = DB::fetch_many(conn, query).try_collect::<Vec<_>>().await;
                flight.land(&done);
                let done = done?;
                // Before the first row is seen: a caller who drops the stream has still written, as in plain sqlx.
                commit(&mut lease).await?;
                drop(lease);
                for step in done {
                    yield step;
                }
            }
        })
    }

    async fn fetch_optional(
        self: Arc<Self>,
        plan: Result<Plan<DB>>,
    ) -> Result<Option<DB::Row>, sqlx::Error> {
        let Plan { query, access, cx } = plan?;
        let mut lease = self.lease(&cx, Begin::Statement(access)).await?;
        let query = lease.aim(query);
        let (conn, flight) = lease.parts()?;
        *flight = Flight::Statement;
        let row = match access {
            Access::Read => DB::fetch_optional(conn, query).await,
            Access::Write => first_row::<DB>(DB::fetch_many(conn, query)).await,
        };
        flight.land(&row);
        let row = row?;
        if access == Access::Write {
            commit(&mut lease).await?;
        }
        Ok(row)
    }

    async fn prepare(
        self: Arc<Self>,
        cx: Result<TenantContext>,
        sql: SqlStr,
        parameters: &[DB::TypeInfo],
    ) -> Result<DB::Statement, sqlx::Error> {
        let (cx, checked) = self.checked(cx, &sql)?;
        let mut lease = self.lease(&cx, Begin::Statement(Access::Read)).await?;
        ensure_preparable(&lease, &checked)?;
        let (conn, flight) = lease.parts()?;
        *flight = Flight::Statement;
        // The original text, so that the caller sees the columns as written; what runs later is rewritten then.
        let statement = DB::prepare_with(conn, sql, parameters).await;
        flight.land(&statement);
        statement
    }

    async fn describe(
        self: Arc<Self>,
        cx: Result<TenantContext>,
        sql: SqlStr,
    ) -> Result<Describe<DB>, sqlx::Error> {
        let (cx, _) = self.checked(cx, &sql)?;
        let mut lease = self.lease(&cx, Begin::Statement(Access::Read)).await?;
        ensure_describable(&lease)?;
        let (conn, flight) = lease.parts()?;
        *flight = Flight::Statement;
        let described = DB::describe(conn, sql).await;
        flight.land(&described);
        described
    }

    fn checked(
        &self,
        cx: Result<TenantContext>,
        sql: &SqlStr,
    ) -> Result<(TenantContext, Arc<Checked>)> {
        let cx = cx?;
        cx.ensure_live()?;
        let checked = self.firewall.check(sql.as_str())?;
        Ok((cx, checked))
    }
}

/// Runs a statement to its end for its first row. SQLite commits a statement at its end, and a driver that stops at the first
/// row hands out one that a deferred constraint may still refuse.
async fn first_row<DB: TenantDb>(
    mut steps: BoxStream<'_, Step<DB>>,
) -> Result<Option<DB::Row>, sqlx::Error> {
    let mut first = None;
    while let Some(step) = steps.try_next().await? {
        if let Either::Right(row) = step {
            first.get_or_insert(row);
        }
    }
    Ok(first)
}

/// The two handles differ only in where the tenant comes from.
macro_rules! executor_of {
    ($handle:ident, $cx:expr) => {
        // Of any lifetime, as sqlx's own for `&Pool`: what is returned borrows nothing of the handle.
        impl<'p, DB: TenantDb> Executor<'p> for &'_ $handle<DB> {
            type Database = DB;

            fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Step<DB>>
            where
                'p: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let plan = self.core.plan($cx(self), query);
                Arc::clone(&self.core).fetch_many(plan)
            }

            fn fetch_optional<'e, 'q: 'e, E>(
                self,
                query: E,
            ) -> BoxFuture<'e, Result<Option<DB::Row>, sqlx::Error>>
            where
                'p: 'e,
                E: 'q + Execute<'q, DB>,
            {
                let plan = self.core.plan($cx(self), query);
                Box::pin(Arc::clone(&self.core).fetch_optional(plan))
            }

            fn prepare_with<'e>(
                self,
                sql: SqlStr,
                parameters: &'e [DB::TypeInfo],
            ) -> BoxFuture<'e, Result<DB::Statement, sqlx::Error>>
            where
                'p: 'e,
            {
                Box::pin(Arc::clone(&self.core).prepare($cx(self), sql, parameters))
            }

            fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, sqlx::Error>>
            where
                'p: 'e,
            {
                Box::pin(Arc::clone(&self.core).describe($cx(self), sql))
            }
        }
    };
}

executor_of!(TenantPool, |_: &TenantPool<DB>| TenantContext::current()
    .map_err(Error::from));
executor_of!(BoundPool, BoundPool::context);
