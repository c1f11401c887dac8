//! [`Attempts`]: how often something may be tried under one name within one tenant, such as signing in.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tenancy_core::{TenantContext, TenantId};

use crate::Problem;

/// As many names of one tenant are counted at a time. A tenant that meets more is being attacked, and it alone is affected.
const NAMES: usize = 10_000;
/// Tenants without a name that still counts are looked for when there are twice as many as the last time, or so many.
const SWEEP_AT: usize = 64;

/// Counts attempts by name, for each tenant alone: so many in so many seconds, evenly, as a rate of
/// [`Allowance`](super::Allowance) counts. Clones share the counts.
///
/// For what a stranger may guess at: passwords, codes, invitation links. Count *before* you look whether there is anybody of
/// that name, and give names nobody has the same answer: then nothing here tells who exists. Count failures only by
/// [forgiving](Self::forgive) those who were right.
///
/// # Guarantee
/// A name of one tenant and the same name of another are two. What one tenant's strangers try costs no other tenant
/// anything. A tenant's counts take a bounded amount of memory, and none once nothing that was counted matters any more.
///
/// What it does not guarantee: each node counts for itself. And whoever counts failures lets strangers keep somebody out for
/// a while, by failing in their name; let sessions that are open go on.
///
/// # Errors
/// [`take`](Self::take) answers 429 with `Retry-After`; 404 if the tenant is suspended, as everywhere.
///
/// # Example: two guesses, and the third
/// ```
/// use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_http::limit::Attempts;
///
/// let context = |id: &str| {
///     let tenant = Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(&format!("t{id}"))?).build()?;
///     TenantContext::for_request(tenant.into(), Actor::anonymous())
/// };
/// let (acme, globex) = (context("1")?, context("2")?);
/// let attempts = Attempts::new(2, 3600);
/// assert!(attempts.take(&acme, "ada@example.com").is_ok());
/// assert!(attempts.take(&acme, "ada@example.com").is_ok());
/// assert_eq!(attempts.take(&acme, "ada@example.com").unwrap_err().status(), 429);
/// assert!(attempts.take(&acme, "bob@example.com").is_ok());
/// assert!(attempts.take(&globex, "ada@example.com").is_ok());
///
/// attempts.forgive(&acme, "ada@example.com");
/// assert!(attempts.take(&acme, "ada@example.com").is_ok());
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Attempts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How long one attempt takes to come back, and all of them together.
    each: Duration,
    window: Duration,
    /// Names are kept as hashes that strangers can't aim at: short, and nobody's address.
    hasher: RandomState,
    tenants: Mutex<Tenants>,
}

#[derive(Debug, Default)]
struct Tenants {
    known: HashMap<TenantId, Names>,
    sweep_at: usize,
}

/// The names of one tenant.
#[derive(Debug)]
struct Names {
    /// When each has all its attempts again.
    whole: HashMap<u64, Instant>,
    /// When the last of them has.
    last: Instant,
    swept: Instant,
}

