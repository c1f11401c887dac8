//! What differs between the databases: one sealed trait, implemented once per driver.

#[cfg(feature = "sqlite-wall")]
mod engine_wall;
mod guard;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::{ConnectOptions, Database, Either, IntoArguments, SqlStr};
use sqlx_core::transaction::TransactionManager as _;
use tenancy_core::{Placement, TenantId};
use tenancy_sql::{Access, Catalog, Dialect, KeyType};

pub(crate) use guard::Guard;

use crate::statement::Scoped;
use crate::{Error, Result};

/// One step of a running statement: what it did, or a row.
pub(crate) type Step<DB> =
    std::result::Result<Either<<DB as Database>::QueryResult, <DB as Database>::Row>, sqlx::Error>;

pub(crate) mod sealed {
    //! Keeps [`super::TenantDb`] ours: a foreign implementation could open the wrong place.
    #[allow(
        unnameable_types,
        reason = "a sealed trait's bound is public and unnameable on purpose"
    )]
    pub trait Sealed {}
}

/// Which walls stand. Both, always, but in tests that take one down to see the other hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walls {
    /// The firewall rewrites each statement.
    pub(crate) firewall: bool,
    /// The server is told the tenant and the role.
    pub(crate) server: bool,
}

impl Walls {
    pub(crate) const BOTH: Self = Self {
        firewall: true,
        server: true,
    };
}

/// How a transaction is begun.
#[doc(hidden)]
#[allow(
    unnameable_types,
    clippy::exhaustive_enums,
    reason = "part of a sealed trait: nobody outside names it"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// For one statement that the pool runs by itself.
    Statement(Access),
    /// For a transaction in the caller's hands.
    Transaction(Access),
}

impl Begin {
    pub(crate) fn access(self) -> Access {
        match self {
            Self::Statement(access) | Self::Transaction(access) => access,
        }
    }
}

/// A database that tenants can live in: [`sqlx::Postgres`] and [`sqlx::Sqlite`].
///
/// Sealed. It says what differs between the two; users only name it as a bound, `fn f<DB: TenantDb>(db: &TenantPool<DB>)`.
pub trait TenantDb: Database<Arguments: IntoArguments<Self>> + sealed::Sealed {
    /// Where a server of this kind is found.
    type Server: Clone + Debug + Send + Sync + 'static;

    /// What stands beside a connection and has to know its tenant, too.
    #[doc(hidden)]
    type Guard: Guard;

    /// The SQL it speaks.
    #[doc(hidden)]
    const DIALECT: Dialect;

    /// Appends the tenant's id to the values of a statement.
    #[doc(hidden)]
    fn bind_tenant(args: &mut Self::Arguments, tenant: TenantId, key_type: KeyType) -> Result<()>;

