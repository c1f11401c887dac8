//! SQLite: a file per place, opened or attached only when it says whose it is.

use std::path::Path;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteQueryResult, SqliteRow,
    SqliteStatement, SqliteTypeInfo,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Describe, Executor, Row as _, SqlSafeStr as _,
    SqlStr, Sqlite, ValueRef as _,
};
use tenancy_core::{IdRepr, Isolation, Placement, TenantId, session};
use tenancy_sql::{Access, Catalog, Dialect, KeyType};

#[cfg(feature = "sqlite-wall")]
use super::engine_wall;
use super::{Begin, Step, TenantDb, open, sealed, unreachable};
use crate::statement::Scoped;
use crate::{Error, Result, SqliteServer};

impl sealed::Sealed for Sqlite {}

/// The name under which a tenant's file is attached.
const ATTACHED: &str = "tenant";

impl TenantDb for Sqlite {
    type Server = SqliteServer;

    #[cfg(not(feature = "sqlite-wall"))]
    type Guard = ();
    #[cfg(feature = "sqlite-wall")]
    type Guard = Option<tenancy_sqlite_wall::Wall>;

    const DIALECT: Dialect = Dialect::Sqlite;

    // The worker thread of a connection stops at the row that nobody takes.
    const RESET_AFTER_DROPPED_STATEMENT: bool = false;

    const FAILED_STATEMENT_FAILS_TRANSACTION: bool = false;

    fn bind_tenant(args: &mut SqliteArguments, tenant: TenantId, key_type: KeyType) -> Result<()> {
        let added = match (tenant.repr(), key_type) {
            // sqlx keeps a UUID as 16 bytes in SQLite, whatever the column was declared as.
            (IdRepr::Uuid(id), KeyType::Uuid | KeyType::Blob) => args.add(id),
            (IdRepr::Integer(id), KeyType::Integer) => args.add(id),
            (IdRepr::Text(_) | IdRepr::Uuid(_) | IdRepr::Integer(_), KeyType::Text) => {
                args.add(tenant.to_string())
            }
            _ => return Err(Error::KeyType { key_type }),
        };
        added.map_err(|error| sqlx::Error::Encode(error).into())
    }

