//! The registry in a SQLite file, `registry.db`.

#![expect(
    clippy::disallowed_methods,
    reason = "the control plane is no tenant's: a small pool of its own, and transactions begun in a task"
)]

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, Sqlite,
    Transaction, TypeInfo as _, ValueRef as _,
};
use tokio::time::Instant;

use super::{
    Hints, LOCK_PATIENCE, Lock, Row, Store, StoreTx, Value, migrations, migrator, number_of,
};
use crate::Result;

const MAX_CONNECTIONS: u32 = 4;

/// How often a file is asked whether another process wrote into it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many lock files there are; names share them, which at worst makes strangers wait for each other.
const LOCK_FILES: i64 = 64;

#[derive(Debug)]
pub(in super::super) struct SqliteStore {
    pool: SqlitePool,
    options: SqliteConnectOptions,
    folder: PathBuf,
}

impl SqliteStore {
    pub(in super::super) fn new(folder: PathBuf) -> Self {
        // FULL: a tenant that was suspended stays suspended when the power fails.
        let options = SqliteConnectOptions::new()
            .filename(folder.join("registry.db"))
            .create_if_missing(false)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "OFF");
        Self {
            pool: SqlitePoolOptions::new()
                .max_connections(MAX_CONNECTIONS)
                .acquire_timeout(Duration::from_secs(5))
                .connect_lazy_with(options.clone()),
            options,
            folder,
        }
    }
}

impl Store for SqliteStore {
    fn migrate(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            tokio::fs::create_dir_all(&self.folder)
                .await
                .map_err(sqlx::Error::Io)?;
            let migrator = migrator(&migrations!("sqlite"), "_sqlx_migrations");
            let mut conn = self
                .options
                .clone()
                .create_if_missing(true)
                .connect()
                .await?;
            let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
            migrator
                .run_direct(None, &mut *tx, false)
                .await
                .map_err(sqlx::Error::from)?;
            sqlx::query("INSERT INTO registry (id) VALUES ($1) ON CONFLICT DO NOTHING")
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
            // In a task of its own, as on PostgreSQL: a dropped `BEGIN` is finished and then rolled back.
            // IMMEDIATE: the upgrade of a reader to a writer fails when somebody else wrote in between.
            let begun = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await });
            let tx = begun.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
            Ok(Box::new(SqliteTx(tx)) as Box<dyn StoreTx>)
        })
    }

    fn lock<'a>(&'a self, name: &'a str) -> BoxFuture<'a, sqlx::Result<Option<Lock>>> {
        Box::pin(async move {
            // The operating system lets a file's lock go when its holder dies. The files stay: removing one that somebody
            // else has just opened would let two in.
            let folder = self.folder.join("locks");
            let path = folder.join(format!("{:02}", number_of(name).rem_euclid(LOCK_FILES)));
            let give_up = Instant::now() + LOCK_PATIENCE;
            loop {
                let (folder, path) = (folder.clone(), path.clone());
                let attempt = tokio::task::spawn_blocking(move || {
                    std::fs::create_dir_all(folder)?;
                    let file = File::options().create(true).append(true).open(path)?;
                    match file.try_lock() {
                        Ok(()) => Ok(Some(file)),
                        Err(TryLockError::WouldBlock) => Ok(None),
                        Err(TryLockError::Error(error)) => Err(error),
                    }
                });
                let attempt = attempt.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
                if let Some(file) = attempt.map_err(sqlx::Error::Io)? {
                    return Ok(Some(Lock::held(file)));
                }
                if Instant::now() >= give_up {
                    return Ok(None);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    }

    fn hints(&self) -> BoxFuture<'_, sqlx::Result<Option<Box<dyn Hints>>>> {
        Box::pin(async move {
            let mut conn = self.options.connect().await?;
            let seen = version(&mut conn).await?;
            Ok(Some(Box::new(SqliteHints { conn, seen }) as Box<dyn Hints>))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}

/// Nothing announces what another process writes into a file, but one question, which the file's first pages answer, tells
/// whether somebody did.
struct SqliteHints {
    conn: SqliteConnection,
    seen: i64,
}

impl Hints for SqliteHints {
    fn next(&mut self) -> BoxFuture<'_, sqlx::Result<()>> {
        Box::pin(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let version = version(&mut self.conn).await?;
                if version != self.seen {
                    self.seen = version;
                    return Ok(());
                }
            }
        })
    }
}

/// Another number whenever another connection, of whatever process, has committed: <https://sqlite.org/pragma.html#pragma_data_version>.
async fn version(conn: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(conn)
        .await
}

struct SqliteTx(Transaction<'static, Sqlite>);

impl StoreTx for SqliteTx {
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

fn bound(sql: &'static str, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let sql = AssertSqlSafe(sql.replace("tenancy.", ""));
    values
        .into_iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Null => query.bind(None::<String>),
            Value::Int(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        })
}

fn rows(rows: &[SqliteRow]) -> sqlx::Result<Vec<Row>> {
    rows.iter()
        .map(|row| {
            let values = row.columns().iter().map(|column| {
                let index = column.ordinal();
                let raw = row.try_get_raw(index)?;
                if raw.is_null() {
                    return Ok(Value::Null);
                }
                // The value's own type: the result of an expression has no declared one.
                match raw.type_info().name() {
                    "INTEGER" => row.try_get_unchecked(index).map(Value::Int),
                    "BLOB" => row.try_get_unchecked(index).map(Value::Bytes),
                    _ => row.try_get_unchecked(index).map(Value::Text),
                }
            });
            Ok(Row::new(values.collect::<sqlx::Result<_>>()?))
        })
        .collect()
}
