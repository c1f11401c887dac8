//! Caches in front of Redis: what nodes share, what they tell each other, and what lies where.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tenancy_cache::redis::AsyncTypedCommands;
use tenancy_cache::{CacheKey, Error, TenantCache, TenantRedisPool};
use tenancy_core::TenantContext;

use crate::cache::{Source, name, until, value};
use crate::tenants::{Two, pool};

#[tokio::test]
async fn two_nodes_share_values_and_news() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let name = name();
    let node = || {
        TenantCache::<u32>::builder(name)
            .redis(&pool)
            .build()
            .unwrap()
    };
    let (one, other) = (node(), node());
    let source = Source::default();
    let key = || CacheKey::new("k").tag("t");
    // Until both listen, memory is not believed; then the other's value is kept in memory.
    let seen = value(&one.for_tenant(&a), key(), &source).await;
    assert_eq!(
        value(&other.for_tenant(&a), key(), &source).await,
        seen,
        "loaded on one node"
    );
    assert_ne!(value(&other.for_tenant(&b), key(), &source).await, seen);
    let in_memory = async |cx: &TenantContext| {
        // Behind the cache's back: what is answered now came out of memory.
        pool.for_tenant(cx).flush().await.unwrap();
    };
    for change in 0..4 {
        let before = value(&other.for_tenant(&a), key(), &source).await;
        let of_b = value(&other.for_tenant(&b), key(), &source).await;
        let one = one.for_tenant(&a);
        match change {
            0 => one.invalidate(key()).await.unwrap(),
            1 => one.invalidate_tag("t").await.unwrap(),
            2 => one.invalidate_all().await.unwrap(),
            _ => one.put(key(), 4711).await.unwrap(),
        }
        until("news arrives", async || {
            value(&other.for_tenant(&a), key(), &source).await != before
        })
        .await;
        if change == 3 {
            assert_eq!(value(&other.for_tenant(&a), key(), &source).await, 4711);
        }
        assert_eq!(value(&other.for_tenant(&b), key(), &source).await, of_b);
    }
    until("both listen", async || {
        value(&other.for_tenant(&a), key(), &source).await;
        let loads = source.0.load(Ordering::SeqCst);
        in_memory(&a).await;
        value(&other.for_tenant(&a), key(), &source).await;
        source.0.load(Ordering::SeqCst) == loads
    })
    .await;
}

#[tokio::test]
async fn a_change_of_format_is_no_error() {
    let (pool, two) = (pool().await, Two::new());
    let (a, _) = two.contexts();
    let name = name();
    let words = TenantCache::<String>::builder(name)
        .redis(&pool)
        .build()
        .unwrap();
    words
        .for_tenant(&a)
        .put("k", "seven".to_owned())
        .await
        .unwrap();
    let numbers = TenantCache::<u32>::builder(name)
        .redis(&pool)
        .build()
        .unwrap();
    assert_eq!(
        value(&numbers.for_tenant(&a), "k", &Source::default()).await,
        0
    );
    let newer = TenantCache::<u32>::builder(name)
        .version(2)
        .redis(&pool)
        .build()
        .unwrap();
    newer.for_tenant(&a).put("k", 9).await.unwrap();
    assert_eq!(
        value(&numbers.for_tenant(&a), "k", &Source::default()).await,
        0
    );
}

#[tokio::test]
async fn everything_in_redis_lies_below_the_prefix_and_goes_with_the_tenant() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let cache = TenantCache::<u32>::builder(name())
        .redis(&pool)
        .build()
        .unwrap();
    let source = Source::default();
    let hostile = [
        "k",
        "",
        ":",
        "a:b",
        "a",
        "*",
        "}",
        "tenant:{x}:",
        "\r\nFLUSHALL\r\n",
        "\0",
        "../../etc",
        "%3A",
        "é",
        "#",
    ];
    for text in hostile {
        for cx in [&a, &b] {
            value(
                &cache.for_tenant(cx),
                CacheKey::new("search").part(text).tag(text),
                &source,
            )
            .await;
        }
    }
    assert_eq!(source.0.load(Ordering::SeqCst), 28);
    let keys = pool
        .for_tenant(&a)
        .get()
        .await
        .unwrap()
        .keys("*")
        .await
        .unwrap();
    let values = keys.iter().filter(|key| key.contains(":v:")).count();
    assert_eq!(values, hostile.len(), "{keys:?}");
    let mut admin = crate::tenants::admin().await;
    let beside = admin.keys("cache:*").await.unwrap();
    assert!(beside.is_empty(), "{beside:?}");
    pool.for_tenant(&a).flush().await.unwrap();
    assert_eq!(pool.for_tenant(&a).usage().await.unwrap().keys, 0);
    assert!(pool.for_tenant(&b).usage().await.unwrap().keys > 0);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    for builder in [
        TenantCache::<u32>::builder(""),
        TenantCache::<u32>::builder("a:b"),
        TenantCache::<u32>::builder("x").jitter(1.5),
        TenantCache::<u32>::builder("x").per_tenant(0),
        TenantCache::<u32>::builder("x").tenants(0),
        TenantCache::<u32>::builder("x").ttl(Duration::ZERO),
    ] {
        assert!(matches!(builder.build(), Err(Error::Config(_))));
    }
    let pool = TenantRedisPool::builder("redis://127.0.0.1:1/")
        .build()
        .unwrap();
    std::thread::spawn(move || {
        let built = TenantCache::<u32>::builder("x").redis(&pool).build();
        assert!(matches!(built, Err(Error::Config(_))));
    })
    .join()
    .unwrap();
}
