//! Counts of this process: one entry per tenant that was seen lately, each with a lock of its own.
//!
//! What a tenant at its limit costs is its own entry's lock; the map's shard is locked for a look-up only.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tenancy_core::{Tenant, TenantId};

use super::allowance::{Allowance, Limits, Policy};
use super::count::{Refused, Standing, Verdict};

const SHARDS: usize = 32;
/// A shard is swept when it has doubled, and not before it has so many entries.
const SWEEP_AT: usize = 64;

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The entries of all tenants.
#[derive(Debug)]
pub(super) struct Counts {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    known: HashMap<TenantId, Arc<Entry>>,
    sweep_at: usize,
}

/// One tenant's counts, for as long as its allowance stays what it is.
#[derive(Debug)]
pub(super) struct Entry {
    /// Of the tenant whose allowance this is; another one may have another.
    epoch: AtomicU64,
    pub(super) allowance: Allowance,
    rate: Option<Limiter>,
    quotas: Mutex<Vec<Counter>>,
    running: Arc<AtomicU32>,
    used: Mutex<Instant>,
}

/// Requests of one period.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    period: u64,
    used: u32,
}

/// One of the requests that run at a time; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<AtomicU32>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Counts {
    /// The entry of a tenant. A new allowance begins with nothing counted; one that did not change goes on.
    pub(super) fn of(&self, tenant: &Tenant, limits: &Limits) -> Option<Arc<Entry>> {
        let id = tenant.id();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let shard = self
            .shards
            .get(self.hasher.hash_one(id) as usize % SHARDS)?;
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shard.known.get(&id);
        if let Some(entry) = known
            && entry.epoch.load(Ordering::Acquire) == tenant.epoch()
        {
            return Some(Arc::clone(entry));
        }
        let allowance = limits.of(tenant);
        let entry = Arc::new(match known {
            // A request that began with an older state of the tenant must not undo what a newer one brought.
            Some(entry) if entry.epoch.load(Ordering::Acquire) > tenant.epoch() => {
                return Some(Arc::clone(entry));
            }
            Some(entry) if entry.allowance == allowance => {
                entry.epoch.store(tenant.epoch(), Ordering::Release);
                return Some(Arc::clone(entry));
            }
            Some(entry) => Entry::new(tenant.epoch(), allowance, Arc::clone(&entry.running)),
            None => Entry::new(tenant.epoch(), allowance, Arc::default()),
        });
        shard.sweep();
        shard.known.insert(id, Arc::clone(&entry));
        Some(entry)
    }
}

impl Shard {
    /// Forgets tenants of whom nothing runs and nothing that was counted matters any more.
    fn sweep(&mut self) {
        if self.known.len() < self.sweep_at.max(SWEEP_AT) {
            return;
        }
        let now = Instant::now();
        self.known.retain(|_, entry| {
            entry.running.load(Ordering::Acquire) > 0
                || now.saturating_duration_since(*entry.used()) <= entry.allowance.memory()
        });
        self.sweep_at = self.known.len() * 2;
    }
}

impl Entry {
    fn new(epoch: u64, allowance: Allowance, running: Arc<AtomicU32>) -> Self {
        let rate = allowance.rate_policy().and_then(|policy| {
            let quota = Quota::with_period(interval(policy))?.allow_burst(policy.requests);
            let limiter = RateLimiter::direct_with_clock(quota, DefaultClock::default());
            Some(limiter.with_middleware::<StateInformationMiddleware>())
        });
        Self {
            epoch: AtomicU64::new(epoch),
            quotas: Mutex::new(vec![Counter::default(); allowance.quotas().len()]),
            allowance,
            rate,
            running,
            used: Mutex::new(Instant::now()),
        }
    }

    /// Room for one more request at a time; `None` if there is none.
    pub(super) fn enter(&self) -> Option<Permit> {
        let most = self.allowance.most_at_once().unwrap_or(u32::MAX);
        let more = |running: u32| (running < most).then_some(running + 1);
        self.running
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .ok()
            .map(|_| Permit(Arc::clone(&self.running)))
    }

