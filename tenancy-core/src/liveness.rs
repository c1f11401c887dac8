//! `Liveness`: what this process last learned about one tenant, shared by everything that holds the tenant. Private.
//!
//! One word carries epoch, move counter and status, so that a door decides with a single atomic load. Writers take turns
//! behind a mutex; what they learn from an older epoch never overwrites what came from a newer one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Error, ErrorKind, Operation, Placement, TenantId, TenantStatus};

const STATUS_BITS: u32 = 3;
const MOVES_BITS: u32 = 8;
/// Epochs are smaller than this: enough for microseconds since 1970 until the year 2255.
pub(crate) const EPOCH_END: u64 = 1 << (u64::BITS - STATUS_BITS - MOVES_BITS);

#[derive(Debug)]
// In this order: what every door reads comes first, and so out of memory in one piece.
#[repr(C)]
pub(crate) struct Liveness {
    /// Identity is stored once: a tenant reads its id from here.
    id: TenantId,
    /// `epoch << 11 | moves << 3 | strictness`.
    word: AtomicU64,
    /// Guards every write to `word`.
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// The place the newest state names.
    place: Option<Placement>,
    /// Wakes those who wait for a change, once anybody has waited.
    changed: Option<Arc<Notify>>,
}

/// One reading of the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    pub(crate) moves: u8,
    pub(crate) status: TenantStatus,
}

impl State {
    fn pack(self) -> u64 {
        let Self {
            epoch,
            moves,
            status,
        } = self;
        epoch << (STATUS_BITS + MOVES_BITS)
            | u64::from(moves) << STATUS_BITS
            | u64::from(status.strictness())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the masks leave eight and three bits"
    )]
    #[inline]
    fn unpack(word: u64) -> Self {
        Self {
            epoch: word >> (STATUS_BITS + MOVES_BITS),
            moves: (word >> STATUS_BITS) as u8,
            status: TenantStatus::from_strictness((word & 0b111) as u8),
        }
    }
}

impl Liveness {
    pub(crate) fn new(
        id: TenantId,
        epoch: u64,
        status: TenantStatus,
        place: Option<Placement>,
    ) -> Arc<Self> {
        let word = State {
            epoch: epoch.min(EPOCH_END - 1),
            moves: 0,
            status,
        }
        .pack();
        Arc::new(Self {
            id,
            word: AtomicU64::new(word),
            known: Mutex::new(Known {
                place,
                changed: None,
            }),
        })
    }

    #[inline]
    pub(crate) fn id(&self) -> &TenantId {
        &self.id
    }

    #[inline]
    pub(crate) fn state(&self) -> State {
        State::unpack(self.word.load(Ordering::Acquire))
    }

    /// Takes in what an event or a registry said. `None` if something newer is known already.
    ///
    /// Of two statuses of one epoch the stricter one stays. A different place counts as a move.
    pub(crate) fn learn(
        &self,
        epoch: u64,
        status: TenantStatus,
        place: Option<&Placement>,
    ) -> Option<State> {
        let mut known = self.known();
        let mut state = self.state();
        let epoch = epoch.min(EPOCH_END - 1);
        if epoch < state.epoch {
            return None;
        }
        if epoch > state.epoch || status.strictness() > state.status.strictness() {
            state.status = status;
        }
        state.epoch = epoch;
        if let Some(place) = place {
            if known.place.as_ref().is_some_and(|known| known != place) {
                state.moves = state.moves.wrapping_add(1);
            }
            known.place = Some(place.clone());
        }
        self.word.store(state.pack(), Ordering::Release);
        let changed = known.changed.clone();
        drop(known);
        if let Some(changed) = changed {
            changed.notify_waiters();
        }
        Some(state)
    }

    /// What is notified, after the word was written, whenever something is learned.
    pub(crate) fn changes(&self) -> Arc<Notify> {
        Arc::clone(self.known().changed.get_or_insert_default())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what the newest known status does not admit, and work that began in a place the tenant has left.
    #[inline]
    pub(crate) fn ensure_admits(&self, operation: Operation, moves: u8) -> Result<(), Error> {
        let state = self.state();
        state.status.ensure_admits(operation)?;
        if state.moves != moves {
            return Err(moved());
        }
        Ok(())
    }
}

#[cold]
fn moved() -> Error {
    Error::new(
        ErrorKind::Moved,
        "the tenant moved to another place while this work was under way; begin it again",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> TenantId {
        TenantId::parse("1").unwrap()
    }

    #[test]
    fn newer_epochs_win_and_older_ones_change_nothing() {
        let live = Liveness::new(id(), 5, TenantStatus::Active, Some(Placement::shared()));
        assert!(live.learn(4, TenantStatus::Suspended, None).is_none());
        assert_eq!(live.state().status, TenantStatus::Active);
        assert!(live.learn(6, TenantStatus::Suspended, None).is_some());
        assert!(live.learn(5, TenantStatus::Active, None).is_none());
        assert_eq!(live.state().status, TenantStatus::Suspended);
        assert!(
            live.learn(6, TenantStatus::Active, None).is_some(),
            "same epoch"
        );
        assert_eq!(
            live.state().status,
            TenantStatus::Suspended,
            "the stricter one stays"
        );
        assert!(live.learn(7, TenantStatus::Active, None).is_some());
        assert!(live.ensure_admits(Operation::Request, 0).is_ok());
    }

    #[test]
    fn a_move_refuses_work_that_began_elsewhere() {
        let live = Liveness::new(id(), 1, TenantStatus::Active, Some(Placement::shared()));
        live.learn(2, TenantStatus::Active, Some(&Placement::shared()));
        assert!(
            live.ensure_admits(Operation::Request, 0).is_ok(),
            "same place"
        );
        let state = live
            .learn(3, TenantStatus::Active, Some(&Placement::schema(&id())))
            .unwrap();
        assert_eq!(
            live.ensure_admits(Operation::Request, 0)
                .unwrap_err()
                .kind(),
            ErrorKind::Moved
        );
        assert_eq!(
            live.ensure_admits(Operation::Maintenance, 0)
                .unwrap_err()
                .kind(),
            ErrorKind::Moved
        );
        assert!(live.ensure_admits(Operation::Request, state.moves).is_ok());
    }

    proptest! {
        #[test]
        fn a_word_holds_a_state(epoch in 0..EPOCH_END, moves: u8, status in 0..5_u8) {
            let state = State { epoch, moves, status: TenantStatus::from_strictness(status) };
            prop_assert_eq!(State::unpack(state.pack()), state);
        }

        /// Whatever order news arrives in, the newest epoch decides.
        #[test]
        fn order_of_news_does_not_matter(news in proptest::collection::vec((0..20_u64, 0..5_u8), 1..30)) {
            let live = Liveness::new(id(), 0, TenantStatus::Active, None);
            for (epoch, status) in &news {
                live.learn(*epoch, TenantStatus::from_strictness(*status), None);
            }
            let newest = news.iter().max().unwrap();
            prop_assert_eq!(live.state().epoch, newest.0);
            prop_assert_eq!(live.state().status.strictness(), newest.1);
        }
    }
}
