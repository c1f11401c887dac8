//! A limit of connections per tenant, on diesel-async: whoever goes away at any await leaves the tenant's place.

use std::time::Duration;

use diesel::QueryDsl as _;
use diesel_async::RunQueryDsl as _;
use tenancy_core::Isolation;
use tenancy_diesel::Budget;
use tenancy_testkit::fixture::Walls;

use super::{Tenants, conn};
use crate::matrix::world::{at_rest, cancelled_after};
use crate::per_tenant::is_own_limit;
use crate::places::async_pool_with;
use crate::tables::leads;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_at_its_limit_is_in_nobodys_way() {
    for isolation in [Isolation::Shared, Isolation::Database] {
        let w = Tenants::new(isolation, Walls::Both).await;
        let pool = async_pool_with(&w.tenants, Budget::new(2).per_tenant(1));
        for polls in 0.. {
            assert!(polls < 100, "it never finished");
            let held = conn(&pool, &w.a).await;
            let conn_b = &mut conn(&pool, &w.b).await;
            assert_eq!(leads::table.count().get_result::<i64>(conn_b).await, Ok(6));
            let work = async {
                let conn = &mut conn(&pool, &w.a).await;
                leads::table.count().get_result::<i64>(conn).await
            };
            let freed = async move { drop(held) };
            let (finished, ()) = tokio::join!(cancelled_after(polls, work), freed);
            let conn = &mut conn(&pool, &w.a).await;
            assert_eq!(leads::table.count().get_result::<i64>(conn).await, Ok(6));
            if let Some(counted) = finished {
                assert_eq!(counted, Ok(6));
                break;
            }
        }
        at_rest(|| pool.stats()).await;
        assert_eq!(pool.stats().tenants, 0);

        let short = Budget::new(2).per_tenant(1);
        let pool = async_pool_with(&w.tenants, short.acquire_timeout(Duration::from_millis(20)));
        let held = conn(&pool, &w.a).await;
        let refused = pool.get_for(&w.a).await.err().unwrap();
        assert!(is_own_limit(&refused.into()));
        let conn = &mut conn(&pool, &w.b).await;
        assert_eq!(leads::table.count().get_result::<i64>(conn).await, Ok(6));
        drop(held);
    }
}
