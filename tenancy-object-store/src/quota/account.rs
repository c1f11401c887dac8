//! `Account`: the numbers of one tenant. How they are counted anew is in `meter`; holding some of it back in `reservation`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::path::Path;
use tokio::time::Instant;

use super::turns::Turns;
use super::{Limits, Usage};
use crate::Error;

/// What one tenant stores, as far as this process knows.
#[derive(Debug, Default)]
pub(crate) struct Account {
    numbers: Mutex<Numbers>,
    /// Whoever counts anew holds it, so that a crowd of refused writes counts once.
    pub(super) counting: tokio::sync::Mutex<()>,
    /// Whose turn it is to write or copy a path.
    pub(crate) turns: Turns,
}

#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// When the objects were last counted; `None` if never.
    counted_at: Option<Instant>,
    /// How often they were.
    pub(super) counts: u64,
    /// What is stored, or more.
    settled: Usage,
    /// What writes under way may add.
    held: Usage,
    /// What addresses given out may add until they expire.
    grants: Vec<Grant>,
    /// All that was ever added to `settled`; never shrinks.
    added: Usage,
    /// Grows whenever `settled` may have become too high.
    doubts: u64,
    /// `doubts` as of the last count; with equal numbers, counting anew would say the same.
    doubts_counted: u64,
}

#[derive(Debug)]
struct Grant {
    path: Path,
    bytes: u64,
    expires: Instant,
}

/// What an account says to a write.
#[derive(Debug)]
pub(super) enum Answer {
    /// There is room, and it is held.
    Held { counts: u64 },
    /// The objects have to be counted before anyone can say.
    Count,
    /// There is no room.
    Refused(Error),
}

/// Where things stood when a count began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    added: Usage,
    doubts: u64,
}

impl Account {
    pub(super) fn lock(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody would miss it: nothing is held that a count would not find.
    pub(super) fn is_idle(&self) -> bool {
        let mut numbers = self.lock();
        numbers.expire(Instant::now());
        numbers.held == Usage::default() && numbers.grants.is_empty()
    }

    /// What is stored, if that is certain.
    pub(crate) fn exact(&self, every: Duration) -> Option<Usage> {
        let numbers = self.lock();
        (numbers.is_fresh(every) && numbers.doubts == numbers.doubts_counted)
            .then_some(numbers.settled)
    }

    /// Something was removed or replaced.
    pub(crate) fn doubt(&self) {
        self.lock().doubts += 1;
    }
}

impl Numbers {
    fn is_fresh(&self, every: Duration) -> bool {
        self.counted_at.is_some_and(|at| at.elapsed() < every)
    }

    /// Asks for room for `more`, and holds it.
    pub(super) fn ask(&mut self, more: Usage, limits: Limits, every: Duration) -> Answer {
        if self.counted_at.is_none() || !self.is_fresh(every) {
            return Answer::Count;
        }
        self.expire(Instant::now());
        let needed = self.settled.plus(self.held).plus(self.granted()).plus(more);
        match over(needed, more, limits) {
            None => {
                self.held = self.held.plus(more);
                Answer::Held {
                    counts: self.counts,
                }
            }
            Some(_) if self.doubts != self.doubts_counted => Answer::Count,
            Some(error) => Answer::Refused(error),
        }
    }

    /// Asks for room for `more` that takes the place of `old`, an object that was there after count number `counts`. What is
    /// held is all of it: until the write has ended, both take room for everybody else.
    pub(super) fn ask_instead(
        &mut self,
        more: Usage,
        old: Usage,
        counts: u64,
        limits: Limits,
    ) -> Answer {
        let old = if counts == self.counts {
            old
        } else {
            Usage::default()
        };
        let all = self.settled.plus(self.held).plus(self.granted());
        match over(all.plus(more).minus(old), more, limits) {
            None => {
                self.held = self.held.plus(more);
                Answer::Held { counts }
            }
            Some(error) => Answer::Refused(error),
        }
    }

    /// Why there is no room for `more`, on the numbers as they are.
    pub(super) fn refusal(&self, more: Usage, limits: Limits) -> Option<Error> {
        over(
            self.settled.plus(self.held).plus(self.granted()).plus(more),
            more,
            limits,
        )
    }

    /// A write ended and stored what it held. `certain` if nothing was replaced by it.
    pub(super) fn settle(&mut self, held: Usage, counts: u64, certain: bool) {
        self.held = self.held.minus(held);
        self.settled = self.settled.plus(held);
        self.added = self.added.plus(held);
        // A count between its beginning and its end may have seen what it wrote.
        if !certain || counts != self.counts {
            self.doubts += 1;
        }
    }

    /// A write ended and stored nothing.
    pub(super) fn release(&mut self, held: Usage) {
        self.held = self.held.minus(held);
    }

    pub(super) fn before_count(&self) -> Before {
        Before {
            added: self.added,
            doubts: self.doubts,
        }
    }

