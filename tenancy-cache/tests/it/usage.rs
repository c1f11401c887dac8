//! Counting and removing all keys of a tenant touches nobody else's.

use tenancy_cache::HashTag;
use tenancy_cache::TenantRedisPool;
use tenancy_cache::redis::{AsyncTypedCommands, pipe};
use tenancy_core::{Actor, TenantContext, TenantStatus};

use crate::tenants::{Two, pool, url};

async fn fill(pool: &TenantRedisPool, cx: &TenantContext, keys: usize) {
    let mut many = pipe();
    for n in 0..keys {
        many.set(format!("k:{n}"), "x".repeat(100)).ignore();
    }
    let mut redis = pool.for_tenant(cx).get().await.unwrap();
    many.exec_async(&mut redis).await.unwrap();
}

#[tokio::test]
async fn one_tenant_is_counted_and_flushed() {
    let two = Two::new();
    let (a, b) = two.contexts();
    let spread = TenantRedisPool::builder(url().await)
        .hash_tag(HashTag::None)
        .build()
        .unwrap();
    for pool in [pool().await, spread] {
        fill(&pool, &a, 1203).await;
        fill(&pool, &b, 10).await;
        let usage = pool.for_tenant(&a).usage().await.unwrap();
        assert_eq!(usage.keys, 1203);
        assert!(usage.bytes > 1203 * 100, "{usage:?}");
        assert_eq!(pool.for_tenant(&a).flush().await.unwrap(), 1203);
        assert_eq!(pool.for_tenant(&a).usage().await.unwrap().keys, 0);
        assert_eq!(pool.for_tenant(&b).usage().await.unwrap().keys, 10);
        assert_eq!(pool.for_tenant(&a).flush().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_tenant_that_is_offboarded_is_flushed_by_an_operator() {
    let (pool, two) = (pool().await, Two::new());
    let (a, _) = two.contexts();
    fill(&pool, &a, 3).await;
    two.set_status(&two.a, TenantStatus::Offboarding);
    assert!(pool.for_tenant(&a).flush().await.is_err());
    let operator = TenantContext::for_maintenance(
        two.a.clone(),
        Actor::user("op"),
        "offboarding, ticket 4711",
    )
    .unwrap();
    assert_eq!(pool.for_tenant(&operator).flush().await.unwrap(), 3);
}

#[tokio::test]
async fn a_removal_that_was_cancelled_can_be_repeated() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    fill(&pool, &a, 3000).await;
    fill(&pool, &b, 5).await;
    for _ in 0..20 {
        let pool = pool.for_tenant(&a);
        let mut flush = Box::pin(pool.flush());
        for _ in 0..3 {
            let mut task = std::task::Context::from_waker(std::task::Waker::noop());
            if flush.as_mut().poll(&mut task).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    pool.for_tenant(&a).flush().await.unwrap();
    assert_eq!(pool.for_tenant(&a).usage().await.unwrap().keys, 0);
    assert_eq!(
        pool.for_tenant(&b)
            .get()
            .await
            .unwrap()
            .keys("*")
            .await
            .unwrap()
            .len(),
        5
    );
}
