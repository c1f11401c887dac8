//! The catalogue, which is read from migrations, against the tables that are there. Reading them is here, one file an engine;
//! comparing is `tenancy-sql`'s, [`Catalog::drift`](tenancy_sql::Catalog::drift).
//!
//! The firewall goes by the catalogue. A column that somebody added by hand, a migration that was not applied, a key that was
//! dropped: none of these lets a statement out of its tenant, but some make an accepted statement fail or write less than it
//! says. Ask when the service starts, or after a deployment. [`walls::postgres::check`](crate::walls::postgres::check) asks
//! about the shared tables with everything else it looks at.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::postgres;
#[cfg(feature = "sqlite")]
pub use sqlite::sqlite;
