//! SQLite: two databases in memory.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _, TypeInfo as _,
    ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow},
};
use tenancy_sql::Dialect;

use super::{
    answer::{Answer, real},
    engine::{Bind, Engine, Side},
    tables::Table,
};

/// How many thousand steps of SQLite's machine a statement that is not confined may take.
const PATIENCE: i64 = 2_000;

/// See the module.
pub(crate) struct Sqlite {
    baseline: SqliteConnection,
    shared: SqliteConnection,
    patience: Arc<AtomicI64>,
}

impl Sqlite {
    pub(crate) async fn open() -> Result<Self, String> {
        let (baseline, shared) = (connect().await?, connect().await?);
        let mut engine = Self {
            baseline,
            shared,
            patience: Arc::new(AtomicI64::new(i64::MAX)),
        };
        engine.limit().await?;
        Ok(engine)
    }

    /// Lets a statement on the shared side end early.
    async fn limit(&mut self) -> Result<(), String> {
        let patience = Arc::clone(&self.patience);
        let mut handle = self.shared.lock_handle().await.map_err(text)?;
        handle.set_progress_handler(1_000, move || patience.fetch_sub(1, Ordering::Relaxed) > 0);
        Ok(())
    }

    fn connection(&mut self, side: Side) -> &mut SqliteConnection {
        let (connection, patience) = match side {
            Side::Baseline => (&mut self.baseline, i64::MAX),
            Side::Shared => (&mut self.shared, i64::MAX),
            Side::Unconfined => (&mut self.shared, PATIENCE),
        };
        self.patience.store(patience, Ordering::Relaxed);
        connection
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the oracle looks at what the engine does by itself"
)]
async fn connect() -> Result<SqliteConnection, String> {
    SqliteConnection::connect_with(&SqliteConnectOptions::new())
        .await
        .map_err(text)
}

impl Engine for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;
    const NAME: &'static str = "sqlite";

    fn took_too_long(_: &str) -> bool {
        false
    }

    async fn clear(&mut self) -> Result<(), String> {
        self.baseline = connect().await?;
        self.shared = connect().await?;
        self.limit().await
    }

    async fn run(&mut self, side: Side, script: &str) -> Result<(), String> {
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(self.connection(side))
            .await
            .map(drop)
            .map_err(text)
    }

    async fn ask(
        &mut self,
        side: Side,
        sql: &str,
        binds: &[Bind],
        most: usize,
    ) -> Result<Answer, String> {
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        for bind in binds {
            query = match bind {
                Bind::Int(value) => query.bind(*value),
                Bind::Real(value) => query.bind(*value),
                Bind::Text(value) => query.bind(value.as_str()),
            };
        }
        let mut answer = Answer::default();
        let mut stream = self.connection(side).fetch_many(query);
        while let Some(item) = stream.try_next().await.map_err(text)? {
            match item {
                Either::Left(done) => answer.affected += done.rows_affected(),
                Either::Right(row) => answer.rows.push(values(&row).map_err(text)?),
            }
            if answer.rows.len() > most {
                break;
            }
        }
        Ok(answer)
    }

    async fn ask_reordered(
        &mut self,
        sql: &str,
        binds: &[Bind],
        tables: &[Table],
    ) -> Result<Vec<Answer>, String> {
        let mut answers = self.ask_copies("main", sql, binds, tables).await?;
        self.run(Side::Baseline, "PRAGMA reverse_unordered_selects = ON")
            .await?;
        let reversed = self.ask(Side::Baseline, sql, binds, usize::MAX).await;
        self.run(Side::Baseline, "PRAGMA reverse_unordered_selects = OFF")
            .await?;
        answers.push(reversed?);
        Ok(answers)
    }
}

fn values(row: &SqliteRow) -> Result<Vec<String>, sqlx::Error> {
    row.columns()
        .iter()
        .map(|column| {
            let at = column.ordinal();
            let kind = row.try_get_raw(at)?;
            if kind.is_null() {
                return Ok("NULL".to_owned());
            }
            Ok(match kind.type_info().name() {
                "INTEGER" => row.try_get_unchecked::<i64, _>(at)?.to_string(),
                "REAL" => real(row.try_get_unchecked(at)?),
                "TEXT" => format!("'{}'", row.try_get_unchecked::<&str, _>(at)?),
                _ => format!("{:x?}", row.try_get_unchecked::<&[u8], _>(at)?),
            })
        })
        .collect()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn text(error: sqlx::Error) -> String {
    error.to_string()
}