impl Attempts {
    /// So many attempts in so many seconds, for each name of each tenant. Zero counts as one.
    #[must_use]
    pub fn new(attempts: u32, seconds: u32) -> Self {
        let window = Duration::from_secs(seconds.max(1).into());
        Self(Arc::new(Shared {
            each: (window / attempts.max(1)).max(Duration::from_nanos(1)),
            window,
            hasher: RandomState::new(),
            tenants: Mutex::default(),
        }))
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// 429 with `Retry-After` if that is one too many, which is not counted; 404 if the tenant is suspended.
    pub fn take(&self, context: &TenantContext, name: &str) -> Result<(), Problem> {
        context.ensure_live()?;
        self.take_at(context.tenant_id(), name, Instant::now())
            .map_err(|wait| {
                crate::metric::limited("attempts");
                tracing::info!("too many attempts under one name");
                Problem::too_many().with_retry_after(wait)
            })
    }

    /// Forgets what was tried under a name: it was right.
    pub fn forgive(&self, context: &TenantContext, name: &str) {
        let name = self.0.hasher.hash_one(name);
        if let Some(names) = self.0.tenants().known.get_mut(&context.tenant_id()) {
            names.whole.remove(&name);
        }
    }

    /// `Err`: how long until there is an attempt again.
    fn take_at(&self, tenant: TenantId, name: &str, now: Instant) -> Result<(), Duration> {
        let Shared { each, window, .. } = *self.0;
        let name = self.0.hasher.hash_one(name);
        let mut tenants = self.0.tenants();
        tenants.sweep(now);
        let names = tenants.known.entry(tenant).or_insert_with(|| Names {
            whole: HashMap::new(),
            last: now,
            swept: now,
        });
        let before = names.whole.get(&name).copied();
        if before.is_none() && !names.has_room(now, each) {
            return Err(each);
        }
        let whole = before.map_or(now, |whole| whole.max(now)) + each;
        let ahead = whole.saturating_duration_since(now);
        if ahead > window {
            return Err(ahead - window);
        }
        names.whole.insert(name, whole);
        names.last = names.last.max(whole);
        Ok(())
    }
}

impl Shared {
    fn tenants(&self) -> std::sync::MutexGuard<'_, Tenants> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tenants {
    fn sweep(&mut self, now: Instant) {
        if self.known.len() >= self.sweep_at.max(SWEEP_AT) {
            self.known.retain(|_, names| names.last > now);
            self.sweep_at = self.known.len() * 2;
        }
    }
}

impl Names {
    /// Whether another name can be counted. Looks for ones that don't matter any more, but not at every attempt of a flood.
    fn has_room(&mut self, now: Instant, each: Duration) -> bool {
        if self.whole.len() >= NAMES && now.saturating_duration_since(self.swept) >= each {
            self.whole.retain(|_, whole| *whole > now);
            self.swept = now;
        }
        self.whole.len() < NAMES
    }
}

#[cfg(test)]
mod tests {
    use tenancy_core::{Actor, InMemoryRegistry, Tenant, TenantSlug, TenantStatus};

    use super::*;

    fn id(n: u32) -> TenantId {
        TenantId::from_integer(i64::from(n) + 1).unwrap()
    }

    #[test]
    fn attempts_come_back_one_after_the_other() {
        let (attempts, start) = (Attempts::new(3, 30), Instant::now());
        let at = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            attempts
                .take_at(id(1), "ada", now)
                .map_err(|wait| wait.as_secs())
        };
        let seen = [0, 0, 0, 0, 9, 10, 10, 60, 60, 60, 60].map(at);
        let expect = [
            Ok(()),
            Ok(()),
            Ok(()),
            Err(10),
            Err(1),
            Ok(()),
            Err(10),
            Ok(()),
            Ok(()),
            Ok(()),
            Err(10),
        ];
        assert_eq!(seen, expect);
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_one_tenants_own_affair() {
        let (attempts, start) = (Attempts::new(1, 60), Instant::now());
        let mut refused = 0;
        for n in 0..NAMES + 5_000 {
            let taken = attempts.take_at(id(1), &format!("name {n}"), start);
            refused += usize::from(taken.is_err());
        }
        assert_eq!(refused, 5_000);
        assert_eq!(attempts.0.tenants().known[&id(1)].whole.len(), NAMES);
        assert!(attempts.take_at(id(2), "ada", start).is_ok());
        // When they don't matter any more there is room again.
        let later = start + Duration::from_secs(60);
        assert!(attempts.take_at(id(1), "ada", later).is_ok());
        assert_eq!(attempts.0.tenants().known[&id(1)].whole.len(), 1);
    }

    #[test]
    fn tenants_where_nothing_matters_any_more_are_forgotten() {
        let (attempts, start) = (Attempts::new(5, 60), Instant::now());
        for n in 0..100_000 {
            let now = start + Duration::from_secs(u64::from(n));
            attempts.take_at(id(n), "ada", now).unwrap();
        }
        assert!(attempts.0.tenants().known.len() <= 2 * SWEEP_AT);
    }

    #[test]
    fn a_suspended_tenant_is_absent_here_too() {
        let registry = InMemoryRegistry::new();
        let tenant = Tenant::builder(id(1), TenantSlug::parse("acme").unwrap()).build();
        let tenant = registry.insert(tenant.unwrap()).unwrap();
        let context = TenantContext::for_request(tenant, Actor::anonymous()).unwrap();
        let attempts = Attempts::new(5, 60);
        assert!(attempts.take(&context, "ada").is_ok());
        registry
            .set_status(&id(1), TenantStatus::Suspended)
            .unwrap();
        assert_eq!(attempts.take(&context, "ada"), Err(Problem::not_found()));
    }
}
