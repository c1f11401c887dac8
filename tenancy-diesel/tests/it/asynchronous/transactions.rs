//! What a commit says, what a lost connection does, and what a tenant that changes meets.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel_async::{AsyncConnection as _, RunQueryDsl};
use tenancy_core::{ErrorKind, Isolation};
use tenancy_diesel::Error;
use tenancy_testkit::NetworkDelay;
use tenancy_testkit::fixture::Walls;

use super::probes::{rows, untouched};
use super::{Tenants, conn};
use crate::matrix::world::{at_rest, cancelled_after, prefix};
use crate::places::{async_pool, async_pool_through};
use crate::tables::{lead, leads};

/// PostgreSQL answers the `COMMIT` of a failed transaction with success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_was_overlooked_fails_the_commit() {
    let w = Tenants::new(Isolation::Shared, Walls::Both).await;
    let pool = &async_pool(&w.tenants, 1);
    let conn = &mut conn(pool, &w.a).await;
    let done: QueryResult<()> = conn
        .transaction(async |conn| {
            diesel::update(leads::table)
                .set(leads::status.eq("won"))
                .execute(conn)
                .await?;
            let failed = diesel::insert_into(leads::table)
                .values(&lead(1, "twice"))
                .execute(conn);
            assert!(failed.await.is_err());
            Ok(())
        })
        .await;
    assert!(is_transaction_failed(&done.unwrap_err()));
    // The failure came behind the row that was looked at.
    let done: QueryResult<()> = conn
        .transaction(async |conn| {
            let query = "SELECT 6 / (6 - id) AS id FROM leads";
            let first = sql_query(query).get_result::<Id>(conn).await;
            assert!(first.is_ok_and(|row| row.id == 1));
            Ok(())
        })
        .await;
    assert!(is_transaction_failed(&done.unwrap_err()));
    let status: Vec<String> = leads::table.select(leads::status).load(conn).await.unwrap();
    assert!(status.iter().all(|status| status == "open"));
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
}

/// A nested transaction that is dropped midway leaves its savepoint open, and Diesel would take the commit of the one around
/// it for that of the nested one: success would be reported, and nothing kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_nested_transaction_fails_the_one_around_it() {
    let w = Tenants::new(Isolation::Shared, Walls::Both).await;
    let pool = &async_pool(&w.tenants, 2);
    for polls in 0.. {
        assert!(polls < 50, "it never finished");
        let mut finished = false;
        let mut borrowed = conn(pool, &w.a).await;
        let done: QueryResult<()> = borrowed
            .transaction(async |conn| {
                diesel::update(leads::table)
                    .set(leads::status.eq("lost"))
                    .execute(conn)
                    .await?;
                let nested = conn.transaction(async |conn| {
                    diesel::update(leads::table.find(1))
                        .set(leads::status.eq("won"))
                        .execute(conn)
                        .await
                });
                finished = cancelled_after(polls, nested).await.is_some();
                diesel::update(leads::table.find(2))
                    .set(leads::status.eq("won"))
                    .execute(conn)
                    .await?;
                Ok(())
            })
            .await;
        // Whoever goes on with the connection is told, too.
        let again: QueryResult<usize> = borrowed
            .transaction(async |conn| {
                diesel::update(leads::table)
                    .set(leads::owner_id.eq(2))
                    .execute(conn)
                    .await
            })
            .await;
        drop(borrowed);
        let conn = &mut conn(pool, &w.a).await;
        let seen: Vec<(String, Option<i64>)> = leads::table
            .select((leads::status, leads::owner_id))
            .order(leads::id)
            .load(conn)
            .await
            .unwrap();
        if finished {
            assert_eq!((done, again), (Ok(()), Ok(6)));
            let status: Vec<_> = seen.iter().map(|(status, _)| &**status).collect();
            assert_eq!(status, ["won", "won", "lost", "lost", "lost", "lost"]);
            break;
        }
        let failed = done.unwrap_err();
        assert!(
            is_transaction_failed(&failed),
            "{failed:?} after {polls} polls"
        );
        assert!(
            seen.iter().all(|(status, _)| status == "open"),
            "after {polls} polls"
        );
        // What the next one says is true: it was kept, or it failed.
        let kept = seen.iter().all(|(_, owner)| *owner == Some(2));
        assert_eq!(kept, again.is_ok(), "after {polls} polls");
        diesel::update(leads::table)
            .set(leads::owner_id.eq(1))
            .execute(conn)
            .await
            .unwrap();
    }
    at_rest(|| pool.stats()).await;
}

