//! One budget of connections over all servers, databases and schemas of a pool.
//!
//! sqlx's own pool is not used to serve tenants: it can't share a limit between databases without starving some of them
//! for ever, it asks the server for a sign of life at every return, and it hands a connection whose `BEGIN` was cancelled to
//! the next borrower with the old tenant still set. What replaces it is small; the book is [`tenancy_core::budget`]'s:
//!
//! - a *slot* is the right to use a connection; there are as many as the budget has, handed out first come, first served;
//! - an idle connection remembers its placement; a slot takes one of the same placement, or opens one while the budget has
//!   room, or turns or closes the least recently used one of another placement;
//! - a connection whose user was cancelled is put into a known state by a task of its own before anyone else can have it,
//!   or it is closed.
//!
//! | file | what |
//! |---|---|
//! | `ledger.rs` | from a slot to an open connection, by the book of `tenancy-core` |
//! | `lease.rs` | a connection in use, and the way it goes back |
//! | `keeper.rs` | the task that sends queued rollbacks and closes what idled too long |

mod keeper;
mod lease;
mod ledger;

pub use tenancy_core::budget::{Budget, BudgetStats};

pub(crate) use lease::{Flight, Lease};
pub(crate) use ledger::Ledger;
