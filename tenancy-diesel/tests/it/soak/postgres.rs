//! The traffic against PostgreSQL.

pub(crate) type Driver = diesel::PgConnection;

#[path = "traffic.rs"]
pub(crate) mod traffic;
