//! SQLite's engine as the second wall, seen through a pool: what ends a connection, what waits for one, what goes on.

use std::time::Duration;

use futures_util::FutureExt as _;
use sqlx::{Executor as _, SqlSafeStr as _, Sqlite, Statement as _, query, query_scalar};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{Budget, Error, TenantPool};
use tenancy_testkit::fixture::{TwoTenants, Walls};

use crate::matrix::world::at_rest;

struct World {
    tenants: TwoTenants<Sqlite>,
    a: TenantContext,
    b: TenantContext,
}

async fn world(walls: Walls) -> World {
    let tenants = TwoTenants::sqlite(Isolation::Shared)
        .engine_wall()
        .walls(walls)
        .build()
        .await
        .unwrap();
    let a = TenantContext::for_test(tenants.a.clone());
    let b = TenantContext::for_test(tenants.b.clone());
    World { tenants, a, b }
}

async fn names(pool: &TenantPool<Sqlite>, cx: &TenantContext) -> Vec<String> {
    query_scalar("SELECT DISTINCT substr(name, 1, 6) FROM leads")
        .fetch_all(&pool.for_tenant(cx))
        .await
        .unwrap()
}

/// What the wall refuses costs the connection, and the next user has another.
#[tokio::test]
async fn a_refused_statement_ends_its_connection_and_no_other() {
    let w = world(Walls::ServerOnly).await;
    let pool = w.tenants.pool_with(Budget::new(1)).unwrap();
    for sql in [
        "SELECT sql FROM sqlite_schema",
        "ATTACH DATABASE ':memory:' AS x",
        "PRAGMA recursive_triggers = OFF",
        "CREATE TEMP TABLE x (a)",
        "SELECT * FROM pragma_database_list",
        "SELECT last_insert_rowid()",
    ] {
        let refused = query(sql)
            .execute(&pool.for_tenant(&w.a))
            .await
            .unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code());
        assert!(
            code.is_some_and(|code| code == "23" || code == "1"),
            "{sql}: {refused}"
        );
        assert_eq!(pool.stats().open, 0, "{sql}");
        assert_eq!(names(&pool, &w.a).await, ["a lead"]);
        assert_eq!(names(&pool, &w.b).await, ["b lead"]);
    }
    at_rest(&pool).await;
}

/// A transaction in which the wall was hit is not committed.
#[tokio::test]
async fn a_refused_statement_ends_its_transaction() {
    let w = world(Walls::ServerOnly).await;
    let pool = w.tenants.pool_with(Budget::new(1)).unwrap();
    let mut tx = pool.for_tenant(&w.a).begin().await.unwrap();
    query("UPDATE leads SET name = 'a lead changed'")
        .execute(&mut tx)
        .await
        .unwrap();
    query("SELECT sql FROM sqlite_schema")
        .execute(&mut tx)
        .await
        .unwrap_err();
    query("SELECT 1 FROM leads WHERE id = 77")
        .execute(&mut tx)
        .await
        .unwrap_err();
    assert!(tx.commit().await.is_err());
    let changed: i64 = query_scalar("SELECT count(*) FROM leads WHERE name = 'a lead changed'")
        .fetch_one(&pool.for_tenant(&w.a))
        .await
        .unwrap();
    assert_eq!(changed, 0);
}

