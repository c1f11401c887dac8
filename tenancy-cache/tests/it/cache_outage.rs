//! Redis away: typed errors or a service that goes on, no invalidation lost, and it is believed again when it is back.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tenancy_cache::redis::AsyncTypedCommands;
use tenancy_cache::{CacheKey, Error, Outage, TenantCache, TenantRedisPool};
use tenancy_core::TenantContext;
use tenancy_testkit::RedisServer;

use crate::tenants::{PATIENCE, Two};

struct World {
    server: RedisServer,
    pool: TenantRedisPool,
    a: TenantContext,
    b: TenantContext,
    truth: AtomicU32,
}

impl World {
    async fn new() -> Self {
        let server = RedisServer::start().await.unwrap();
        let pool = TenantRedisPool::builder(server.url())
            .acquire_timeout(Duration::from_secs(20))
            .response_timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let (a, b) = Two::new().contexts();
        Self {
            server,
            pool,
            a,
            b,
            truth: AtomicU32::new(1),
        }
    }

    fn cache(&self, outage: Outage) -> TenantCache<u32> {
        TenantCache::builder("outage")
            .outage(outage)
            .redis(&self.pool)
            .build()
            .unwrap()
    }

    async fn read(&self, cache: &TenantCache<u32>) -> Result<u32, Error> {
        let load = async || Ok::<_, std::io::Error>(self.truth.load(Ordering::SeqCst));
        cache
            .for_tenant(&self.a)
            .get_or_load(CacheKey::new("k").tag("t"), load)
            .await
    }

    async fn until(&self, what: &str, mut so: impl AsyncFnMut() -> bool) {
        let begin = std::time::Instant::now();
        while !so().await {
            assert!(begin.elapsed() < PATIENCE, "{what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_connection_says_that_the_server_is_away_and_goes_on_when_it_is_back() {
    let world = World::new().await;
    let pool = world.pool.for_tenant(&world.a);
    let mut held = pool.get().await.unwrap();
    held.set("k", 1).await.unwrap();
    world.server.stop().await.unwrap();
    let error = Error::from(held.get("k").await.unwrap_err());
    assert!(error.is_outage(), "{error:?}");
    let error = pool.get().await.unwrap_err();
    assert!(error.is_outage(), "{error:?}");
    drop(held);
    world.server.restart().await.unwrap();
    let mut redis = pool.get().await.unwrap();
    assert_eq!(redis.get("k").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn values_are_loaded_through_and_no_invalidation_is_lost() {
    let world = World::new().await;
    let cache = world.cache(Outage::LoadThrough);
    assert_eq!(world.read(&cache).await.unwrap(), 1);
    world.server.stop().await.unwrap();
    // A change while Redis is away: it still holds the old value, on its disk.
    world.truth.store(2, Ordering::SeqCst);
    cache
        .for_tenant(&world.a)
        .invalidate_tag("t")
        .await
        .unwrap();
    assert_eq!(world.read(&cache).await.unwrap(), 2);
    world.truth.store(3, Ordering::SeqCst);
    cache
        .for_tenant(&world.a)
        .invalidate_tag("t")
        .await
        .unwrap();
    assert_eq!(world.read(&cache).await.unwrap(), 3);
    world.server.restart().await.unwrap();
    assert_eq!(
        world.read(&cache).await.unwrap(),
        3,
        "what Redis kept is outdated"
    );
    // And another node, which knows nothing of it, reads the new one once this one has caught up.
    let other = world.cache(Outage::LoadThrough);
    world
        .until("the debt is paid", async || {
            world.read(&other).await.unwrap() == 3
        })
        .await;
    world
        .until("it is kept again", async || {
            world.truth.fetch_add(1, Ordering::SeqCst);
            let seen = world.read(&cache).await.unwrap();
            seen != world.truth.load(Ordering::SeqCst)
        })
        .await;
}

#[tokio::test]
async fn or_everything_says_so_and_still_no_invalidation_is_lost() {
    let world = World::new().await;
    let cache = world.cache(Outage::Fail);
    assert_eq!(world.read(&cache).await.unwrap(), 1);
    world.server.stop().await.unwrap();
    world
        .until("memory is not believed any more", async || {
            world.read(&cache).await.is_err()
        })
        .await;
    assert!(world.read(&cache).await.unwrap_err().is_outage());
    world.truth.store(2, Ordering::SeqCst);
    let of_a = cache.for_tenant(&world.a);
    assert!(
        of_a.invalidate(CacheKey::new("k").tag("t"))
            .await
            .unwrap_err()
            .is_outage()
    );
    assert!(of_a.put("other", 5).await.unwrap_err().is_outage());
    world.server.restart().await.unwrap();
    let mut seen = None;
    world
        .until("it goes on", async || {
            seen = world.read(&cache).await.ok();
            seen.is_some()
        })
        .await;
    assert_eq!(seen, Some(2));
}

#[tokio::test]
async fn an_invalidation_that_was_cancelled_is_not_lost() {
    let world = World::new().await;
    let cache = world.cache(Outage::LoadThrough);
    for polls in 0..12 {
        world.read(&cache).await.unwrap();
        let new = 100 + polls;
        world.truth.store(new, Ordering::SeqCst);
        let of_a = cache.for_tenant(&world.a);
        {
            let mut invalidate = Box::pin(of_a.invalidate_tag("t"));
            for _ in 0..polls {
                let mut task = std::task::Context::from_waker(std::task::Waker::noop());
                if invalidate.as_mut().poll(&mut task).is_ready() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // Not polled at all, it never began.
        let expect = if polls == 0 {
            world.read(&cache).await.unwrap()
        } else {
            new
        };
        world
            .until("the old value is gone", async || {
                world.read(&cache).await.unwrap() == expect
            })
            .await;
    }
}

#[tokio::test]
async fn a_server_that_lost_its_data_starts_over() {
    let world = World::new().await;
    let cache = world.cache(Outage::LoadThrough);
    assert_eq!(world.read(&cache).await.unwrap(), 1);
    world.pool.for_tenant(&world.a).flush().await.unwrap();
    cache.for_tenant(&world.a).invalidate_all().await.unwrap();
    world.truth.store(2, Ordering::SeqCst);
    assert_eq!(world.read(&cache).await.unwrap(), 2);
    assert_eq!(
        cache
            .for_tenant(&world.b)
            .get_or_load("k", async || Ok::<_, std::io::Error>(9))
            .await
            .unwrap(),
        9
    );
}
