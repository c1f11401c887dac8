//! Where answers are kept: in shards, each of two generations, bounded in number.
//!
//! A map of answers is filled up to its capacity, then becomes the older generation while a new one fills; what is used
//! moves over, and what was not used by the next change is dropped. That keeps the most recently used ones without a list
//! or a counter per entry, which is what makes a tenant cost as little as it does.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::mem;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::LookupKey;
use super::flight::Moment;
use crate::{Tenant, TenantId, TenantSlug};

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
    shards: Box<[RwLock<Shard>]>,
    hasher: RandomState,
    /// Times are milliseconds since then.
    start: Instant,
    limits: Limits,
}

/// Milliseconds since the store was made.
type Millis = u64;

#[derive(Debug)]
struct Shard {
    ids: Generations<ById, Millis>,
    slugs: Generations<BySlug, Millis>,
    others: Generations<LookupKey, (Arc<Tenant>, Millis)>,
    absent: Generations<LookupKey, (Moment, Millis)>,
    /// How often everything was forgotten; answers from before are not kept.
    forgotten: u64,
}

/// A tenant, found by its id, which is not stored again.
#[derive(Debug)]
struct ById(Arc<Tenant>);

/// A tenant, found by its slug, which is not stored again.
#[derive(Debug)]
struct BySlug(Arc<Tenant>);

