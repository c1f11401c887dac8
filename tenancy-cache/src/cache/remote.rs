//! What all nodes share: values in Redis, and the tokens that outdate them. The bus that carries news is beside, in `bus`.
//!
//! A value lies at its key with the tokens of its tenant and tags; it is good while those are still there. Outdating is
//! deleting: a key's value, a tag's token, the tenant's token. Before a value is loaded, its tokens are read and a lease is
//! laid at its key; it is stored only if the lease is still there, so that what was loaded before an invalidation is never
//! stored after it.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, Pipeline, Script, cmd, pipe};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key::CacheKey;
use super::outdated::Outdated;
use crate::redis_door::{TenantRedis, TenantRedisPool};
use crate::{Error, Result};

/// Values of one cache, in one format.
#[derive(Debug, Clone)]
pub(super) struct Remote {
    pub(super) pool: TenantRedisPool,
    /// `cache:{name}:{version}`
    root: String,
    /// Which node this is.
    pub(super) node: Uuid,
    /// How long whoever loads may take before somebody else's load is stored instead.
    lease: Duration,
}

/// What lies at a key.
#[derive(Debug, Serialize, Deserialize)]
struct Stored<V> {
    /// The tenant's token.
    all: String,
    /// Tags and their tokens, sorted.
    tags: Vec<(Box<str>, String)>,
    value: Option<V>,
}

/// What was found out about a key.
pub(super) enum Found<V> {
    /// A value, or that there is none, good for so long.
    Value(Option<V>, Duration),
    /// Nothing that is good. Load it, then [`store`](Remote::store) it under this permit.
    Nothing(Permit),
}

/// What allows to store a value: the tokens that were there before it was loaded, and the lease.
pub(super) struct Permit {
    all: String,
    tags: Vec<(Box<str>, String)>,
    lease: Option<String>,
}

const LEASE: &str = "L";
const VALUE: &str = "V";

/// Stores a value if the lease is still there.
const STORE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1 end return 0";

impl Remote {
    pub(super) fn new(pool: TenantRedisPool, name: &str, version: u32, lease: Duration) -> Self {
        Self {
            pool,
            root: format!("cache:{name}:{version}"),
            node: Uuid::new_v4(),
            lease,
        }
    }

    /// The channel of all tenants' news. No tenant's: those are below prefixes.
    pub(super) fn channel(&self) -> String {
        format!("tenancy:{}", self.root)
    }

    fn at(&self, key: &str) -> String {
        format!("{}:v:{key}", self.root)
    }

    fn token_of_all(&self) -> String {
        format!("{}:all", self.root)
    }

    fn token_of(&self, tag: &str) -> String {
        format!("{}:t:{tag}", self.root)
    }

    /// What is deleted when this is outdated.
    pub(super) fn doomed(&self, outdated: &Outdated) -> String {
        match outdated {
            Outdated::All => self.token_of_all(),
            Outdated::Key(key) => self.at(key),
            Outdated::Tag(tag) => self.token_of(tag),
        }
    }

    /// Looks a key up, in one round trip if it is there and in two if not.
    pub(super) async fn find<V: for<'de> Deserialize<'de>>(
        &self,
        redis: &mut TenantRedis,
        text: &str,
        key: &CacheKey,
        keep: Duration,
    ) -> Result<Found<V>> {
        let at = self.at(text);
        let mut look = pipe();
        look.cmd("MGET").arg(&at).arg(self.token_of_all());
        for tag in key.tags() {
            look.arg(self.token_of(tag));
        }
        look.cmd("PTTL").arg(&at);
        let (values, left): (Vec<Option<Vec<u8>>>, i64) = look.query_async(redis).await?;
        let mut values = values.into_iter();
        let there = values.next().flatten();
        let tokens: Vec<Option<Vec<u8>>> = values.collect();
        let stored = there.as_deref().and_then(decode::<V>);
        if let Some(stored) = stored
            && stored.is_good(key, &tokens)
        {
            let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
            return Ok(Found::Value(stored.value, left));
        }
        // One of our own is left from a load that was cancelled: here, one at a time loads.
        let ours = self.lease_of("");
        let is_leased = there.is_some_and(|there| {
            there.starts_with(LEASE.as_bytes()) && !there.starts_with(ours.as_bytes())
        });
        self.prepare(redis, &at, key, is_leased, keep)
            .await
            .map(Found::Nothing)
    }

