//! diesel-async on PostgreSQL: one awaited round trip for a read, with both walls up.
//!
//! The driver sends what it is given in order and matches answers to questions by that order, whoever still waits for them. So
//! a transaction can be ended without waiting: its `COMMIT` or `ROLLBACK` is on the wire before whatever comes next. That
//! makes a dropped future harmless, too: the end of its transaction is sent in its place.
//!
//! | file | what |
//! |---|---|
//! | `pool.rs` | the budget, and who gets a connection |
//! | `lease.rs` | a connection in use, and the way it goes back |
//! | `connection.rs` | Diesel's traits: from a query to a future |
//! | `run.rs` | the transaction around a single statement |
//! | `transaction.rs` | transactions in the caller's hands |

mod connection;
mod lease;
mod pool;
mod run;
mod transaction;

pub use connection::AsyncTenantConnection;
pub use pool::{AsyncTenantPool, AsyncTenantPoolBuilder};
pub use transaction::{AsyncTenantTransactionManager, AsyncTransactionState};