    fn connect<'a>(
        server: &'a SqliteServer,
        placement: &'a Placement,
        tenant: TenantId,
        catalog: &'a Catalog,
        server_wall: bool,
    ) -> BoxFuture<'a, Result<(SqliteConnection, Self::Guard)>> {
        Box::pin(async move {
            let file = server.file_of(placement);
            ensure_regular_file(&file, placement)?;
            let conn = match placement.isolation() {
                #[cfg(feature = "sqlite-wall")]
                Isolation::Shared if server.has_engine_wall() && server_wall => {
                    let mut conn = open(&empty(), placement).await?;
                    let trusted = server.trusted_triggers();
                    let wall =
                        engine_wall::build(&mut conn, &file, placement, catalog, trusted).await?;
                    return Ok((conn, Some(wall)));
                }
                Isolation::Shared => open(&SqliteServer::options(&file), placement).await?,
                Isolation::Database => {
                    let mut conn = open(&SqliteServer::options(&file), placement).await?;
                    ensure_pin(&mut conn, "main", placement, tenant).await?;
                    conn
                }
                Isolation::Schema => {
                    let mut conn = open(&empty(), placement).await?;
                    attach(&mut conn, &file, placement, tenant).await?;
                    conn
                }
            };
            #[cfg(not(feature = "sqlite-wall"))]
            let _ = (catalog, server_wall);
            Ok((conn, Self::Guard::default()))
        })
    }

    fn can_take_over(from: &Placement, to: &Placement) -> bool {
        session::sqlite_can_turn(from, to)
    }

    fn take_over<'a>(
        conn: &'a mut SqliteConnection,
        server: &'a SqliteServer,
        placement: &'a Placement,
        tenant: TenantId,
        _key_type: KeyType,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let file = server.file_of(placement);
            ensure_regular_file(&file, placement)?;
            conn.clear_cached_statements().await?;
            conn.execute("DETACH DATABASE tenant").await?;
            attach(conn, &file, placement, tenant).await
        })
    }

    fn reset(_conn: &mut SqliteConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        // After a cancelled `COMMIT` sqlx ignores the next rollback, whosever it is, and says so nowhere. Opening a file
        // again costs microseconds, so such a connection is closed.
        Box::pin(async {
            Err(sqlx::Error::Protocol(
                "a cancelled transaction boundary".into(),
            ))
        })
    }

    fn drain(conn: &mut SqliteConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        // The connection's thread gives the handle away when it has come to the end of what it was told to do.
        Box::pin(async move { conn.lock_handle().await.map(drop) })
    }

    fn settle(conn: &mut SqliteConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        // As a rule a failed statement is undone alone and the transaction goes on. But a full disk, a failed write or
        // `RAISE(ROLLBACK)` ends it, sqlx does not notice, and what follows would be committed statement by statement.
        // This setting is refused inside a transaction; outside it is set to what it is.
        Box::pin(async move {
            match conn.execute("PRAGMA main.synchronous = NORMAL").await {
                Err(sqlx::Error::Database(_)) => Ok(()),
                Ok(_) => Err(Error::TransactionFailed.into()),
                Err(error) => Err(error),
            }
        })
    }

    fn begin_sql(
        _placement: &Placement,
        _tenant: TenantId,
        begin: Begin,
        _server_wall: bool,
    ) -> Option<SqlStr> {
        match begin {
            // One statement is a transaction of its own, and there is no setting to make.
            Begin::Statement(_) => None,
            Begin::Transaction(Access::Read) => Some("BEGIN DEFERRED".into_sql_str()),
            // Taking the write lock at once avoids the upgrade that fails when somebody else wrote in between.
            Begin::Transaction(Access::Write) => Some("BEGIN IMMEDIATE".into_sql_str()),
        }
    }

    // SQLITE_MAX_VARIABLE_NUMBER of the library as it is compiled.
    const MAX_VALUES: usize = 32_766;

    fn column<'r, T>(row: &'r SqliteRow, at: usize) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, Self> + sqlx::Type<Self>,
    {
        row.try_get(at)
    }

    fn is_null(row: &SqliteRow, at: usize) -> Result<bool, sqlx::Error> {
        row.try_get_raw(at).map(|value| value.is_null())
    }

    fn integer(row: &SqliteRow, at: usize) -> Result<i64, sqlx::Error> {
        row.try_get(at)
    }

    fn bind_integer(
        args: &mut SqliteArguments,
        number: i64,
    ) -> Result<(), sqlx::error::BoxDynError> {
        args.add(number)
    }

    fn affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }

    fn fetch_many<'c>(
        conn: &'c mut SqliteConnection,
        query: Scoped<Self>,
    ) -> BoxStream<'c, Step<Self>> {
        Executor::fetch_many(conn, query)
    }

    fn fetch_optional<'c>(
        conn: &'c mut SqliteConnection,
        query: Scoped<Self>,
    ) -> BoxFuture<'c, Result<Option<SqliteRow>, sqlx::Error>> {
        Executor::fetch_optional(conn, query)
    }

    fn prepare_with<'c>(
        conn: &'c mut SqliteConnection,
        sql: SqlStr,
        parameters: &'c [SqliteTypeInfo],
    ) -> BoxFuture<'c, Result<SqliteStatement, sqlx::Error>> {
        Executor::prepare_with(conn, sql, parameters)
    }

    fn describe<'c>(
        conn: &'c mut SqliteConnection,
        sql: SqlStr,
    ) -> BoxFuture<'c, Result<Describe<Self>, sqlx::Error>> {
        Executor::describe(conn, sql)
    }
}

/// The main database of a connection that attaches what it serves: empty and in memory, so that a name the file lacks is found
/// nowhere. By name, not by `in_memory(true)`: that flag would make what is attached a database in memory, too.
fn empty() -> SqliteConnectOptions {
    SqliteServer::options(Path::new(":memory:"))
}

/// Refuses a missing file (SQLite would create it when attaching) and a link to somewhere else.
fn ensure_regular_file(file: &Path, placement: &Placement) -> Result<()> {
    match std::fs::symlink_metadata(file) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(unreachable(
            placement,
            sqlx::Error::Io(std::io::Error::other("not a regular file")),
        )),
        Err(error) => Err(unreachable(placement, sqlx::Error::Io(error))),
    }
}

async fn attach(
    conn: &mut SqliteConnection,
    file: &Path,
    placement: &Placement,
    tenant: TenantId,
) -> Result<()> {
    let Some(path) = file.to_str() else {
        return Err(Error::Config(
            "the folder of a SQLite server must have a UTF-8 path".into(),
        ));
    };
    sqlx::query("ATTACH DATABASE $1 AS tenant")
        .bind(path)
        .execute(&mut *conn)
        .await
        .map_err(|error| unreachable(placement, error))?;
    conn.execute("PRAGMA tenant.synchronous = NORMAL")
        .await
        .map_err(|error| unreachable(placement, error))?;
    ensure_pin(conn, ATTACHED, placement, tenant).await
}

/// Refuses a file that says it is another tenant's, or nobody's: a restored backup, a copied file.
async fn ensure_pin(
    conn: &mut SqliteConnection,
    schema: &'static str,
    placement: &Placement,
    tenant: TenantId,
) -> Result<()> {
    let sql = format!("SELECT tenant_id FROM {schema}._tenancy_pin");
    let pins: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(conn)
        .await
        .map_err(|error| unreachable(placement, error))?;
    if pins == [tenant.to_string()] {
        Ok(())
    } else {
        Err(Error::WrongPin {
            what: session::place_name(placement),
        })
    }
}
