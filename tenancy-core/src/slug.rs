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
        Self::from_label(text.as_bytes()).ok_or_else(|| invalid(why_not(text)))
    }

    /// As [`parse`](Self::parse), for a label of a host in a request: nobody is told why it is no slug, and so that costs
    /// nothing.
    ///
    /// # Example
    /// ```
    /// use tenancy_core::TenantSlug;
    ///
    /// assert_eq!(TenantSlug::from_label(b"acme"), TenantSlug::parse("acme").ok());
    /// assert!(TenantSlug::from_label(b"Acme").is_none());
    /// ```
    #[must_use]
    pub fn from_label(label: &[u8]) -> Option<Self> {
        let is_slug = label.iter().all(is_of_a_slug)
            && label.first().is_some_and(|b| *b != b'-')
            && label.last().is_some_and(|b| *b != b'-')
            && label.get(2..4) != Some(b"--")
            && !is_reserved(label);
        if is_slug {
            InlineStr::from_ascii(label).map(Self)
        } else {
            None
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The bytes of the text, all of them ASCII.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn is_of_a_slug(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// The rule that a text breaks which is no slug.
fn why_not(text: &str) -> &'static str {
    if !(1..=63).contains(&text.len()) {
        "it has 1 to 63 characters"
    } else if !text.as_bytes().iter().all(is_of_a_slug) {
        "it holds a-z, 0-9 and `-` only"
    } else if text.starts_with('-') || text.ends_with('-') {
        "it neither begins nor ends with `-`"
    } else if is_reserved(text.as_bytes()) {
        "this name is reserved"
    } else {
        "`--` in third place is kept for encoded international names"
    }
}

/// Few slugs share length and first letter with a reserved name, and only those are compared.
fn is_reserved(label: &[u8]) -> bool {
    let could_be = SHAPES
        .get(label.len())
        .is_some_and(|firsts| firsts & first(label) != 0);
    could_be
        && RESERVED
            .binary_search_by_key(&(label.len(), label), |name| (name.len(), name.as_bytes()))
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
        shapes[name.len()] |= first(name.as_bytes());
        rest = others;
    }
    shapes
};

const fn first(label: &[u8]) -> u32 {
    match label.first() {
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
            assert!(TenantSlug::from_label(name.as_bytes()).is_none(), "{name}");
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
            prop_assert_eq!(TenantSlug::from_label(text.as_bytes()), TenantSlug::parse(&text).ok());
            if let Ok(slug) = TenantSlug::parse(&text) {
                prop_assert_eq!(slug.as_str(), text.as_str());
                prop_assert_eq!(text.to_lowercase(), text.clone());
                prop_assert!(text.len() <= 63 && !text.starts_with('-') && !text.ends_with('-'));
                prop_assert_eq!(serde_json::from_str::<TenantSlug>(&serde_json::to_string(&slug).unwrap()).unwrap(), slug);
            }
        }
    }
}