/// A statement that nobody waits for any more runs on in the driver's thread. It must end as the tenant's that began it: as
/// another's it would pass over the rows that are left, and write half of what it was told.
#[tokio::test]
async fn a_cancelled_statement_ends_before_the_next_tenant_comes() {
    let w = world(Walls::Both).await;
    let pool = w.tenants.pool_with(Budget::new(1)).unwrap();
    assert_eq!(names(&pool, &w.a).await, ["a lead"]);
    // Each row takes a tenth of a second or more: the sum is another one for each.
    let slow = "UPDATE leads SET status = (\
        SELECT 'slow' || sum(a.id * b.id * c.id * d.id * e.id * f.id * g.id + leads.id) \
        FROM leads AS a, leads AS b, leads AS c, leads AS d, leads AS e, leads AS f, leads AS g)";
    let bound = pool.for_tenant(&w.a);
    {
        let mut running = std::pin::pin!(query(slow).execute(&bound));
        // Sent, and then dropped.
        let begun = running.as_mut().now_or_never();
        assert!(begun.is_none(), "{begun:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(names(&pool, &w.b).await, ["b lead"]);
    let done: i64 = query_scalar("SELECT count(*) FROM leads WHERE status LIKE 'slow%'")
        .fetch_one(&bound)
        .await
        .unwrap();
    assert!(
        done == 6 || done == 0,
        "half of a statement: {done} of 6 rows"
    );
    let theirs: i64 = query_scalar("SELECT count(*) FROM leads WHERE status LIKE 'slow%'")
        .fetch_one(&pool.for_tenant(&w.b))
        .await
        .unwrap();
    assert_eq!(theirs, 0);
    // Waited for, it is a statement that works.
    let whole = query(slow).execute(&bound).await.unwrap();
    assert_eq!(whole.rows_affected(), 6);
    at_rest(&pool).await;
}

/// The driver's own cache of statements serves both tenants on one connection.
#[tokio::test]
async fn statements_are_prepared_once_for_all_tenants() {
    let w = world(Walls::Both).await;
    let pool = w.tenants.pool_with(Budget::new(1)).unwrap();
    for _ in 0..5 {
        for (cx, name) in [(&w.a, "a lead"), (&w.b, "b lead")] {
            assert_eq!(names(&pool, cx).await, [name]);
            let done = query("UPDATE leads SET status = 'open'")
                .execute(&pool.for_tenant(cx))
                .await
                .unwrap();
            assert_eq!(done.rows_affected(), 6);
        }
    }
    assert_eq!(pool.stats().open, 1);
}

#[tokio::test]
async fn reads_can_be_prepared_and_nothing_described() {
    let w = world(Walls::Both).await;
    let bound = w.tenants.pool.for_tenant(&w.a);
    let reads = "SELECT id, name FROM leads WHERE id = $1";
    let statement = bound.prepare(reads.into_sql_str()).await.unwrap();
    assert_eq!(statement.columns().len(), 2);
    let (_, name): (i64, String) = statement
        .query_as()
        .bind(2_i64)
        .fetch_one(&bound)
        .await
        .unwrap();
    assert_eq!(name, "a lead 2");

    let is_config = |error: &sqlx::Error| matches!(Error::from_sqlx(error), Some(Error::Config(_)));
    let writes = "UPDATE leads SET name = name WHERE id = $1";
    let refused = bound.prepare(writes.into_sql_str()).await.unwrap_err();
    assert!(is_config(&refused), "{refused}");
    let mut tx = bound.begin().await.unwrap();
    let refused = tx.prepare(writes.into_sql_str()).await.unwrap_err();
    assert!(is_config(&refused), "{refused}");
    let refused = tx.describe(reads.into_sql_str()).await.unwrap_err();
    assert!(is_config(&refused), "{refused}");
    // They were not sent, so all goes on.
    query(writes).bind(2_i64).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let refused = bound.describe(reads.into_sql_str()).await.unwrap_err();
    assert!(is_config(&refused), "{refused}");
    assert_eq!(names(&w.tenants.pool, &w.a).await, ["a lead"]);
}

/// Free SQL through both walls.
#[tokio::test]
async fn what_the_firewall_accepts_the_wall_lets_pass() {
    let w = world(Walls::Both).await;
    let bound = w.tenants.pool.for_tenant(&w.a);
    for (sql, rows) in [
        (
            "SELECT l.name, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id WHERE l.id > 2",
            4,
        ),
        (
            "WITH x AS (SELECT owner_id, count(*) AS n FROM leads GROUP BY owner_id) SELECT u.name, n FROM x JOIN users u ON u.id = x.owner_id",
            3,
        ),
        (
            "SELECT id FROM leads WHERE owner_id IN (SELECT id FROM users WHERE id = 1) UNION SELECT id FROM users",
            4,
        ),
        (
            "UPDATE leads SET status = (SELECT max(name) FROM users) WHERE owner_id IN (SELECT id FROM users) RETURNING id",
            6,
        ),
        (
            "UPDATE leads SET status = u.name FROM users u WHERE u.id = leads.owner_id RETURNING leads.id",
            6,
        ),
        (
            "INSERT INTO leads (id, name, status, owner_id) VALUES (1, 'x', 'open', 1) ON CONFLICT (id) DO UPDATE SET status = excluded.status RETURNING id",
            1,
        ),
        (
            "INSERT INTO leads (id, name, status, owner_id) SELECT id + 100, name, status, owner_id FROM leads RETURNING id",
            6,
        ),
        (
            "DELETE FROM leads WHERE id > 100 AND owner_id IN (SELECT id FROM users) RETURNING id",
            6,
        ),
    ] {
        let got = query(sql)
            .fetch_all(&bound)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(got.len(), rows, "{sql}");
    }
    assert_eq!(names(&w.tenants.pool, &w.b).await, ["b lead"]);
}

/// Tenants with a file of their own get it without a wall in front.
#[tokio::test]
async fn a_file_of_its_own_needs_no_engine_wall() {
    for isolation in [Isolation::Schema, Isolation::Database] {
        let tenants = TwoTenants::sqlite(isolation)
            .engine_wall()
            .build()
            .await
            .unwrap();
        let cx = TenantContext::for_test(tenants.a.clone());
        let bound = tenants.pool.for_tenant(&cx);
        let done = query("UPDATE leads SET status = 'won'")
            .execute(&bound)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 6);
    }
}
