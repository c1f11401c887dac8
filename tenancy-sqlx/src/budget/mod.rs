//! One budget of connections over all servers, databases and schemas of a pool.
//!
//! sqlx's own pool is not used to serve tenants: it can't share a limit between databases without starving some of them
//! for ever, it asks the server for a sign of life at every return, and it hands a connection whose `BEGIN` was cancelled to
//! the next borrower with the old tenant still set. What replaces it is small:
//!
//! - a *slot* is the right to use a connection; there are as many as the budget has, handed out first come, first served;
//! - an idle connection remembers its placement; a slot takes one of the same placement, or opens one while the budget has
//!   room, or turns or closes the least recently used one of another placement;
//! - a connection whose user was cancelled is put into a known state by a task of its own before anyone else can have it,
//!   or it is closed.
//!
//! | file | what |
//! |---|---|
//! | `ledger.rs` | which connections are open, idle, and for which placement |
//! | `lease.rs` | a connection in use, and the way it goes back |
//! | `keeper.rs` | the task that sends queued rollbacks and closes what idled too long |

mod keeper;
mod lease;
mod ledger;

use std::time::Duration;

pub(crate) use lease::{Flight, Lease};
pub(crate) use ledger::Ledger;

const MOST: usize = (u32::MAX >> 3) as usize;

/// How many connections a pool may have open, over all its servers, and for how long.
///
/// The limit holds for the whole pool: one server or a thousand databases. A tenant that needs a connection while all are
/// busy waits its turn; idle connections of other placements make room, least recently used first.
///
/// # Example: 50 connections for any number of databases
/// ```
/// use std::time::Duration;
/// use tenancy_sqlx::Budget;
///
/// let budget = Budget::new(50).acquire_timeout(Duration::from_secs(2));
/// assert_eq!(budget.max_connections(), 50);
/// ```
#[derive(Clone, Debug)]
pub struct Budget {
    max_connections: usize,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    idle_timeout: Duration,
    max_lifetime: Duration,
}

impl Budget {
    /// At most this many open connections; zero is taken as one, and what no machine could open as half a billion.
    pub fn new(max_connections: usize) -> Self {
        Self {
            // The upper end is what a semaphore takes on any machine; it panics above.
            max_connections: max_connections.clamp(1, MOST),
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5 * 60),
            max_lifetime: Duration::from_secs(30 * 60),
        }
    }

    /// How long a caller waits for a connection before [`Error::BudgetExhausted`](crate::Error::BudgetExhausted); 10 s
    /// unless told.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// How long a server may take to let a connection in before
    /// [`Error::Unreachable`](crate::Error::Unreachable); 10 s unless told.
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
    pub fn max_connections(&self) -> usize {
        self.max_connections
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
}