    /// Counts a request, under all policies or, if one refuses, under none.
    pub(super) fn take(&self) -> Verdict {
        *self.used() = Instant::now();
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut counters = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut standings = Vec::with_capacity(counters.len() + 1);
        let mut refused = None;
        let first = usize::from(self.rate.is_some());
        for (at, (counter, quota)) in counters.iter_mut().zip(self.allowance.quotas()).enumerate() {
            let standing = counter.look(quota.policy, since);
            if standing.remaining == 0 && refused.is_none() {
                let (policy, wait) = (first + at, standing.reset);
                refused = Some(Refused { policy, wait });
            }
            standings.push(standing);
        }
        if let (Some(limiter), Some(policy)) = (&self.rate, self.allowance.rate_policy()) {
            // What another policy refuses is not counted here; then nobody is told how much is left either.
            let standing = match refused {
                Some(_) => Standing {
                    remaining: 0,
                    reset: policy.window(),
                },
                None => match limiter.check() {
                    Ok(state) => {
                        let remaining = state.remaining_burst_capacity();
                        let spent = policy.requests.get().saturating_sub(remaining);
                        Standing {
                            remaining,
                            reset: interval(policy) * spent,
                        }
                    }
                    Err(not_until) => {
                        let wait = not_until.wait_time_from(DefaultClock::default().now());
                        refused = Some(Refused { policy: 0, wait });
                        Standing {
                            remaining: 0,
                            reset: policy.window(),
                        }
                    }
                },
            };
            standings.insert(0, standing);
        }
        if refused.is_none() {
            let quotas = standings.iter_mut().skip(first);
            for (counter, standing) in counters.iter_mut().zip(quotas) {
                counter.used = counter.used.saturating_add(1);
                standing.remaining = standing.remaining.saturating_sub(1);
            }
        }
        Verdict { standings, refused }
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    /// Where it stands at this time, in a new period from the beginning.
    fn look(&mut self, policy: Policy, since: Duration) -> Standing {
        let seconds = u64::from(policy.seconds.get());
        let period = since.as_secs() / seconds;
        if self.period != period {
            *self = Self { period, used: 0 };
        }
        let end = Duration::from_secs((period + 1) * seconds);
        Standing {
            remaining: policy.requests.get().saturating_sub(self.used),
            reset: end.saturating_sub(since),
        }
    }
}

/// How long one request takes to come back.
fn interval(policy: Policy) -> Duration {
    let requests = NonZeroU32::get(policy.requests);
    (policy.window() / requests).max(Duration::from_nanos(1))
}

#[cfg(test)]
mod tests {
    use tenancy_core::TenantSlug;

    use super::*;

    fn tenant(id: &str, epoch: u64, plan: &str) -> Tenant {
        let slug = TenantSlug::parse(&format!("t-{id}")).unwrap();
        let begin = Tenant::builder(TenantId::parse(id).unwrap(), slug).epoch(epoch);
        begin.plan(plan).build().unwrap()
    }

    fn limits() -> Limits {
        // An hour: whatever the machine does meanwhile, nothing comes back.
        Limits::new(Allowance::unlimited().rate(3, 3_600)).plan(
            "both",
            Allowance::unlimited()
                .rate(5, 3_600)
                .quota("daily", 2, 86_400),
        )
    }

    fn refusals(entry: &Entry, times: usize) -> Vec<Option<usize>> {
        let policy = |verdict: Verdict| verdict.refused.map(|refused| refused.policy);
        (0..times).map(|_| policy(entry.take())).collect()
    }

    #[test]
    fn a_rate_lets_so_many_through_and_counts_each_tenant_alone() {
        let (counts, limits) = (Counts::default(), limits());
        let of = |id| counts.of(&tenant(id, 1, ""), &limits).unwrap();
        assert_eq!(refusals(&of("1"), 4), [None, None, None, Some(0)]);
        assert_eq!(refusals(&of("2"), 1), [None]);
        assert_eq!(refusals(&of("1"), 1), [Some(0)], "the same entry again");
        let wait = of("1").take().refused.unwrap().wait;
        assert!(wait > Duration::from_secs(600) && wait <= Duration::from_secs(1_200));
    }

