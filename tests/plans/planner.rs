//! A throw-away database, and the plans its server makes.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, postgres::PgConnection};
use tenancy_testkit::{PgCluster, PgDatabase};

/// With the values of the parameters in the plan, or for any values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Custom,
    Generic,
}

impl Mode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Generic => "generic",
        }
    }
}

/// See the module.
pub(super) struct Planner {
    connection: PgConnection,
    // The last field: its session ends first.
    _database: PgDatabase,
}

impl Planner {
    pub(super) async fn open() -> Result<Self, String> {
        let cluster = PgCluster::shared()
            .await
            .map_err(|error| error.to_string())?;
        let database = cluster
            .database()
            .await
            .map_err(|error| error.to_string())?;
        let options = database.admin_options().options([("jit", "off")]);
        #[expect(
            clippy::disallowed_methods,
            reason = "asks the server for plans, not for rows of a tenant"
        )]
        let connection = PgConnection::connect_with(&options).await.map_err(text)?;
        Ok(Self {
            connection,
            _database: database,
        })
    }

    /// Runs a script.
    pub(super) async fn run(&mut self, script: &str) -> Result<(), String> {
        sqlx::raw_sql(AssertSqlSafe(script))
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(text)
    }

    /// The plan's topmost node. The arguments are SQL literals; nothing is executed.
    pub(super) async fn plan(
        &mut self,
        sql: &str,
        arguments: &str,
        mode: Mode,
    ) -> Result<Value, String> {
        let mode = mode.as_str();
        self.run(&format!(
            "SET plan_cache_mode = force_{mode}_plan; PREPARE planned AS {sql}"
        ))
        .await?;
        let execute = match arguments {
            "" => "EXECUTE planned".to_owned(),
            _ => format!("EXECUTE planned ({arguments})"),
        };
        let explain = format!("EXPLAIN (FORMAT JSON, VERBOSE) {execute}");
        let answer = self
            .connection
            .fetch_one(sqlx::raw_sql(AssertSqlSafe(explain)))
            .await
            .map_err(text);
        self.run("DEALLOCATE planned").await?;
        let json: String = answer?.try_get_unchecked(0).map_err(text)?;
        let mut json: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        match json.pointer_mut("/0/Plan") {
            Some(plan) => Ok(plan.take()),
            None => Err("the server's answer is no plan".to_owned()),
        }
    }
}

fn text(error: sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        other => other.to_string(),
    }
}
