//! The one place that knows there are two databases.
//!
//! Handlers and stores hold a [`Db`] and write each statement once; `on_db!` expands it for both drivers. Which tenant a
//! statement is for, and where that tenant's rows live, is decided by the pool inside, from the context of the request.

use sqlx::{Postgres, Sqlite};
use tenancy::sqlx::TenantPool;

/// The tenants' tables, on whichever database the program was started with.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "`on_db!` has one arm for each, and a third must break the build"
)]
pub enum Db {
    /// A PostgreSQL server.
    Postgres(TenantPool<Postgres>),
    /// A folder of SQLite files.
    Sqlite(TenantPool<Sqlite>),
}

/// Runs the same text on either database: `on_db!(db, pool => sqlx::query(..).execute(pool).await)`.
///
/// `pool` is a `&TenantPool` of the driver at hand; type inference does the rest.
macro_rules! on_db {
    ($db:expr, $pool:ident => $body:expr) => {
        match $db {
            $crate::db::Db::Postgres($pool) => $body,
            $crate::db::Db::Sqlite($pool) => $body,
        }
    };
}

pub(crate) use on_db;
