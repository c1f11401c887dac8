//! Settings of a cache.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use moka::policy::EvictionPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bus::{Bus, Listener, listen};
use super::key::CacheKey;
use super::local::Share;
use super::remote::{Found, Permit, Remote};
use super::{Inner, Shared, TenantCache, Times};
use crate::redis_door::{TenantRedis, TenantRedisPool};
use crate::{Error, Result};

/// What a cache does while Redis is away.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outage {
    /// Values are loaded each time, once for all who ask at the same time, and kept nowhere; invalidations are noted.
    #[default]
    LoadThrough,
    /// [`Error::Unreachable`] or [`Error::Driver`]; invalidations are noted as well.
    Fail,
}

/// Makes a [`TenantCache`].
#[must_use]
pub struct TenantCacheBuilder<V> {
    name: &'static str,
    version: u32,
    times: Times,
    lease: Duration,
    tenants: u64,
    share: Share<V>,
    outage: Outage,
    redis: Option<(TenantRedisPool, Codec<V>)>,
}

type Work<'a, T> = BoxFuture<'a, Result<T>>;

type Find<V> = for<'a> fn(
    &'a Remote,
    &'a mut TenantRedis,
    &'a str,
    &'a CacheKey,
    Duration,
) -> Work<'a, Found<V>>;
type Store<V> = for<'a> fn(
    &'a Remote,
    &'a mut TenantRedis,
    &'a str,
    Permit,
    Option<&'a V>,
    Duration,
) -> Work<'a, ()>;
type Put<V> = for<'a> fn(
    &'a Remote,
    &'a mut TenantRedis,
    &'a str,
    &'a CacheKey,
    Option<&'a V>,
    Duration,
) -> Work<'a, ()>;

/// How values get into Redis and out of it.
pub(super) struct Codec<V> {
    pub(super) find: Find<V>,
    pub(super) store: Store<V>,
    pub(super) put: Put<V>,
}

impl<V: Clone + Send + Sync + 'static> TenantCacheBuilder<V> {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            version: 1,
            times: Times {
                ttl: Duration::from_secs(300),
                negative_ttl: Duration::from_secs(30),
                jitter: 0.1,
            },
            lease: Duration::from_secs(30),
            tenants: 1000,
            share: Share {
                most: 1000,
                weigh: |_| 1,
            },
            outage: Outage::default(),
            redis: None,
        }
    }

    /// How long a value is kept at most, 5 minutes unless said otherwise.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.times.ttl = ttl;
        self
    }

    /// How long it is kept that there is no value, 30 seconds unless said otherwise.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.times.negative_ttl = ttl;
        self
    }

    /// By which part, chosen at random from 0 to this, a value is kept shorter; 0.1 unless said otherwise.
    pub fn jitter(mut self, most: f64) -> Self {
        self.times.jitter = most;
        self
    }

    /// How long a load may take until somebody else's is stored in Redis instead, 30 seconds unless said otherwise.
    pub fn load_within(mut self, time: Duration) -> Self {
        self.lease = time;
        self
    }

    /// How much of this process's memory each tenant has, in what [`weigh`](Self::weigh) counts; 1000 unless said otherwise.
    pub fn per_tenant(mut self, most: u64) -> Self {
        self.share.most = most;
        self
    }

    /// How many tenants have memory at a time, 1000 unless said otherwise. The one that was served longest ago makes room.
    pub fn tenants(mut self, most: u64) -> Self {
        self.tenants = most;
        self
    }

    /// What a value weighs in memory; 1 unless said otherwise.
    pub fn weigh(mut self, weigh: fn(&V) -> u32) -> Self {
        self.share.weigh = weigh;
        self
    }

    /// What to do while Redis is away.
    pub fn outage(mut self, outage: Outage) -> Self {
        self.outage = outage;
        self
    }

    /// The version of the values' format in Redis. Programs of different versions do not see each other's.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Shares values with other nodes through this Redis, as JSON. Call [`build`](Self::build) inside a Tokio runtime.
    pub fn redis(mut self, pool: &TenantRedisPool) -> Self
    where
        V: Serialize + DeserializeOwned,
    {
        let codec = Codec {
            find: |remote, redis, text, key, keep| Box::pin(remote.find(redis, text, key, keep)),
            store: |remote, redis, text, permit, value, keep| {
                Box::pin(remote.store(redis, text, permit, value, keep))
            },
            put: |remote, redis, text, key, value, keep| {
                Box::pin(remote.put(redis, text, key, value, keep))
            },
        };
        self.redis = Some((pool.clone(), codec));
        self
    }

    /// The cache.
    ///
    /// # Errors
    /// [`Error::Config`] for a name of other characters, a share of nothing, a time of nothing, a jitter outside of 0 to 1,
    /// or Redis without a runtime.
    pub fn build(self) -> Result<TenantCache<V>> {
        let is_named = !self.name.is_empty()
            && self
                .name
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if !is_named {
            return Err(Error::Config(
                "a cache is named with a-z, 0-9, `-` and `_` only",
            ));
        }
        if !(0.0..=1.0).contains(&self.times.jitter) {
            return Err(Error::Config("a jitter is between 0 and 1"));
        }
        if self.tenants == 0 || self.share.most == 0 {
            return Err(Error::Config(
                "a cache needs memory for one value of one tenant",
            ));
        }
        if self.times.ttl.is_zero() || self.times.negative_ttl.is_zero() || self.lease.is_zero() {
            return Err(Error::Config("times of a cache are longer than nothing"));
        }
        let has_redis = self.redis.is_some();
        if has_redis && tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Config(
                "build a cache with Redis inside a Tokio runtime: it listens for news",
            ));
        }
        let shared = self.redis.map(|(pool, codec)| Shared {
            bus: Bus::new(Remote::new(pool, self.name, self.version, self.lease)),
            codec,
        });
        let inner = Arc::new(Inner {
            tenants: moka::sync::Cache::builder()
                .max_capacity(self.tenants)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            share: self.share,
            times: self.times,
            outage: self.outage,
            shared,
        });
        if has_redis {
            let listener: Arc<dyn Listener> = inner.clone();
            listen(Arc::downgrade(&listener));
        }
        Ok(TenantCache { inner, bound: None })
    }
}

impl<V> fmt::Debug for TenantCacheBuilder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantCacheBuilder")
            .field("name", &self.name)
            .field("times", &self.times)
            .field("shared", &self.redis.is_some())
            .finish_non_exhaustive()
    }
}
