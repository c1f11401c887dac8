//! The probes against SQLite.

pub(crate) type Db = sqlx::Sqlite;

#[path = "probes.rs"]
pub(crate) mod probes;
