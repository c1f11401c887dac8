//! The settings of a `CachedRegistry`.

use std::time::Duration;

use super::CachedRegistry;
use super::flight::Flights;
use super::store::{Limits, Store};
use super::watch::Watch;
use crate::TenantRegistry;

/// Builds a [`CachedRegistry`].
///
/// # Example
/// ```
/// use std::time::Duration;
/// use tenancy_core::{CachedRegistry, InMemoryRegistry};
///
/// let registry = CachedRegistry::builder(InMemoryRegistry::new())
///     .capacity(1_000_000)
///     .ttl(Duration::from_secs(60))
///     .negative_ttl(Duration::from_secs(2))
///     .build();
/// # let _ = registry;
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct CachedRegistryBuilder<R> {
    inner: R,
    limits: Limits,
}

impl<R: TenantRegistry> CachedRegistryBuilder<R> {
    pub(super) fn new(inner: R) -> Self {
        let limits = Limits {
            capacity: 100_000,
            negative_capacity: 10_000,
            ttl: Duration::from_secs(300),
            negative_ttl: Duration::from_secs(5),
        };
        Self { inner, limits }
    }

    /// How many tenants are kept: about this many of the most recently used surely, and never more than about twice as
    /// many. 100,000 unless said otherwise. A tenant takes less than 400 bytes, its settings and any further domains aside.
    pub fn capacity(mut self, tenants: usize) -> Self {
        self.limits.capacity = tenants;
        self
    }

    /// How many absent keys are kept, in the same way. 10,000 unless said otherwise.
    pub fn negative_capacity(mut self, keys: usize) -> Self {
        self.limits.negative_capacity = keys;
        self
    }

    /// How long an answer is served without asking again: the longest that a change without an event goes unnoticed.
    /// Five minutes unless said otherwise; zero asks every time.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.limits.ttl = ttl;
        self
    }

    /// How long an absence is served without asking again. Five seconds unless said otherwise; zero asks every time.
    pub fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.limits.negative_ttl = ttl;
        self
    }

    /// The registry, with nothing in its cache.
    #[must_use]
    pub fn build(self) -> CachedRegistry<R> {
        let Self { inner, limits } = self;
        CachedRegistry {
            inner,
            store: Store::new(limits),
            watch: Watch::default(),
            flights: Flights::default(),
        }
    }
}
