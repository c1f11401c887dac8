//! The traffic against SQLite.

pub(crate) type Db = sqlx::Sqlite;

#[path = "traffic.rs"]
pub(crate) mod traffic;
