//! What a tenant sees, and that nobody sees anything without one.

use tenancy_sqlite_wall::{Key, Rules, Wall};

use crate::world::{World, rules};

#[tokio::test]
async fn a_tenant_sees_its_rows_in_every_position() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    for (sql, want) in [
        (
            "SELECT name FROM leads ORDER BY id",
            &["lead 1 of 1", "lead 2 of 1", "lead 3 of 1"] as &[&str],
        ),
        ("SELECT name FROM LEADS WHERE id = 2", &["lead 2 of 1"]),
        ("SELECT name FROM temp.leads WHERE id = 2", &["lead 2 of 1"]),
        (
            "SELECT upper_name FROM leads WHERE id = 1",
            &["LEAD 1 OF 1"],
        ),
        ("SELECT CAST(count(*) AS TEXT) FROM leads", &["3"]),
        (
            "SELECT group_concat(name) FROM leads WHERE tenant_id = 2 OR true",
            &["lead 1 of 1,lead 2 of 1,lead 3 of 1"],
        ),
        (
            "SELECT u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id = 1",
            &["user of 1"],
        ),
        (
            "SELECT u.name FROM leads l RIGHT JOIN users u ON u.id = l.owner_id AND l.id = 9",
            &["user of 1"],
        ),
        (
            "SELECT CAST(count(*) AS TEXT) FROM leads l FULL JOIN notes n USING (id)",
            &["3"],
        ),
        (
            "SELECT n.text FROM notes n WHERE EXISTS (SELECT 1 FROM leads WHERE id = n.lead_id) ORDER BY n.id LIMIT 1",
            &["note of 1"],
        ),
        (
            "WITH x AS (SELECT * FROM leads) SELECT name FROM x WHERE id = 3",
            &["lead 3 of 1"],
        ),
        (
            "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x, leads WHERE leads.id = n) SELECT CAST(max(n) AS TEXT) FROM x",
            &["4"],
        ),
        ("SELECT name FROM countries", &["Netherlands"]),
        (
            "SELECT j.value || l.name FROM leads l, json_each('[7]') j WHERE l.id = 1",
            &["7lead 1 of 1"],
        ),
        (
            "SELECT name FROM (SELECT name, row_number() OVER (ORDER BY id DESC) AS r FROM leads) WHERE r = 1",
            &["lead 3 of 1"],
        ),
        (
            "SELECT name FROM leads WHERE 1 IN leads OR id = 1 AND name LIKE 'lead%' AND name GLOB 'lead*' LIMIT 1",
            &[],
        ),
    ] {
        match one.column(sql).await {
            Ok(rows) => assert_eq!(rows, want, "{sql}"),
            // The last one compares one value with a row of several.
            Err(error) => assert!(want.is_empty(), "{sql}: {error}"),
        }
    }
    assert!(!one.wall.is_breached());
}

#[tokio::test]
async fn without_a_tenant_there_are_no_rows_and_no_writes() {
    let world = World::new().await;
    let before = world.of_two().await;
    let mut nobody = world.walled(&rules()).await;
    for entered in [false, true] {
        if entered {
            nobody.wall.enter(Key::Integer(2));
            assert_eq!(
                nobody.column("SELECT name FROM leads").await.unwrap().len(),
                3
            );
            nobody.wall.leave();
        }
        assert_eq!(
            nobody.column("SELECT name FROM leads").await.unwrap(),
            [""; 0]
        );
        assert_eq!(
            nobody.run("UPDATE %.leads SET name = 'x'").await.unwrap(),
            0
        );
        assert_eq!(nobody.run("DELETE FROM %.notes").await.unwrap(), 0);
        for tenant in ["1", "2"] {
            let sql =
                format!("INSERT INTO %.users (tenant_id, id, name) VALUES ({tenant}, 9, 'x')");
            nobody.run(&sql).await.unwrap_err();
        }
    }
    assert_eq!(world.of_two().await, before);
}

/// The driver keeps prepared statements; the tenant is looked up when they run.
#[tokio::test]
async fn a_prepared_statement_serves_one_tenant_after_the_other() {
    let world = World::new().await;
    let mut conn = world.tenant().await;
    for round in 0..6 {
        let tenant = 1 + round % 2;
        conn.wall.enter(Key::Integer(tenant));
        assert_eq!(
            conn.column("SELECT DISTINCT substr(name, 8) FROM leads")
                .await
                .unwrap(),
            [format!("of {tenant}")]
        );
        assert_eq!(conn.run("UPDATE %.leads SET name = name").await.unwrap(), 3);
    }
}

#[tokio::test]
async fn tenants_can_be_text_or_bytes() {
    for (kind, key, literal) in [
        ("TEXT", Key::Text("a".into()), "'a'"),
        ("BLOB", Key::Blob([1, 2].into()), "x'0102'"),
        // A column without a type holds what it is given.
        ("", Key::Integer(7), "7"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.db").to_str().unwrap().to_owned();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let mut owner = sqlx::ConnectOptions::connect(&options.create_if_missing(true))
            .await
            .unwrap();
        let sql = format!(
            "CREATE TABLE t (k {kind}, v TEXT); INSERT INTO t VALUES ({literal}, 'mine'), ('b', 'other'), (x'01', 'other'), (NULL, 'nobody')"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut owner)
            .await
            .unwrap();
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(":memory:");
        let mut conn = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let rules = Rules::new("k").tenant_table("t");
        let wall = Wall::build(&mut conn, &file, &rules).await.unwrap();
        wall.enter(key);
        let seen: Vec<String> = sqlx::query_scalar("SELECT v FROM t")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        assert_eq!(seen, ["mine"], "{kind}");
        let sql = format!("UPDATE {}.t SET v = v", wall.schema());
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 1, "{kind}");
        wall.leave();
        let seen: Vec<String> = sqlx::query_scalar("SELECT v FROM t")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        assert!(seen.is_empty(), "{kind}");
    }
}
