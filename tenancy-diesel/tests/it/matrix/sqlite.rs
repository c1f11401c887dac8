//! The probes against SQLite.

pub(crate) type Driver = diesel::SqliteConnection;

#[path = "probes.rs"]
pub(crate) mod probes;
#[path = "refusals.rs"]
pub(crate) mod refusals;
