//! `CacheKey`: what a value is found under, and what makes it outdated. Text of users can't leave the part it stands in.

use std::fmt::{self, Display, Write};

use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Longer keys are hashed, so that no text of a user makes a key that a server would choke on.
const LONGEST: usize = 200;

/// What a value is cached under: a name, parts, and the tags it depends on.
///
/// Parts are told apart whatever they hold, so text of users can't reach another key: `("a", "b")` and `("a:b", "")` are two.
/// The tenant is no part of it; the cache adds it.
///
/// A value is found under the tags it was stored with: write a key in one function and use that everywhere.
///
/// # Example: a key with a part from outside
/// ```
/// use tenancy_cache::CacheKey;
///
/// let search = |text: &str| CacheKey::new("search").part(text).tag("leads");
/// assert_ne!(search("a:b"), CacheKey::new("search").part("a").part("b").tag("leads"));
/// assert_eq!(search("ada"), search("ada"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    text: String,
    tags: Vec<Box<str>>,
}

impl CacheKey {
    /// A key of this name, or the first part of one.
    #[must_use]
    pub fn new(name: impl Display) -> Self {
        Self {
            text: escaped(name),
            tags: Vec::new(),
        }
    }

    /// The same key with one part more.
    #[must_use]
    pub fn part(mut self, part: impl Display) -> Self {
        self.text.push(':');
        self.text.push_str(&escaped(part));
        self
    }

    /// Says that the value is outdated once this tag is [invalidated](super::TenantCache::invalidate_tag).
    #[must_use]
    pub fn tag(mut self, tag: impl Display) -> Self {
        let tag = bounded(escaped(tag)).into();
        if let Err(place) = self.tags.binary_search(&tag) {
            self.tags.insert(place, tag);
        }
        self
    }

    /// The text, of a bounded length.
    pub(super) fn text(&self) -> String {
        bounded(self.text.clone())
    }

    /// Its tags, sorted, escaped.
    pub(super) fn tags(&self) -> &[Box<str>] {
        &self.tags
    }
}

/// A tag as keys have it.
pub(super) fn tag_text(tag: impl Display) -> String {
    bounded(escaped(tag))
}

impl From<&str> for CacheKey {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<&CacheKey> for CacheKey {
    fn from(key: &CacheKey) -> Self {
        key.clone()
    }
}

/// Without the characters that join parts and mark hashes, and so that different texts stay different.
fn escaped(part: impl Display) -> String {
    struct Escape(String);
    impl Write for Escape {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for c in text.chars() {
                match c {
                    '%' => self.0.push_str("%25"),
                    ':' => self.0.push_str("%3A"),
                    '#' => self.0.push_str("%23"),
                    c => self.0.push(c),
                }
            }
            Ok(())
        }
    }
    let mut out = Escape(String::new());
    // Into memory: fails only if `Display` does, and then the key is what was written so far and a mark.
    if write!(out, "{part}").is_err() {
        out.0.push_str("%00");
    }
    out.0
}

fn bounded(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    format!("#{}", hex(&Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn of(parts: &[String]) -> CacheKey {
        let (first, rest) = parts.split_first().unwrap();
        rest.iter().fold(CacheKey::new(first), CacheKey::part)
    }

    #[test]
    fn parts_never_run_together() {
        let keys: HashSet<String> = [
            vec!["a", "b"],
            vec!["a:b"],
            vec!["a:b", ""],
            vec!["a", "b", ""],
            vec!["a%3Ab"],
            vec!["", "a", "b"],
            vec!["a", ":b"],
            vec!["#"],
            vec![""],
            vec!["", ""],
        ]
        .iter()
        .map(|parts| {
            of(&parts
                .iter()
                .map(|part| (*part).to_owned())
                .collect::<Vec<_>>())
            .text()
        })
        .collect();
        assert_eq!(keys.len(), 10);
    }

    #[test]
    fn a_long_key_is_bounded_and_no_text_spells_it() {
        let long = CacheKey::new("x".repeat(100_000)).text();
        assert!(long.len() < 100 && long.starts_with('#'));
        assert_ne!(CacheKey::new(&long).text(), long);
    }

    #[test]
    fn the_order_of_tags_means_nothing() {
        assert_eq!(
            CacheKey::new("k").tag("a").tag("b").tag("a"),
            CacheKey::new("k").tag("b").tag("a")
        );
    }

    proptest! {
        #[test]
        fn different_parts_are_different_keys(
            a in proptest::collection::vec("[ab:%#]{0,3}", 1..4),
            b in proptest::collection::vec("[ab:%#]{0,3}", 1..4),
        ) {
            prop_assert_eq!(a == b, of(&a).text() == of(&b).text());
        }
    }
}