    /// Opens a connection that reaches this placement and no other.
    #[doc(hidden)]
    fn connect<'a>(
        server: &'a Self::Server,
        placement: &'a Placement,
        tenant: TenantId,
        catalog: &'a Catalog,
        server_wall: bool,
    ) -> BoxFuture<'a, Result<(Self::Connection, Self::Guard)>>;

    /// Whether a connection of one placement can be turned into one of another, short of opening a new one.
    #[doc(hidden)]
    fn can_take_over(from: &Placement, to: &Placement) -> bool;

    /// Turns it: forgets all that the connection cached of its last placement.
    #[doc(hidden)]
    fn take_over<'a>(
        conn: &'a mut Self::Connection,
        server: &'a Self::Server,
        placement: &'a Placement,
        tenant: TenantId,
        key_type: KeyType,
    ) -> BoxFuture<'a, Result<()>>;

    /// Puts a connection whose last user was cancelled or failed into a known state, or says that this can't be done.
    #[doc(hidden)]
    fn reset(conn: &mut Self::Connection) -> BoxFuture<'_, Result<(), sqlx::Error>>;

    /// Waits until nothing runs on a connection any more, though nobody listens for its end.
    #[doc(hidden)]
    fn drain(conn: &mut Self::Connection) -> BoxFuture<'_, Result<(), sqlx::Error>>;

    /// Whether a connection whose statement was dropped midway must be [`reset`](Self::reset) before it is used again.
    #[doc(hidden)]
    const RESET_AFTER_DROPPED_STATEMENT: bool;

    /// Whether a transaction in which a statement failed can only be rolled back. If not, it has to be
    /// [`settle`](Self::settle)d whether the failure ended it.
    #[doc(hidden)]
    const FAILED_STATEMENT_FAILS_TRANSACTION: bool;

    /// Finds out whether a transaction whose last statement failed, or was dropped midway, is there and can be committed.
    /// Changes nothing, so being cancelled in it does no harm.
    #[doc(hidden)]
    fn settle(conn: &mut Self::Connection) -> BoxFuture<'_, Result<(), sqlx::Error>>;

    /// The one message that opens a transaction for a tenant; `None` where a statement needs none.
    #[doc(hidden)]
    fn begin_sql(
        placement: &Placement,
        tenant: TenantId,
        begin: Begin,
        server_wall: bool,
    ) -> Option<SqlStr>;

    /// How many values one statement may have, the tenant included.
    #[doc(hidden)]
    const MAX_VALUES: usize;

    /// The value of a column, by its place: models write their own lists of columns and know it.
    #[doc(hidden)]
    fn column<'r, T>(row: &'r Self::Row, at: usize) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, Self> + sqlx::Type<Self>;

    /// Whether a column is NULL.
    #[doc(hidden)]
    fn is_null(row: &Self::Row, at: usize) -> Result<bool, sqlx::Error>;

    /// The value of a column that counts.
    #[doc(hidden)]
    fn integer(row: &Self::Row, at: usize) -> Result<i64, sqlx::Error>;

    /// Appends a number to the values of a statement.
    #[doc(hidden)]
    fn bind_integer(
        args: &mut Self::Arguments,
        number: i64,
    ) -> Result<(), sqlx::error::BoxDynError>;

    /// How many rows a statement changed.
    #[doc(hidden)]
    fn affected(result: &Self::QueryResult) -> u64;

    /// sqlx's executor of the bare connection.
    #[doc(hidden)]
    fn fetch_many<'c>(
        conn: &'c mut Self::Connection,
        query: Scoped<Self>,
    ) -> BoxStream<'c, Step<Self>>;

    /// sqlx's executor of the bare connection.
    #[doc(hidden)]
    fn fetch_optional<'c>(
        conn: &'c mut Self::Connection,
        query: Scoped<Self>,
    ) -> BoxFuture<'c, Result<Option<Self::Row>, sqlx::Error>>;

    /// sqlx's executor of the bare connection.
    #[doc(hidden)]
    fn prepare_with<'c>(
        conn: &'c mut Self::Connection,
        sql: SqlStr,
        parameters: &'c [Self::TypeInfo],
    ) -> BoxFuture<'c, Result<Self::Statement, sqlx::Error>>;

    /// sqlx's executor of the bare connection.
    #[doc(hidden)]
    fn describe<'c>(
        conn: &'c mut Self::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'c, Result<sqlx::Describe<Self>, sqlx::Error>>;
}

/// How deep in transactions a connection is, as sqlx counts it.
pub(crate) fn depth<DB: Database>(conn: &DB::Connection) -> usize {
    DB::TransactionManager::get_transaction_depth(conn)
}

/// Begins a transaction, or a savepoint inside one.
pub(crate) async fn begin<DB: Database>(
    conn: &mut DB::Connection,
    sql: Option<SqlStr>,
) -> Result<(), sqlx::Error> {
    DB::TransactionManager::begin(conn, sql).await
}

/// Commits the innermost transaction or savepoint.
pub(crate) async fn commit<DB: Database>(conn: &mut DB::Connection) -> Result<(), sqlx::Error> {
    DB::TransactionManager::commit(conn).await
}

/// Rolls the innermost transaction or savepoint back.
pub(crate) async fn rollback<DB: Database>(conn: &mut DB::Connection) -> Result<(), sqlx::Error> {
    DB::TransactionManager::rollback(conn).await
}

/// Queues the rollback of the innermost transaction or savepoint; it is sent with whatever is sent next.
pub(crate) fn start_rollback<DB: Database>(conn: &mut DB::Connection) {
    DB::TransactionManager::start_rollback(conn);
}

/// Opens a connection of the driver.
#[expect(
    clippy::disallowed_methods,
    reason = "the connection goes into the pool that the ban sends people to"
)]
pub(crate) async fn open<O: ConnectOptions<Connection: Sized>>(
    options: &O,
    placement: &Placement,
) -> Result<O::Connection> {
    options
        .connect()
        .await
        .map_err(|error| unreachable(placement, error))
}

/// Wraps what the driver said about a place that could not be opened.
pub(crate) fn unreachable(placement: &Placement, source: sqlx::Error) -> Error {
    Error::Unreachable {
        what: tenancy_core::session::place_name(placement),
        source,
    }
}
