//! A limit of connections per tenant: one tenant at its limit waits for itself, and the other is served at once.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use sqlx::query_scalar;
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{Budget, Error};
use tenancy_testkit::fixture::TwoTenants;

/// Polls a future until it has been pending `polls` times, then drops it. `None` if it was dropped.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut pending = 0;
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if pending == polls => Poll::Ready(None),
        Poll::Pending => {
            pending += 1;
            Poll::Pending
        }
    })
    .await
}

macro_rules! on_every_place {
    ($($test:ident: $tenants:expr;)*) => {
        $(
            mod $test {
                use super::*;

                const COUNT: &str = "SELECT count(*) FROM leads";

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn a_flood_of_one_tenant_is_nothing_to_the_other() {
                    let tenants = $tenants.build().await.unwrap();
                    let pool = tenants.pool_with(Budget::new(3).per_tenant(2)).unwrap();
                    let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
                    let b = pool.for_tenant(&TenantContext::for_test(tenants.b.clone()));
                    let held = [a.begin_read_only().await.unwrap(), a.begin_read_only().await.unwrap()];
                    let mut flood = tokio::task::JoinSet::new();
                    for _ in 0..20 {
                        let a = a.clone();
                        flood.spawn(async move { query_scalar::<_, i64>(COUNT).fetch_one(&a).await });
                    }
                    // Nothing of the flood is done while these hold the tenant's connections; the other tenant is served.
                    for _ in 0..10 {
                        assert_eq!(query_scalar::<_, i64>(COUNT).fetch_one(&b).await.unwrap(), 6);
                    }
                    assert!(flood.try_join_next().is_none());
                    assert!(pool.stats().free_slots >= 1, "{:?}", pool.stats());
                    drop(held);
                    while let Some(counted) = flood.join_next().await {
                        assert_eq!(counted.unwrap().unwrap(), 6);
                    }
                    pool.close().await;
                    assert_eq!(pool.stats().tenants, 0);
                }

                #[tokio::test]
                async fn the_tenant_is_told_that_it_was_its_own_limit() {
                    let tenants = $tenants.build().await.unwrap();
                    let budget = Budget::new(3).per_tenant(1).acquire_timeout(Duration::from_millis(20));
                    let pool = tenants.pool_with(budget).unwrap();
                    let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
                    let b = pool.for_tenant(&TenantContext::for_test(tenants.b.clone()));
                    let held = a.begin_read_only().await.unwrap();
                    let refused = query_scalar::<_, i64>(COUNT).fetch_one(&a).await.unwrap_err();
                    assert!(
                        matches!(Error::from_sqlx(&refused), Some(Error::TenantBudgetExhausted { per_tenant: 1, .. })),
                        "{refused:?}"
                    );
                    assert_eq!(query_scalar::<_, i64>(COUNT).fetch_one(&b).await.unwrap(), 6);
                    drop(held);
                    assert_eq!(query_scalar::<_, i64>(COUNT).fetch_one(&a).await.unwrap(), 6);
                    pool.close().await;
                }

                /// Work of a tenant at its limit is dropped at every await that it has.
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn whoever_goes_away_leaves_the_tenants_place() {
                    let tenants = $tenants.build().await.unwrap();
                    let pool = tenants.pool_with(Budget::new(2).per_tenant(1)).unwrap();
                    let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
                    for polls in 0.. {
                        assert!(polls < 100, "it never finished");
                        let held = a.begin_read_only().await.unwrap();
                        let waiting = a.clone();
                        let work = async move { query_scalar::<_, i64>(COUNT).fetch_one(&waiting).await };
                        // Its first await is that of the tenant's turn, which comes while it waits.
                        let freed = async move { drop(held) };
                        let (finished, ()) = tokio::join!(cancelled_after(polls, work), freed);
                        // Were a place lost, this would wait for ever.
                        assert_eq!(query_scalar::<_, i64>(COUNT).fetch_one(&a).await.unwrap(), 6);
                        if let Some(counted) = finished {
                            assert_eq!(counted.unwrap(), 6);
                            break;
                        }
                    }
                    pool.close().await;
                    assert_eq!((pool.stats().tenants, pool.stats().open), (0, 0));
                }
            }
        )*
    };
}

on_every_place! {
    postgres_shared: TwoTenants::postgres(Isolation::Shared);
    postgres_database: TwoTenants::postgres(Isolation::Database);
    sqlite_shared: TwoTenants::sqlite(Isolation::Shared);
    sqlite_database: TwoTenants::sqlite(Isolation::Database);
}