    #[test]
    fn what_one_policy_refuses_no_policy_counts() {
        let (counts, limits) = (Counts::default(), limits());
        let entry = counts.of(&tenant("1", 1, "both"), &limits).unwrap();
        assert_eq!(refusals(&entry, 4), [None, None, Some(1), Some(1)]);
        // Three of the rate's five are left, although four asked.
        let limiter = entry.rate.as_ref().unwrap();
        assert_eq!(limiter.check().unwrap().remaining_burst_capacity(), 2);
        let standing = entry.take().standings[1];
        assert_eq!(standing.remaining, 0);
        assert!(standing.reset <= Duration::from_secs(86_400));
    }

    #[test]
    fn a_period_begins_anew() {
        let policy = Policy {
            requests: NonZeroU32::new(2).unwrap(),
            seconds: NonZeroU32::new(10).unwrap(),
        };
        let mut counter = Counter::default();
        let mut check = |at: u64, used: u32, remaining: u32, reset: u64| {
            let standing = counter.look(policy, Duration::from_secs(at));
            assert_eq!(standing.remaining, remaining, "at {at}");
            assert_eq!(standing.reset, Duration::from_secs(reset), "at {at}");
            counter.used += used;
        };
        check(1_000, 1, 2, 10);
        check(1_009, 1, 1, 1);
        check(1_009, 0, 0, 1);
        check(1_010, 0, 2, 10);
    }

    #[test]
    fn requests_at_a_time_come_back_however_they_end() {
        let (counts, limits) = (
            Counts::default(),
            Limits::new(Allowance::unlimited().at_once(2)),
        );
        let entry = counts.of(&tenant("1", 1, ""), &limits).unwrap();
        let first = entry.enter().unwrap();
        let _second = entry.enter().unwrap();
        assert!(entry.enter().is_none());
        drop(first);
        assert!(entry.enter().is_some());
    }

    #[test]
    fn a_new_allowance_counts_anew_and_keeps_who_runs() {
        let (counts, limits) = (Counts::default(), limits());
        let old = counts.of(&tenant("1", 1, ""), &limits).unwrap();
        assert_eq!(refusals(&old, 4).last(), Some(&Some(0)));
        let running = old.enter().unwrap();
        // Something else about the tenant changed: what was counted stays.
        let same = counts.of(&tenant("1", 2, ""), &limits).unwrap();
        assert_eq!(refusals(&same, 1), [Some(0)]);
        let new = counts.of(&tenant("1", 3, "both"), &limits).unwrap();
        assert_eq!(refusals(&new, 1), [None]);
        assert_eq!(new.running.load(Ordering::Acquire), 1);
        drop(running);
        assert_eq!(new.running.load(Ordering::Acquire), 0);
        // A request that still holds the old state does not bring it back.
        let late = counts.of(&tenant("1", 1, ""), &limits).unwrap();
        assert!(Arc::ptr_eq(&late, &new));
    }

    #[test]
    fn tenants_that_are_gone_are_forgotten() {
        let (counts, limits) = (
            Counts::default(),
            Limits::new(Allowance::unlimited().at_once(1)),
        );
        let busy = counts.of(&tenant("1", 1, ""), &limits).unwrap();
        let _running = busy.enter().unwrap();
        for n in 2..100_000 {
            let id = n.to_string();
            let slug = TenantSlug::parse(&format!("t-{n}")).unwrap();
            let tenant = Tenant::builder(TenantId::parse(&id).unwrap(), slug).build();
            counts.of(&tenant.unwrap(), &limits);
        }
        let kept: usize = counts
            .shards
            .iter()
            .map(|s| s.lock().unwrap().known.len())
            .sum();
        assert!(kept <= SHARDS * (SWEEP_AT + 1) * 2, "{kept}");
        let again = counts.of(&tenant("1", 1, ""), &limits).unwrap();
        assert!(again.enter().is_none(), "what runs is still known");
    }
}
