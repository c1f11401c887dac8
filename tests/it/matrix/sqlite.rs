//! The probes against SQLite.

pub(crate) type Db = sqlx::Sqlite;

#[path = "models.rs"]
pub(crate) mod models;
#[path = "probes.rs"]
pub(crate) mod probes;
