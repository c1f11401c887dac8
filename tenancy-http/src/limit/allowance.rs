//! [`Allowance`]: what one tenant may use, and [`Limits`]: which tenant has which. Counting is done elsewhere.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use tenancy_core::{Error, ErrorKind, Tenant};

/// What one tenant may use. Without any limit it may use everything.
///
/// As a setting of a tenant it is written
/// `{"rate": {"requests": 100, "seconds": 60}, "quotas": [{"name": "daily", "requests": 10000, "seconds": 86400}], "at_once": 20}`,
/// each part optional.
///
/// # Example
/// ```
/// use tenancy_http::limit::Allowance;
///
/// let gold = Allowance::unlimited().rate(600, 60).quota("daily", 100_000, 86_400).at_once(40);
/// let written = r#"{"rate": {"requests": 600, "seconds": 60},
///     "quotas": [{"name": "daily", "requests": 100000, "seconds": 86400}], "at_once": 40}"#;
/// assert_eq!(serde_json::from_str::<Allowance>(written)?, gold);
/// // Nothing at all is not written as a limit of nothing: suspend the tenant.
/// assert!(serde_json::from_str::<Allowance>(r#"{"rate": {"requests": 0, "seconds": 60}}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allowance {
    rate: Option<Policy>,
    quotas: Vec<Quota>,
    at_once: Option<NonZeroU32>,
}

/// So many requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) requests: NonZeroU32,
    pub(super) seconds: NonZeroU32,
}

/// A policy of fixed periods with a name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Quota {
    pub(super) name: Box<str>,
    pub(super) policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Box<str>,
    requests: NonZeroU32,
    seconds: NonZeroU32,
}

impl TryFrom<Written> for Quota {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        let Written {
            name,
            requests,
            seconds,
        } = written;
        if !is_name(&name) {
            return Err("the name of a quota is 1 to 32 of a-z, 0-9, `_` and `-`");
        }
        Ok(Self {
            name,
            policy: Policy { requests, seconds },
        })
    }
}

/// What a header, a key and a label can hold, and none of ours.
fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=32).contains(&name.len()) && name.bytes().all(is_plain) && name != RATE
}

/// What the rate is called in headers and keys.
pub(super) const RATE: &str = "rate";

impl Policy {
    fn new(requests: u32, seconds: u32) -> Self {
        // Nothing in no time is not a limit that anybody means; the least there is stands for it.
        let least = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            requests: least(requests),
            seconds: least(seconds),
        }
    }

    pub(super) fn window(self) -> Duration {
        Duration::from_secs(self.seconds.get().into())
    }
}

impl Allowance {
    /// Everything.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// So many requests in so many seconds, evenly: after a pause all of them may come at once, then one after the other as
    /// time goes by. Zero counts as one.
    #[must_use]
    pub fn rate(mut self, requests: u32, seconds: u32) -> Self {
        self.rate = Some(Policy::new(requests, seconds));
        self
    }

    /// So many requests in each period of so many seconds, counted from 1970. Zero counts as one. A name that is not 1 to 32
    /// of `a-z`, `0-9`, `_` and `-`, or is `rate`, becomes `quota`.
    #[must_use]
    pub fn quota(mut self, name: &str, requests: u32, seconds: u32) -> Self {
        let name = if is_name(name) { name } else { "quota" };
        self.quotas.push(Quota {
            name: name.into(),
            policy: Policy::new(requests, seconds),
        });
        self
    }

    /// So many requests at a time, to the last byte of their answers. Zero counts as one.
    #[must_use]
    pub fn at_once(mut self, requests: u32) -> Self {
        self.at_once = Some(NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN));
        self
    }

    pub(super) fn most_at_once(&self) -> Option<u32> {
        self.at_once.map(NonZeroU32::get)
    }

    pub(super) fn rate_policy(&self) -> Option<Policy> {
        self.rate
    }

    pub(super) fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// Every policy with its name: the rate first, then the quotas.
    pub(super) fn policies(&self) -> impl Iterator<Item = (&str, Policy)> {
        let rate = self.rate.map(|policy| (RATE, policy));
        let quotas = self.quotas.iter().map(|quota| (&*quota.name, quota.policy));
        rate.into_iter().chain(quotas)
    }

    /// The longest time that anything in it looks back.
    pub(super) fn memory(&self) -> Duration {
        let windows = self.policies().map(|(_, policy)| policy.window());
        windows.max().unwrap_or_default()
    }
}

/// Which tenant has which allowance: its own, or its plan's, or the default.
///
/// No code asks for a tenant's id: what one customer gets besides its plan is a setting in the registry.
///
/// # Example
/// ```
/// use tenancy_core::{Tenant, TenantId, TenantSlug};
/// use tenancy_http::limit::{Allowance, Limits};
///
/// let limits = Limits::new(Allowance::unlimited().rate(60, 60))
///     .plan("gold", Allowance::unlimited().rate(600, 60))
///     .setting("limits");
/// let begin = || Ok::<_, tenancy_core::Error>(Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?));
///
/// assert_eq!(limits.of(&begin()?.build()?), Allowance::unlimited().rate(60, 60));
/// assert_eq!(limits.of(&begin()?.plan("gold").build()?), Allowance::unlimited().rate(600, 60));
/// let settings = serde_json::json!({ "limits": { "at_once": 3 } }).as_object().cloned().unwrap_or_default();
/// assert_eq!(limits.of(&begin()?.plan("gold").settings(settings).build()?), Allowance::unlimited().at_once(3));
/// // A setting that can't be read leaves the plan's in force: a typing error must not lift a limit.
/// let settings = serde_json::json!({ "limits": "none" }).as_object().cloned().unwrap_or_default();
/// assert_eq!(limits.of(&begin()?.plan("gold").settings(settings).build()?), Allowance::unlimited().rate(600, 60));
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Limits {
    default: Allowance,
    plans: HashMap<Box<str>, Allowance>,
    setting: Option<Box<str>>,
}

impl Limits {
    /// This much for everybody.
    #[must_use]
    pub fn new(default: Allowance) -> Self {
        Self {
            default,
            ..Self::default()
        }
    }

    /// This much for tenants on this plan.
    #[must_use]
    pub fn plan(mut self, plan: impl Into<Box<str>>, allowance: Allowance) -> Self {
        self.plans.insert(plan.into(), allowance);
        self
    }

    /// Reads a tenant's own allowance from its setting of this name, if it has one.
    #[must_use]
    pub fn setting(mut self, name: impl Into<Box<str>>) -> Self {
        self.setting = Some(name.into());
        self
    }

    /// What a tenant may use.
    #[must_use]
    pub fn of(&self, tenant: &Tenant) -> Allowance {
        match self.own(tenant) {
            Ok(Some(own)) => return own,
            Ok(None) => {}
            Err(error) => {
                tracing::error!(tenant.id = %tenant.id(), %error, "a tenant's own limits are passed over");
            }
        }
        let plan = tenant.plan().and_then(|plan| self.plans.get(plan));
        plan.unwrap_or(&self.default).clone()
    }

    fn own(&self, tenant: &Tenant) -> Result<Option<Allowance>, Error> {
        let Some(name) = &self.setting else {
            return Ok(None);
        };
        let Some(value) = tenant.raw_settings().get(&**name) else {
            return Ok(None);
        };
        Allowance::deserialize(value).map(Some).map_err(|_| {
            Error::new(
                ErrorKind::Other,
                "the setting is not written like an allowance; correct it in the registry",
            )
        })
    }
}
