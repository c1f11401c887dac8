//! [`Retry`]: when a job that failed runs again.

use std::time::Duration;

use rand::RngExt as _;

/// When a job that failed runs again: after a while that doubles each time, up to a limit, and is a little random so that
/// what failed together does not come back together.
///
/// # Example
/// ```
/// use std::time::Duration;
/// use tenancy_jobs::worker::Retry;
///
/// let retry = Retry::new(Duration::from_secs(1), Duration::from_secs(60));
/// # let _ = retry;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    first: Duration,
    most: Duration,
}

impl Default for Retry {
    /// Five seconds, up to an hour.
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(3_600))
    }
}

impl Retry {
    /// From `first` up to `most`.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// How long to wait after this attempt, from 1.
    pub(crate) fn after(&self, attempt: i64) -> Duration {
        let doublings = u32::try_from(attempt.clamp(1, 32) - 1).unwrap_or_default();
        let wait = self
            .first
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(self.most);
        wait.mul_f64(rand::rng().random_range(0.8..1.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_limit() {
        let retry = Retry::new(Duration::from_secs(1), Duration::from_secs(60));
        let check = |attempt, expect: u64| {
            let waited = retry.after(attempt);
            let (low, high) = (expect * 800, expect * 1_200);
            assert!((u128::from(low)..=u128::from(high)).contains(&waited.as_millis()));
        };
        check(0, 1);
        check(1, 1);
        check(2, 2);
        check(4, 8);
        check(10, 60);
        check(i64::MAX, 60);
    }
}
