//! The two engines, each with two databases: with neighbours, and the tenant alone. What a statement does is looked at and then
//! taken back.

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Executor as _, Row as _, TypeInfo as _, ValueRef as _,
    postgres::{PgConnection, PgRow, PgValueFormat},
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow},
};
use tenancy_testkit::{PgCluster, PgDatabase};

use super::world::{OURS, TABLES, script};

/// Everything that can be seen of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its rows in any order, and how many it wrote; or that it failed.
    pub(super) answer: Result<(Vec<Vec<String>>, u64), String>,
    /// The tenant's rows afterwards.
    pub(super) own: Vec<Vec<String>>,
    /// Everybody else's.
    pub(super) others: Vec<Vec<String>>,
}

pub(super) trait Engine {
    /// Runs a statement on one side, looks, and takes it back.
    async fn look(&mut self, neighbours: bool, sql: &str, binds_tenant: bool) -> Seen;
}

fn rows_of(ours: bool) -> String {
    let sign = if ours { "=" } else { "<>" };
    let table = |name: &&str| {
        format!(
            "SELECT '{name}', CAST(t.tenant_id AS TEXT), (SELECT count(*) FROM {name} WHERE tenant_id {sign} {OURS}), * FROM {name} t WHERE tenant_id {sign} {OURS}"
        )
    };
    TABLES.iter().map(table).collect::<Vec<_>>().join(";")
}

pub(super) struct Postgres {
    pub(super) shared: PgConnection,
    alone: PgConnection,
    _databases: [PgDatabase; 2],
}

impl Postgres {
    pub(super) async fn open() -> Self {
        let cluster = PgCluster::shared().await.unwrap();
        let open = async |neighbours| {
            let database = cluster.database().await.unwrap();
            let mut connection = PgConnection::connect_with(&database.admin_options())
                .await
                .unwrap();
            postgres(&mut connection, &script(neighbours))
                .await
                .unwrap();
            (connection, database)
        };
        let (shared, first) = open(true).await;
        let (alone, second) = open(false).await;
        Self {
            shared,
            alone,
            _databases: [first, second],
        }
    }
}

/// Runs a script and reads every row as the text that the server writes.
pub(super) async fn postgres(
    connection: &mut PgConnection,
    script: &str,
) -> Result<(Vec<Vec<String>>, u64), String> {
    let values = |row: &PgRow| {
        (0..row.len())
            .map(|at| {
                let value = row.try_get_raw(at).unwrap();
                assert_eq!(value.format(), PgValueFormat::Text);
                if value.is_null() {
                    "NULL".to_owned()
                } else {
                    value.as_str().unwrap().to_owned()
                }
            })
            .collect()
    };
    let mut stream = sqlx::raw_sql(AssertSqlSafe(script)).fetch_many(connection);
    let (mut rows, mut affected) = (Vec::new(), 0);
    while let Some(item) = stream.try_next().await.map_err(|error| error.to_string())? {
        match item {
            Either::Left(done) => affected += done.rows_affected(),
            Either::Right(row) => rows.push(values(&row)),
        }
    }
    rows.sort_unstable();
    Ok((rows, affected))
}

impl Engine for Postgres {
    async fn look(&mut self, neighbours: bool, sql: &str, binds_tenant: bool) -> Seen {
        let connection = if neighbours {
            &mut self.shared
        } else {
            &mut self.alone
        };
        postgres(connection, "BEGIN").await.unwrap();
        let execute = if binds_tenant {
            format!("EXECUTE attack({OURS})")
        } else {
            "EXECUTE attack".into()
        };
        let answer = match postgres(
            connection,
            &format!("SAVEPOINT before; PREPARE attack AS {sql}"),
        )
        .await
        {
            Ok(_) => postgres(connection, &execute).await,
            Err(error) => Err(error),
        };
        if answer.is_err() {
            postgres(connection, "ROLLBACK TO before").await.unwrap();
        }
        let own = postgres(connection, &rows_of(true)).await.unwrap().0;
        let others = postgres(connection, &rows_of(false)).await.unwrap().0;
        postgres(connection, "ROLLBACK; DEALLOCATE ALL")
            .await
            .unwrap();
        Seen {
            answer,
            own,
            others,
        }
    }
}

pub(super) struct Sqlite {
    shared: SqliteConnection,
    alone: SqliteConnection,
}

impl Sqlite {
    pub(super) async fn open() -> Self {
        let open = async |neighbours| {
            let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new())
                .await
                .unwrap();
            sqlx::raw_sql(AssertSqlSafe(script(neighbours)))
                .execute(&mut connection)
                .await
                .unwrap();
            connection
        };
        Self {
            shared: open(true).await,
            alone: open(false).await,
        }
    }
}

async fn sqlite(
    connection: &mut SqliteConnection,
    sql: &str,
    binds_tenant: bool,
) -> Result<(Vec<Vec<String>>, u64), String> {
    let values = |row: &SqliteRow| {
        (0..row.len())
            .map(|at| {
                let value = row.try_get_raw(at).unwrap();
                let kind = value.type_info().name().to_owned();
                match &*kind {
                    _ if value.is_null() => "NULL".into(),
                    "INTEGER" | "BOOLEAN" => row.get_unchecked::<i64, _>(at).to_string(),
                    "REAL" => row.get_unchecked::<f64, _>(at).to_string(),
                    "TEXT" => row.get_unchecked::<String, _>(at),
                    _ => format!("{:?}", row.get_unchecked::<Vec<u8>, _>(at)),
                }
            })
            .collect()
    };
    let mut query = sqlx::query(AssertSqlSafe(sql));
    if binds_tenant {
        query = query.bind(OURS);
    }
    let mut stream = connection.fetch_many(query);
    let mut rows: Vec<Vec<String>> = Vec::new();
    while let Some(item) = stream.try_next().await.map_err(|error| error.to_string())? {
        // How many rows were written is said of a read, too, and is then an earlier statement's.
        if let Either::Right(row) = item {
            rows.push(values(&row));
        }
    }
    rows.sort_unstable();
    Ok((rows, 0))
}

impl Engine for Sqlite {
    async fn look(&mut self, neighbours: bool, sql: &str, binds_tenant: bool) -> Seen {
        let connection = if neighbours {
            &mut self.shared
        } else {
            &mut self.alone
        };
        sqlite(connection, "BEGIN", false).await.unwrap();
        let answer = sqlite(connection, sql, binds_tenant).await;
        let mut sides = [Vec::new(), Vec::new()];
        for (side, ours) in sides.iter_mut().zip([true, false]) {
            for look in rows_of(ours).split(';') {
                side.extend(sqlite(connection, look, false).await.unwrap().0);
            }
        }
        let [own, others] = sides;
        sqlite(connection, "ROLLBACK", false).await.unwrap();
        Seen {
            answer,
            own,
            others,
        }
    }
}
