//! A bounded, concurrent map from statement text to what became of it. Reads take a shared lock on one of a few shards;
//! eviction drops what was not asked for since the last time room was needed.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use foldhash::quality::RandomState;

use super::Checked;

const SHARDS: usize = 16;
/// Bytes of text, original and rewritten, per remembered statement on average.
const BYTES_PER_STATEMENT: usize = 4096;

/// See the module.
pub(super) struct Cache {
    hasher: RandomState,
    shards: [RwLock<Shard>; SHARDS],
    shard_statements: usize,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Box<str>, Entry, RandomState>,
    bytes: usize,
}

struct Entry {
    checked: Arc<Checked>,
    asked: AtomicBool,
}

impl Entry {
    fn bytes(&self, key: &str) -> usize {
        key.len() + self.checked.sql().len()
    }
}

impl Cache {
    pub(super) fn new(statements: usize) -> Self {
        let hasher = RandomState::default();
        let shards = std::array::from_fn(|_| {
            RwLock::new(Shard {
                entries: HashMap::with_hasher(hasher.clone()),
                bytes: 0,
            })
        });
        Self {
            hasher,
            shards,
            shard_statements: statements.div_ceil(SHARDS),
        }
    }

    fn shard(&self, sql: &str) -> Option<&RwLock<Shard>> {
        let hash = self.hasher.hash_one(sql);
        // The map inside uses the low and the topmost bits; these are neither.
        self.shards.get((hash >> 40) as usize % SHARDS)
    }

    pub(super) fn get(&self, sql: &str) -> Option<Arc<Checked>> {
        let shard = self
            .shard(sql)?
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entries.get(sql)?;
        if !entry.asked.load(Ordering::Relaxed) {
            entry.asked.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(&entry.checked))
    }

    pub(super) fn insert(&self, sql: &str, checked: &Arc<Checked>) {
        let Some(shard) = self.shard(sql) else { return };
        let entry = Entry {
            checked: Arc::clone(checked),
            asked: AtomicBool::new(false),
        };
        let (statements, bytes) = (
            self.shard_statements,
            self.shard_statements * BYTES_PER_STATEMENT,
        );
        let added = entry.bytes(sql);
        if statements == 0 || added > bytes / 4 {
            return;
        }
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.entries.len() >= statements || shard.bytes + added > bytes {
            shard.evict(statements / 2, bytes / 2);
        }
        if let Some(old) = shard.entries.insert(sql.into(), entry) {
            shard.bytes -= old.bytes(sql);
        }
        shard.bytes += added;
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read().unwrap().entries.len())
            .sum()
    }
}

impl Shard {
    /// Drops what was not asked for since the last eviction, then anything, until both bounds hold.
    fn evict(&mut self, statements: usize, bytes: usize) {
        let mut left = 0;
        self.entries.retain(|key, entry| {
            let keep = entry.asked.swap(false, Ordering::Relaxed);
            if keep {
                left += entry.bytes(key);
            }
            keep
        });
        let mut count = self.entries.len();
        self.entries.retain(|key, entry| {
            let keep = count <= statements && left <= bytes;
            if !keep {
                count -= 1;
                left -= entry.bytes(key);
            }
            keep
        });
        self.bytes = left;
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("capacity", &(self.shard_statements * SHARDS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::checked::Access;

    fn checked(sql: &str) -> Arc<Checked> {
        Arc::new(Checked::untouched(sql, 0, Access::Read))
    }

    #[test]
    fn ten_thousand_texts_stay_bounded_and_a_popular_one_stays() {
        let cache = Cache::new(64);
        let popular = checked("SELECT 'popular'");
        cache.insert("SELECT 'popular'", &popular);
        for n in 0..10_000 {
            let sql = format!("SELECT {n}");
            cache.insert(&sql, &checked(&sql));
            assert!(cache.get("SELECT 'popular'").is_some(), "lost after {n}");
        }
        assert!(cache.len() <= 64, "{}", cache.len());
    }

    #[test]
    fn bytes_are_bounded_too() {
        let cache = Cache::new(64);
        for n in 0..10_000 {
            let sql = format!("SELECT '{n:x>3000}'");
            cache.insert(&sql, &checked(&sql));
        }
        let bytes: usize = cache
            .shards
            .iter()
            .map(|shard| shard.read().unwrap().bytes)
            .sum();
        assert!(bytes <= 64 * BYTES_PER_STATEMENT, "{bytes}");
        let giant = format!("SELECT '{}'", "x".repeat(1 << 20));
        cache.insert(&giant, &checked(&giant));
        assert!(cache.get(&giant).is_none());
    }

    #[test]
    fn off() {
        let cache = Cache::new(0);
        cache.insert("SELECT 1", &checked("SELECT 1"));
        assert!(cache.get("SELECT 1").is_none());
    }
}
