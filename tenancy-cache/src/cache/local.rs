//! The memory of one tenant: what was loaded, and what is being loaded just now. Nobody else's values can push these out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::key::CacheKey;
use super::outdated::Outdated;
use crate::Result;

/// A value, or that there is none, and until when to believe it.
#[derive(Debug)]
pub(super) struct Entry<V> {
    pub(super) value: Option<V>,
    pub(super) expires: Instant,
    pub(super) tags: Vec<Box<str>>,
}

/// Everybody who wants the same value while it is loaded. Whoever waits takes over if the one who loads is cancelled.
#[derive(Debug)]
pub(super) struct Flight<V> {
    pub(super) cell: OnceCell<Result<Arc<Entry<V>>>>,
    tags: Vec<Box<str>>,
    /// Something happened meanwhile that may not be in what is being loaded: who waits gets it, nobody keeps it.
    is_outdated: AtomicBool,
}

/// A value's place: the number of times that all of the tenant was dropped, and the key.
type Place = (u64, Box<str>);

pub(super) struct Local<V> {
    entries: moka::sync::Cache<Place, Arc<Entry<V>>>,
    generation: AtomicU64,
    /// Also held while entries come and go, so that nothing lands between an invalidation's two steps.
    flights: Mutex<HashMap<Box<str>, Arc<Flight<V>>>>,
}

/// How much one tenant's values weigh, and how each is weighed.
#[derive(Debug)]
pub(super) struct Share<V> {
    pub(super) most: u64,
    pub(super) weigh: fn(&V) -> u32,
}

impl<V> Clone for Share<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Share<V> {}

impl<V: Clone + Send + Sync + 'static> Local<V> {
    pub(super) fn new(share: Share<V>) -> Self {
        let entries = moka::sync::Cache::builder()
            .max_capacity(share.most)
            .weigher(move |_: &Place, entry: &Arc<Entry<V>>| {
                entry.value.as_ref().map_or(1, share.weigh).max(1)
            })
            .build();
        Self {
            entries,
            generation: AtomicU64::new(0),
            flights: Mutex::default(),
        }
    }

    fn place(&self, key: &str) -> Place {
        (self.generation.load(Ordering::Acquire), key.into())
    }

    /// What is known of a key, if it was stored under these tags and is not too old.
    pub(super) fn find(&self, key: &str, tags: &[Box<str>]) -> Option<Arc<Entry<V>>> {
        let entry = self.entries.get(&self.place(key))?;
        (entry.expires > Instant::now() && entry.tags == tags).then_some(entry)
    }

    /// Joins those who are waiting for this key, or begins.
    pub(super) fn join(&self, text: &str, key: &CacheKey) -> Arc<Flight<V>> {
        let mut flights = self.flights();
        match flights.get(text) {
            Some(flight) if flight.tags == key.tags() => Arc::clone(flight),
            _ => {
                let flight = Arc::new(Flight {
                    cell: OnceCell::new(),
                    tags: key.tags().to_vec(),
                    is_outdated: AtomicBool::new(false),
                });
                flights.insert(text.into(), Arc::clone(&flight));
                flight
            }
        }
    }

    /// A flight is over: its value is kept if it may be, and whoever comes next begins anew.
    ///
    /// One that is not on the list any more hears of no invalidation, so that its value is not kept.
    pub(super) fn land(&self, key: &str, flight: &Arc<Flight<V>>, keep: Option<&Arc<Entry<V>>>) {
        let mut flights = self.flights();
        if !flights
            .get(key)
            .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            return;
        }
        flights.remove(key);
        if let Some(entry) = keep.filter(|_| !flight.is_outdated.load(Ordering::Acquire)) {
            self.entries.insert(self.place(key), Arc::clone(entry));
        }
    }

    /// Keeps a value that somebody wrote, over whatever is being loaded.
    pub(super) fn put(&self, key: &str, entry: Arc<Entry<V>>) {
        let mut flights = self.flights();
        if let Some(flight) = flights.remove(key) {
            flight.is_outdated.store(true, Ordering::Release);
        }
        self.entries.insert(self.place(key), entry);
    }

    /// Forgets what is outdated, and sees to it that what is being loaded is not kept.
    pub(super) fn drop_outdated(&self, outdated: &Outdated) {
        let mut flights = self.flights();
        flights.retain(|key, flight| {
            let is_hit = match outdated {
                Outdated::All => true,
                Outdated::Key(outdated) => **key == **outdated,
                Outdated::Tag(tag) => flight.tags.iter().any(|it| **it == **tag),
            };
            if is_hit {
                flight.is_outdated.store(true, Ordering::Release);
            }
            !is_hit
        });
        match outdated {
            Outdated::All => {
                self.generation.fetch_add(1, Ordering::AcqRel);
                self.entries.invalidate_all();
            }
            Outdated::Key(key) => self.entries.invalidate(&self.place(key)),
            Outdated::Tag(tag) => {
                let has_tag = |entry: &Entry<V>| entry.tags.iter().any(|it| **it == **tag);
                let hit: Vec<_> = self
                    .entries
                    .iter()
                    .filter(|(_, entry)| has_tag(entry))
                    .map(|(place, _)| place)
                    .collect();
                for place in hit {
                    self.entries.invalidate(&*place);
                }
            }
        }
    }

    /// Nobody waits for a flight that nobody flies: a cancelled one is taken off the list.
    pub(super) fn leave(&self, key: &str, flight: &Arc<Flight<V>>) {
        let mut flights = self.flights();
        // One of them is on the list, the other is the caller's.
        if Arc::strong_count(flight) <= 2
            && flights
                .get(key)
                .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            flights.remove(key);
        }
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Flight<V>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
