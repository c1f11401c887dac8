//! `TenantId`: who a tenant is, for ever. The changeable name outside is in [`crate::TenantSlug`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::inline::InlineStr;
use crate::{Error, ErrorKind};

const TEXT_MAX: usize = 36;

/// The immutable identity of a tenant: a UUID, a positive integer, or a short text.
///
/// It is only ever parsed (or made from a typed UUID or integer), never formatted out of what a user sent. What
/// follows holds for every value of this type, so whoever has one need not check again:
///
/// 1. **One spelling.** `parse(id.to_string()) == id`, and two ids with the same text are the same id. What a database
///    could read as a second spelling is refused: `007`, `1_000`, `1e3`, `0x2a`, a UUID in upper case, in braces, or
///    hyphenated elsewhere.
/// 2. **Harmless text.** The text is 1 to 36 bytes of `a-z`, `0-9`, `_` and `-`, beginning with a letter or digit. It
///    needs no quoting as an SQL value, a Redis key part, a path segment, a header or a URL; it is no reserved device name.
/// 3. **No case.** There are no upper-case letters, so folding changes nothing and ids that differ stay different.
/// 4. **A schema name that fits.** [`schema_name`](Self::schema_name) is lower case, at most 63 bytes, and different ids
///    have different ones, also on a file system that ignores case.
/// 5. **Never empty, never nil, never zero or negative.**
///
/// The value is `Copy` and 40 bytes wide.
///
/// # Example: three kinds, and what is refused
/// ```
/// use tenancy_core::TenantId;
///
/// let number = TenantId::parse("42")?;
/// let uuid = TenantId::parse("67e55044-10b1-426f-9247-bb680e5fe0c8")?;
/// let text = TenantId::parse("acme_eu")?;
/// assert_eq!(number, TenantId::from_integer(42)?);
/// assert_eq!(uuid.schema_name(), "tenant_u_67e5504410b1426f9247bb680e5fe0c8");
/// assert_eq!(text.to_string(), "acme_eu");
///
/// for second_spelling in ["042", "4_2", "0x2a", "67E55044-10b1-426f-9247-bb680e5fe0c8", "67e5504410b1426f9247bb680e5fe0c8", "a'--", "../b", ""] {
///     assert!(TenantId::parse(second_spelling).is_err());
/// }
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Repr);

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Uuid(Uuid),
    Integer(i64),
    Text(InlineStr<TEXT_MAX>),
}

/// What a [`TenantId`] is made of, for drivers that bind it as the type of the tenant column.
#[expect(
    clippy::exhaustive_enums,
    reason = "a driver must bind every kind; a new one is a breaking change on purpose"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdRepr<'a> {
    /// A UUID, never nil.
    Uuid(Uuid),
    /// An integer, 1 or more.
    Integer(i64),
    /// A text of `[a-z0-9][a-z0-9_-]*`, at most 36 bytes, that reads neither as a UUID nor as a number.
    Text(&'a str),
}

