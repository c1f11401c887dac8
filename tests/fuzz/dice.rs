//! Chance that can be had again: the same seed and number give the same statement.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// See the module.
#[derive(Debug)]
pub(super) struct Dice(StdRng);

impl Dice {
    /// The dice of one statement of a run.
    pub(super) fn of(seed: u64, number: u64) -> Self {
        // Two numbers become one in a way that no neighbours share.
        Self(StdRng::seed_from_u64(
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number.rotate_left(17),
        ))
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// Whether something that happens in `percent` of all cases happens.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn from(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// One of these, which are not none.
    pub(super) fn pick<T: Copy + Default>(&mut self, these: &[T]) -> T {
        these
            .get(self.below(these.len()))
            .copied()
            .unwrap_or_default()
    }

    /// One of these, if there are any.
    pub(super) fn choose<'a, T>(&mut self, these: &'a [T]) -> Option<&'a T> {
        these.get(self.below(these.len()))
    }
}
