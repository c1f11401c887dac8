//! What a tenant is looked up by. Parsed before it gets here: a registry never sees text from a request.

use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::{Error, ErrorKind, TenantId, TenantSlug};

/// One thing that leads to a tenant.
#[expect(
    clippy::exhaustive_enums,
    reason = "a registry must answer every kind of key; a new one is a breaking change on purpose"
)]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LookupKey {
    /// Its immutable id.
    Id(TenantId),
    /// Its slug, which may change.
    Slug(TenantSlug),
    /// A domain of its own, such as `crm.acme.example`.
    Domain(DomainName),
    /// The hash of an API key that was given to it.
    ApiKey(ApiKeyHash),
}

/// A full domain name in ASCII and lower case, without the final dot.
///
/// 2 to 127 labels of `a-z`, `0-9` and `-` (never first or last), each at most 63 bytes, at most 253 bytes in all, and no
/// IP address. International names come as their A-labels (`xn--…`); folding and IDNA are done by whoever reads the host.
///
/// # Example
/// ```
/// use tenancy_core::DomainName;
///
/// assert_eq!(DomainName::parse("crm.acme.example")?.as_str(), "crm.acme.example");
/// for refused in ["CRM.acme.example", "acme.example.", "localhost", "10.0.0.1", "a_b.example", "a..b", "[::1]", ""] {
///     assert!(DomainName::parse(refused).is_err());
/// }
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(Box<str>);

impl DomainName {
    /// Reads a domain name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDomain`] for everything that is not of the form above.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        // A last label of digits is how IPv4 addresses end, and no top-level domain does.
        let top = |label: &str| !label.bytes().all(|b| b.is_ascii_digit());
        match text.rsplit_once('.') {
            Some((_, last)) if text.len() <= 253 && text.split('.').all(label) && top(last) => {
                Ok(Self(text.into()))
            }
            _ => Err(Error::new(
                ErrorKind::InvalidDomain,
                "not a domain name; give it in ASCII and lower case, with a dot inside and none at the end",
            )),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainName({self})")
    }
}

impl FromStr for DomainName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Serialize for DomainName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// The SHA-256 of an API key. The key itself is not kept.
///
/// Meant for keys that a machine drew (128 bits or more): a hash without salt does not protect a chosen word. `Debug`
/// does not print it, comparing takes the same time wherever two differ, and it is never serialised by accident.
///
/// # Example
/// ```
/// use tenancy_core::ApiKeyHash;
///
/// let hash = ApiKeyHash::of("key-3f9c0d5a7be14b6c");
/// assert!(hash.ct_eq(&ApiKeyHash::from_bytes(*hash.as_bytes())));
/// assert!(!hash.ct_eq(&ApiKeyHash::of("key-3f9c0d5a7be14b6d")));
/// assert_eq!(format!("{hash:?}"), "ApiKeyHash(..)");
/// ```
#[derive(Clone, Copy)]
pub struct ApiKeyHash([u8; 32]);

impl ApiKeyHash {
    /// The hash of a key as it was presented.
    #[must_use]
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }

    /// A hash as a registry stored it.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a registry to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether two hashes are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        let difference = self
            .0
            .iter()
            .zip(&other.0)
            .fold(0, |seen, (a, b)| seen | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl PartialEq for ApiKeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other)
    }
}

impl Eq for ApiKeyHash {}

impl Hash for ApiKeyHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        let check = |text: &str, expect: bool| {
            assert_eq!(DomainName::parse(text).is_ok(), expect, "{text:?}");
        };
        for good in [
            "a.b",
            "crm.acme.example",
            "xn--cme-8ga.example",
            "1.example",
            &format!("{}.example", "a".repeat(63)),
        ] {
            check(good, true);
        }
        for bad in [
            "",
            ".",
            "a",
            "a.",
            ".a",
            "a..b",
            "A.b",
            "a_b.c",
            "-a.b",
            "a-.b",
            "1.2.3.4",
            "a.1",
            "a.b:80",
            "a b.c",
            "é.b",
            "a.b\0",
            &format!("{}.example", "a".repeat(64)),
            &format!("{}b.example", "a.".repeat(124)),
        ] {
            check(bad, false);
        }
    }

    #[test]
    fn an_api_key_hash_is_sha_256() {
        let hash = ApiKeyHash::of("abc");
        let hex: String = hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_ne!(hash, ApiKeyHash::of("abd"));
        assert!(!format!("{:?}", LookupKey::ApiKey(hash)).contains("ba"));
    }
}
