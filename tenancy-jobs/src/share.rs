//! [`Share`]: what a tenant gets of the workers.

use crate::{Error, Result};

/// What a tenant gets of the workers, by its plan for example.
///
/// # Example: plans
/// ```
/// use tenancy_jobs::Share;
///
/// let share = |plan: Option<&str>| match plan {
///     Some("enterprise") => Share::new().weight(4).at_once(20).queue("gold"),
///     _ => Share::new().at_once(4),
/// };
/// # let _ = share(None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until a queue's `shares` returns it"]
pub struct Share {
    pub(crate) weight: u32,
    pub(crate) at_once: u32,
    pub(crate) queue: String,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            weight: 1,
            at_once: 1_000,
            queue: DEFAULT_QUEUE.to_owned(),
        }
    }
}

/// The queue of who has no other.
pub(crate) const DEFAULT_QUEUE: &str = "default";

impl Share {
    /// As much as anybody else, in the queue `default`.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many jobs it gets for each one of a tenant of weight 1, while both wait: 1 to 1000.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// How many of its jobs may run at the same time, over all workers of its queue.
    pub fn at_once(mut self, jobs: u32) -> Self {
        self.at_once = jobs;
        self
    }

    /// The queue its jobs go into: one per tier, each with workers of its own.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queue = name.into();
        self
    }

    pub(crate) fn ensure_sound(&self) -> Result<()> {
        ensure_queue_name(&self.queue)?;
        if !(1..=1_000).contains(&self.weight) || self.at_once == 0 {
            return Err(Error::Config(
                "the weight of a share is 1 to 1000, and at least one job runs at once",
            ));
        }
        Ok(())
    }
}

/// Queue names stand in SQL: refuse whatever would need quoting.
pub(crate) fn ensure_queue_name(name: &str) -> Result<()> {
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.')
        });
    if is_name {
        Ok(())
    } else {
        Err(Error::Config(
            "the name of a queue is 1 to 64 of a-z, 0-9, `-`, `_` and `.`",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(Share::new().ensure_sound().is_ok());
        for wrong in [
            Share::new().weight(0),
            Share::new().weight(1_001),
            Share::new().at_once(0),
            Share::new().queue(""),
            Share::new().queue("a'b"),
            Share::new().queue("A"),
        ] {
            assert!(wrong.ensure_sound().is_err(), "{wrong:?}");
        }
    }
}
