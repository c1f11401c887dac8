//! A table of tenants, found by the hash of an id or a slug, made so that a random look-up among a million meets few cache
//! misses: one for the slot, then one each for the tenant and its liveness, which don't wait for each other.
//!
//! A slot holds half of the hash, the time the answer expires and two pointers. The key is not in it: it is compared in the
//! tenant itself, once, as two keys seldom share that half. What is kept by other keys is in `store`.

use std::mem;
use std::sync::Arc;

use super::clock::Ticks;
use crate::Tenant;
use crate::liveness::Liveness;

/// A tenant that is kept, and until when.
#[derive(Debug)]
pub(super) struct Kept {
    hash: u32,
    expires: Ticks,
    tenant: Arc<Tenant>,
    /// The tenant's own, repeated here so that both can be fetched at once.
    live: Arc<Liveness>,
}

impl Kept {
    pub(super) fn new(hash: u64, tenant: &Arc<Tenant>, expires: Ticks) -> Self {
        Self {
            hash: half(hash),
            expires,
            tenant: Arc::clone(tenant),
            live: Arc::clone(tenant.live()),
        }
    }

    pub(super) fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    pub(super) fn live(&self) -> &Liveness {
        &self.live
    }

    pub(super) fn expires(&self) -> Ticks {
        self.expires
    }

    /// Whether it may still be answered at this time: nothing newer is known, and it has not expired.
    pub(super) fn is_in_force(&self, time: Ticks) -> bool {
        self.expires > time && !self.tenant.is_superseded_by(self.live.state())
    }
}

/// The half of a hash that is kept; the other half chose the shard.
fn half(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The `capacity` most recently used tenants, and at most as many again.
#[derive(Debug)]
pub(super) struct Index {
    young: Table,
    old: Table,
    capacity: usize,
}

impl Index {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            young: Table::default(),
            old: Table::default(),
            capacity,
        }
    }

    /// A tenant, and whether it is of the older generation: then put it again, if it is used.
    pub(super) fn find(&self, hash: u64, is: impl Fn(&Kept) -> bool) -> Option<(&Kept, bool)> {
        let young = self.young.find(half(hash), &is).map(|kept| (kept, false));
        young.or_else(|| self.old.find(half(hash), &is).map(|kept| (kept, true)))
    }

    /// Puts a tenant in. Returns what had to go, to be dropped outside a lock.
    pub(super) fn put(&mut self, kept: Kept, is: impl Fn(&Kept) -> bool) -> Dropped {
        let replaced = self.remove_hash(kept.hash, &is);
        let mut generation = Table::default();
        if self.young.len >= self.capacity {
            generation = mem::replace(&mut self.old, mem::take(&mut self.young));
        }
        self.young.insert(kept);
        Dropped {
            _one: replaced,
            _generation: generation,
        }
    }

    pub(super) fn remove(&mut self, hash: u64, is: impl Fn(&Kept) -> bool) -> Option<Kept> {
        self.remove_hash(half(hash), &is)
    }

    fn remove_hash(&mut self, hash: u32, is: &impl Fn(&Kept) -> bool) -> Option<Kept> {
        let old = self.old.remove(hash, is);
        self.young.remove(hash, is).or(old)
    }

    pub(super) fn clear(&mut self) -> [Table; 2] {
        [mem::take(&mut self.young), mem::take(&mut self.old)]
    }
}

/// What a change pushed out.
#[derive(Debug)]
pub(super) struct Dropped {
    _one: Option<Kept>,
    _generation: Table,
}

/// Open addressing with linear probing: a slot, then the ones behind it until one is empty.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Option<Kept>>,
    len: usize,
}

impl Table {
    /// Where the search for a hash begins.
    fn home(&self, hash: u32) -> usize {
        let scaled = (u64::from(hash) * self.slots.len() as u64) >> 32;
        usize::try_from(scaled).unwrap_or_default()
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() {
            0
        } else {
            at + 1
        }
    }

    fn at(&self, at: usize) -> Option<&Kept> {
        self.slots.get(at).and_then(Option::as_ref)
    }

    fn place(&self, hash: u32, is: &impl Fn(&Kept) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        // Ends: a table is never full.
        while let Some(kept) = self.at(at) {
            if kept.hash == hash && is(kept) {
                return Some(at);
            }
            at = self.next(at);
        }
        None
    }

    fn find(&self, hash: u32, is: &impl Fn(&Kept) -> bool) -> Option<&Kept> {
        let mut at = self.home(hash);
        while let Some(kept) = self.at(at) {
            if kept.hash == hash && is(kept) {
                return Some(kept);
            }
            at = self.next(at);
        }
        None
    }

    fn insert(&mut self, kept: Kept) {
        // Four fifths full: a search that finds nothing looks at a dozen neighbouring slots, and half as much again is
        // less memory than a power of two wastes on the average.
        if (self.len + 1) * 5 > self.slots.len() * 4 {
            self.grow();
        }
        self.put(kept);
        self.len += 1;
    }

