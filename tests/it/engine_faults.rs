//! What the engines themselves answer wrongly, on plain tables and with no firewall near. The grammar fuzzer leaves these
//! forms out, and what it can't tell from them: it takes the engine's own answer for right. A test that fails here means that the engine
//! is mended, and that the fuzzer (`conditions`, `groups`, `queries`, `relations`) can have the form back.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tenancy_testkit::PgCluster;

async fn sqlite(script: &'static str) -> SqliteConnection {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql(script)
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

async fn ask(connection: &mut SqliteConnection, sql: &str) -> Vec<i64> {
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .unwrap()
}

/// An IN of several values answers other rows, where it is looked up in an index of the right side of a RIGHT or FULL JOIN:
/// fewer where the column of the index is not the first of the values, and more where several of the values' rows begin alike.
#[tokio::test]
async fn sqlite_answers_other_rows_of_a_right_join_under_an_in_of_several_values() {
    let mut connection = sqlite(
        "CREATE TABLE a (x); INSERT INTO a VALUES (1);
         CREATE TABLE b (y INTEGER PRIMARY KEY, z); INSERT INTO b VALUES (1, 1), (2, 5), (3, 1);
         CREATE TABLE c (y, z); INSERT INTO c SELECT y, z FROM b; CREATE INDEX c_y ON c (y);
         CREATE TABLE d (y, z); INSERT INTO d VALUES (2, 5), (2, 6)",
    )
    .await;
    for right in ["b", "c"] {
        let mut answer = async |from: &str, condition: &str| {
            let from = from.replace("right", right);
            let sql = format!("SELECT r.y FROM {from} WHERE {condition}");
            ask(&mut connection, &sql).await
        };
        for join in [
            "a RIGHT JOIN right r ON a.x = r.z",
            "a FULL JOIN right r ON a.x = r.z",
        ] {
            assert_eq!(
                answer(join, "(r.z, r.y) IN (SELECT 5, 2)").await,
                [0_i64; 0],
                "wrong"
            );
            // The same condition in other words, or of the same rows.
            assert_eq!(answer(join, "(r.y, r.z) IN (SELECT 2, 5)").await, [2]);
            assert_eq!(answer(join, "(r.z, +r.y) IN (SELECT 5, 2)").await, [2]);
            assert_eq!(answer(join, "(r.z, r.y) = (SELECT 5, 2)").await, [2]);
            let exists = "EXISTS (SELECT 1 WHERE r.z = 5 AND r.y = 2)";
            assert_eq!(answer(join, exists).await, [2]);
        }
        let left = "right r LEFT JOIN a ON a.x = r.z";
        assert_eq!(answer(left, "(r.z, r.y) IN (SELECT 5, 2)").await, [2]);
    }
    let mut answer = async |condition: &str| {
        let sql = format!("SELECT r.y FROM a RIGHT JOIN b r ON a.x = r.z WHERE {condition}");
        ask(&mut connection, &sql).await
    };
    let wrong = "(r.y, r.z) IN (SELECT y, z FROM d)";
    assert_eq!(answer(wrong).await, [2, 2], "wrong");
    let right = "(+r.y, r.z) IN (SELECT y, z FROM d)";
    assert_eq!(answer(right).await, [2]);
}

/// SQLite 3.51 makes a join of an EXISTS, and forgets OFFSET with it, unless the rows have to be sorted.
#[tokio::test]
async fn sqlite_skips_no_rows_behind_an_exists() {
    let mut connection = sqlite(
        "CREATE TABLE t (x INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3);
         CREATE TABLE u (y); INSERT INTO u VALUES (1), (2)",
    )
    .await;
    let mut answer = async |condition: &str| {
        let sql = format!("SELECT x FROM t WHERE {condition} ORDER BY x LIMIT 4 OFFSET 1");
        ask(&mut connection, &sql).await
    };
    assert_eq!(
        answer("EXISTS (SELECT 1 FROM u WHERE y > 0)").await,
        [1, 2, 3],
        "wrong"
    );
    assert_eq!(
        answer("+ EXISTS (SELECT 1 FROM u WHERE y > 0)").await,
        [2, 3]
    );
    assert_eq!(answer("1 IN (SELECT 1 FROM u WHERE y > 0)").await, [2, 3]);
}

/// SQLite 3.51 finds no partner in a LEFT JOIN by what a query computes of VALUES; 3.40 does.
#[tokio::test]
async fn sqlite_loses_partners_of_a_left_join_by_what_is_computed_of_values() {
    let mut connection = sqlite(
        "CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1), (3);
         CREATE TABLE u (y); INSERT INTO u VALUES (4), (6)",
    )
    .await;
    let mut answer = async |from: &str, on: &str| {
        let sql =
            format!("SELECT coalesce(y, 0) FROM t LEFT JOIN (SELECT {from}) ON {on} ORDER BY 1");
        ask(&mut connection, &sql).await
    };
    let values = "column1 AS y, 3 AS z FROM (VALUES (4), (6))";
    assert_eq!(answer(values, "x = z").await, [0, 0], "wrong");
    // The same rows from a table, or of another form, and the same condition in other words.
    assert_eq!(answer("y, 3 AS z FROM u", "x = z").await, [0, 4, 6]);
    let union = "y, 3 AS z FROM (SELECT 4 AS y UNION ALL SELECT 6)";
    assert_eq!(answer(union, "x = z").await, [0, 4, 6]);
    assert_eq!(answer(values, "x = 3").await, [0, 4, 6]);
}

/// SQLite 3.51 forgets the condition of a JOIN for the first part of a UNION ALL of which a later one has a RIGHT or FULL JOIN,
/// if it begins with what it is joined to.
#[tokio::test]
async fn sqlite_forgets_the_condition_of_a_join_to_a_union_with_a_right_join() {
    let mut connection = sqlite("CREATE TABLE t (x INTEGER); INSERT INTO t VALUES (1), (2)").await;
    let mut answer = async |kind: &str, second: &str, condition: &str| {
        let sql = format!(
            "SELECT u.x FROM (SELECT x FROM t UNION ALL {second}) u {kind} \
             (SELECT 1 AS y UNION SELECT 3) v {condition} u.x = v.y ORDER BY 1"
        );
        ask(&mut connection, &sql).await
    };
    for fills in ["RIGHT", "FULL"] {
        let joined = format!("SELECT l.x FROM t l {fills} JOIN t r ON l.x = r.x");
        assert_eq!(
            answer("JOIN", &joined, "ON").await,
            [1, 1, 1, 2, 2],
            "wrong"
        );
        // The same in other words, or without such a join.
        assert_eq!(answer(",", &joined, "WHERE").await, [1, 1]);
        assert_eq!(answer("LEFT JOIN", &joined, "ON").await, [1, 1, 2, 2]);
    }
    let joined = "SELECT l.x FROM t l LEFT JOIN t r ON l.x = r.x";
    assert_eq!(answer("JOIN", joined, "ON").await, [1, 1]);
}

/// PostgreSQL before 18 takes what is equal before it is grouped for equal afterwards, where a grouping set has made it null.
#[tokio::test]
async fn postgres_does_not_sort_what_a_grouping_set_makes_null() {
    let database = PgCluster::shared().await.unwrap().database().await.unwrap();
    let mut connection = PgConnection::connect_with(&database.admin_options())
        .await
        .unwrap();
    let version: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    if version.parse::<u32>().unwrap() >= 180_000 {
        return;
    }
    sqlx::raw_sql("CREATE TABLE n (x int); INSERT INTO n VALUES (1), (2)")
        .execute(&mut connection)
        .await
        .unwrap();
    let mut answer = async |sql: &'static str| -> Vec<Option<i32>> {
        sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap()
    };
    let wrong = "SELECT x FROM n WHERE x = 2 GROUP BY ROLLUP (x) ORDER BY x DESC";
    assert_eq!(answer(wrong).await, [Some(2), None], "nulls come first");
    let wrong = "SELECT b.x FROM n a JOIN n b ON a.x = b.x WHERE a.x > 1 GROUP BY CUBE (a.x, b.x) ORDER BY a.x, b.x DESC";
    assert_eq!(
        answer(wrong).await.first(),
        Some(&Some(2)),
        "the null comes first"
    );
    // Without an equation it is right.
    let right = "SELECT x FROM n WHERE x > 1 GROUP BY ROLLUP (x) ORDER BY x DESC";
    assert_eq!(answer(right).await, [None, Some(2)]);
}