    /// Takes in what was found. What was added meanwhile may be in it or not, so it is added, and in doubt.
    pub(super) fn counted(&mut self, found: Usage, before: Before) {
        let meanwhile = self.added.minus(before.added);
        self.settled = found.plus(meanwhile);
        self.counts += 1;
        self.counted_at = Some(Instant::now());
        self.doubts_counted = before.doubts;
        if meanwhile != Usage::default() {
            self.doubts += 1;
        }
    }

    /// Keeps room for an upload that somebody else makes until `expires`; takes the place of what `held` held.
    pub(super) fn grant(&mut self, path: Path, held: Usage, expires: Instant) {
        self.held = self.held.minus(held);
        self.grants
            .retain(|grant| grant.path != path || grant.bytes > held.bytes);
        self.grants.push(Grant {
            path,
            bytes: held.bytes,
            expires,
        });
    }

    /// The upload has arrived; its room is what it takes.
    pub(super) fn redeem(&mut self, path: &Path, found: Usage) {
        let granted = self.grants.len();
        self.grants.retain(|grant| grant.path != *path);
        if self.grants.len() != granted {
            self.add(found);
        }
    }

    /// Something was stored that nothing was held for; a count may have seen it.
    pub(super) fn add(&mut self, found: Usage) {
        self.settled = self.settled.plus(found);
        self.added = self.added.plus(found);
        self.doubts += 1;
    }

    fn granted(&self) -> Usage {
        self.grants.iter().fold(Usage::default(), |sum, grant| {
            sum.plus(Usage::new(grant.bytes, 1))
        })
    }

    /// What nobody redeemed may have been used nevertheless: counted until the next count.
    fn expire(&mut self, now: Instant) {
        if self.grants.iter().all(|grant| grant.expires > now) {
            return;
        }
        let before = self.granted();
        self.grants.retain(|grant| grant.expires > now);
        let expired = before.minus(self.granted());
        self.add(expired);
    }
}

fn over(needed: Usage, more: Usage, limits: Limits) -> Option<Error> {
    let check = |what, limit: Option<u64>, needed: u64, more: u64| match limit {
        Some(limit) if more > 0 && needed > limit => Some(Error::Quota {
            what,
            limit,
            needed,
        }),
        _ => None,
    };
    check("bytes", limits.bytes, needed.bytes, more.bytes)
        .or_else(|| check("objects", limits.objects, needed.objects, more.objects))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(60);

    fn held(answer: &Answer) -> bool {
        matches!(answer, Answer::Held { .. })
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_a_count_may_have_seen_counts_twice_until_the_next() {
        let limits = Limits::none().bytes(10);
        let four = Usage::new(4, 1);
        let mut numbers = Numbers::default();
        assert!(
            matches!(numbers.ask(four, limits, EVERY), Answer::Count),
            "never counted"
        );
        let before = numbers.before_count();
        numbers.counted(Usage::default(), before);
        assert!(held(&numbers.ask(four, limits, EVERY)));
        let before = numbers.before_count();
        numbers.settle(four, 1, true);
        numbers.counted(four, before);
        assert_eq!(numbers.settled, Usage::new(8, 2));
        assert!(
            matches!(numbers.ask(four, limits, EVERY), Answer::Count),
            "in doubt"
        );
        let before = numbers.before_count();
        numbers.counted(four, before);
        assert!(held(&numbers.ask(four, limits, EVERY)));
        assert!(
            matches!(numbers.ask(four, limits, EVERY), Answer::Refused(_)),
            "held counts"
        );
        numbers.release(four);
        assert!(held(&numbers.ask(four, limits, EVERY)));
        tokio::time::advance(EVERY).await;
        assert!(
            matches!(numbers.ask(four, limits, EVERY), Answer::Count),
            "too old"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_grant_is_room_until_it_expires_or_is_redeemed() {
        let limits = Limits::none().bytes(10);
        let six = Usage::new(6, 1);
        let mut numbers = Numbers::default();
        let count = |numbers: &mut Numbers, found| {
            let before = numbers.before_count();
            numbers.counted(found, before);
        };
        count(&mut numbers, Usage::default());
        assert!(held(&numbers.ask(six, limits, EVERY)));
        numbers.grant(
            Path::from("a"),
            six,
            Instant::now() + Duration::from_secs(9),
        );
        count(&mut numbers, Usage::default());
        assert!(
            matches!(numbers.ask(six, limits, EVERY), Answer::Refused(_)),
            "counting does not free it"
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(
            matches!(numbers.ask(six, limits, EVERY), Answer::Count),
            "it may have been used"
        );
        count(&mut numbers, Usage::default());
        assert!(held(&numbers.ask(six, limits, EVERY)));
        numbers.grant(
            Path::from("a"),
            six,
            Instant::now() + Duration::from_secs(9),
        );
        numbers.redeem(&Path::from("a"), Usage::new(5, 1));
        assert!(numbers.grants.is_empty());
        assert_eq!(numbers.settled, Usage::new(5, 1));
    }
}
