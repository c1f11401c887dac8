//! Futures that are dropped at every await they have: the next borrower of the connection is never in somebody else's place.

use diesel::prelude::*;
use diesel_async::{AsyncConnection as _, RunQueryDsl};
use tenancy_core::Isolation;
use tenancy_testkit::fixture::Walls;

use super::probes::{rows, untouched};
use super::{Tenants, conn};
use crate::matrix::world::{at_rest, cancelled_after, prefix};
use crate::places::async_pool;
use crate::tables::leads;

/// Drops a piece of work after each number of polls, on a connection that is new or used, and looks as the other tenant.
macro_rules! at_every_await {
    ($($test:ident: $isolation:ident, $warm:expr, |$conn:ident| $work:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let w = Tenants::new(Isolation::$isolation, Walls::Both).await;
                for polls in 0.. {
                    assert!(polls < 100, "it never finished");
                    let pool = &async_pool(&w.tenants, 1);
                    if $warm {
                        rows(pool, &w.a).await;
                    }
                    let work = async {
                        let $conn = &mut conn(pool, &w.a).await;
                        let done: QueryResult<_> = $work;
                        done
                    };
                    let finished = cancelled_after(polls, work).await;
                    let theirs = rows(pool, &w.b).await;
                    assert_eq!(theirs.len(), 6, "after {polls} polls");
                    assert!(theirs.iter().all(|(_, name)| name.starts_with(&prefix(&w.b))));
                    let conn = &mut conn(pool, &w.a).await;
                    let changed = leads::table.filter(leads::status.ne("open")).count();
                    assert_eq!(changed.get_result::<i64>(conn).await, Ok(0), "all or nothing");
                    at_rest_but_one(pool).await;
                    if let Some(done) = finished {
                        done.unwrap();
                        break;
                    }
                }
                let pool = &async_pool(&w.tenants, 1);
                untouched(pool, &w.a, &w.b).await;
                at_rest(|| pool.stats()).await;
            }
        )*
    };
}

/// The one connection is ours.
async fn at_rest_but_one(pool: &tenancy_diesel::AsyncTenantPool) {
    assert_eq!(pool.stats().free_slots, 0);
    assert_eq!(pool.stats().open, 1);
}

at_every_await! {
    a_read_on_a_new_connection: Shared, false, |conn| leads::table.count().get_result::<i64>(conn).await;
    a_read_on_a_used_connection: Shared, true, |conn| leads::table
        .select((leads::id, leads::name))
        .order(leads::id)
        .load::<(i64, String)>(conn)
        .await;
    a_read_in_a_schema: Schema, true, |conn| leads::table.count().get_result::<i64>(conn).await;
    a_write: Shared, true, |conn| diesel::update(leads::table)
        .set(leads::name.eq(leads::name))
        .execute(conn)
        .await;
    a_transaction: Shared, true, |conn| conn
        .transaction(async |conn| {
            diesel::update(leads::table).set(leads::status.eq("lost")).execute(conn).await?;
            conn.transaction(async |conn| {
                diesel::update(leads::table).set(leads::status.eq("open")).execute(conn).await
            })
            .await
        })
        .await;
    a_transaction_in_a_schema: Schema, true, |conn| conn
        .transaction(async |conn| {
            diesel::update(leads::table).set(leads::status.eq("lost")).execute(conn).await?;
            diesel::update(leads::table).set(leads::status.eq("open")).execute(conn).await
        })
        .await;
}

/// A connection whose future was dropped and that is kept goes on as its own tenant, in no old transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_connection_goes_on() {
    let w = Tenants::new(Isolation::Shared, Walls::Both).await;
    let pool = &async_pool(&w.tenants, 1);
    for polls in 0..12 {
        let conn = &mut conn(pool, &w.a).await;
        let work = diesel::update(leads::table.find(1))
            .set(leads::status.eq("open"))
            .execute(conn);
        let _ = cancelled_after(polls, work).await;
        let inside: QueryResult<i64> = conn
            .transaction(async |conn| leads::table.count().get_result(conn).await)
            .await;
        assert_eq!(inside, Ok(6), "after {polls} polls");
    }
    at_rest(|| pool.stats()).await;
}
