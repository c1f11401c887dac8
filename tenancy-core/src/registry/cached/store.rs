//! Where answers are kept: in shards, each of two generations, bounded in number.
//!
//! A map of answers is filled up to its capacity, then becomes the older generation while a new one fills; what is used
//! moves over, and what was not used by the next change is dropped. That keeps the most recently used ones without a list
//! or a counter per entry, which is what makes a tenant cost as little as it does.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::mem;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use crossbeam_utils::sync::{ShardedLock, ShardedLockReadGuard, ShardedLockWriteGuard};
use foldhash::quality::RandomState;

use super::LookupKey;
use super::clock::{Clock, Ticks};
use super::flight::Moment;
use super::index::{Dropped, Index, Kept};
use crate::Tenant;
use crate::inline::Loose;

/// A small cache has fewer, so that its capacity is not rounded up by much.
const MAX_SHARDS: usize = 64;
const SHARD_PAYS_AT: usize = 256;

/// The settings of a cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) capacity: usize,
    pub(super) negative_capacity: usize,
    pub(super) ttl: Duration,
    pub(super) negative_ttl: Duration,
}

/// What the cache knows about a key.
#[derive(Debug)]
pub(super) enum Found {
    Tenant(Arc<Tenant>),
    Absent,
    Nothing,
}

#[derive(Debug)]
pub(super) struct Store {
    shards: Box<[ShardedLock<Shard>]>,
    /// Chooses shards and slots. What strangers may name at will (absent keys) is in maps that hash by themselves.
    hasher: RandomState,
    clock: Clock,
    limits: Limits,
}

#[derive(Debug)]
struct Shard {
    ids: Index,
    slugs: Index,
    others: Generations<LookupKey, Kept>,
    absent: Generations<LookupKey, (Moment, Ticks)>,
    /// How often everything was forgotten; answers from before are not kept.
    forgotten: u64,
}

