//! How many connections a pool may have open, and the book that keeps to it.
//!
//! The limit holds over all servers, schemas and databases of a pool. A *slot* is the right to use a connection; there are as
//! many as the budget has, handed out first come, first served. An idle connection remembers its placement; whoever holds a
//! slot takes one of the same placement, or opens one while there is room, or turns or closes the least recently used one of
//! another placement. A budget can also say how many slots one tenant may hold at once; its further callers then wait for one
//! another, and not in the line of all.
//!
//! Nothing here opens, closes or asks a connection: that is the business of the driver crates, which all keep this book.

mod ledger;
mod share;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use ledger::{BudgetError, Choice, Ledger, Live, Opening, Slot};

/// The upper end of what a semaphore takes on any machine; it panics above.
const MOST: usize = (u32::MAX >> 3) as usize;

/// How many connections a pool may have open, over all its servers, and for how long.
///
/// The limit holds for the whole pool: one server or a thousand databases. A tenant that needs a connection while all are
/// busy waits its turn; idle connections of other placements make room, least recently used first.
///
/// # Example: 50 connections for any number of databases
/// ```
/// use std::time::Duration;
/// use tenancy_core::budget::Budget;
///
/// let budget = Budget::new(50).acquire_timeout(Duration::from_secs(2));
/// assert_eq!(budget.max_connections(), 50);
/// ```
///
/// # Example: no tenant takes more than ten of them
/// ```
/// use tenancy_core::budget::Budget;
///
/// assert_eq!(Budget::new(50).tenant_limit(), None);
/// assert_eq!(Budget::new(50).per_tenant(10).tenant_limit(), Some(10));
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    max_connections: usize,
    /// As many as there are, or more: no limit.
    per_tenant: usize,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_lifetime: Duration,
}

impl Budget {
    /// At most this many open connections; zero is taken as one, and what no machine could open as half a billion.
    #[must_use]
    pub fn new(max_connections: usize) -> Self {
        Self {
            max_connections: max_connections.clamp(1, MOST),
            per_tenant: usize::MAX,
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            max_lifetime: Duration::from_secs(30 * 60),
        }
    }

    /// How many connections one tenant may use at once; all of them unless told, zero is taken as one.
    ///
    /// Further callers of that tenant wait, first come, first served, while those of other tenants go on; after the acquire
    /// timeout they get [`BudgetError::TenantExhausted`]. A tenant alone can't use the rest either, so give it more than its
    /// fair share: half of the budget, say. Whoever holds a transaction and asks for a second connection needs two at once.
    ///
    /// Idle connections don't count, nor do connections that the pool itself tidies up.
    #[must_use]
    pub fn per_tenant(mut self, connections: usize) -> Self {
        self.per_tenant = connections.max(1);
        self
    }

    /// How long a caller waits for a connection before [`BudgetError::Exhausted`]; 10 s unless told.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a server may take to let a connection in; 10 s unless told.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// After how long an unused connection is closed; 5 minutes unless told.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// After how long a connection is not used again; 30 minutes unless told.
    #[must_use]
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// The limit.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        self.max_connections
    }

    /// How many connections one tenant may use at once, if that is fewer than there are.
    #[must_use]
    pub fn tenant_limit(&self) -> Option<usize> {
        (self.per_tenant < self.max_connections).then_some(self.per_tenant)
    }

    /// How long a server may take to let a connection in.
    #[must_use]
    pub fn connect_time(&self) -> Duration {
        self.connect_timeout
    }

    /// How often an unused connection is looked for: half the idle timeout, within reason.
    #[must_use]
    pub fn reap_interval(&self) -> Duration {
        (self.idle_timeout / 2).clamp(Duration::from_millis(50), Duration::from_secs(30))
    }
}

impl Default for Budget {
    /// Ten connections.
    fn default() -> Self {
        Self::new(10)
    }
}

/// How a pool's budget is used at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetStats {
    /// Connections open, idle ones included.
    pub open: usize,
    /// Connections idle.
    pub idle: usize,
    /// Slots that nobody holds. Equal to [`Self::max`] when no statement runs.
    pub free_slots: usize,
    /// The limit.
    pub max: usize,
    /// Tenants that hold a slot or wait for one; 0 in a budget that does not limit each tenant.
    pub tenants: usize,
}
