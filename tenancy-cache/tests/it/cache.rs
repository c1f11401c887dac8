//! `TenantCache`, in memory and in front of Redis, alone and on two nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tenancy_cache::{CacheKey, Error, TenantCache};
use tenancy_core::{ErrorKind, TenantContext, TenantStatus};
use tokio::sync::{Notify, Semaphore};

use crate::tenants::{PATIENCE, Two, pool};

type Failure = std::io::Error;

/// A name that no other test uses, so that news of others does not arrive.
pub(crate) fn name() -> &'static str {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Box::leak(format!("t{}-{count}", std::process::id()).into_boxed_str())
}

/// Counts how often it was asked.
#[derive(Default)]
pub(crate) struct Source(pub(crate) AtomicU32);

impl Source {
    fn load(&self) -> Result<u32, Failure> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A cache in memory, and one in front of Redis.
async fn each(test: impl AsyncFn(TenantCache<u32>, Two)) {
    test(TenantCache::builder(name()).build().unwrap(), Two::new()).await;
    let pool = pool().await;
    let shared = TenantCache::builder(name()).redis(&pool).build().unwrap();
    test(shared, Two::new()).await;
}

pub(crate) async fn value(
    cache: &TenantCache<u32>,
    key: impl Into<CacheKey>,
    source: &Source,
) -> u32 {
    cache
        .get_or_load(key, async || source.load())
        .await
        .unwrap()
}

/// Waits until something is so; the machine is busy.
pub(crate) async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !so().await {
        assert!(begin.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn kind(error: &Error) -> ErrorKind {
    error
        .tenancy()
        .unwrap_or_else(|| panic!("{error:?}"))
        .kind()
}

#[tokio::test]
async fn a_value_is_loaded_once_for_each_tenant() {
    each(async |cache, two| {
        let (a, b) = two.contexts();
        let source = Source::default();
        for _ in 0..3 {
            assert_eq!(value(&cache.for_tenant(&a), "k", &source).await, 0);
        }
        assert_eq!(value(&cache.for_tenant(&b), "k", &source).await, 1);
        let in_scope = a.scope(value(&cache, "k", &source)).await.unwrap();
        assert_eq!(in_scope, 0);
    })
    .await;
}

#[tokio::test]
async fn every_method_refuses_without_a_tenant_the_wrong_one_and_a_suspended_one() {
    each(async |cache, two| {
        let (a, b) = two.contexts();
        let refusals = async |cache: &TenantCache<u32>| {
            let load = async || Ok::<_, Failure>(Some(1));
            [
                cache.get_or_load_optional("k", load).await.map(drop),
                cache
                    .get_or_load("k", async || Ok::<_, Failure>(1))
                    .await
                    .map(drop),
                cache.put("k", 1).await,
                cache.invalidate("k").await,
                cache.invalidate_tag("t").await,
                cache.invalidate_all().await,
            ]
            .map(|refused| kind(&refused.unwrap_err()))
        };
        assert_eq!(refusals(&cache).await, [ErrorKind::NoTenant; 6]);
        let of_a = cache.for_tenant(&a);
        assert_eq!(
            b.scope(refusals(&of_a)).await.unwrap(),
            [ErrorKind::WrongTenant; 6]
        );
        value(&of_a, "k", &Source::default()).await;
        two.set_status(&two.a, TenantStatus::Suspended);
        assert_eq!(refusals(&of_a).await, [ErrorKind::Suspended; 6]);
    })
    .await;
}

#[tokio::test]
async fn a_tenant_suspended_during_the_load_gets_nothing() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        let loading = cache.for_tenant(&a);
        let load = async || {
            two.set_status(&two.a, TenantStatus::Suspended);
            Ok::<_, Failure>(1)
        };
        assert_eq!(
            kind(&loading.get_or_load("k", load).await.unwrap_err()),
            ErrorKind::Suspended
        );
    })
    .await;
}

#[tokio::test]
async fn a_read_only_tenant_is_served() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        two.set_status(&two.a, TenantStatus::ReadOnly);
        let (cache, source) = (cache.for_tenant(&a), Source::default());
        assert_eq!(value(&cache, "k", &source).await, 0);
        assert_eq!(value(&cache, "k", &source).await, 0);
    })
    .await;
}

