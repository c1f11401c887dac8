//! The probes against PostgreSQL.

pub(crate) type Db = sqlx::Postgres;

#[path = "models.rs"]
pub(crate) mod models;
#[path = "probes.rs"]
pub(crate) mod probes;