impl Store {
    pub(super) fn new(limits: Limits) -> Self {
        let shards = (limits.capacity / SHARD_PAYS_AT).clamp(1, MAX_SHARDS);
        // Keys do not spread evenly over shards; an eighth more room keeps a full cache from dropping what it should keep.
        let spread = |share: usize| if shards > 1 { share + share / 8 } else { share };
        let share = |total: usize| spread(total.div_ceil(shards).max(1));
        let shard = || {
            RwLock::new(Shard {
                ids: Generations::new(share(limits.capacity)),
                slugs: Generations::new(share(limits.capacity)),
                others: Generations::new(share(limits.capacity)),
                absent: Generations::new(share(limits.negative_capacity)),
                forgotten: 0,
            })
        };
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            hasher: RandomState::new(),
            start: Instant::now(),
            limits,
        }
    }

    /// What is known about `key` and in force `now`.
    pub(super) fn find(&self, key: &LookupKey, now: Moment) -> Found {
        let time = self.millis(Duration::ZERO);
        let Some(shard) = self.read(key) else {
            return Found::Nothing;
        };
        let Some((tenant, expires, aged)) = shard.tenant(key) else {
            return match shard.absent.get(key) {
                Some((_, (since, expires), _)) if *since == now && *expires > time => Found::Absent,
                _ => Found::Nothing,
            };
        };
        if expires <= time || tenant.is_superseded() {
            return Found::Nothing;
        }
        let tenant = Arc::clone(tenant);
        drop(shard);
        if aged {
            self.put(key, &tenant, expires, now.forgotten);
        }
        Found::Tenant(tenant)
    }

    /// Keeps a tenant under the key it was found by, its id and its slug.
    ///
    /// Not kept if everything was forgotten since the look-up `began`. If something newer is announced meanwhile, what is
    /// kept here is not in force, so nothing need be done about it.
    pub(super) fn keep(&self, key: &LookupKey, tenant: &Arc<Tenant>, began: &Moment) {
        if self.limits.ttl.is_zero() {
            return;
        }
        let expires = self.millis(self.limits.ttl);
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
            self.put(key, tenant, expires, began.forgotten);
        }
    }

    /// Keeps an absence, in force until the next announcement.
    pub(super) fn keep_absent(&self, key: &LookupKey, began: &Moment) {
        if self.limits.negative_ttl.is_zero() {
            return;
        }
        let expires = self.millis(self.limits.negative_ttl);
        let Some(mut shard) = self.write(key) else {
            return;
        };
        let dropped = (
            shard.absent.put(key.clone(), (*began, expires)),
            shard.remove(key),
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

    fn put(&self, key: &LookupKey, tenant: &Arc<Tenant>, expires: Millis, forgotten: u64) {
        let Some(mut shard) = self.write(key) else {
            return;
        };
        if shard.forgotten > forgotten {
            return;
        }
        // Freeing thousands of tenants takes a while, so it is done when the shard is open again.
        let dropped = match key {
            LookupKey::Id(_) => Dropped::Ids(shard.ids.put(ById(Arc::clone(tenant)), expires)),
            LookupKey::Slug(_) => {
                Dropped::Slugs(shard.slugs.put(BySlug(Arc::clone(tenant)), expires))
            }
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => {
                Dropped::Others(shard.others.put(key.clone(), (Arc::clone(tenant), expires)))
            }
        };
        drop(shard);
        drop(dropped);
    }

    fn millis(&self, later: Duration) -> Millis {
        u64::try_from((self.start.elapsed() + later).as_millis()).unwrap_or(u64::MAX)
    }

    fn shard(&self, key: &LookupKey) -> Option<&RwLock<Shard>> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let index = self.hasher.hash_one(key) as usize % self.shards.len().max(1);
        self.shards.get(index)
    }

    fn read(&self, key: &LookupKey) -> Option<RwLockReadGuard<'_, Shard>> {
        Some(
            self.shard(key)?
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn write(&self, key: &LookupKey) -> Option<RwLockWriteGuard<'_, Shard>> {
        Some(
            self.shard(key)?
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

/// What a change pushed out, to be freed outside the lock.
#[expect(dead_code, reason = "held only to be dropped later")]
enum Dropped {
    Ids(HashMap<ById, Millis>),
    Slugs(HashMap<BySlug, Millis>),
    Others(HashMap<LookupKey, (Arc<Tenant>, Millis)>),
}

impl Shard {
    /// The tenant under a key, when it expires, and whether it is about to be dropped for want of use.
    fn tenant(&self, key: &LookupKey) -> Option<(&Arc<Tenant>, Millis, bool)> {
        match key {
            LookupKey::Id(id) => self
                .ids
                .get(id)
                .map(|(kept, expires, aged)| (&kept.0, *expires, aged)),
            LookupKey::Slug(slug) => self
                .slugs
                .get(slug)
                .map(|(kept, expires, aged)| (&kept.0, *expires, aged)),
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => self
                .others
                .get(key)
                .map(|(_, (tenant, expires), aged)| (tenant, *expires, aged)),
        }
    }

    /// Takes out what is kept under a key that leads nowhere now.
    fn remove(&mut self, key: &LookupKey) -> Option<Arc<Tenant>> {
        match key {
            LookupKey::Id(id) => self.ids.remove(id).map(|(kept, _)| kept.0),
            LookupKey::Slug(slug) => self.slugs.remove(slug).map(|(kept, _)| kept.0),
            LookupKey::Domain(_) | LookupKey::ApiKey(_) => {
                self.others.remove(key).map(|(_, (tenant, _))| tenant)
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

    /// An entry, and whether it is of the older generation: then put it again, if it is used.
    fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<(&K, &V, bool)>
    where
        K: Borrow<Q>,
    {
        let young = self
            .young
            .get_key_value(key)
            .map(|(key, value)| (key, value, false));
        young.or_else(|| {
            self.old
                .get_key_value(key)
                .map(|(key, value)| (key, value, true))
        })
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

    fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<(K, V)>
    where
        K: Borrow<Q>,
    {
        let old = self.old.remove_entry(key);
        self.young.remove_entry(key).or(old)
    }

    fn clear(&mut self) -> (HashMap<K, V>, HashMap<K, V>) {
        (mem::take(&mut self.young), mem::take(&mut self.old))
    }
}

impl Borrow<TenantId> for ById {
    fn borrow(&self) -> &TenantId {
        self.0.live().id()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl Borrow<TenantSlug> for BySlug {
    fn borrow(&self) -> &TenantSlug {
        self.0.slug()
    }
}

impl PartialEq for BySlug {
    fn eq(&self, other: &Self) -> bool {
        self.0.slug() == other.0.slug()
    }
}

impl Eq for BySlug {}

impl Hash for BySlug {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.slug().hash(state);
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
            if map.get(&0).is_some_and(|(_, (), aged)| aged) {
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
            map.get("a").map(|(_, value, aged)| (*value, aged)),
            Some((3, false))
        );
        assert_eq!(map.remove("a"), Some(("a", 3)));
        assert!(map.get("a").is_none());
    }
}