    /// What lies at a key while this node loads it.
    fn lease_of(&self, load: &str) -> String {
        format!("{LEASE}{}:{load}", self.node.simple())
    }

    /// Lays a lease and reads the tokens, making those that are missing.
    async fn prepare(
        &self,
        redis: &mut TenantRedis,
        at: &str,
        key: &CacheKey,
        is_leased: bool,
        keep: Duration,
    ) -> Result<Permit> {
        let fresh = Uuid::new_v4().simple().to_string();
        let lease = self.lease_of(&fresh);
        let mut prepare = pipe();
        // Somebody else's load is under way: theirs is stored, ours is only used.
        if !is_leased {
            prepare.add_command(set(at, &lease, self.lease)).ignore();
        }
        // Tokens outlive every value that names them. One that is gone too early outdates, which is the safe side.
        let token = |pipe: &mut Pipeline, name: &str| {
            let mut make = set(name, &fresh, keep * 4);
            make.arg("NX").arg("GET");
            pipe.add_command(make);
        };
        token(&mut prepare, &self.token_of_all());
        for tag in key.tags() {
            token(&mut prepare, &self.token_of(tag));
        }
        let tokens: Vec<Option<String>> = prepare.query_async(redis).await?;
        let mut tokens = tokens
            .into_iter()
            .map(|before| before.unwrap_or_else(|| fresh.clone()));
        Ok(Permit {
            all: tokens.next().unwrap_or_else(|| fresh.clone()),
            tags: key.tags().iter().cloned().zip(tokens).collect(),
            lease: (!is_leased).then_some(lease),
        })
    }

    /// Stores what was loaded, unless it was outdated meanwhile or somebody else loads it too.
    pub(super) async fn store<V: Serialize>(
        &self,
        redis: &mut TenantRedis,
        text: &str,
        permit: Permit,
        value: Option<&V>,
        keep: Duration,
    ) -> Result<()> {
        let Permit { all, tags, lease } = permit;
        let Some(lease) = lease else {
            return Ok(());
        };
        let stored = encode(&Stored { all, tags, value })?;
        Script::new(STORE)
            .key(self.at(text))
            .arg(lease)
            .arg(stored)
            .arg(milliseconds(keep))
            .invoke_async::<i64>(redis)
            .await?;
        Ok(())
    }

    /// Stores a value that somebody wrote, over whatever is there.
    pub(super) async fn put<V: Serialize>(
        &self,
        redis: &mut TenantRedis,
        text: &str,
        key: &CacheKey,
        value: Option<&V>,
        keep: Duration,
    ) -> Result<()> {
        let at = self.at(text);
        let Permit { all, tags, .. } = self.prepare(redis, &at, key, false, keep).await?;
        let stored = encode(&Stored { all, tags, value })?;
        let mut put = cmd("SET");
        put.arg(at).arg(stored).arg("PX").arg(milliseconds(keep));
        Ok(put.exec_async(redis).await?)
    }
}

impl<V> Stored<V> {
    /// Whether the tokens it was stored with are those that are there now: the tenant's first, then those of the key's tags.
    fn is_good(&self, key: &CacheKey, now: &[Option<Vec<u8>>]) -> bool {
        let Some((all, tags)) = now.split_first() else {
            return false;
        };
        let is = |now: &Option<Vec<u8>>, then: &str| now.as_deref() == Some(then.as_bytes());
        is(all, &self.all)
            && self.tags.len() == key.tags().len()
            && self.tags.len() == tags.len()
            && self
                .tags
                .iter()
                .zip(key.tags())
                .zip(tags)
                .all(|(((then, token), tag), now)| then == tag && is(now, token))
    }
}

fn set(key: &str, value: &str, keep: Duration) -> Cmd {
    let mut set = cmd("SET");
    set.arg(key).arg(value).arg("PX").arg(milliseconds(keep));
    set
}

fn milliseconds(keep: Duration) -> u64 {
    u64::try_from(keep.as_millis())
        .unwrap_or(u64::MAX >> 16)
        .max(1)
}

fn encode<V: Serialize>(stored: &Stored<V>) -> Result<Vec<u8>> {
    let mut bytes = VALUE.as_bytes().to_vec();
    serde_json::to_writer(&mut bytes, stored).map_err(|error| Error::Encode(error.into()))?;
    Ok(bytes)
}

/// What was stored; nothing if it has another shape than this program's.
fn decode<V: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<Stored<V>> {
    serde_json::from_slice(bytes.strip_prefix(VALUE.as_bytes())?).ok()
}
