//! What taking jobs out costs: it must not grow with the backlog. Counted in rows and plans, not in time.

use std::sync::Arc;

use sqlx::{Connection as _, PgConnection};
use tenancy_testkit::{PgCluster, TempFolder};

use super::*;

const CLAIM: Claim<'static> = Claim {
    queue: "default",
    worker: "w",
    most: 10,
    lease: Duration::from_secs(60),
};

/// One tenant with this many jobs, a hundred others with ten.
const FILL: &str = "\
INSERT INTO jobs (id, queue, tenant, run_at, max_attempts, name, version, body, signer, mark, created_at, changed_at)
SELECT 'heavy-' || n, 'default', 'heavy', n, 10, 'x', 1, '', '', MARK, 0, 0 FROM numbers
UNION ALL
SELECT 'light-' || n, 'default', 'light-' || (n % 100), n, 10, 'x', 1, '', '', MARK, 0, 0 FROM numbers WHERE n <= 1000";

async fn tenants_of(store: &dyn Store) -> Vec<String> {
    let claimed = store.claim(&CLAIM).await.unwrap();
    claimed.into_iter().map(|row| row.job.tenant).collect()
}

#[tokio::test]
async fn two_hundred_thousand_jobs_of_one_tenant_are_not_read_on_postgres() {
    let cluster = PgCluster::shared().await.unwrap();
    let database = cluster.database().await.unwrap();
    let store = PgStore::new(database.admin_options(), 1);
    store.migrate().await.unwrap();
    store.open_queue("default").await.unwrap();
    let mut conn = PgConnection::connect_with(
        &database
            .admin_options()
            .options([("search_path", "tenancy_jobs")]),
    )
    .await
    .unwrap();
    sqlx::raw_sql("CREATE TEMP TABLE numbers AS SELECT generate_series(1, 200000)::bigint AS n")
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(FILL.replace("MARK", "'x'::bytea")))
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::raw_sql("ANALYZE jobs")
        .execute(&mut conn)
        .await
        .unwrap();

    let first = tenants_of(&store).await;
    assert_eq!(first.len(), 10);
    assert_eq!(first.iter().filter(|tenant| *tenant == "heavy").count(), 1);
    // The statement's own count of rows, with everything in it.
    let text = postgres::CLAIM
        .replace("$1", "'default'")
        .replace("$2", "10::bigint");
    let text = text.replace("$3", "'w'").replace("$4", "60000::bigint");
    let plan: serde_json::Value = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}"
    )))
    .fetch_one(&mut conn)
    .await
    .unwrap();
    let mut read = 0.0;
    count(&plan, &mut read);
    assert!(read < 5_000.0, "{read} rows were looked at");
}

/// Rows that came out of scans or were filtered away in them.
fn count(plan: &serde_json::Value, read: &mut f64) {
    match plan {
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| count(part, read)),
        serde_json::Value::Object(node) => {
            let number = |key: &str| {
                node.get(key)
                    .and_then(serde_json::Value::as_f64)
                    .unwrap_or(0.0)
            };
            let is_scan = node
                .get("Node Type")
                .and_then(|kind| kind.as_str())
                .is_some_and(|kind| kind.contains("Scan"));
            if is_scan && node.contains_key("Relation Name") {
                let rows = number("Actual Rows") + number("Rows Removed by Filter");
                *read += rows * number("Actual Loops");
            }
            node.values().for_each(|value| count(value, read));
        }
        _ => {}
    }
}

#[tokio::test]
async fn nor_on_sqlite() {
    let folder = Arc::new(TempFolder::new().unwrap());
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("jobs.db"));
    let store = SqliteStore::new(file.clone());
    store.migrate().await.unwrap();
    store.open_queue("default").await.unwrap();
    let mut conn = sqlx::SqliteConnection::connect_with(&file).await.unwrap();
    let fill = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) {}",
        FILL.split_once('\n').unwrap().1
    );
    let fill = format!("{} {fill}", FILL.split_once('\n').unwrap().0);
    let fill = fill.replace("MARK", "x'00'");
    sqlx::query(sqlx::AssertSqlSafe(fill))
        .execute(&mut conn)
        .await
        .unwrap();

    let first = tenants_of(&store).await;
    assert_eq!(first.len(), 10);
    assert_eq!(first.iter().filter(|tenant| *tenant == "heavy").count(), 1);
    for sql in [sqlite::TURNS, sqlite::FIRST] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
                .fetch_all(&mut conn)
                .await
                .unwrap();
        let of_jobs: Vec<_> = plan
            .iter()
            .map(|step| step.3.as_str())
            .filter(|step| step.contains("jobs_") || step.contains(" jobs"))
            .collect();
        assert!(!of_jobs.is_empty());
        for step in of_jobs {
            assert!(
                step.starts_with("SEARCH") && step.contains("INDEX jobs_"),
                "{step}"
            );
        }
    }
}
