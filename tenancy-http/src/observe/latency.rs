//! [`Latencies`]: how long each tenant's requests take, kept in this process, however many tenants there are.
//!
//! A histogram of growing buckets for each of the tenants that were seen last. What no metrics server wants a series for can
//! be asked here, by an operators' page or a debugger.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenancy_core::TenantId;

/// Each bucket reaches a tenth further than the one before: a quantile is off by at most a twentieth.
const GROWTH: f64 = 1.1;
/// From a microsecond to about 20 minutes; whatever is longer counts as that.
const BUCKETS: usize = 220;

/// Latencies of the tenants that asked last. Clones share them.
#[derive(Debug, Clone)]
pub struct Latencies {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug)]
struct Kept {
    tenants: HashMap<TenantId, Sketch>,
    most: usize,
    /// Grows with every request.
    clock: u64,
}

#[derive(Debug)]
struct Sketch {
    buckets: Box<[u32]>,
    count: u64,
    used: u64,
}

/// How long a tenant's requests took.
#[expect(
    clippy::exhaustive_structs,
    reason = "the three that people ask for, and of how many"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles {
    /// How many requests they are of.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: Duration,
    /// Nineteen of twenty took no longer.
    pub p95: Duration,
    /// Ninety-nine of a hundred took no longer.
    pub p99: Duration,
}

impl Latencies {
    /// Room for so many tenants, at about a kilobyte each. When there are more, those that were not seen for longest go.
    #[must_use]
    pub fn of_the_last(tenants: usize) -> Self {
        let kept = Kept {
            tenants: HashMap::new(),
            most: tenants.max(1),
            clock: 0,
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
        }
    }

    /// How long a tenant's requests took; `None` if it is not among those that are kept.
    #[must_use]
    pub fn quantiles(&self, tenant: &TenantId) -> Option<Quantiles> {
        self.kept().tenants.get(tenant).map(Sketch::quantiles)
    }

    /// The tenants whose requests are slowest at the 95th percentile, the slowest first.
    #[must_use]
    pub fn slowest(&self, most: usize) -> Vec<(TenantId, Quantiles)> {
        let mut all: Vec<_> = {
            let kept = self.kept();
            let each = kept.tenants.iter();
            each.map(|(id, sketch)| (*id, sketch.quantiles())).collect()
        };
        all.sort_unstable_by(|(a, x), (b, y)| y.p95.cmp(&x.p95).then(a.cmp(b)));
        all.truncate(most);
        all
    }

    pub(super) fn note(&self, tenant: TenantId, took: Duration) {
        self.kept().note(tenant, took);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn note(&mut self, tenant: TenantId, took: Duration) {
        self.clock += 1;
        if !self.tenants.contains_key(&tenant) && self.tenants.len() >= self.most {
            self.forget_an_eighth();
        }
        let sketch = self.tenants.entry(tenant).or_insert_with(|| Sketch {
            buckets: vec![0; BUCKETS].into(),
            count: 0,
            used: 0,
        });
        sketch.used = self.clock;
        sketch.count += 1;
        if let Some(bucket) = sketch.buckets.get_mut(bucket_of(took)) {
            *bucket = bucket.saturating_add(1);
        }
    }

    /// Several at a time, so that not every new tenant has to look at all others.
    fn forget_an_eighth(&mut self) {
        let mut used: Vec<u64> = self.tenants.values().map(|sketch| sketch.used).collect();
        let at = (used.len() / 8).min(used.len().saturating_sub(1));
        let (_, oldest, _) = used.select_nth_unstable(at);
        let oldest = *oldest;
        self.tenants.retain(|_, sketch| sketch.used > oldest);
    }
}

impl Sketch {
    fn quantiles(&self) -> Quantiles {
        Quantiles {
            count: self.count,
            p50: self.quantile(50),
            p95: self.quantile(95),
            p99: self.quantile(99),
        }
    }

    fn quantile(&self, percent: u64) -> Duration {
        let total: u64 = self.buckets.iter().map(|n| u64::from(*n)).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (at, n) in self.buckets.iter().enumerate() {
            seen += u64::from(*n);
            if seen >= rank {
                return middle_of(at);
            }
        }
        Duration::ZERO
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a logarithm between 0 and the number of buckets"
)]
fn bucket_of(took: Duration) -> usize {
    let micros = (took.as_nanos() as f64 / 1_000.0).max(1.0);
    let at = micros.log(GROWTH).floor();
    (at as usize).min(BUCKETS - 1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a number of buckets"
)]
fn middle_of(bucket: usize) -> Duration {
    let start = GROWTH.powi(bucket as i32);
    let middle = f64::midpoint(start, start * GROWTH);
    Duration::from_secs_f64(middle / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: i64) -> TenantId {
        TenantId::from_integer(n).unwrap()
    }

    #[test]
    fn quantiles_are_right_to_a_twentieth() {
        let latencies = Latencies::of_the_last(10);
        for n in 1..=1_000 {
            latencies.note(id(1), Duration::from_millis(n));
        }
        latencies.note(id(2), Duration::from_secs(5));
        let near = |found: Duration, expect: f64| {
            let ratio = found.as_secs_f64() / expect;
            assert!((0.95..=1.06).contains(&ratio), "{found:?} for {expect}");
        };
        let seen = latencies.quantiles(&id(1)).unwrap();
        assert_eq!(seen.count, 1_000);
        near(seen.p50, 0.5);
        near(seen.p95, 0.95);
        near(seen.p99, 0.99);
        near(latencies.quantiles(&id(2)).unwrap().p50, 5.0);
        assert!(latencies.quantiles(&id(3)).is_none());
        let slowest: Vec<_> = latencies.slowest(9).into_iter().map(|(id, _)| id).collect();
        assert_eq!(slowest, [id(2), id(1)]);
    }

    #[test]
    fn the_extremes_are_kept() {
        let latencies = Latencies::of_the_last(1);
        for took in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            latencies.note(id(1), took);
        }
        let seen = latencies.quantiles(&id(1)).unwrap();
        assert!(seen.p50 < Duration::from_micros(2));
        assert!(seen.p99 > Duration::from_secs(600));
    }

    #[test]
    fn there_is_room_for_so_many_and_the_busy_ones_stay() {
        let latencies = Latencies::of_the_last(100);
        for n in 2..10_000 {
            latencies.note(id(n), Duration::from_millis(1));
            latencies.note(id(1), Duration::from_millis(1));
            assert!(latencies.kept().tenants.len() <= 100);
        }
        assert_eq!(latencies.quantiles(&id(1)).unwrap().count, 9_998);
        assert!(latencies.quantiles(&id(9_999)).is_some());
        assert!(latencies.quantiles(&id(2)).is_none());
    }
}
