//! PostgreSQL: the settings of a transaction in one message, and connections that keep to one place.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx::postgres::{PgArguments, PgConnection, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection as _, Describe, Executor, Postgres, Row as _,
    SqlSafeStr as _, SqlStr, ValueRef as _,
};
use tenancy_core::{IdRepr, Isolation, Placement, TenantId, session};
use tenancy_sql::{Access, Catalog, Dialect, KeyType};

use super::{Begin, Step, TenantDb, depth, open, sealed, start_rollback};
use crate::statement::Scoped;
use crate::{Error, PgServer, Result};

impl sealed::Sealed for Postgres {}

impl TenantDb for Postgres {
    type Server = PgServer;

    // The tenant is a setting of the transaction.
    type Guard = ();

    const DIALECT: Dialect = Dialect::Postgres;

    // The server goes on with a dropped statement and its answer is still to come.
    const RESET_AFTER_DROPPED_STATEMENT: bool = true;

    const FAILED_STATEMENT_FAILS_TRANSACTION: bool = true;

    fn bind_tenant(args: &mut PgArguments, tenant: TenantId, key_type: KeyType) -> Result<()> {
        let added = match (tenant.repr(), key_type) {
            (IdRepr::Uuid(id), KeyType::Uuid) => args.add(id),
            (IdRepr::Uuid(id), KeyType::Blob) => args.add(&id.as_bytes()[..]),
            (IdRepr::Integer(id), KeyType::Integer) => args.add(id),
            (IdRepr::Text(id), KeyType::Text) => args.add(id),
            (IdRepr::Uuid(_) | IdRepr::Integer(_), KeyType::Text) => args.add(tenant.to_string()),
            _ => return Err(Error::KeyType { key_type }),
        };
        added.map_err(|error| sqlx::Error::Encode(error).into())
    }

    fn connect<'a>(
        server: &'a PgServer,
        placement: &'a Placement,
        _tenant: TenantId,
        _catalog: &'a Catalog,
        server_wall: bool,
    ) -> BoxFuture<'a, Result<(PgConnection, ())>> {
        Box::pin(async move {
            let mut options = server.options_for(placement);
            if !server_wall {
                // Only tests come here: the owner, who bypasses every policy and grant.
                let admin = server.admin_options()?.clone();
                options = match (placement.isolation(), placement.name()) {
                    (Isolation::Database, Some(name)) => admin.database(name),
                    _ => admin,
                };
            }
            Ok((open(&options, placement).await?, ()))
        })
    }

    fn can_take_over(from: &Placement, to: &Placement) -> bool {
        session::postgres_can_turn(from, to)
    }

    fn take_over<'a>(
        conn: &'a mut PgConnection,
        _server: &'a PgServer,
        _placement: &'a Placement,
        _tenant: TenantId,
        _key_type: KeyType,
    ) -> BoxFuture<'a, Result<()>> {
        // Prepared statements and type ids are cached by text and name, which mean something else in another schema.
        Box::pin(async move { Ok(conn.clear_cached_statements().await?) })
    }

    fn reset(conn: &mut PgConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        static NONCE: AtomicU64 = AtomicU64::new(1);
        Box::pin(async move {
            while depth::<Postgres>(conn) > 0 {
                start_rollback::<Postgres>(conn);
            }
            // Reads whatever is still to come, and ends a transaction that sqlx does not know of: a cancelled `BEGIN`.
            conn.execute("ROLLBACK").await?;
            // The answer to this very question proves that questions and answers are in step again.
            let nonce = NONCE.fetch_add(1, Ordering::Relaxed).cast_signed();
            let echo = conn
                .fetch_one(AssertSqlSafe(format!("SELECT {nonce}::int8")))
                .await?;
            if echo.try_get_unchecked::<i64, _>(0)? == nonce {
                Ok(())
            } else {
                Err(sqlx::Error::Protocol(
                    "the connection answered another question".into(),
                ))
            }
        })
    }

    fn drain(_conn: &mut PgConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        // Not needed: a dropped statement has the connection reset.
        Box::pin(async { Ok(()) })
    }

    fn settle(conn: &mut PgConnection) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        // In a failed transaction any statement fails; `COMMIT` alone would report success.
        Box::pin(async move { conn.execute("SELECT 1").await.map(drop) })
    }

    fn begin_sql(
        placement: &Placement,
        tenant: TenantId,
        begin: Begin,
        server_wall: bool,
    ) -> Option<SqlStr> {
        let read_only = begin.access() == Access::Read;
        let sql = session::postgres_begin(placement, tenant, read_only, server_wall);
        Some(AssertSqlSafe(sql).into_sql_str())
    }

    // The message that binds counts them in 16 bits.
    const MAX_VALUES: usize = 65_535;

    fn column<'r, T>(row: &'r PgRow, at: usize) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, Self> + sqlx::Type<Self>,
    {
        row.try_get(at)
    }

    fn is_null(row: &PgRow, at: usize) -> Result<bool, sqlx::Error> {
        row.try_get_raw(at).map(|value| value.is_null())
    }

    fn integer(row: &PgRow, at: usize) -> Result<i64, sqlx::Error> {
        row.try_get(at)
    }

    fn bind_integer(args: &mut PgArguments, number: i64) -> Result<(), sqlx::error::BoxDynError> {
        args.add(number)
    }

    fn affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }

    fn fetch_many<'c>(
        conn: &'c mut PgConnection,
        query: Scoped<Self>,
    ) -> BoxStream<'c, Step<Self>> {
        Executor::fetch_many(conn, query)
    }

    fn fetch_optional<'c>(
        conn: &'c mut PgConnection,
        query: Scoped<Self>,
    ) -> BoxFuture<'c, Result<Option<PgRow>, sqlx::Error>> {
        Executor::fetch_optional(conn, query)
    }

    fn prepare_with<'c>(
        conn: &'c mut PgConnection,
        sql: SqlStr,
        parameters: &'c [PgTypeInfo],
    ) -> BoxFuture<'c, Result<PgStatement, sqlx::Error>> {
        Executor::prepare_with(conn, sql, parameters)
    }

    fn describe<'c>(
        conn: &'c mut PgConnection,
        sql: SqlStr,
    ) -> BoxFuture<'c, Result<Describe<Self>, sqlx::Error>> {
        Executor::describe(conn, sql)
    }
}