    fn put(&mut self, kept: Kept) {
        let mut at = self.home(kept.hash);
        while self.at(at).is_some() {
            at = self.next(at);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Some(kept);
        }
    }

    fn grow(&mut self) {
        let more = self.slots.len() * 3 / 2 + 8;
        let mut slots = Vec::with_capacity(more);
        slots.resize_with(more, || None);
        for kept in mem::replace(&mut self.slots, slots).into_iter().flatten() {
            self.put(kept);
        }
    }

    /// Takes a tenant out and closes the gap: whatever was pushed past it moves up.
    fn remove(&mut self, hash: u32, is: &impl Fn(&Kept) -> bool) -> Option<Kept> {
        let mut gap = self.place(hash, is)?;
        let removed = self.slots.get_mut(gap).and_then(Option::take);
        self.len -= 1;
        let mut at = self.next(gap);
        while let Some(kept) = self.at(at) {
            let home = self.home(kept.hash);
            // It may stay if its search begins behind the gap, going round the end.
            let stays = if gap <= at {
                gap < home && home <= at
            } else {
                gap < home || home <= at
            };
            if !stays {
                self.slots.swap(gap, at);
                gap = at;
            }
            at = self.next(at);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::{TenantId, TenantSlug};

    fn kept(n: u32, hash: u32, expires: Ticks) -> Kept {
        let id = TenantId::from_integer(i64::from(n) + 1).unwrap();
        let slug = TenantSlug::parse(&format!("t{n}")).unwrap();
        let tenant = Arc::new(Tenant::builder(id, slug).build().unwrap());
        Kept::new(u64::from(hash) << 32, &tenant, expires)
    }

    fn is(n: u32) -> impl Fn(&Kept) -> bool {
        move |kept| kept.tenant().slug().as_str() == format!("t{n}")
    }

    fn put(index: &mut Index, n: u32, hash: u32) {
        drop(index.put(kept(n, hash, n), is(n)));
    }

    fn has(index: &Index, n: u32, hash: u32) -> Option<bool> {
        let found = index.find(u64::from(hash) << 32, is(n));
        found.map(|(_, aged)| aged)
    }

    #[test]
    fn a_slot_is_three_words() {
        assert_eq!(size_of::<Option<Kept>>(), 24);
    }

    #[test]
    fn generations_keep_what_is_used_and_never_more_than_twice_the_capacity() {
        let hash = |n: u32| n.wrapping_mul(0x9E37_79B9);
        let mut index = Index::new(10);
        put(&mut index, 0, hash(0));
        for n in 1..1_000 {
            put(&mut index, n, hash(n));
            assert!(index.young.len + index.old.len <= 20);
            for recent in n.saturating_sub(9)..=n {
                assert!(
                    has(&index, recent, hash(recent)).is_some(),
                    "{recent} of {n}"
                );
            }
            if has(&index, 0, hash(0)) == Some(true) {
                put(&mut index, 0, hash(0));
            }
        }
        assert!(has(&index, 0, hash(0)).is_some(), "used all the time");
        assert!(has(&index, 900, hash(900)).is_none(), "long unused");
        drop(index.clear());
        assert!(has(&index, 0, hash(0)).is_none());
    }

    #[test]
    fn putting_again_replaces_in_both_generations() {
        let mut index = Index::new(1);
        put(&mut index, 1, 5);
        put(&mut index, 2, 5);
        drop(index.put(kept(1, 5, 77), is(1)));
        let (found, aged) = index.find(5 << 32, is(1)).unwrap();
        assert_eq!((found.expires(), aged), (77, false));
        assert!(index.remove(5 << 32, is(1)).is_some());
        assert!(has(&index, 1, 5).is_none());
        assert!(has(&index, 2, 5).is_some());
    }

    proptest! {
        /// Few hashes for many tenants, some at the very end of the table: long searches that go round it.
        #[test]
        fn a_table_is_a_map(steps in proptest::collection::vec((0..40_u32, 0..3_u8), 1..200)) {
            let hash = |n: u32| match n % 4 {
                0 => u32::MAX,
                1 => u32::MAX - n,
                2 => 0,
                _ => n.wrapping_mul(0x9E37_79B9),
            };
            let (mut table, mut model) = (Table::default(), HashMap::new());
            for (at, (n, step)) in steps.into_iter().enumerate() {
                let expires = Ticks::try_from(at).unwrap();
                if step == 0 {
                    let removed = table.remove(hash(n), &is(n)).map(|kept| kept.expires());
                    prop_assert_eq!(removed, model.remove(&n));
                } else if model.insert(n, expires).is_none() {
                    table.insert(kept(n, hash(n), expires));
                } else {
                    table.remove(hash(n), &is(n)).unwrap();
                    table.insert(kept(n, hash(n), expires));
                }
                prop_assert_eq!(table.len, model.len());
                for n in 0..40 {
                    let found = table.find(hash(n), &is(n)).map(Kept::expires);
                    prop_assert_eq!(found, model.get(&n).copied());
                }
            }
        }
    }
}
