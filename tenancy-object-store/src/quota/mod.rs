//! How much a tenant may store, how much it does, and the promise that a write goes through only while there is room.
//!
//! What is counted here is never less than what this process has stored: an overwritten or removed object is subtracted only
//! by counting anew, and a write whose end nobody saw counts as done. So a limit can't be passed by racing, and before a
//! write is refused on a number that may be too high, the tenant's objects are counted.

mod account;
mod meter;
mod reservation;
mod turns;

pub(crate) use account::Account;
pub(crate) use meter::{Meter, Place, count};
pub(crate) use reservation::Reservation;

/// What the limit of a single object is called in errors.
pub(crate) const OBJECT: &str = "bytes an object";

/// What a tenant may store. Nothing is limited unless said.
///
/// # Example
/// ```
/// use tenancy_object_store::Limits;
///
/// let basic = Limits::none().bytes(5 << 30).objects(10_000).object_bytes(25 << 20);
/// assert_ne!(basic, Limits::none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    pub(crate) bytes: Option<u64>,
    pub(crate) objects: Option<u64>,
    pub(crate) object_bytes: Option<u64>,
}

impl Limits {
    /// No limit at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// All objects together are at most this large.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// There are at most so many objects.
    #[must_use]
    pub fn objects(mut self, objects: u64) -> Self {
        self.objects = Some(objects);
        self
    }

    /// A single object is at most this large.
    #[must_use]
    pub fn object_bytes(mut self, bytes: u64) -> Self {
        self.object_bytes = Some(bytes);
        self
    }
}

/// How much a tenant stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Usage {
    /// Bytes of all objects together.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

impl Usage {
    pub(crate) fn new(bytes: u64, objects: u64) -> Self {
        Self { bytes, objects }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            objects: self.objects.saturating_add(other.objects),
        }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            objects: self.objects.saturating_sub(other.objects),
        }
    }
}
