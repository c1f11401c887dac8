//! [`Verifier`]: what is believed of a claim that arrived, and [`Propagated`]: what it says then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tenancy_core::{Actor, Error, ErrorKind, TenantId};
use uuid::Uuid;

use super::key::Key;
use super::sender::now;
use super::token::{self, Claim, HEADER};

/// Claims that are good for longer are refused, whoever signed them.
const LONGEST: Duration = Duration::from_secs(60);
/// How far clocks of two services may differ.
const SKEW: u64 = 5;
/// More claims than this in a minute are refused: the memory of what was used must not be pushed out.
const REMEMBERED: usize = 200_000;

/// Believes a claim that a known key signed, that is meant for this service, has not expired, and was not used before.
///
/// Clones share what they remember. Each process remembers for itself: a claim that was seen by one node of a service can be
/// used once more on each of its other nodes until it expires.
#[derive(Debug, Clone)]
pub struct Verifier {
    audience: Box<str>,
    keys: Vec<Key>,
    used: Arc<Mutex<HashMap<Uuid, u64>>>,
}

/// A claim that was believed. The registry has the last word about the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Propagated(Claim);

impl Propagated {
    /// For which tenant the other service works.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Who works there.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// The trace that the request belongs to, as the other service signed it.
    #[must_use]
    pub fn traceparent(&self) -> Option<&str> {
        self.0.traceparent.as_deref()
    }
}

impl Verifier {
    /// Takes claims that are meant for this host, written as senders list it. It has no key yet, and so believes nobody.
    #[must_use]
    pub fn new(audience: &str) -> Self {
        Self {
            audience: audience.to_ascii_lowercase().into(),
            keys: Vec::new(),
            used: Arc::default(),
        }
    }

    /// Believes claims that this key signed. May be called for several keys.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// What a request claims; `None` if it claims nothing. A claim is used up by this.
    ///
    /// # Errors
    /// `Forbidden` for a claim that is not believed; the log says why, the error's text does not.
    pub fn verify(&self, headers: &HeaderMap) -> Result<Option<Propagated>, Error> {
        let mut values = headers.get_all(HEADER).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(None),
            (Some(_), Some(_)) => return Err(refused("there are two")),
            (Some(value), None) => value,
        };
        let text = value.to_str().map_err(|_| refused("it is malformed"))?;
        let claim = token::read(text, &self.keys).map_err(refused)?;
        self.judge(claim, now())
            .map(|claim| Some(Propagated(claim)))
            .map_err(refused)
    }

    fn judge(&self, claim: Claim, now: u64) -> Result<Claim, &'static str> {
        if claim.audience != self.audience {
            return Err("it is meant for another service");
        }
        if claim.issued > now + SKEW {
            return Err("it was issued in the future");
        }
        if claim.expires + SKEW <= now {
            return Err("it has expired");
        }
        if claim.expires.saturating_sub(claim.issued) > LONGEST.as_secs() {
            return Err("it is good for too long");
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, expires| *expires + SKEW > now);
            if used.len() >= REMEMBERED {
                return Err("more claims arrive than can be remembered");
            }
        }
        if used.insert(claim.nonce, claim.expires).is_some() {
            return Err("it was used before");
        }
        Ok(claim)
    }
}

fn refused(reason: &'static str) -> Error {
    tracing::warn!(reason, "a propagated context was refused");
    Error::new(
        ErrorKind::Forbidden,
        "the propagated context is not believed; see the log of the service that refused it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn claim(change: impl FnOnce(&mut Claim)) -> Claim {
        let mut claim = Claim {
            tenant: TenantId::parse("7").unwrap(),
            actor: Actor::user("u-1"),
            audience: "billing.internal".into(),
            issued: NOW,
            expires: NOW + 30,
            nonce: Uuid::new_v4(),
            traceparent: None,
        };
        change(&mut claim);
        claim
    }

    #[test]
    fn a_claim_is_judged_by_audience_and_time() {
        let verifier = Verifier::new("Billing.internal");
        let check = |change: fn(&mut Claim), expect: Result<(), &'static str>| {
            let judged = verifier.judge(claim(change), NOW);
            assert_eq!(judged.map(drop), expect);
        };
        check(|_| (), Ok(()));
        check(
            |c| c.audience = "other.internal".into(),
            Err("it is meant for another service"),
        );
        check(
            |c| c.audience = "billing.internal:8443".into(),
            Err("it is meant for another service"),
        );
        check(|c| c.issued = NOW + 5, Ok(()));
        check(|c| c.issued = NOW + 6, Err("it was issued in the future"));
        check(|c| (c.issued, c.expires) = (NOW - 20, NOW - 4), Ok(()));
        check(
            |c| (c.issued, c.expires) = (NOW - 20, NOW - 5),
            Err("it has expired"),
        );
        check(|c| c.expires = NOW + 61, Err("it is good for too long"));
        check(|c| c.expires = u64::MAX - 5, Err("it is good for too long"));
    }

    #[test]
    fn a_claim_is_used_once_by_all_clones() {
        let verifier = Verifier::new("billing.internal");
        let once = claim(|_| ());
        assert!(verifier.judge(once.clone(), NOW).is_ok());
        let clone = verifier.clone();
        let again = clone.judge(once, NOW);
        assert_eq!(again.map(drop), Err("it was used before"));
        assert!(verifier.judge(claim(|_| ()), NOW).is_ok(), "another one");
    }
}
