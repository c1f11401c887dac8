//! The probes against PostgreSQL.

pub(crate) type Db = sqlx::Postgres;

#[path = "probes.rs"]
pub(crate) mod probes;
