//! The transaction around a single statement.

use std::pin::Pin;
use std::task::{Context, Poll};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::future::join;
use tenancy_core::TenantContext;
use tenancy_core::session::postgres_begin;
use tenancy_sql::Access;

use super::lease::{Flight, Session, send, send_unawaited};
use super::transaction::Statement;
use crate::db::unreachable;

/// Runs a statement that provably changes nothing. The opening message and the statement travel together, and the end of the
/// transaction is not waited for.
///
/// A statement that this connection has not prepared asks for that first, behind the opening message; so the end can only be
/// sent once the statement itself was.
pub(super) async fn read<R>(
    cx: &TenantContext,
    server_wall: bool,
    session: &Session,
    flight: &mut Flight,
    statement: impl Future<Output = QueryResult<R>>,
) -> QueryResult<R> {
    let conn = session.shared();
    let sql = opening(cx, Access::Read, server_wall);
    *flight = Flight::Statement;
    // In this order: the first is polled, and so sent, first.
    let (begun, answer) = join(send(conn, &sql), statement).await;
    let ended_by = if answer.is_ok() { "COMMIT" } else { "ROLLBACK" };
    send_unawaited(conn, ended_by);
    *flight = Flight::Landed;
    // Without its settings the statement answered another question.
    begun.map_err(|error| unreachable(cx.tenant().placement(), error))?;
    answer
}

/// Runs a statement that may write, and waits for its commit before its result is seen.
pub(super) async fn write<R>(
    cx: &TenantContext,
    server_wall: bool,
    session: &Session,
    flight: &mut Flight,
    statement: impl Future<Output = QueryResult<R>>,
) -> QueryResult<R> {
    let conn: &AsyncPgConnection = session.shared();
    let sql = opening(cx, Access::Write, server_wall);
    *flight = Flight::Statement;
    let answer = match send(conn, &sql).await {
        Ok(()) => statement.await,
        Err(error) => Err(unreachable(cx.tenant().placement(), error).into()),
    };
    let done = match answer {
        Ok(answer) => send(conn, "COMMIT").await.map(|()| answer),
        Err(error) => {
            send_unawaited(conn, "ROLLBACK");
            Err(error)
        }
    };
    *flight = Flight::Landed;
    done
}

fn opening(cx: &TenantContext, access: Access, server_wall: bool) -> String {
    let tenant = cx.tenant();
    let read_only = access == Access::Read;
    postgres_begin(tenant.placement(), tenant.id(), read_only, server_wall)
}

/// The rows of a statement inside a transaction, which note how it ends.
pub(super) struct Watched<R> {
    pub(super) rows: BoxStream<'static, QueryResult<R>>,
    pub(super) statement: Statement,
}

impl<R> Stream for Watched<R> {
    type Item = QueryResult<R>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = self.rows.as_mut().poll_next(cx);
        match &row {
            Poll::Ready(None) => self.statement.ended_well(),
            Poll::Ready(Some(Err(_))) => self.statement.failed(),
            Poll::Ready(Some(Ok(_))) | Poll::Pending => {}
        }
        row
    }
}
