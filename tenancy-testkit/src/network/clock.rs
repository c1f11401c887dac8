//! Waiting for a moment, to a few microseconds.

use std::{
    fs, hint, thread,
    time::{Duration, Instant},
};

/// The waiting of one thread.
pub(super) struct Clock {
    /// How long before the moment sleeping ends and spinning begins.
    spin: Duration,
}

impl Clock {
    /// Asks Linux not to round this thread's sleeps, which it does by 50 µs to save power; elsewhere spins for longer.
    pub(super) fn new() -> Self {
        let is_sharp = fs::read_link("/proc/thread-self").is_ok_and(|thread| {
            thread.file_name().is_some_and(|id| {
                let mut file = std::path::PathBuf::from("/proc");
                file.push(id);
                file.push("timerslack_ns");
                fs::write(file, "1").is_ok()
            })
        });
        Self {
            spin: Duration::from_micros(if is_sharp { 30 } else { 90 }),
        }
    }

    /// Returns at the moment, never before it.
    pub(super) fn wait_until(&self, moment: Instant) {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            match left.checked_sub(self.spin) {
                Some(sleep) if !sleep.is_zero() => thread::sleep(sleep),
                _ => hint::spin_loop(),
            }
        }
    }
}