#[tokio::test]
async fn keys_tags_and_everything_are_invalidated() {
    each(async |cache, two| {
        let (a, b) = two.contexts();
        let source = Source::default();
        let keys = [
            CacheKey::new("x").tag("t").tag("u"),
            CacheKey::new("y").tag("t"),
            CacheKey::new("z"),
        ];
        let values = async |cx: &TenantContext| {
            let mut values = Vec::new();
            for key in &keys {
                values.push(value(&cache.for_tenant(cx), key, &source).await);
            }
            values
        };
        assert_eq!(values(&a).await, [0, 1, 2]);
        assert_eq!(values(&b).await, [3, 4, 5]);
        cache.for_tenant(&a).invalidate("z").await.unwrap();
        assert_eq!(values(&a).await, [0, 1, 6]);
        cache.for_tenant(&a).invalidate_tag("u").await.unwrap();
        assert_eq!(values(&a).await, [7, 1, 6]);
        cache.for_tenant(&a).invalidate_tag("t").await.unwrap();
        assert_eq!(values(&a).await, [8, 9, 6]);
        cache.for_tenant(&a).invalidate_all().await.unwrap();
        assert_eq!(values(&a).await, [10, 11, 12]);
        assert_eq!(values(&b).await, [3, 4, 5]);
    })
    .await;
}

#[tokio::test]
async fn what_is_put_is_found() {
    each(async |cache, two| {
        let (a, b) = two.contexts();
        let source = Source::default();
        cache.for_tenant(&a).put("k", 77).await.unwrap();
        assert_eq!(value(&cache.for_tenant(&a), "k", &source).await, 77);
        assert_eq!(value(&cache.for_tenant(&b), "k", &source).await, 0);
    })
    .await;
}

