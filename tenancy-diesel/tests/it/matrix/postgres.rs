//! The probes against PostgreSQL.

pub(crate) type Driver = diesel::PgConnection;

#[path = "probes.rs"]
pub(crate) mod probes;
#[path = "refusals.rs"]
pub(crate) mod refusals;
