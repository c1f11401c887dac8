//! A short ASCII text kept inside its owner: what ids, slugs and server names are made of. Private to the crate.
//!
//! No allocation, `Copy`, compared and hashed by its text alone.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

const HEAD: usize = size_of::<u128>();

#[derive(Clone, Copy)]
pub(crate) struct InlineStr<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> InlineStr<N> {
    /// `None` if the text is longer than `N` bytes or not ASCII.
    pub(crate) const fn new(text: &str) -> Option<Self> {
        Self::from_ascii(text.as_bytes())
    }

    /// The same of a text's bytes.
    pub(crate) const fn from_ascii(text: &[u8]) -> Option<Self> {
        const { assert!(HEAD <= N && N <= u8::MAX as usize) };
        let mut bytes = [0; N];
        if text.len() > N || !text.is_ascii() {
            return None;
        }
        if let Some((head, _)) = bytes.split_at_mut_checked(text.len()) {
            head.copy_from_slice(text);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the length is at most N, and N fits a byte"
        )]
        Some(Self {
            len: text.len() as u8,
            bytes,
        })
    }

    /// The first bytes, and zeros behind the text: for most texts that is all, compared and hashed without a walk or a call.
    #[inline]
    fn head(&self) -> u128 {
        match self.bytes.first_chunk::<HEAD>() {
            Some(head) => u128::from_le_bytes(*head),
            None => 0,
        }
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The text. ASCII by construction, so the check that safe Rust asks for always passes.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for InlineStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> PartialEq for InlineStr<N> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && self.head() == other.head()
            && (usize::from(self.len) <= HEAD || self.as_bytes() == other.as_bytes())
    }
}

impl<const N: usize> Eq for InlineStr<N> {}

impl<const N: usize> Hash for InlineStr<N> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.head(), self.as_bytes(), state);
    }
}

#[inline]
fn hash<H: Hasher>(head: u128, text: &[u8], state: &mut H) {
    state.write_u128(head);
    if text.len() > HEAD {
        state.write(text);
    }
    state.write_usize(text.len());
}

/// A text that is not kept in an [`InlineStr`], hashed as if it were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loose<'a>(pub(crate) &'a [u8]);

impl Hash for Loose<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let head = self.0.first_chunk::<HEAD>().copied().unwrap_or_else(|| {
            let mut head = [0; HEAD];
            for (to, from) in head.iter_mut().zip(self.0) {
                *to = *from;
            }
            head
        });
        hash(u128::from_le_bytes(head), self.0, state);
    }
}

impl<const N: usize> PartialOrd for InlineStr<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for InlineStr<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_what_fits() {
        let check = |input: &str, expect: Option<&str>| {
            assert_eq!(
                InlineStr::<20>::new(input).as_ref().map(InlineStr::as_str),
                expect,
                "{input:?}"
            );
        };
        check("", Some(""));
        check("abc", Some("abc"));
        check("twenty-characters---", Some("twenty-characters---"));
        check("twenty-and-one-of-it-", None);
        check("é", None);
    }

    #[test]
    fn orders_as_its_text_does() {
        let of = |text| InlineStr::<16>::new(text).unwrap();
        assert!(of("a") < of("ab"));
        assert!(of("ab") < of("b"));
        assert_eq!(of("ab"), of("ab"));
    }

    proptest! {
        /// Of few letters and of lengths round about the head's, so that many are equal or nearly so.
        #[test]
        fn is_equal_as_its_text_is(a in "[ab\0]{0,3}|a{14,17}[ab]{0,3}", b in "[ab\0]{0,3}|a{14,17}[ab]{0,3}") {
            let of = |text: &str| InlineStr::<20>::new(text).unwrap();
            let hash = |text: &str| BuildHasherDefault::<DefaultHasher>::default().hash_one(of(text));
            prop_assert_eq!(of(&a) == of(&b), a == b);
            prop_assert_eq!(hash(&a) == hash(&b), a == b);
            prop_assert_eq!(of(&a).cmp(&of(&b)), a.as_bytes().cmp(b.as_bytes()));
            let loose = BuildHasherDefault::<DefaultHasher>::default().hash_one(Loose(a.as_bytes()));
            prop_assert_eq!(loose, hash(&a));
        }
    }
}