impl Store {
    pub(super) fn new(limits: Limits) -> Self {
        let shards = (limits.capacity / SHARD_PAYS_AT).clamp(1, MAX_SHARDS);
        // Keys do not spread evenly over shards; an eighth more room keeps a full cache from dropping what it should keep.
        let spread = |share: usize| if shards > 1 { share + share / 8 } else { share };
        let share = |total: usize| spread(total.div_ceil(shards).max(1));
        let shard = || {
            ShardedLock::new(Shard {
                ids: Index::new(share(limits.capacity)),
                slugs: Index::new(share(limits.capacity)),
                others: Generations::new(share(limits.capacity)),
                absent: Generations::new(share(limits.negative_capacity)),
                forgotten: 0,
            })
        };
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            hasher: RandomState::default(),
            clock: Clock::start(),
            limits,
        }
    }

    /// What is known about `key` and in force `now`.
    pub(super) fn find(&self, key: &LookupKey, now: Moment) -> Found {
        let time = self.clock.now();
        let hash = self.hash(key);
        let Some(shard) = self.read(hash) else {
            return Found::Nothing;
        };
        let Some((kept, aged)) = shard.tenant(key, hash) else {
            return match shard.absent.get(key) {
                Some(((since, expires), _)) if *since == now && *expires > time => Found::Absent,
                _ => Found::Nothing,
            };
        };
        if !kept.is_in_force(time) {
            return Found::Nothing;
        }
        let (tenant, expires) = (Arc::clone(kept.tenant()), kept.expires());
        drop(shard);
        if aged {
            self.put(key, &tenant, expires, now.forgotten);
        }
        Found::Tenant(tenant)
    }

    /// The tenant in force whose slug is spelled like this, unless it has to be kept anew.
    pub(super) fn find_slug(&self, label: &[u8]) -> Option<Arc<Tenant>> {
        let time = self.clock.now();
        let hash = self.hasher.hash_one(Loose(label));
        let shard = self.read(hash)?;
        let is = |kept: &Kept| kept.tenant().slug().as_bytes() == label;
        match shard.slugs.find(hash, is)? {
            (kept, false) if kept.is_in_force(time) => Some(Arc::clone(kept.tenant())),
            _ => None,
        }
    }

    /// Keeps a tenant under the key it was found by, its id and its slug; under that key no longer than `until`.
    ///
    /// Not kept if everything was forgotten since the look-up `began`. If something newer is announced meanwhile, what is
    /// kept here is not in force, so nothing need be done about it.
    pub(super) fn keep(
        &self,
        key: &LookupKey,
        tenant: &Arc<Tenant>,
        until: Option<SystemTime>,
        began: &Moment,
    ) {
        if self.limits.ttl.is_zero() {
            return;
        }
        let expires = self.clock.in_at_most(self.limits.ttl);
        self.put(
            &LookupKey::Id(tenant.id()),
            tenant,
            expires,
            began.forgotten,
        );
        self.put(
            &LookupKey::Slug(*tenant.slug()),
            tenant,
            expires,
            began.forgotten,
        );
        if matches!(key, LookupKey::Domain(_) | LookupKey::ApiKey(_)) {
            let left =
                until.map(|until| until.duration_since(SystemTime::now()).unwrap_or_default());
            let expires = left.map_or(expires, |left| expires.min(self.clock.in_at_most(left)));
            self.put(key, tenant, expires, began.forgotten);
        }
    }

    /// Keeps an absence, in force until the next announcement.
    pub(super) fn keep_absent(&self, key: &LookupKey, began: &Moment) {
        if self.limits.negative_ttl.is_zero() {
            return;
        }
        let expires = self.clock.in_at_most(self.limits.negative_ttl);
        let hash = self.hash(key);
        let Some(mut shard) = self.write(hash) else {
            return;
        };
        let dropped = (
            shard.absent.put(key.clone(), (*began, expires)),
            shard.remove(key, hash),
        );
        drop(shard);
        drop(dropped);
    }

    /// Forgets everything, and what look-ups that began before will bring.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let Shard {
                ids,
                slugs,
                others,
                absent,
                forgotten,
            } = &mut *shard;
            *forgotten += 1;
            let dropped = (ids.clear(), slugs.clear(), others.clear(), absent.clear());
            drop(shard);
            drop(dropped);
        }
    }

    fn put(&self, key: &LookupKey, tenant: &Arc<Tenant>, expires: Ticks, forgotten: u64) {
        let hash = self.hash(key);
        let Some(mut shard) = self.write(hash) else {
            return;
        };
        if shard.forgotten > forgotten {
            return;
        }
        let kept = Kept::new(hash, tenant, expires);
        // Freeing thousands of tenants takes a while, so it is done when the shard is open again.
        let dropped = match key {
            LookupKey::Id(id) => Pushed::Out(shard.ids.put(kept, |kept| kept.live().id() == id)),
            LookupKey::Slug(slug) => {
                Pushed::Out(shard.slugs.put(kept, |kept| kept.tenant().slug() == slug))
            }
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => {
                Pushed::Others(shard.others.put(key.clone(), kept))
            }
        };
        drop(shard);
        drop(dropped);
    }

    fn hash(&self, key: &LookupKey) -> u64 {
        match key {
            LookupKey::Id(id) => self.hasher.hash_one(id),
            LookupKey::Slug(slug) => self.hasher.hash_one(slug),
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => self.hasher.hash_one(key),
        }
    }

    fn shard(&self, hash: u64) -> Option<&ShardedLock<Shard>> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lower half of the hash; the index takes the upper one"
        )]
        let index = (hash as u32) as usize % self.shards.len().max(1);
        self.shards.get(index)
    }

    fn read(&self, hash: u64) -> Option<ShardedLockReadGuard<'_, Shard>> {
        Some(
            self.shard(hash)?
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn write(&self, hash: u64) -> Option<ShardedLockWriteGuard<'_, Shard>> {
        Some(
            self.shard(hash)?
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// What a change pushed out, to be freed outside the lock.
#[expect(dead_code, reason = "held only to be dropped later")]
enum Pushed {
    Out(Dropped),
    Others(HashMap<LookupKey, Kept>),
}

impl Shard {
    /// The tenant under a key, and whether it is about to be dropped for want of use.
    fn tenant(&self, key: &LookupKey, hash: u64) -> Option<(&Kept, bool)> {
        match key {
            LookupKey::Id(id) => self.ids.find(hash, |kept| kept.live().id() == id),
            LookupKey::Slug(slug) => self.slugs.find(hash, |kept| kept.tenant().slug() == slug),
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => self.others.get(key),
        }
    }

    /// Takes out what is kept under a key that leads nowhere now.
    fn remove(&mut self, key: &LookupKey, hash: u64) -> Option<Kept> {
        match key {
            LookupKey::Id(id) => self.ids.remove(hash, |kept| kept.live().id() == id),
            LookupKey::Slug(slug) => self.slugs.remove(hash, |kept| kept.tenant().slug() == slug),
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => {
                self.others.remove(key).map(|(_, kept)| kept)
            }
        }
    }
}

/// A map that keeps the `capacity` most recently used entries, and at most as many again.
#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            capacity,
        }
    }

    /// A value, and whether it is of the older generation: then put it again, if it is used.
    fn get(&self, key: &K) -> Option<(&V, bool)> {
        let young = self.young.get(key).map(|value| (value, false));
        young.or_else(|| self.old.get(key).map(|value| (value, true)))
    }

    /// Puts an entry in, key and all. Returns the generation that had to go, if one had to.
    fn put(&mut self, key: K, value: V) -> HashMap<K, V> {
        let mut dropped = HashMap::new();
        self.remove(&key);
        if self.young.len() >= self.capacity {
            dropped = mem::replace(&mut self.old, mem::take(&mut self.young));
        }
        self.young.insert(key, value);
        dropped
    }

    fn remove(&mut self, key: &K) -> Option<(K, V)> {
        let old = self.old.remove_entry(key);
        self.young.remove_entry(key).or(old)
    }

    fn clear(&mut self) -> (HashMap<K, V>, HashMap<K, V>) {
        (mem::take(&mut self.young), mem::take(&mut self.old))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_keep_what_is_used_and_never_more_than_twice_the_capacity() {
        let mut map = Generations::new(10);
        map.put(0_u32, ());
        for n in 1..1_000 {
            map.put(n, ());
            assert!(map.young.len() + map.old.len() <= 20);
            for recent in n.saturating_sub(9)..=n {
                assert!(map.get(&recent).is_some(), "{recent} of {n}");
            }
            if map.get(&0).is_some_and(|((), aged)| aged) {
                map.put(0, ());
            }
        }
        assert!(map.get(&0).is_some(), "used all the time");
        assert!(map.get(&900).is_none(), "long unused");
    }

    #[test]
    fn putting_replaces_key_and_value_in_both_generations() {
        let mut map = Generations::new(1);
        map.put("a", 1);
        map.put("b", 2);
        map.put("a", 3);
        assert_eq!(
            map.get(&"a").map(|(value, aged)| (*value, aged)),
            Some((3, false))
        );
        assert_eq!(map.remove(&"a"), Some(("a", 3)));
        assert!(map.get(&"a").is_none());
    }
}
