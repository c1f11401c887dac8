//! Where a tenant's keys and channels are: the prefix, and how it hashes in a cluster. Nothing else writes a prefix.

use std::fmt;
use std::sync::Arc;

use tenancy_core::TenantId;

/// Which part of a key Redis Cluster hashes, and so which keys share a slot.
///
/// Changing it moves every key, as far as readers can tell: decide once.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HashTag {
    /// `tenant:{42}:key`. All keys of a tenant share a slot, so `MULTI`, `MGET` and scripts over several keys work. A
    /// very large tenant makes one node hot.
    #[default]
    Tenant,
    /// `tenant:42:key`. Keys spread over the cluster; hash tags inside keys mean what they always mean.
    None,
}

/// The prefix of one tenant's keys and channels.
///
/// Made from a parsed [`TenantId`], never from a text: ids hold `a-z`, `0-9`, `_` and `-` only, so a prefix contains
/// nothing that a glob pattern would read, ends where the id ends, and is no prefix of another tenant's.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Prefix(Arc<str>);

impl Prefix {
    pub(crate) fn of(tenant: TenantId, tag: HashTag) -> Self {
        Self(match tag {
            HashTag::Tenant => format!("tenant:{{{tenant}}}:").into(),
            HashTag::None => format!("tenant:{tenant}:").into(),
        })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A key as the server knows it.
    pub(crate) fn on(&self, key: &str) -> String {
        format!("{}{key}", self.0)
    }

    /// A key as the tenant knows it; `None` for one that is not this tenant's.
    pub(crate) fn strip<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        key.strip_prefix(self.as_bytes())
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_begins_another() {
        let ids = [
            "1",
            "11",
            "a",
            "a-b",
            "a_b",
            "ab",
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
        ];
        for tag in [HashTag::Tenant, HashTag::None] {
            let prefixes = ids.map(|id| Prefix::of(TenantId::parse(id).unwrap(), tag));
            for (i, a) in prefixes.iter().enumerate() {
                for (j, b) in prefixes.iter().enumerate() {
                    assert_eq!(a.as_str().starts_with(b.as_str()), i == j, "{a:?} {b:?}");
                }
                assert!(
                    !a.as_str().contains(['*', '?', '[', ']', '\\', '^']),
                    "{a:?}"
                );
            }
        }
    }

    #[test]
    fn a_key_goes_both_ways() {
        let prefix = Prefix::of(TenantId::parse("42").unwrap(), HashTag::Tenant);
        assert_eq!(prefix.on("a"), "tenant:{42}:a");
        assert_eq!(prefix.strip(b"tenant:{42}:a"), Some(&b"a"[..]));
        assert_eq!(prefix.strip(b"tenant:{421}:a"), None);
        assert_eq!(prefix.strip(b"a"), None);
    }
}