#[tokio::test]
async fn that_there_is_none_is_kept_for_a_shorter_time() {
    let (two, source) = (Two::new(), Source::default());
    let (a, _) = two.contexts();
    let pool = pool().await;
    for shared in [false, true] {
        let builder = TenantCache::<u32>::builder(name()).negative_ttl(Duration::from_millis(300));
        let builder = if shared {
            builder.redis(&pool)
        } else {
            builder
        };
        let cache = builder.build().unwrap().for_tenant(&a);
        let asked = source.0.load(Ordering::SeqCst);
        let ask = async || {
            let load = async || source.load().map(|_| None);
            cache.get_or_load_optional("k", load).await.unwrap()
        };
        assert_eq!(ask().await, None);
        until("it is asked again", async || {
            ask().await;
            source.0.load(Ordering::SeqCst) > asked + 1
        })
        .await;
        let wrong = cache.get_or_load("k", async || source.load()).await;
        assert!(matches!(wrong, Err(Error::Config(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn times_run_out_and_differ() {
    tokio::time::pause();
    let two = Two::new();
    let (a, _) = two.contexts();
    let cache = TenantCache::<u32>::builder(name())
        .ttl(Duration::from_secs(100))
        .jitter(0.5)
        .build()
        .unwrap()
        .for_tenant(&a);
    let source = Source::default();
    for key in 0..50 {
        value(&cache, CacheKey::new(key), &source).await;
    }
    tokio::time::advance(Duration::from_secs(49)).await;
    for key in 0..50 {
        value(&cache, CacheKey::new(key), &source).await;
    }
    assert_eq!(
        source.0.load(Ordering::SeqCst),
        50,
        "nothing was kept shorter than said"
    );
    tokio::time::advance(Duration::from_secs(26)).await;
    for key in 0..50 {
        value(&cache, CacheKey::new(key), &source).await;
    }
    let again = source.0.load(Ordering::SeqCst) - 50;
    assert!(
        (5..45).contains(&again),
        "{again} of 50 at half of the jitter"
    );
    tokio::time::advance(Duration::from_secs(101)).await;
    for key in 0..50 {
        value(&cache, CacheKey::new(key), &source).await;
    }
    assert_eq!(source.0.load(Ordering::SeqCst), 100 + again);
}

#[tokio::test]
async fn of_many_who_ask_one_loads() {
    each(async |cache, two| {
        let (a, b) = two.contexts();
        let (source, gate) = (Arc::new(Source::default()), Arc::new(Semaphore::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..40 {
            let (cache, source, gate) = (
                cache.for_tenant(if n % 2 == 0 { &a } else { &b }),
                source.clone(),
                gate.clone(),
            );
            tasks.spawn(async move {
                let load = async || {
                    gate.acquire().await.unwrap().forget();
                    source.load()
                };
                (n % 2, cache.get_or_load("k", load).await.unwrap())
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        gate.add_permits(2);
        let answers = tasks.join_all().await;
        assert_eq!(source.0.load(Ordering::SeqCst), 2, "one for each tenant");
        for who in 0..2 {
            let mut of: Vec<u32> = answers
                .iter()
                .filter(|(it, _)| *it == who)
                .map(|(_, value)| *value)
                .collect();
            of.dedup();
            assert_eq!(of.len(), 1, "{answers:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_waited_takes_over_from_one_that_was_cancelled() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        let cache = cache.for_tenant(&a);
        let first = tokio::spawn({
            let cache = cache.clone();
            async move {
                cache
                    .get_or_load("k", async || {
                        std::future::pending::<Result<u32, Failure>>().await
                    })
                    .await
            }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        let second = tokio::spawn({
            let cache = cache.clone();
            async move {
                cache
                    .get_or_load("k", async || Ok::<_, Failure>(5))
                    .await
                    .unwrap()
            }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        first.abort();
        assert_eq!(second.await.unwrap(), 5);
        assert_eq!(value(&cache, "k", &Source::default()).await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_everybodys_and_is_not_kept() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        let cache = cache.for_tenant(&a);
        let gate = Notify::new();
        let failing = cache.get_or_load("k", async || {
            gate.notified().await;
            Err::<u32, _>(Failure::other("the database is away"))
        });
        let waiting = cache.get_or_load("k", async || Ok::<_, Failure>(1));
        let (failing, waiting, ()) = tokio::join!(failing, waiting, async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            gate.notify_one();
        });
        for failed in [failing, waiting] {
            let error = failed.unwrap_err();
            assert!(matches!(&error, Error::Load(source) if source.to_string() == "the database is away"), "{error:?}");
        }
        assert_eq!(value(&cache, "k", &Source::default()).await, 0);
    })
    .await;
}

/// The race that leaves an old value behind for ever: read, write, invalidate, store what was read.
#[tokio::test]
async fn what_began_to_load_before_an_invalidation_is_not_kept() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        let cache = cache.for_tenant(&a);
        let key = || CacheKey::new("k").tag("t");
        for round in 0..4 {
            let (begun, gate) = (Notify::new(), Notify::new());
            let old = cache.get_or_load(key(), async || {
                begun.notify_one();
                gate.notified().await;
                Ok::<_, Failure>(1000 + round)
            });
            let change = async {
                begun.notified().await;
                match round {
                    0 => cache.invalidate(key()).await.unwrap(),
                    1 => cache.invalidate_tag("t").await.unwrap(),
                    2 => cache.invalidate_all().await.unwrap(),
                    _ => cache.put(key(), 2000 + round).await.unwrap(),
                }
                // Who comes now does not wait for the old value.
                let new = cache
                    .get_or_load(key(), async || Ok::<_, Failure>(2000 + round))
                    .await
                    .unwrap();
                gate.notify_one();
                new
            };
            let (old, new) = tokio::join!(old, change);
            assert_eq!((old.unwrap(), new), (1000 + round, 2000 + round));
            assert_eq!(
                value(&cache, key(), &Source::default()).await,
                2000 + round,
                "round {round}"
            );
            cache.invalidate_all().await.unwrap();
        }
    })
    .await;
}

/// A load that somebody else's, under other tags, took the place of, hears of no invalidation any more.
#[tokio::test]
async fn a_load_whose_place_was_taken_is_not_kept() {
    each(async |cache, two| {
        let (a, _) = two.contexts();
        let cache = cache.for_tenant(&a);
        let tagged = || CacheKey::new("k").tag("t");
        let (begun, gate) = (Notify::new(), Notify::new());
        let old = cache.get_or_load(tagged(), async || {
            begun.notify_one();
            gate.notified().await;
            Ok::<_, Failure>(1000)
        });
        let change = async {
            begun.notified().await;
            let other = cache.get_or_load("k", async || Ok::<_, Failure>(7));
            assert_eq!(other.await.unwrap(), 7);
            cache.invalidate_tag("t").await.unwrap();
            gate.notify_one();
        };
        let (old, ()) = tokio::join!(old, change);
        assert_eq!(old.unwrap(), 1000);
        assert_eq!(value(&cache, tagged(), &Source::default()).await, 0);
    })
    .await;
}

#[tokio::test]
async fn one_tenant_pushes_out_its_own_values_only() {
    let two = Two::new();
    let (a, b) = two.contexts();
    let cache = TenantCache::<u32>::builder(name())
        .per_tenant(100)
        .build()
        .unwrap();
    let source = Source::default();
    for key in 0..50 {
        value(&cache.for_tenant(&b), CacheKey::new(key), &source).await;
    }
    for key in 0..20_000 {
        value(
            &cache.for_tenant(&a),
            CacheKey::new("flood").part(key),
            &source,
        )
        .await;
    }
    let before = source.0.load(Ordering::SeqCst);
    for key in 0..50 {
        value(&cache.for_tenant(&b), CacheKey::new(key), &source).await;
    }
    assert_eq!(
        source.0.load(Ordering::SeqCst),
        before,
        "b lost values to a"
    );
}

#[tokio::test]
async fn a_tenant_without_memory_is_still_served_right() {
    let cache = TenantCache::<u32>::builder(name())
        .tenants(1)
        .build()
        .unwrap();
    let (two, source) = (Two::new(), Source::default());
    let (a, b) = two.contexts();
    for round in 0..20 {
        for cx in [&a, &b] {
            cache.for_tenant(cx).put("k", round).await.unwrap();
        }
        for cx in [&a, &b] {
            let seen = value(&cache.for_tenant(cx), "k", &source).await;
            assert!(seen == round || seen >= source.0.load(Ordering::SeqCst).saturating_sub(1));
            cache.for_tenant(cx).invalidate_all().await.unwrap();
        }
    }
}
