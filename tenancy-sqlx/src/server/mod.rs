//! Where the data of tenants lives: one type per kind of server, given to the pool under a name.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::PgServer;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteServer;
