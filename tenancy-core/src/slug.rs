//! `TenantSlug`: the changeable name of a tenant outside, as in `acme.example.com`. The immutable one is [`crate::TenantId`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::inline::InlineStr;
use crate::{Error, ErrorKind};

/// Names that services, mail and browsers give a meaning of their own. Sorted by length, then text: every request looks here.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "db", "id", "mx", "ns", "ws", "api", "app", "cdn", "dev", "dns", "ftp", "git", "img", "noc", "ns0", "ns1", "ns2",
    "ns3", "ns4", "pop", "sso", "tls", "vpn", "www", "apps", "auth", "blog", "chat", "docs", "help", "host", "imap",
    "jobs", "logs", "mail", "news", "null", "ping", "pop3", "prod", "root", "smtp", "user", "wpad", "www1", "www2",
    "about", "admin", "cache", "cname", "email", "files", "forum", "legal", "local", "login", "media", "oauth",
    "press", "proxy", "sales", "stats", "terms", "users", "whois", "assets", "backup", "events", "global", "health",
    "invite", "isatap", "logout", "nobody", "origin", "public", "search", "secure", "server", "signin", "signup",
    "static", "status", "system", "tenant", "update", "upload", "account", "billing", "central", "console", "contact",
    "gateway", "graphql", "healthz", "metrics", "mta-sts", "noreply", "payment", "preview", "pricing", "privacy",
    "sandbox", "staging", "support", "tenants", "webhook", "webmail", "accounts", "download", "internal", "intranet",
    "landlord", "no-reply", "operator", "payments", "register", "security", "webhooks", "analytics", "dashboard",
    "developer", "localhost", "undefined", "webmaster", "autoconfig", "hostmaster", "postmaster", "production",
    "localdomain", "autodiscover", "administrator", "broadcasthost", "mailer-daemon",
];

/// The external, changeable name of a tenant: one DNS label.
///
/// What follows holds for every value:
/// 1. 1 to 63 bytes of `a-z`, `0-9` and `-`, with a letter or digit at both ends: a label of a host name.
/// 2. No upper case: hosts are folded by whoever reads them, before parsing.
/// 3. No `--` in third and fourth place, so it is no encoded international name and can't look like another.
/// 4. Not a name that the service, mail or a browser gives a meaning, such as `www`, `api` or `localhost`.
///
/// It is a *candidate*: only the registry says which tenant has it, and that may change. Keys, files and rows carry the
/// [`TenantId`](crate::TenantId). The value is `Copy` and 64 bytes wide; reading one from a request allocates nothing.
///
/// # Example
/// ```
/// use tenancy_core::TenantSlug;
///
/// assert_eq!(TenantSlug::parse("acme")?.as_str(), "acme");
/// for refused in ["Acme", "a_b", "-a", "a-", "a.b", "xn--cme-8ga", "www", ""] {
///     assert!(TenantSlug::parse(refused).is_err());
/// }
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantSlug(InlineStr<63>);

impl TenantSlug {
    /// Reads a slug.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidSlug`] for everything that breaks an invariant of the type. The message says which; it does
    /// not repeat the input.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        if !(1..=63).contains(&bytes.len()) {
            return Err(invalid("it has 1 to 63 characters"));
        }
        if !bytes
            .iter()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        {
            return Err(invalid("it holds a-z, 0-9 and `-` only"));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(invalid("it neither begins nor ends with `-`"));
        }
        if bytes.get(2..4) == Some(b"--") {
            return Err(invalid(
                "`--` in third place is kept for encoded international names",
            ));
        }
        if is_reserved(text) {
            return Err(invalid("this name is reserved"));
        }
        InlineStr::new(text)
            .map(Self)
            .ok_or_else(|| invalid("it has 1 to 63 characters"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Few slugs share length and first letter with a reserved name, and only those are compared.
fn is_reserved(text: &str) -> bool {
    let could_be = SHAPES
        .get(text.len())
        .is_some_and(|firsts| firsts & first(text) != 0);
    could_be
        && RESERVED
            .binary_search_by_key(&(text.len(), text), |name| (name.len(), name))
            .is_ok()
}

/// The first letters of reserved names, a bit for each, by length.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and refuses a longer name"
)]
const SHAPES: [u32; 16] = {
    let mut shapes = [0; 16];
    let mut rest = RESERVED;
    while let Some((name, others)) = rest.split_first() {
        shapes[name.len()] |= first(name);
        rest = others;
    }
    shapes
};

const fn first(text: &str) -> u32 {
    match text.as_bytes().first() {
        Some(letter) => 1 << (*letter & 31),
        None => 0,
    }
}

fn invalid(rule: &'static str) -> Error {
    Error::new(
        ErrorKind::InvalidSlug,
        format!("not a tenant slug: {rule}; choose a name like `acme-eu`"),
    )
}

impl fmt::Display for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TenantSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantSlug({self})")
    }
}

impl FromStr for TenantSlug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Serialize for TenantSlug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TenantSlug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_a_dns_label() {
        let check = |input: &str, expect: bool| {
            let parsed = TenantSlug::parse(input);
            assert_eq!(parsed.is_ok(), expect, "{input:?}");
            match parsed {
                Ok(slug) => assert_eq!(slug.as_str(), input),
                Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidSlug),
            }
        };
        for good in [
            "a",
            "1",
            "acme",
            "acme-eu",
            "a-1",
            "42",
            "a--b",
            &"a".repeat(63),
        ] {
            check(good, true);
        }
        for bad in [
            "",
            "A",
            "Acme",
            "a_b",
            "-a",
            "a-",
            "-",
            "a.b",
            "a b",
            "ab--c",
            "xn--a",
            "é",
            "аcme",
            "a\0",
            "a/b",
            "acme:80",
            &"a".repeat(64),
        ] {
            check(bad, false);
        }
        for reserved in [
            "www",
            "api",
            "admin",
            "app",
            "static",
            "assets",
            "mail",
            "smtp",
            "ftp",
            "ns1",
            "ns2",
            "localhost",
            "status",
            "docs",
            "help",
            "support",
            "billing",
            "_acme-challenge",
        ] {
            check(reserved, false);
        }
    }

    #[test]
    fn every_reserved_name_is_found() {
        for name in RESERVED {
            assert!(TenantSlug::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn deserialises_through_parse() {
        assert!(serde_json::from_str::<TenantSlug>("\"acme\"").is_ok());
        assert!(serde_json::from_str::<TenantSlug>("\"ac\\u006de\"").is_ok());
        assert!(serde_json::from_str::<TenantSlug>("\"Acme\"").is_err());
    }

    proptest! {
        #[test]
        fn parse_accepts_only_labels(text in "\\PC{0,70}|[a-zA-Z0-9._-]{0,70}") {
            if let Ok(slug) = TenantSlug::parse(&text) {
                prop_assert_eq!(slug.as_str(), text.as_str());
                prop_assert_eq!(text.to_lowercase(), text.clone());
                prop_assert!(text.len() <= 63 && !text.starts_with('-') && !text.ends_with('-'));
                prop_assert_eq!(serde_json::from_str::<TenantSlug>(&serde_json::to_string(&slug).unwrap()).unwrap(), slug);
            }
        }
    }
}
