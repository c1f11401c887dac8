//! [`DomainPolicy`]: which domains a tenant may claim at all.

use tenancy_core::{DomainName, Error, ErrorKind};

use crate::host::BaseDomains;

/// Names that nobody can own (RFC 6761, RFC 9476 and the like): they would lead into the machine or its network.
const SPECIAL: [&str; 12] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "invalid",
    "onion",
    "arpa",
];

/// Which domains a tenant may claim.
///
/// Refused are: our own base domains, whatever is below them and whatever they are below; public suffixes (`com`, `co.uk`,
/// `github.io`), of which each owner below would be a tenant's visitor; names for private networks; addresses, single labels,
/// and whatever is no host name. What passes is only a *claim*: it leads nowhere until a [`Challenge`](super::Challenge) is met.
///
/// The list of public suffixes is the one of the crate `psl` at build time; update it now and then.
///
/// # Example: what may be claimed
/// ```
/// use tenancy_http::domains::DomainPolicy;
///
/// let policy = DomainPolicy::new(["crm.example.com"])?;
/// assert_eq!(policy.check("CRM.Acme.org.")?.as_str(), "crm.acme.org");
/// for refused in ["acme.crm.example.com", "crm.example.com", "example.com", "co.uk", "github.io", "crm.local", "10.0.0.1", "acme"] {
///     assert!(policy.check(refused).is_err(), "{refused}");
/// }
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DomainPolicy {
    own: Vec<DomainName>,
}

impl DomainPolicy {
    /// Refuses these domains of our own, and their relatives.
    ///
    /// # Errors
    /// `ApiMisuse` if one is no domain. `localhost` needs no mention.
    pub fn new(own: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, Error> {
        let own = own
            .into_iter()
            .filter(|domain| domain.as_ref() != "localhost")
            .map(|domain| {
                DomainName::parse(domain.as_ref()).map_err(|error| {
                    Error::new(ErrorKind::ApiMisuse, "a base domain is no domain name")
                        .with_source(error)
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { own })
    }

    /// Reads a domain that a tenant claims, in whatever case and with or without the final dot.
    ///
    /// # Errors
    /// `InvalidDomain`; the message says why, and may be shown to the tenant.
    pub fn check(&self, text: &str) -> Result<DomainName, Error> {
        let folded = BaseDomains::fold(text)
            .ok_or_else(|| refused("this is no domain name; write it like crm.acme.org"))?;
        let domain = DomainName::parse(&folded)?;
        let name = domain.as_str();
        if self.own.iter().any(|own| is_related(name, own.as_str())) {
            return Err(refused("this domain is ours; claim one of your own"));
        }
        if SPECIAL.iter().any(|special| is_below(name, special)) {
            return Err(refused(
                "this domain is for private networks; claim a public one",
            ));
        }
        // A public suffix has no registrable part.
        if psl::domain_str(name).is_none() {
            return Err(refused(
                "this is a public suffix; claim a domain below it that is yours",
            ));
        }
        Ok(domain)
    }
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidDomain, message)
}

/// Whether a name is this one or below it, label by label.
fn is_below(name: &str, above: &str) -> bool {
    name.strip_suffix(above)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_related(a: &str, b: &str) -> bool {
    is_below(a, b) || is_below(b, a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_have_one_answer() {
        let policy = DomainPolicy::new(["crm.example.com", "localhost"]).unwrap();
        let check = |text: &str, expect: Option<&str>| {
            let found = policy.check(text).ok();
            assert_eq!(found.as_ref().map(DomainName::as_str), expect, "{text:?}");
        };
        check("acme.org", Some("acme.org"));
        check("crm.acme.org", Some("crm.acme.org"));
        check("CRM.ACME.co.uk.", Some("crm.acme.co.uk"));
        check("xn--mnchen-3ya.de", Some("xn--mnchen-3ya.de"));
        check("acme.github.io", Some("acme.github.io"));
        check("crm.acme.example", Some("crm.acme.example"));
        check("myexample.com", Some("myexample.com"));
        check("other.example.com", Some("other.example.com"));
        for refused in [
            "crm.example.com",
            "acme.crm.example.com",
            "a.b.crm.example.com",
            "example.com",
            "com",
            "co.uk",
            "github.io",
            "localhost",
            "acme.localhost",
            "printer.local",
            "db.internal",
            "1.168.192.in-addr.arpa",
            "10.0.0.1",
            "[::1]",
            "acme.org:443",
            "acme.org/",
            "*.acme.org",
            "user@acme.org",
            "http://acme.org",
            "acme..org",
            "a_b.org",
            "münchen.de",
            "",
            ".",
        ] {
            check(refused, None);
        }
    }
}
