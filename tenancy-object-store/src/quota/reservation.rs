//! `Reservation`: room that a write holds from before its first byte until its end is known.

use std::sync::Arc;

use object_store::path::Path;
use tokio::time::Instant;

use super::{Account, Usage};
use crate::error::wrote_nothing;

/// Room in a tenant's account. Dropped before the write began it is given back; dropped while the write was under way it
/// counts as used until the objects are counted anew, because nobody knows whether they arrived.
#[derive(Debug)]
#[must_use = "room is given back when this is dropped"]
pub(crate) struct Reservation {
    account: Arc<Account>,
    held: Usage,
    /// The number of counts when it began.
    counts: u64,
    under_way: bool,
}

impl Reservation {
    pub(super) fn new(account: Arc<Account>, held: Usage, counts: u64) -> Self {
        Self {
            account,
            held,
            counts,
            under_way: false,
        }
    }

    /// How much it holds.
    pub(crate) fn held(&self) -> Usage {
        self.held
    }

    /// From here on the store may be writing.
    pub(crate) fn begin(&mut self) {
        self.under_way = true;
    }

    /// Takes over what another one holds.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        self.counts = self.counts.min(other.counts);
        self.held = self.held.plus(std::mem::take(&mut other.held));
    }

    /// The write ended. `certain` if it can't have replaced anything.
    pub(crate) fn end<T>(mut self, result: &object_store::Result<T>, certain: bool) {
        match result {
            Ok(_) => self.settle(certain),
            Err(error) if wrote_nothing(error) => self.under_way = false,
            // Perhaps it arrived all the same.
            Err(_) => self.settle(false),
        }
    }

    /// The room goes to an upload that somebody else makes.
    pub(crate) fn grant(mut self, path: Path, expires: Instant) {
        let held = std::mem::take(&mut self.held);
        self.account.lock().grant(path, held, expires);
        self.under_way = false;
    }

    fn settle(&mut self, certain: bool) {
        let held = std::mem::take(&mut self.held);
        self.account.lock().settle(held, self.counts, certain);
        self.under_way = false;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.under_way {
            self.settle(false);
        } else {
            self.account.lock().release(self.held);
        }
    }
}