fn is_transaction_failed(error: &DieselError) -> bool {
    matches!(Error::from_diesel(error), Some(Error::TransactionFailed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_transaction_reads() {
    let w = Tenants::new(Isolation::Schema, Walls::Both).await;
    let pool = &async_pool(&w.tenants, 1);
    let conn = &mut conn(pool, &w.a).await;
    let done: QueryResult<i64> = conn
        .read_only_transaction(async |conn| {
            let refused = diesel::delete(leads::table).execute(conn).await;
            assert!(matches!(
                Error::from_diesel(&refused.unwrap_err()),
                Some(Error::ReadOnlyTransaction)
            ));
            leads::table.count().get_result(conn).await
        })
        .await;
    assert_eq!(done, Ok(6));
    let mut writes = diesel::update(leads::table.find(1))
        .set(leads::status.eq("open"))
        .execute(conn)
        .await;
    assert_eq!(writes, Ok(1));
    writes = conn
        .transaction(async |conn| {
            diesel::update(leads::table.find(1))
                .set(leads::status.eq("open"))
                .execute(conn)
                .await
        })
        .await;
    assert_eq!(writes, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspension_bites_what_is_under_way() {
    let w = Tenants::new(Isolation::Shared, Walls::Both).await;
    let registry = tenancy_core::InMemoryRegistry::new();
    let tenant = tenancy_core::Tenant::builder(w.a.tenant_id(), *w.a.tenant().slug());
    registry.insert(tenant.build().unwrap()).unwrap();
    let tenant = tenancy_core::RegistryExt::by_id(&registry, &w.a.tenant_id())
        .await
        .unwrap();
    let cx =
        tenancy_core::TenantContext::for_request(tenant, tenancy_core::Actor::user("u")).unwrap();
    let pool = &async_pool(&w.tenants, 1);
    let conn = &mut conn(pool, &cx).await;
    let status = |status| registry.set_status(&w.a.tenant_id(), status).unwrap();

    let done: QueryResult<usize> = conn
        .transaction(async |conn| {
            let done = diesel::update(leads::table)
                .set(leads::name.eq("changed"))
                .execute(conn)
                .await?;
            status(tenancy_core::TenantStatus::ReadOnly);
            Ok(done)
        })
        .await;
    assert_eq!(kind(&done.unwrap_err()), Some(ErrorKind::ReadOnly));
    let read = leads::table.count().get_result::<i64>(conn).await;
    assert_eq!(read, Ok(6));
    let refused = diesel::delete(leads::table).execute(conn).await;
    assert_eq!(kind(&refused.unwrap_err()), Some(ErrorKind::ReadOnly));

    status(tenancy_core::TenantStatus::Suspended);
    let refused = leads::table.count().get_result::<i64>(conn).await;
    assert_eq!(kind(&refused.unwrap_err()), Some(ErrorKind::Suspended));
    assert!(pool.get_for(&cx).await.is_err());
}

fn kind(error: &DieselError) -> Option<ErrorKind> {
    Error::from_diesel(error)
        .and_then(Error::as_tenancy)
        .map(tenancy_core::Error::kind)
}

/// The network is cut under idle connections and under a transaction; afterwards the pool serves again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_replaced() {
    let w = Tenants::new(Isolation::Shared, Walls::Both).await;
    let delay = std::time::Duration::ZERO;
    let network = NetworkDelay::to(w.tenants.server_address(), delay).unwrap();
    let pool = &async_pool_through(&w.tenants, &network, 2);
    rows(pool, &w.a).await;
    let mut held = conn(pool, &w.a).await;
    let cut: QueryResult<()> = held
        .transaction(async |conn| {
            diesel::delete(leads::table).execute(conn).await?;
            network.cut();
            let lost = leads::table.count().get_result::<i64>(conn).await;
            assert!(lost.is_err());
            Ok(())
        })
        .await;
    assert!(cut.is_err());
    drop(held);
    assert!(pool.get_for(&w.b).await.is_err() || rows_fail(pool, &w.b).await);
    network.heal();
    // The drivers of the idle connections see their end at once or a moment later.
    for _ in 0..500 {
        if !rows_fail(pool, &w.b).await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    untouched(pool, &w.a, &w.b).await;
    assert!(rows(pool, &w.b).await[0].1.starts_with(&prefix(&w.b)));
    at_rest(|| pool.stats()).await;
}

async fn rows_fail(
    pool: &tenancy_diesel::AsyncTenantPool,
    cx: &tenancy_core::TenantContext,
) -> bool {
    match pool.get_for(cx).await {
        Ok(mut conn) => leads::table
            .count()
            .get_result::<i64>(&mut conn)
            .await
            .is_err(),
        Err(_) => true,
    }
}
