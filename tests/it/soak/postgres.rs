//! The traffic against PostgreSQL.

pub(crate) type Db = sqlx::Postgres;

#[path = "traffic.rs"]
pub(crate) mod traffic;
