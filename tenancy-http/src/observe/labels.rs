//! [`Labels`]: how much a metric's label may say about a tenant, and [`Chosen`]: who gets a label of its own.
//!
//! A time series for each tenant is what makes a metrics server fall over. So labels are few by default, and bounded where
//! they name tenants.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tenancy_core::{Tenant, TenantId};

/// What a metric's label says about the tenant.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever configures metrics decides between these"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Labels {
    /// Nothing: one series for all.
    #[default]
    None,
    /// Its plan, in the label `plan`; `none` if it has none. As many series as there are plans.
    Plan,
    /// Its id, in the label `tenant`, for so many tenants that ask most; `other` for the rest.
    ///
    /// Who asks most changes with time. A process never gives labels to more than four times as many tenants: those that
    /// come up later stay `other` until it is started again. Have the exporter forget series that rest.
    TopK(usize),
    /// Its id, always: a series for each tenant. For services with few.
    All,
}

/// So many requests are counted before it is decided anew who asks most.
const ROUND: u64 = 1_000;

/// Who has a label.
#[derive(Debug)]
pub(super) struct Chosen {
    labels: Labels,
    top: Mutex<Top>,
}

#[derive(Debug, Default)]
struct Top {
    /// Requests of this round.
    seen: u64,
    counts: HashMap<TenantId, u64>,
    now: HashSet<TenantId>,
    /// All that ever had a label.
    ever: HashSet<TenantId>,
}

impl Chosen {
    pub(super) fn new(labels: Labels) -> Self {
        Self {
            labels,
            top: Mutex::default(),
        }
    }

    /// The label of a request of this tenant, and its value.
    pub(super) fn label(&self, tenant: &Tenant) -> Option<(&'static str, Cow<'static, str>)> {
        match self.labels {
            Labels::None => None,
            Labels::Plan => {
                let plan = tenant.plan().map(|plan| Cow::Owned(plan.to_owned()));
                Some(("plan", plan.unwrap_or(Cow::Borrowed("none"))))
            }
            Labels::All => Some(("tenant", tenant.id().to_string().into())),
            Labels::TopK(most) => {
                let is_chosen = self.top().sees(tenant.id(), most);
                let value = if is_chosen {
                    tenant.id().to_string().into()
                } else {
                    Cow::Borrowed("other")
                };
                Some(("tenant", value))
            }
        }
    }

    fn top(&self) -> MutexGuard<'_, Top> {
        self.top.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Top {
    /// Counts a request; whether its tenant has a label.
    fn sees(&mut self, tenant: TenantId, most: usize) -> bool {
        *self.counts.entry(tenant).or_default() += 1;
        self.seen += 1;
        if self.seen >= ROUND {
            self.choose(most);
        } else if self.now.len() < most && !self.now.contains(&tenant) {
            // Before the first round is over, whoever comes first.
            self.give(tenant, most);
        }
        self.now.contains(&tenant)
    }

    fn choose(&mut self, most: usize) {
        let mut order: Vec<_> = std::mem::take(&mut self.counts).into_iter().collect();
        // Of two that ask as often, the one with the smaller id: so that a tie does not change labels back and forth.
        order.sort_unstable_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
        self.seen = 0;
        self.now.clear();
        for (tenant, _) in order.into_iter().take(most) {
            self.give(tenant, most);
        }
    }

    fn give(&mut self, tenant: TenantId, most: usize) {
        let is_known = self.ever.contains(&tenant);
        if is_known || self.ever.len() < most.saturating_mul(4) {
            self.ever.insert(tenant);
            self.now.insert(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use tenancy_core::TenantSlug;

    use super::*;

    fn tenant(n: u32, plan: &str) -> Tenant {
        let slug = TenantSlug::parse(&format!("t-{n}")).unwrap();
        let id = TenantId::from_integer(n.into()).unwrap();
        Tenant::builder(id, slug).plan(plan).build().unwrap()
    }

    #[test]
    fn labels_say_as_much_as_they_may() {
        let check = |labels, tenant: &Tenant, expect: Option<(&str, &str)>| {
            let found = Chosen::new(labels).label(tenant);
            let found = found.as_ref().map(|(name, value)| (*name, &**value));
            assert_eq!(found, expect, "{labels:?}");
        };
        check(Labels::None, &tenant(7, "gold"), None);
        check(Labels::Plan, &tenant(7, "gold"), Some(("plan", "gold")));
        check(Labels::Plan, &tenant(7, ""), Some(("plan", "none")));
        check(Labels::All, &tenant(7, ""), Some(("tenant", "7")));
        check(Labels::TopK(1), &tenant(7, ""), Some(("tenant", "7")));
        check(Labels::TopK(0), &tenant(7, ""), Some(("tenant", "other")));
    }

    #[test]
    fn those_who_ask_most_have_labels_and_there_are_never_many() {
        let chosen = Chosen::new(Labels::TopK(3));
        let mut given = HashSet::new();
        let mut ask = |n: u32| {
            let (_, value) = chosen.label(&tenant(n, "")).unwrap();
            given.insert(value.clone().into_owned());
            value
        };
        // A hundred thousand tenants pass by once each; three of them ask all the time.
        for n in 10..100_000 {
            ask(n);
            for busy in 1..=3 {
                ask(busy);
            }
        }
        for busy in 1..=3 {
            assert_eq!(ask(busy), busy.to_string());
        }
        assert_eq!(ask(50), "other");
        assert!(given.len() <= 3 * 4 + 1, "{given:?}");
    }
}
