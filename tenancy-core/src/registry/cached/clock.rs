//! The time by which answers expire: sixteenths of a second since a store was made.
//!
//! It is read at every look-up. The exact clock orders the instructions around its reading, so that a processor that waits
//! for a tenant's memory can't begin with what comes next; on Linux the coarse one is read from memory, and lags by a tick
//! of the kernel at the most. Other systems have the exact one only.

use std::time::Duration;

/// A sixteenth of a second since the clock was started.
pub(super) type Ticks = u32;

const NANOS_PER_TICK: u64 = 62_500_000;

/// The slowest kernel updates its coarse clock a hundred times a second.
const MAX_LAG: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Clock {
    start: source::Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: source::now(),
        }
    }

    /// The time now, or at most `MAX_LAG` earlier.
    #[inline]
    pub(super) fn now(&self) -> Ticks {
        ticks(source::nanos_since(self.start))
    }

    /// The time after this long, rounded down and less the lag: what expires then is never served longer than it may be.
    pub(super) fn in_at_most(&self, later: Duration) -> Ticks {
        let later = nanos(later.saturating_sub(MAX_LAG));
        ticks(source::nanos_since(self.start).saturating_add(later))
    }
}

#[inline]
fn ticks(nanos: u64) -> Ticks {
    Ticks::try_from(nanos / NANOS_PER_TICK).unwrap_or(Ticks::MAX)
}

/// Sixty-four bits of nanoseconds are five centuries.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Without a clock, everything has expired.
#[cfg(any(target_os = "linux", test))]
#[inline]
fn between(start: Option<u64>, now: Option<u64>) -> u64 {
    match (start, now) {
        (Some(start), Some(now)) => now.saturating_sub(start),
        _ => u64::MAX,
    }
}

#[cfg(all(target_os = "linux", not(test)))]
mod source {
    //! The kernel's coarse monotonic clock, in as few instructions as it takes.

    use nix::time::{ClockId, clock_gettime};

    /// Nanoseconds since some moment before this process began. Each kernel that Rust supports has this clock, but a sandbox
    /// may not let us ask.
    pub(super) type Instant = Option<u64>;

    #[inline]
    pub(super) fn now() -> Instant {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE).ok()?;
        let seconds = time.tv_sec().cast_unsigned();
        Some(
            seconds
                .wrapping_mul(1_000_000_000)
                .wrapping_add(time.tv_nsec().cast_unsigned()),
        )
    }

    #[inline]
    pub(super) fn nanos_since(start: Instant) -> u64 {
        super::between(start, now())
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod source {
    //! The exact clock; in unit tests, one that they can turn.

    #[cfg(not(test))]
    pub(super) use std::time::Instant;
    #[cfg(test)]
    pub(super) use tokio::time::Instant;

    pub(super) fn now() -> Instant {
        Instant::now()
    }

    pub(super) fn nanos_since(start: Instant) -> u64 {
        super::nanos(start.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[test]
    fn ticks_are_sixteenths_of_a_second_and_end_somewhere() {
        let check = |elapsed, expect| assert_eq!(ticks(nanos(elapsed)), expect, "{elapsed:?}");
        check(Duration::ZERO, 0);
        check(Duration::from_micros(62_499), 0);
        check(Duration::from_micros(62_500), 1);
        check(Duration::from_secs(3_600), 57_600);
        check(Duration::MAX, Ticks::MAX);
        assert_eq!(Clock::start().in_at_most(Duration::MAX), Ticks::MAX);
    }

    #[test]
    fn without_a_clock_everything_has_expired() {
        let check = |start, now, expect| assert_eq!(between(start, now), expect);
        check(Some(2), Some(5), 3);
        check(Some(5), Some(2), 0);
        check(None, None, u64::MAX);
        check(None, Some(5), u64::MAX);
        check(Some(2), None, u64::MAX);
        assert_eq!(ticks(u64::MAX), Ticks::MAX, "later than anything expires");
    }

    #[tokio::test(start_paused = true)]
    async fn what_expires_is_not_served_longer_though_the_clock_lags() {
        let clock = Clock::start();
        for ttl in [1, 62, 63, 72, 73, 1_000, 3_601].map(Duration::from_millis) {
            let expires = clock.in_at_most(ttl);
            advance(ttl.saturating_sub(MAX_LAG)).await;
            assert!(clock.now() >= expires, "{ttl:?}");
        }
    }
}
