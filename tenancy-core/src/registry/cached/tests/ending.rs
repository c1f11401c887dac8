//! API keys that are over at some time: the cache serves them to that time and not beyond.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::advance;

use super::{api_key, id, slug};
use crate::InMemoryRegistry;
use crate::registry::cached::*;

/// Answers an API key as one that is over in half a minute.
#[derive(Debug)]
struct Ending {
    inner: InMemoryRegistry,
    asked: AtomicUsize,
    until: SystemTime,
}

impl TenantRegistry for Ending {
    fn lookup<'a>(&'a self, key: &'a LookupKey) -> BoxFuture<'a, Answer> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.lookup(key)
    }

    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, Error>> {
        Box::pin(async move {
            let ends = matches!(key, LookupKey::ApiKey(_));
            let until = ends.then_some(self.until);
            let tenant = self.lookup(key).await?;
            Ok(tenant.map(|tenant| Resolved { tenant, until }))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_ends_is_not_served_beyond_its_end() {
    let inner = InMemoryRegistry::new();
    let tenant = Tenant::builder(id(1), slug(1)).build().unwrap();
    inner.insert(tenant).unwrap();
    inner.add_api_key(&id(1), api_key(1)).unwrap();
    let half_a_minute = Duration::from_secs(30);
    let ending = Ending {
        inner,
        asked: AtomicUsize::new(0),
        until: SystemTime::now() + half_a_minute,
    };
    let cache = CachedRegistry::builder(ending)
        .ttl(Duration::from_secs(300))
        .build();
    let key = LookupKey::ApiKey(api_key(1));
    assert!(cache.lookup(&key).await.unwrap().is_some());
    advance(half_a_minute / 2).await;
    assert!(matches!(cache.peek(&key), Known::Tenant(_)));
    advance(half_a_minute / 2).await;
    assert_eq!(cache.peek(&key), Known::Unsure);
    // What the key led to is still known by its own names.
    assert!(matches!(
        cache.peek(&LookupKey::Id(id(1))),
        Known::Tenant(_)
    ));
    assert_eq!(cache.inner().asked.load(Ordering::Relaxed), 1);

    // A cache in front of the cache can't know when a key ends, so it asks each time.
    let outer = CachedRegistry::new(Arc::new(cache));
    for _ in 0..2 {
        assert!(outer.lookup(&key).await.unwrap().is_some());
        assert_eq!(outer.peek(&key), Known::Unsure);
    }
}
