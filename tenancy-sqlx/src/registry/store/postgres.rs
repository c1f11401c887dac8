//! The registry in a schema of a PostgreSQL database.

#![expect(
    clippy::disallowed_methods,
    reason = "the control plane is no tenant's: a small pool of its own, and transactions begun in a task"
)]

use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::postgres::{
    PgArguments, PgConnectOptions, PgListener, PgPool, PgPoolOptions, PgRow, PgTypeInfo,
};
use sqlx::query::Query;
use sqlx::{
    Column as _, ConnectOptions as _, Connection as _, Postgres, Row as _, Transaction,
    TypeInfo as _, ValueRef as _,
};

use super::{
    Hints, LOCK_PATIENCE, Lock, Row, Store, StoreTx, Value, migrations, migrator, number_of,
};
use crate::Result;

/// More would not help: lookups are cached, and changes of the registry wait for each other anyway.
const MAX_CONNECTIONS: u32 = 4;

/// The channel on which changes are announced; the payload is the tenant's id.
const CHANNEL: &str = "tenancy_registry";

#[derive(Debug)]
pub(in super::super) struct PgStore {
    pool: PgPool,
    options: PgConnectOptions,
}

impl PgStore {
    pub(in super::super) fn new(options: PgConnectOptions) -> Self {
        Self {
            pool: PgPoolOptions::new()
                .max_connections(MAX_CONNECTIONS)
                .acquire_timeout(Duration::from_secs(5))
                .connect_lazy_with(options.clone()),
            options,
        }
    }
}

impl Store for PgStore {
    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let migrator = migrator(&migrations!("postgres"), "tenancy._sqlx_migrations");
            let mut conn = self.options.connect().await?;
            let mut tx = conn.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(number_of("tenancy registry migration"))
                .execute(&mut *tx)
                .await?;
            sqlx::query("CREATE SCHEMA IF NOT EXISTS tenancy")
                .execute(&mut *tx)
                .await?;
            migrator
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(sqlx::Error::from)?;
            sqlx::query("INSERT INTO tenancy.registry (id) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(uuid::Uuid::new_v4().simple().to_string())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            conn.close().await?;
            Ok(())
        })
    }

    fn fetch(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> BoxFuture<'_, sqlx::Result<Vec<Row>>> {
        Box::pin(async move { rows(&bound(sql, values).fetch_all(&self.pool).await?) })
    }

    fn begin(&self) -> BoxFuture<'_, sqlx::Result<Box<dyn StoreTx>>> {
        let pool = self.pool.clone();
        Box::pin(async move {
            // In a task of its own: a `BEGIN` whose future is dropped on the way would leave its connection inside a
            // transaction that nobody knows of (sqlx issue 4385).
            let begun = tokio::spawn(async move { pool.begin().await });
            let tx = begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
            Ok(Box::new(PgTx(tx)) as Box<dyn StoreTx>)
        })
    }

    fn lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, sqlx::Result<Option<Lock>>> {
        Box::pin(async move {
            // A connection of its own: waiting for a lock must not take one of the pool's few.
            let mut conn = self.options.connect().await?;
            let locked = sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
                "BEGIN; SET LOCAL lock_timeout = {wait}; SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SELECT pg_advisory_xact_lock({number})",
                wait = LOCK_PATIENCE.as_millis(),
                number = number_of(name),
            )))
            .execute(&mut conn)
            .await;
            match locked {
                // The transaction ends when the connection is dropped.
                Ok(_) => Ok(Some(Lock::held(conn))),
                // lock_not_available
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03") => {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn hints(&self) -> BoxFuture<'_, sqlx::Result<Option<Box<dyn Hints>>>> {
        Box::pin(async move {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .connect_with(self.options.clone())
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            Ok(Some(Box::new(PgHints(listener)) as Box<dyn Hints>))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

struct PgTx(Transaction<'static, Postgres>);

impl StoreTx for PgTx {
    fn fetch(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> BoxFuture<'_, sqlx::Result<Vec<Row>>> {
        Box::pin(async move { rows(&bound(sql, values).fetch_all(&mut *self.0).await?) })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, sqlx::Result<()>> {
        Box::pin(self.0.commit())
    }
}

struct PgHints(PgListener);

impl Hints for PgHints {
    fn next(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        // `None` is a lost connection: something may have been announced meanwhile, which is a hint too.
        Box::pin(async move { self.0.try_recv().await.map(drop) })
    }
}

fn bound(sql: &'static str, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values
        .into_iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Null => query.bind(None::<String>),
            Value::Int(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        })
}

fn rows(rows: &[PgRow]) -> sqlx::Result<Vec<Row>> {
    rows.iter()
        .map(|row| {
            let values = row.columns().iter().map(|column| {
                let index = column.ordinal();
                if row.try_get_raw(index)?.is_null() {
                    return Ok(Value::Null);
                }
                let kind: &PgTypeInfo = column.type_info();
                match kind.name() {
                    "INT8" => row.try_get(index).map(Value::Int),
                    "INT4" => row.try_get::<i32, _>(index).map(|n| Value::Int(n.into())),
                    "BYTEA" => row.try_get(index).map(Value::Bytes),
                    _ => row.try_get(index).map(Value::Text),
                }
            });
            Ok(Row::new(values.collect::<sqlx::Result<_>>()?))
        })
        .collect()
}
