//! Where the data of tenants lives: one type per kind of server, given to the pool under a name.

#[cfg(feature = "_pg")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "_pg")]
pub use postgres::PgServer;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteServer;
