//! The short way: most requests say nothing about their tenant but a host one label below a base domain, spelled as it is
//! kept. Those are read here in a fraction of the steps that [`read`](super::read) takes, with the same answer. Whatever looks
//! different in the least goes the long way, which also says what is wrong with it.

use http::{Request, header};
use tenancy_core::{Actor, Known, TenantContext, TenantRegistry};

use super::layer::Rules;
use crate::host::BaseDomains;

/// Whether hosts are all that names tenants by these rules.
pub(super) fn is_enough(rules: &Rules) -> bool {
    rules.ensure_configured().is_ok() && rules.sources.are_hosts_alone()
}

/// The context of the tenant that is named, if that is plain to see, it is at hand, and nothing speaks against it.
///
/// All that is refused goes the long way, so that a tenant which is not open takes no less time than one that is not there.
pub(super) fn admit<B>(rules: &Rules, request: &Request<B>) -> Option<TenantContext> {
    let label = read(&rules.bases, request)?;
    match rules.registry.peek_slug(label) {
        // No registry is taken at its word about whom it was asked for.
        Known::Tenant(tenant) if tenant.slug().as_bytes() == label => {
            TenantContext::for_request(tenant, Actor::anonymous()).ok()
        }
        Known::Tenant(_) | Known::Absent | Known::Unsure => None,
    }
}

/// What would be the slug, if it is one.
fn read<'r, B>(bases: &BaseDomains, request: &'r Request<B>) -> Option<&'r [u8]> {
    let headers = request.headers();
    // Several values of one name, the host's perhaps.
    if headers.len() > headers.keys_len() {
        return None;
    }
    let host = match (request.uri().authority(), headers.get(header::HOST)) {
        (None, Some(host)) => host.as_bytes(),
        (Some(authority), None) => authority.as_str().as_bytes(),
        _ => return None,
    };
    bases.before(host)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tenancy_core::{InMemoryRegistry, LookupKey, TenantSlug};

    use super::*;
    use crate::TenantLayer;
    use crate::resolve::claim::Source;
    use crate::resolve::read;

    fn rules(bases: &[&str]) -> Arc<Rules> {
        let layer = TenantLayer::new(InMemoryRegistry::new()).neutral_host("intake.example.com");
        let layer = bases.iter().fold(layer, TenantLayer::subdomain_of);
        layer.rules()
    }

    /// The short way's slug, which must be the long way's.
    fn check(rules: &Rules, target: &str, hosts: &[String]) -> Option<TenantSlug> {
        assert!(is_enough(rules));
        let mut request = Request::builder().uri(target);
        for host in hosts {
            request = request.header(header::HOST, host);
        }
        let mut request = request.body(()).ok()?;
        let quick = TenantSlug::from_label(super::read(&rules.bases, &request)?)?;
        let long = read::read(rules, &mut request).map(|mut evidence| evidence.sole_place());
        assert_eq!(
            long.ok().flatten().as_ref(),
            Some(&(Source::Subdomain, LookupKey::Slug(quick))),
            "{target} {hosts:?}"
        );
        Some(quick)
    }

    #[test]
    fn the_usual_request_is_read() {
        let rules = rules(&["example.com", "crm.example.com"]);
        let acme = |target: &str, hosts: &[&str]| {
            let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
            check(&rules, target, &hosts).is_some()
        };
        assert!(acme("/", &["acme.crm.example.com"]));
        assert!(acme("/", &["acme.example.com"]));
        assert!(acme("http://acme.example.com/", &[]));
        for long in [
            "intake.example.com",
            "crm.example.com",
            "ACME.example.com",
            "acme.example.com:80",
            "acme.example.com.",
            "www.example.com",
            "a.b.example.com",
            "acmeexample.com",
            ".example.com",
            "example.com",
            "-a.example.com",
            "",
        ] {
            assert!(!acme("/", &[long]), "{long}");
        }
        assert!(!acme("/", &["acme.example.com", "acme.example.com"]));
        assert!(!acme("http://acme.example.com/", &["acme.example.com"]));
    }

    #[test]
    fn an_address_is_no_name_below_a_base_of_digits() {
        let rules = rules(&["0.0.1"]);
        assert!(check(&rules, "/", &["127.0.0.1".to_owned()]).is_none());
    }

    #[test]
    fn a_host_that_is_too_long_for_dns_goes_the_long_way() {
        let label = "a".repeat(63);
        let base = format!("{label}.{label}.{label}");
        let rules = rules(&[&base]);
        let is_quick = |slug: &str| check(&rules, "/", &[format!("{slug}.{base}")]).is_some();
        assert!(is_quick(&"a".repeat(61)));
        assert!(!is_quick(&"a".repeat(62)));
    }

    proptest! {
        #[test]
        fn both_ways_lead_to_the_same(
            hosts in proptest::collection::vec("([a-z0-9_-]{0,4}|[a-zA-Z@:%é]|acme|intake|www|127){0,1}(\\.?(crm|a|0|1)){0,2}\\.?(example\\.com|0\\.0\\.1|org)[.:]?(80)?", 0..3),
            target in "/|\\*|http://(acme|a\\.b|intake)\\.(crm\\.)?example\\.com/x",
        ) {
            check(&rules(&["example.com", "crm.example.com", "0.0.1", "org"]), &target, &hosts);
        }
    }
}
