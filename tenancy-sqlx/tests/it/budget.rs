//! The budget under pressure: what is idle is closed although others are busy, and no failure looks like a full budget.

use std::time::{Duration, Instant};

use sqlx::{query, query_scalar};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{Budget, Error};
use tenancy_testkit::fixture::TwoTenants;

#[tokio::test]
async fn a_quiet_tenant_lets_go_while_another_is_busy() {
    let tenants = TwoTenants::postgres(Isolation::Database)
        .build()
        .await
        .unwrap();
    let pool = tenants
        .pool_with(Budget::new(2).idle_timeout(Duration::from_millis(500)))
        .unwrap();
    let count = async |tenant: &std::sync::Arc<tenancy_core::Tenant>| -> i64 {
        let cx = TenantContext::for_test(tenant.clone());
        query_scalar("SELECT count(*) FROM leads")
            .fetch_one(&pool.for_tenant(&cx))
            .await
            .unwrap()
    };
    assert_eq!(count(&tenants.a).await, 6);
    assert_eq!(count(&tenants.b).await, 6);
    // Each of these leaves a rollback for the keeper to send, more often than anything idles too long.
    let begun = Instant::now();
    while pool.stats().open == 2 && begun.elapsed() < Duration::from_secs(10) {
        assert_eq!(count(&tenants.b).await, 6);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(pool.stats().open < 2, "{:?}", pool.stats());
    pool.close().await;
}

#[tokio::test]
async fn a_forgotten_savepoint_does_not_outlive_its_transaction() {
    macro_rules! check {
        ($tenants:expr) => {
            let tenants = $tenants.build().await.unwrap();
            let pool = tenants.pool_with(Budget::new(1)).unwrap();
            let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
            let b = pool.for_tenant(&TenantContext::for_test(tenants.b.clone()));
            for commit_outer in [false, true] {
                let mut tx = a.begin().await.unwrap();
                query("UPDATE leads SET status = 'tried'").execute(&mut tx).await.unwrap();
                let mut part = tx.savepoint().await.unwrap();
                query("UPDATE leads SET status = 'won'").execute(&mut part).await.unwrap();
                std::mem::forget(part);
                if commit_outer {
                    // Ends the savepoint; what is left of the transaction is rolled back.
                    let _ = tx.commit().await;
                } else {
                    // Keeps SQLite's thread busy, so that it can't follow while the transaction is dropped.
                    let slow = query("SELECT count(*) FROM leads l1, leads l2, leads l3, leads l4, leads l5, leads l6, leads l7")
                        .execute(&mut tx);
                    let _cancelled = tokio::time::timeout(Duration::from_millis(1), slow).await;
                    drop(tx);
                }
                // On the same connection, by the neighbour: it begins and commits its own.
                query("UPDATE leads SET status = 'lost' WHERE id = 1").execute(&b).await.unwrap();
                let mut tx = b.begin().await.unwrap();
                query("UPDATE leads SET status = 'open' WHERE id = 1").execute(&mut tx).await.unwrap();
                tx.commit().await.unwrap();
                for bound in [&a, &b] {
                    let changed: i64 =
                        query_scalar("SELECT count(*) FROM leads WHERE status <> 'open'").fetch_one(bound).await.unwrap();
                    assert_eq!(changed, 0);
                }
            }
            pool.close().await;
        };
    }
    check!(TwoTenants::postgres(Isolation::Shared));
    check!(TwoTenants::sqlite(Isolation::Shared));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_that_is_gone_never_looks_like_a_full_budget() {
    let tenants = TwoTenants::sqlite(Isolation::Database)
        .build()
        .await
        .unwrap();
    tenants.pool.close().await;
    std::fs::remove_file(tenants.file_of(&tenants.a)).unwrap();
    let pool = tenants.pool_with(Budget::new(1)).unwrap();
    let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
    let b = pool.for_tenant(&TenantContext::for_test(tenants.b.clone()));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let (a, b) = (a.clone(), b.clone());
        tasks.spawn(async move {
            for _ in 0..200 {
                let bound = if task % 4 == 0 { &b } else { &a };
                let counted = query_scalar::<_, i64>("SELECT count(*) FROM leads")
                    .fetch_one(bound)
                    .await;
                match counted.map_err(Error::from) {
                    Ok(rows) => assert_eq!((task % 4, rows), (0, 6)),
                    Err(error) => assert!(
                        task % 4 != 0 && matches!(error, Error::Unreachable { .. }),
                        "{error:?}"
                    ),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(pool.stats().free_slots, 1);
    pool.close().await;
}

#[tokio::test]
async fn any_number_is_a_budget() {
    let tenants = TwoTenants::sqlite(Isolation::Shared).build().await.unwrap();
    for connections in [0, 1, usize::MAX] {
        let pool = tenants.pool_with(Budget::new(connections)).unwrap();
        let a = pool.for_tenant(&TenantContext::for_test(tenants.a.clone()));
        let count: i64 = query_scalar("SELECT count(*) FROM leads")
            .fetch_one(&a)
            .await
            .unwrap();
        assert_eq!(count, 6);
        pool.close().await;
    }
}
