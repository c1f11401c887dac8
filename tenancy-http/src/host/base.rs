//! [`BaseDomains`]: the domains below which every label is a tenant's, and where a host stands among them.

use super::name::{Host, HostKind, HostName, MAX_NAME, Malformed};

/// The configured base domains, those with the most labels first, and the hosts that are nobody's.
#[derive(Debug, Clone, Default)]
pub(crate) struct BaseDomains(Vec<HostName<'static>>, Vec<HostName<'static>>);

/// Where a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Below<'h> {
    /// Exactly one label below a base domain: this one. Not yet known to be a slug.
    Label(&'h str),
    /// A base domain itself, or a host that was declared to be no tenant's.
    Base,
    /// Two labels or more below a base domain.
    Nested,
    /// Below none of them, or an IP literal.
    Foreign,
}

impl BaseDomains {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a base domain, written like a host but without a port.
    pub(crate) fn insert(&mut self, domain: &str) -> Result<(), Malformed> {
        let name = plain(domain)?;
        if !self.0.contains(&name) {
            self.0.push(name);
            self.0.sort_by_key(|base| std::cmp::Reverse(base.depth()));
        }
        Ok(())
    }

    /// Adds a host that is no tenant's, even if it is one label below a base domain.
    pub(crate) fn insert_neutral(&mut self, host: &str) -> Result<(), Malformed> {
        let name = plain(host)?;
        if !self.1.contains(&name) {
            self.1.push(name);
        }
        Ok(())
    }

    /// A host name without a port, folded; `None` for whatever else somebody wrote, an IP literal too.
    #[cfg(feature = "domains")]
    pub(crate) fn fold(text: &str) -> Option<String> {
        let host = Host::parse(text).ok()?;
        let name = host.name().filter(|_| host.port.is_none())?;
        (!text.contains(':')).then(|| name.to_owned())
    }

    /// Compares whole labels, never a mere end of the text: `evilexample.com` is not below `example.com`. Of
    /// nested base domains the deepest decides, so that with `example.com` and `crm.example.com` the host
    /// `crm.example.com` is a base and not the tenant `crm`.
    pub(crate) fn place<'h>(&self, host: &'h Host<'_>) -> Below<'h> {
        let HostKind::Name(name) = &host.name else {
            return Below::Foreign;
        };
        if self.1.contains(name) {
            return Below::Base;
        }
        self.0
            .iter()
            .find_map(|base| below(name, base))
            .unwrap_or(Below::Foreign)
    }

    /// What stands before a base domain in a host that is spelled as [`Host::parse`] would fold it, without a walk over it: if
    /// that is a slug, the host is one label below that base for sure. `None` says nothing.
    pub(crate) fn before<'h>(&self, host: &'h [u8]) -> Option<&'h [u8]> {
        // What ends with a letter is no IPv4 address.
        let is_name = host.len() <= MAX_NAME && host.last().is_some_and(u8::is_ascii_lowercase);
        if !is_name
            || self
                .1
                .iter()
                .any(|neutral| neutral.as_str().as_bytes() == host)
        {
            return None;
        }
        // The deepest decides here too, and is itself no tenant's host.
        let before = self
            .0
            .iter()
            .find_map(|base| host.strip_suffix(base.as_str().as_bytes()))?;
        before.strip_suffix(b".")
    }
}

/// A host without a port, as configurations name it.
fn plain(text: &str) -> Result<HostName<'static>, Malformed> {
    let host = Host::parse(text)?;
    if host.port.is_some() {
        return Err(Malformed::Port);
    }
    match host.name {
        HostKind::Name(name) => Ok(name.into_owned()),
        HostKind::Ip => Err(Malformed::Address),
    }
}

/// Where `name` stands below one base domain; `None` if it does not.
fn below<'h>(name: &'h HostName<'_>, base: &HostName<'_>) -> Option<Below<'h>> {
    if name == base {
        return Some(Below::Base);
    }
    let before = name
        .as_str()
        .strip_suffix(base.as_str())?
        .strip_suffix('.')?;
    Some(if before.contains('.') {
        Below::Nested
    } else {
        Below::Label(before)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(domains: &[&str]) -> BaseDomains {
        let mut bases = BaseDomains::default();
        for domain in domains {
            bases.insert(domain).unwrap();
        }
        bases
    }

    fn check(domains: &[&str], host: &str, expect: Below<'_>) {
        let host = Host::parse(host).unwrap();
        assert_eq!(
            bases(domains).place(&host),
            expect,
            "{host:?} below {domains:?}"
        );
    }

    #[test]
    fn labels_are_matched_never_suffixes() {
        let one = ["example.com"];
        check(&one, "acme.example.com", Below::Label("acme"));
        check(&one, "ACME.EXAMPLE.COM.:443", Below::Label("acme"));
        check(&one, "example.com", Below::Base);
        check(&one, "a.b.example.com", Below::Nested);
        check(&one, "www.acme.example.com", Below::Nested);
        check(&one, "evilexample.com", Below::Foreign);
        check(&one, "acme.example.com.evil.org", Below::Foreign);
        check(&one, "acme.evilexample.com", Below::Foreign);
        check(&one, "com", Below::Foreign);
        check(&one, "acme.example.org", Below::Foreign);
        check(&one, "example.com.com", Below::Foreign);
        check(&one, "192.0.2.7", Below::Foreign);
        check(&one, "[2001:db8::1]:80", Below::Foreign);
        check(&[], "acme.example.com", Below::Foreign);
    }

    #[test]
    fn of_several_bases_the_deepest_decides() {
        for two in [
            ["example.com", "crm.example.com"],
            ["crm.example.com", "example.com"],
        ] {
            check(&two, "acme.crm.example.com", Below::Label("acme"));
            check(&two, "acme.example.com", Below::Label("acme"));
            check(&two, "crm.example.com", Below::Base);
            check(&two, "a.b.example.com", Below::Nested);
            check(&two, "a.b.crm.example.com", Below::Nested);
        }
        check(
            &["example.com", "localhost"],
            "acme.localhost:3000",
            Below::Label("acme"),
        );
        check(&["example.com", "localhost"], "localhost:3000", Below::Base);
    }

    #[test]
    fn a_neutral_host_is_no_tenants() {
        let mut bases = bases(&["example.com"]);
        bases.insert_neutral("API.example.com").unwrap();
        bases.insert_neutral("other.org").unwrap();
        let check = |host: &str, expect: Below<'_>| {
            assert_eq!(bases.place(&Host::parse(host).unwrap()), expect, "{host}");
        };
        check("api.example.com:443", Below::Base);
        check("other.org", Below::Base);
        check("a.other.org", Below::Foreign);
        check("acme.example.com", Below::Label("acme"));
    }

    #[test]
    fn a_base_domain_is_a_name_without_a_port() {
        let refuse = |domain: &str| BaseDomains::default().insert(domain).unwrap_err();
        assert_eq!(refuse("example.com:3000"), Malformed::Port);
        assert_eq!(refuse("127.0.0.1"), Malformed::Address);
        assert_eq!(refuse("[::1]"), Malformed::Address);
        assert_eq!(refuse("*.example.com"), Malformed::Character);
        assert_eq!(refuse(".example.com"), Malformed::EmptyLabel);
        assert_eq!(refuse(""), Malformed::Missing);

        let twice = bases(&["example.com", "EXAMPLE.com."]);
        assert_eq!(twice.0.len(), 1);
    }
}
