//! [`KnownDomains`]: what a proxy may get certificates for, answered from memory.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use http::StatusCode;
use tenancy_core::DomainName;

use crate::host::BaseDomains;

/// The verified domains of tenants, in memory: the answer to a proxy that asks, at the handshake with a name that it has not
/// met, whether it may get a certificate for it.
///
/// This is the contract of Caddy's `on_demand_tls` (`ask`, or `permission http`): `GET …?domain=crm.acme.org`, and any answer
/// but 2xx is a no. A stranger can cause one question for each name that they make up, so no question may reach a database:
/// the set is filled when the service starts and whenever the registry changed, and what is not in it is not served. Until it
/// is filled, everything is refused.
///
/// Serve it on a loopback or private address only. It says which domains are served, and nothing about whose they are.
///
/// # Example: yes, no, and no question
/// ```
/// use http::StatusCode;
/// use tenancy_core::DomainName;
/// use tenancy_http::domains::KnownDomains;
///
/// let known = KnownDomains::new();
/// assert_eq!(known.permission(Some("domain=crm.acme.org")), StatusCode::NOT_FOUND);
/// known.replace([DomainName::parse("crm.acme.org")?]);
/// // An axum handler: `get(async move |RawQuery(query): RawQuery| known.permission(query.as_deref()))`
/// assert_eq!(known.permission(Some("domain=crm.acme.org")), StatusCode::OK);
/// assert_eq!(known.permission(Some("domain=www.crm.acme.org")), StatusCode::NOT_FOUND);
/// assert_eq!(known.permission(None), StatusCode::BAD_REQUEST);
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownDomains(Arc<RwLock<Arc<HashSet<DomainName>>>>);

impl KnownDomains {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These from now on, and no others.
    pub fn replace(&self, domains: impl IntoIterator<Item = DomainName>) {
        let domains = Arc::new(domains.into_iter().collect());
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = domains;
    }

    /// Whether a domain is one of them.
    #[must_use]
    pub fn contains(&self, domain: &DomainName) -> bool {
        let known = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        known.contains(domain)
    }

    /// The answer to the query of a proxy's question: 200, 404 or, if it is no question, 400.
    #[must_use]
    pub fn permission(&self, query: Option<&str>) -> StatusCode {
        let mut asked = query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.strip_prefix("domain="));
        let (Some(name), None) = (asked.next(), asked.next()) else {
            return StatusCode::BAD_REQUEST;
        };
        let domain = BaseDomains::fold(name).and_then(|name| DomainName::parse(&name).ok());
        match domain {
            Some(domain) if self.contains(&domain) => StatusCode::OK,
            Some(_) => StatusCode::NOT_FOUND,
            None => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_one_answer() {
        let known = KnownDomains::new();
        known.replace([DomainName::parse("crm.acme.org").unwrap()]);
        let check = |query: Option<&str>, expect: u16| {
            assert_eq!(known.permission(query).as_u16(), expect, "{query:?}");
        };
        check(Some("domain=crm.acme.org"), 200);
        check(Some("domain=CRM.acme.org."), 200);
        check(Some("x=1&domain=crm.acme.org"), 200);
        check(Some("domain=acme.org"), 404);
        check(Some("domain=a.crm.acme.org"), 404);
        check(Some("domain=crm.acme.org.evil.org"), 404);
        for bad in [
            None,
            Some(""),
            Some("domain="),
            Some("name=crm.acme.org"),
            Some("domain=crm.acme.org&domain=evil.org"),
            Some("domain=crm.acme.org:443"),
            Some("domain=crm%2eacme.org"),
            Some("domain=10.0.0.1"),
            Some("domain=*.acme.org"),
            Some("domain=localhost"),
        ] {
            check(bad, 400);
        }
        known.replace([]);
        check(Some("domain=crm.acme.org"), 404);
    }
}
