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
    let first = tenants_of(&store).await;
    assert_eq!(first.len(), 10);
    assert_eq!(first.iter().filter(|tenant| *tenant == "heavy").count(), 1);
    // The statement's own count of rows, with everything in it: while the planner knows nothing of the table, and when it does;
    // for these values, and for any.
    let types = "text, bigint, text, bigint";
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "PREPARE claim ({types}) AS {}",
        postgres::CLAIM
    )))
    .execute(&mut conn)
    .await
    .unwrap();
    for statistics in ["SELECT", "ANALYZE jobs"] {
        for plans in ["force_custom_plan", "force_generic_plan"] {
            let settings = format!("{statistics}; SET plan_cache_mode = {plans}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(settings))
                .execute(&mut conn)
                .await
                .unwrap();
            let explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE claim ('default', 10, 'w', 60000)";
            let plan: serde_json::Value = sqlx::query_scalar(explain)
                .persistent(false)
                .fetch_one(&mut conn)
                .await
                .unwrap();
            let mut read = 0.0;
            count(&plan, &mut read);
            assert!(
                read < 5_000.0,
                "{read} rows were looked at after {statistics}, {plans}"
            );
        }
    }
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

/// One tenant with this many jobs, a hundred others with ten, a thousand with one for tomorrow.
#[cfg(feature = "redis")]
const FILL_REDIS: &str = "
local function put(tenant, n, run_at)
  local id = tenant .. '-' .. n
  call('HSET', job_at(id), 'queue', 'default', 'tenant', tenant, 'max_attempts', 10, 'name', 'x', 'version', 1, 'body', '',
    'signer', '', 'mark', '', 'attempt', 0, 'created_at', 0)
  wait(id, 'default', tenant, run_at)
  place('default', tenant)
end
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  put('heavy', n, n)
  if n <= 1000 then
    put('light-' .. n % 100, n, n)
    put('later-' .. n, n, now + 86400000)
  end
end";

#[cfg(feature = "redis")]
#[tokio::test]
async fn nor_on_redis() {
    use deadpool_redis::redis::{AsyncConnectionConfig, Client, Script, cmd};

    let server = tenancy_testkit::RedisServer::start().await.unwrap();
    let store = RedisStore::new(server.url(), "tests").unwrap();
    store.migrate().await.unwrap();
    store.open_queue("default").await.unwrap();
    let client = Client::open(server.url()).unwrap();
    // A busy machine is no reason to give up.
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&patient)
        .await
        .unwrap();
    let fill = Script::new(&format!(
        "{}{FILL_REDIS}",
        concat!(
            include_str!("redis/lua/lanes.lua"),
            include_str!("redis/lua/jobs.lua")
        )
    ));
    let mut counts = Vec::new();
    for (from, to) in [(1, 1_000), (1_001, 200_000)] {
        for from in (from..=to).step_by(1_000) {
            let mut fill = fill.key("tenancy-jobs:{tests}:");
            fill.arg(from).arg((from + 999).min(to));
            let () = fill.invoke_async(&mut connection).await.unwrap();
        }
        let () = cmd("CONFIG")
            .arg("RESETSTAT")
            .query_async(&mut connection)
            .await
            .unwrap();
        let first = tenants_of(&store).await;
        assert_eq!(first.len(), 10);
        assert_eq!(
            first.iter().filter(|tenant| *tenant == "heavy").count(),
            1 - counts.len()
        );
        let stats: String = cmd("INFO")
            .arg("commandstats")
            .query_async(&mut connection)
            .await
            .unwrap();
        // Those of scripts are counted, too; each looks at one element or at a job's few fields.
        let calls = stats.lines().filter_map(|line| {
            let (_, rest) = line.split_once("calls=")?;
            rest.split_once(',')?.0.parse::<u64>().ok()
        });
        counts.push(calls.sum::<u64>());
    }
    // No more with two hundred times as much in the queue, and few.
    assert!(counts[1] <= counts[0], "{counts:?}");
    assert!(counts[0] < 300, "{} commands", counts[0]);
}
