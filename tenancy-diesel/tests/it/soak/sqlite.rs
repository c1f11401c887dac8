//! The traffic against SQLite.

pub(crate) type Driver = diesel::SqliteConnection;

#[path = "traffic.rs"]
pub(crate) mod traffic;
