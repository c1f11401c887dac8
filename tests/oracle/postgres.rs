//! PostgreSQL: two schemas of one database, each the only one that a session sees.

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Either, Executor as _, Row as _, TypeInfo as _,
    ValueRef as _,
    postgres::{PgConnectOptions, PgConnection, PgRow},
};
use tenancy_sql::Dialect;
use tenancy_testkit::{PgCluster, PgDatabase};

use super::{
    answer::{Answer, real},
    engine::{Bind, Engine, Side},
    tables::Table,
};

/// How long a statement that is not confined may take, in milliseconds.
const SHORT: &str = "200";

/// How long any other may take. Joins of more than thirty tables are the ones that take longer on shared tables, however the
/// tenant is written into them: the planner, which guesses at tens of tables of ten rows, guesses wrong.
const LONG: &str = "3000";

/// See the module.
pub(crate) struct Postgres {
    baseline: PgConnection,
    shared: PgConnection,
    unconfined: PgConnection,
    // The last field: its sessions end first.
    _database: PgDatabase,
}

impl Postgres {
    /// Two schemas, in which a statement may take three seconds.
    pub(crate) async fn open() -> Result<Self, String> {
        Self::with_patience(LONG).await
    }

    /// Two schemas, in which a statement may take so many milliseconds.
    pub(crate) async fn with_patience(patience: &str) -> Result<Self, String> {
        let cluster = PgCluster::shared()
            .await
            .map_err(|error| error.to_string())?;
        let database = cluster
            .database()
            .await
            .map_err(|error| error.to_string())?;
        let connect = |schema, patience| {
            connect(database.admin_options().options([
                ("search_path", schema),
                ("statement_timeout", patience),
                // A query of a few rows that the planner takes for a long one would be compiled for most of its time.
                ("jit", "off"),
            ]))
        };
        Ok(Self {
            baseline: connect("baseline", patience).await?,
            shared: connect("shared", patience).await?,
            unconfined: connect("shared", SHORT).await?,
            _database: database,
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the oracle looks at what the engine does by itself"
)]
async fn connect(options: PgConnectOptions) -> Result<PgConnection, String> {
    PgConnection::connect_with(&options).await.map_err(text)
}

impl Engine for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;
    const NAME: &'static str = "postgresql";

    fn took_too_long(error: &str) -> bool {
        error.contains("statement timeout")
    }

    async fn clear(&mut self) -> Result<(), String> {
        for (side, schema) in [(Side::Baseline, "baseline"), (Side::Shared, "shared")] {
            let script = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
            self.run(side, &script).await?;
        }
        Ok(())
    }

    async fn run(&mut self, side: Side, script: &str) -> Result<(), String> {
        let connection = match side {
            Side::Baseline => &mut self.baseline,
            Side::Shared => &mut self.shared,
            Side::Unconfined => &mut self.unconfined,
        };
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(connection)
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
        let connection = match side {
            Side::Baseline => &mut self.baseline,
            Side::Shared => &mut self.shared,
            Side::Unconfined => &mut self.unconfined,
        };
        let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
        for bind in binds {
            query = match bind {
                Bind::Int(value) => query.bind(*value),
                Bind::Real(value) => query.bind(*value),
                Bind::Text(value) => query.bind(value.as_str()),
            };
        }
        let mut answer = Answer::default();
        let mut stream = connection.fetch_many(query);
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
        self.ask_copies("baseline", sql, binds, tables).await
    }
}

fn values(row: &PgRow) -> Result<Vec<String>, sqlx::Error> {
    row.columns()
        .iter()
        .map(|column| {
            let at = column.ordinal();
            let value = row.try_get_raw(at)?;
            if value.is_null() {
                return Ok("NULL".to_owned());
            }
            Ok(match value.type_info().name() {
                "INT2" => format!("{}i2", row.try_get::<i16, _>(at)?),
                "INT4" => format!("{}i4", row.try_get::<i32, _>(at)?),
                "INT8" => row.try_get::<i64, _>(at)?.to_string(),
                "FLOAT8" => real(row.try_get(at)?),
                "FLOAT4" => real(row.try_get::<f32, _>(at)?.into()),
                "TEXT" | "VARCHAR" => format!("'{}'", row.try_get::<&str, _>(at)?),
                other => {
                    let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?;
                    format!("{other} {bytes:x?}")
                }
            })
        })
        .collect()
}

fn text(error: sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
