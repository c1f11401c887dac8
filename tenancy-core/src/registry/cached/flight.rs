//! Single flight: of all who miss one key, one asks. And what was announced while they waited.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Answer, LookupKey};
use crate::liveness::Liveness;

/// A point between two announcements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// How many announcements were made before it.
    announced: u64,
    /// How often everything was forgotten before it.
    pub(super) forgotten: u64,
}

#[derive(Debug, Default)]
pub(super) struct Flights {
    announced: AtomicU64,
    forgotten: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    active: HashMap<LookupKey, Arc<Flight>>,
    /// What was announced since the oldest flight began, kept in the watch by being held here: that flight may come back
    /// with an answer from before, about a tenant that nobody held yet.
    recent: VecDeque<(u64, Arc<Liveness>)>,
}

/// One look-up that is under way, and those who wait for it.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Whoever has the turn asks, and leaves the answer. If it is cancelled, the next in line finds none, and asks.
    turn: tokio::sync::Mutex<Option<Answer>>,
    /// `announced` when the look-up began.
    began: AtomicU64,
}

impl Flight {
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, Option<Answer>> {
        self.turn.lock().await
    }
}

/// A place in a flight, given back when dropped.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    flights: &'a Flights,
    key: &'a LookupKey,
    flight: Arc<Flight>,
}

impl Flights {
    /// The flight that is under way for `key`, or a new one.
    pub(super) fn join<'a>(&'a self, key: &'a LookupKey) -> Ticket<'a> {
        let mut table = self.table();
        let flight = match table.active.get(key) {
            Some(flight) => Arc::clone(flight),
            None => {
                let flight = Arc::new(Flight {
                    began: AtomicU64::new(self.now().announced),
                    ..Flight::default()
                });
                table.active.insert(key.clone(), Arc::clone(&flight));
                flight
            }
        };
        drop(table);
        Ticket {
            flights: self,
            key,
            flight,
        }
    }

    /// Says that the look-up of a flight begins now.
    pub(super) fn begin(&self, flight: &Flight) -> Moment {
        let _table = self.table();
        let now = self.now();
        flight.began.store(now.announced, Ordering::Relaxed);
        now
    }

    pub(super) fn now(&self) -> Moment {
        Moment {
            announced: self.announced.load(Ordering::Acquire),
            forgotten: self.forgotten.load(Ordering::Acquire),
        }
    }

    /// Whether nothing was announced since.
    pub(super) fn is_now(&self, moment: &Moment) -> bool {
        self.now() == *moment
    }

    /// Makes an announcement: `learn` takes it in, and it stays known while a flight that began before is under way.
    pub(super) fn announce(&self, learn: impl FnOnce() -> Option<Arc<Liveness>>) {
        let mut table = self.table();
        let live = learn();
        let announced = self.announced.fetch_add(1, Ordering::AcqRel);
        if let Some(live) = live
            && !table.active.is_empty()
        {
            table.recent.push_back((announced, live));
        }
    }

    /// Says that anything may have changed.
    pub(super) fn announce_everything(&self) {
        let _table = self.table();
        self.announced.fetch_add(1, Ordering::AcqRel);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn remove(&mut self, key: &LookupKey, flight: &Arc<Flight>) {
        if self
            .active
            .get(key)
            .is_some_and(|active| Arc::ptr_eq(active, flight))
        {
            self.active.remove(key);
        }
        if self.recent.is_empty() {
            return;
        }
        let oldest = self
            .active
            .values()
            .map(|flight| flight.began.load(Ordering::Relaxed))
            .min();
        while let Some((announced, _)) = self.recent.front()
            && oldest.is_none_or(|oldest| *announced < oldest)
        {
            self.recent.pop_front();
        }
    }
}

impl Ticket<'_> {
    pub(super) fn flight(&self) -> &Flight {
        &self.flight
    }

    /// The answer is there: whoever comes from now on begins another flight.
    pub(super) fn land(&self) {
        self.flights.table().remove(self.key, &self.flight);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut table = self.flights.table();
        // The table and this ticket: nobody waits, so a cancelled flight leaves nothing behind.
        if Arc::strong_count(&self.flight) <= 2 {
            table.remove(self.key, &self.flight);
        }
    }
}

#[cfg(test)]
impl Flights {
    pub(super) fn is_idle(&self) -> bool {
        let table = self.table();
        table.active.is_empty() && table.recent.is_empty()
    }
}