impl TenantId {
    /// Reads the canonical text of an id.
    ///
    /// Digits alone are an integer, 8-4-4-4-12 lower-case hexadecimal digits are a UUID, anything else is a text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`] for everything that breaks an invariant of the type. The message says which; it does
    /// not repeat the input.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let first = text.bytes().next().ok_or_else(|| invalid("it is empty"))?;
        if text.len() > TEXT_MAX {
            return Err(invalid("it is longer than 36 bytes"));
        }
        if !text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        {
            return Err(invalid(
                "it holds something other than a-z, 0-9, `_` and `-`",
            ));
        }
        if !first.is_ascii_alphanumeric() {
            return Err(invalid("it begins with neither a letter nor a digit"));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return parse_integer(text);
        }
        if text.bytes().filter(|b| *b != b'-').count() == 32
            && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
        {
            return parse_uuid(text);
        }
        if reads_as_number(text) {
            return Err(invalid("a database could read it as a number"));
        }
        if is_device_name(text) {
            return Err(invalid("it is a reserved device name on some file systems"));
        }
        InlineStr::new(text)
            .map(|text| Self(Repr::Text(text)))
            .ok_or_else(|| invalid("it is longer than 36 bytes"))
    }

    /// The id that is this UUID.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`] for the nil UUID, which is what forgotten columns and defaults are made of.
    pub fn from_uuid(uuid: Uuid) -> Result<Self, Error> {
        if uuid.is_nil() {
            return Err(invalid("it is the nil UUID"));
        }
        Ok(Self(Repr::Uuid(uuid)))
    }

    /// The id that is this integer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`] for zero and below.
    pub fn from_integer(integer: i64) -> Result<Self, Error> {
        if integer < 1 {
            return Err(invalid("an integer id is 1 or more"));
        }
        Ok(Self(Repr::Integer(integer)))
    }

    /// A fresh id: a UUID of version 7, so that rows of later tenants lie behind those of earlier ones.
    #[must_use]
    pub fn new_v7() -> Self {
        Self(Repr::Uuid(Uuid::now_v7()))
    }

    /// What the id is made of.
    #[must_use]
    pub fn repr(&self) -> IdRepr<'_> {
        match &self.0 {
            Repr::Uuid(uuid) => IdRepr::Uuid(*uuid),
            Repr::Integer(integer) => IdRepr::Integer(*integer),
            Repr::Text(text) => IdRepr::Text(text.as_str()),
        }
    }

    /// The name of this tenant's schema, database, role or file, wherever it has one of its own.
    ///
    /// Derived from the id alone, so it never changes and nobody can choose it: `tenant_u_` and 32 hexadecimal digits,
    /// `tenant_i_` and the integer, or `tenant_t_` and the text. Quote it in SQL: a text id may hold a hyphen.
    #[must_use]
    pub fn schema_name(&self) -> String {
        match &self.0 {
            Repr::Uuid(uuid) => format!("tenant_u_{}", uuid.simple()),
            Repr::Integer(integer) => format!("tenant_i_{integer}"),
            Repr::Text(text) => format!("tenant_t_{}", text.as_str()),
        }
    }
}

fn invalid(why: &'static str) -> Error {
    Error::new(
        ErrorKind::InvalidId,
        format!(
            "not a tenant id: {why}; use a lower-case UUID, a positive integer or a text like `acme-eu`"
        ),
    )
}

fn parse_integer(digits: &str) -> Result<TenantId, Error> {
    if digits.starts_with('0') {
        return Err(invalid(
            "an integer id has no leading zero and is 1 or more",
        ));
    }
    let integer = digits
        .parse()
        .map_err(|_| invalid("the integer does not fit 64 bits"))?;
    TenantId::from_integer(integer)
}

/// Thirty-two hexadecimal digits with hyphens anywhere: PostgreSQL would read them all as a UUID, so one form is enough.
fn parse_uuid(text: &str) -> Result<TenantId, Error> {
    let uuid =
        Uuid::try_parse(text).map_err(|_| invalid("the hyphens of the UUID are misplaced"))?;
    let canonical = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
    if !canonical {
        return Err(invalid("a UUID is written in lower case with four hyphens"));
    }
    TenantId::from_uuid(uuid)
}

/// `1_000`, `1-2`, `1e3`, `0x2a`, `0o7`, `0b1`: what PostgreSQL or SQLite may turn into a number when comparing.
fn reads_as_number(text: &str) -> bool {
    let begins_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let radix = ["0x", "0o", "0b"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    begins_with_digit
        && (radix
            || text
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'e' | b'_' | b'-')))
}

fn is_device_name(text: &str) -> bool {
    let numbered = |prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(text, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Uuid(uuid) => f.pad(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
            Repr::Integer(integer) => fmt::Display::fmt(integer, f),
            Repr::Text(text) => f.pad(text.as_str()),
        }
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({self})")
    }
}

impl FromStr for TenantId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = TenantId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a tenant id")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<TenantId, E> {
                TenantId::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests;
