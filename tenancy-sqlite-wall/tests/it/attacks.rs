//! Statements that try to get past the wall. Each on a connection of its own, since the first one refused ends it.

use sqlx::{Connection as _, Row as _};

use crate::world::World;

/// The whole statement is refused, the connection is done, and the other tenant untouched.
async fn refused(world: &World, sql: &str) {
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    let result = one.column(sql).await;
    assert!(result.is_err(), "{sql}: {result:?}");
    assert!(
        one.wall.is_breached(),
        "refused, but not by the authorizer: {sql}: {result:?}"
    );
    // From now on nothing passes.
    one.column("SELECT name FROM countries").await.unwrap_err();
    assert_eq!(world.of_two().await, before, "{sql}");
    one.conn.close().await.unwrap();
}

/// Nothing of tenant 2, whether it is an answer or an error.
async fn nothing_of_others(world: &World, sql: &str) {
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    let text = match one.column(sql).await {
        Ok(rows) => rows.join("\n"),
        Err(error) => error.to_string(),
    };
    for secret in ["of 2", "secret", "@2", one.wall.schema()] {
        assert!(!text.contains(secret), "{sql}: {text}");
    }
    assert_eq!(world.of_two().await, before, "{sql}");
}

#[tokio::test]
async fn schema_and_engine_are_closed() {
    let world = World::new().await;
    for sql in [
        "SELECT sql FROM sqlite_master",
        "SELECT sql FROM sqlite_schema",
        "SELECT sql FROM sqlite_temp_master",
        "SELECT sql FROM temp.sqlite_schema",
        "SELECT count(*) FROM sqlite_temp_schema",
        "SELECT name FROM %.sqlite_master",
        "SELECT name FROM pragma_database_list",
        "SELECT count(*) FROM pragma_database_list",
        "SELECT name FROM pragma_table_list",
        "SELECT name FROM pragma_table_info('leads')",
        "SELECT name FROM pragma_function_list",
        "SELECT name FROM dbstat",
        "PRAGMA database_list",
        "PRAGMA table_info(leads)",
        "PRAGMA writable_schema = ON",
        "PRAGMA recursive_triggers = OFF",
        "PRAGMA trusted_schema = ON",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA temp.schema_version = 1",
        "ATTACH DATABASE ':memory:' AS x",
        "DETACH DATABASE %",
        "ANALYZE",
        "REINDEX",
        "SELECT load_extension('x')",
        "SELECT last_insert_rowid()",
        "SELECT total_changes()",
    ] {
        refused(&world, sql).await;
    }
}

/// SQLite asks nobody about VACUUM itself, but about the file that it attaches for it.
#[tokio::test]
async fn vacuum_copies_nothing() {
    let world = World::new().await;
    let target = format!("{}.copy", world.file());
    for sql in [
        format!("VACUUM INTO '{target}'"),
        format!("VACUUM % INTO '{target}'"),
        "VACUUM".to_owned(),
    ] {
        let mut one = world.tenant().await;
        let result = one.column(&sql).await;
        let size = std::fs::metadata(&target)
            .map(|meta| meta.len())
            .unwrap_or(0);
        assert!(size == 0, "{sql}: {result:?}, {size} bytes");
        std::fs::remove_file(&target).ok();
        assert!(result.is_err() || sql == "VACUUM", "{sql}");
    }
}

#[tokio::test]
async fn attaching_the_file_again_is_refused() {
    let world = World::new().await;
    let sql = format!("ATTACH DATABASE '{}' AS x", world.file());
    refused(&world, &sql).await;
}

#[tokio::test]
async fn definitions_are_refused() {
    let world = World::new().await;
    for sql in [
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE leads2 (a)",
        "CREATE TABLE %.x (a)",
        "CREATE TEMP TABLE x AS SELECT * FROM leads",
        "CREATE TEMP VIEW x AS SELECT * FROM leads",
        "CREATE VIEW %.x AS SELECT * FROM leads",
        "CREATE TEMP TRIGGER x BEFORE INSERT ON %.leads BEGIN SELECT 1; END",
        "CREATE TRIGGER %.x AFTER INSERT ON leads BEGIN DELETE FROM notes; END",
        "CREATE TEMP TRIGGER x INSTEAD OF INSERT ON leads BEGIN SELECT 1; END",
        "CREATE INDEX %.x ON leads (name)",
        "CREATE VIRTUAL TABLE temp.x USING fts5 (a)",
        "DROP VIEW leads",
        "DROP VIEW temp.leads",
        "DROP TABLE %.leads",
        "DROP INDEX %.leads_name",
        "ALTER TABLE %.leads RENAME TO x",
        "ALTER TABLE %.leads ADD COLUMN x",
        "ALTER TABLE %.leads DROP COLUMN email",
    ] {
        refused(&world, sql).await;
    }
    // The name is taken, and it says so before anybody is asked; the view stays.
    nothing_of_others(&world, "CREATE TEMP TABLE leads (a)").await;
}

#[tokio::test]
async fn what_no_rule_names_is_closed() {
    let world = World::new().await;
    for sql in [
        "SELECT secret FROM undeclared",
        "SELECT count(*) FROM undeclared",
        "SELECT 1 FROM undeclared",
        "SELECT 1 WHERE EXISTS (SELECT * FROM undeclared)",
        "SELECT name FROM all_leads",
        "SELECT count(*) FROM all_leads",
        "WITH leads AS (SELECT * FROM all_leads) SELECT name FROM leads",
        "SELECT body FROM search",
        "SELECT body FROM search WHERE search MATCH 'secret'",
        "SELECT c0 FROM search_content",
        // Hidden behind a view that nobody may read, as foreign keys look at it.
        "SELECT * FROM accounts",
        "SELECT count(*) FROM accounts",
        "SELECT 1 FROM temp.accounts",
        "INSERT INTO %.undeclared VALUES (1, 'x')",
        "UPDATE %.undeclared SET secret = 'x'",
        "DELETE FROM %.undeclared",
        "UPDATE %.countries SET name = 'x'",
        "INSERT INTO countries VALUES ('XX', 'x')",
        "DELETE FROM countries",
        "INSERT INTO %.search VALUES ('x')",
    ] {
        refused(&world, sql).await;
    }
}

/// The base table has no name that a tenant could know.
#[tokio::test]
async fn the_base_table_can_not_be_named() {
    let world = World::new().await;
    for sql in [
        "SELECT name FROM main.leads",
        "SELECT name FROM shared.leads",
        "SELECT name FROM tenancy.leads",
        "SELECT name FROM tenancy_00000000000000000000000000000000.leads",
        "SELECT name FROM tenancy_00000000000000000000000000000000_leads",
        "SELECT leads.rowid FROM leads",
        "SELECT rowid FROM leads",
        "SELECT _rowid_ FROM temp.leads",
        "SELECT oid FROM leads",
        "SELECT name FROM leads INDEXED BY leads_name",
        "SELECT name FROM leads NOT INDEXED",
        "SELECT id FROM accounts",
        "DELETE FROM accounts",
        "SELECT * FROM leads('x')",
        "SELECT nope FROM leads",
        "SELECT leads.nope FROM leads JOIN users USING (nope)",
        "UPDATE main.leads SET name = 'x'",
        "DELETE FROM main.leads",
        "INSERT INTO main.leads (tenant_id, id, name) VALUES (2, 9, 'x')",
        "EXPLAIN SELECT name FROM leads",
        "EXPLAIN QUERY PLAN SELECT name FROM leads",
        "SELECT 1 UNION ALL SELECT name FROM leads",
        "VALUES ((SELECT group_concat(name) FROM leads))",
        "WITH leads AS (SELECT * FROM leads) SELECT name FROM leads",
        "WITH RECURSIVE leads(name) AS (SELECT 'x' UNION SELECT name FROM leads) SELECT name FROM leads",
        "WITH leads AS (SELECT name FROM users) SELECT name FROM leads",
        "SELECT (SELECT group_concat(name) FROM leads) FROM users",
        "SELECT json_group_array(json_object('n', name)) FROM leads",
    ] {
        nothing_of_others(&world, sql).await;
    }
}

/// A common table expression called like a view of the wall gets no further: SQLite reports its name as the reader's, but
/// there is no table in it to read.
#[tokio::test]
async fn a_cte_in_the_name_of_the_wall_reads_nothing() {
    let world = World::new().await;
    for name in ["leads", "sqlite_master", "temp", "tenancy"] {
        let sql = format!(
            "WITH {name} AS (SELECT secret AS name FROM undeclared) SELECT name FROM {name}"
        );
        refused(&world, &sql).await;
    }
}

/// What a tenant writes never takes the rows of others along.
#[tokio::test]
async fn reads_inside_of_writes_are_confined() {
    let world = World::new().await;
    for sql in [
        "UPDATE %.leads SET name = (SELECT group_concat(name) FROM leads) WHERE id = 1 RETURNING name",
        "UPDATE %.leads SET name = (SELECT group_concat(l.name) FROM leads l WHERE l.tenant_id = 2) WHERE id = 1 RETURNING coalesce(name, 'x')",
        "UPDATE %.leads SET name = x.name FROM leads x WHERE x.tenant_id = 2 RETURNING leads.name",
        "UPDATE %.leads SET name = x.name FROM users x WHERE x.id = leads.id RETURNING leads.name",
        "INSERT INTO %.notes SELECT 1, id + 100, id, name FROM leads RETURNING text",
        "INSERT INTO %.notes SELECT 1, id + 200, NULL, text FROM notes RETURNING text",
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 50, (SELECT group_concat(name) FROM leads)) RETURNING name",
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 1, 'x') ON CONFLICT (tenant_id, id) DO UPDATE SET name = (SELECT group_concat(name) FROM leads) RETURNING name",
        "DELETE FROM %.notes WHERE lead_id IN (SELECT id FROM leads WHERE tenant_id = 2) RETURNING text",
        "DELETE FROM %.leads RETURNING name || (SELECT coalesce(group_concat(name), '') FROM leads)",
        "UPDATE %.leads SET name = name || '' RETURNING name, (SELECT group_concat(name) FROM users)",
    ] {
        nothing_of_others(&world, sql).await;
    }
}

/// Nobody is asked about EXPLAIN, and it shows names: of the wall's views and triggers, which are of no use without that of
/// the schema, but not that one.
#[tokio::test]
async fn explain_does_not_tell_the_schema() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    for explain in ["EXPLAIN", "EXPLAIN QUERY PLAN"] {
        for sql in [
            "SELECT * FROM leads",
            "SELECT count(*) FROM leads l LEFT JOIN notes n ON n.lead_id = l.id",
            "SELECT * FROM countries",
            "SELECT name FROM leads WHERE id IN (SELECT lead_id FROM notes) UNION SELECT name FROM users ORDER BY 1",
            "SELECT * FROM leads RIGHT JOIN users USING (id)",
            "WITH x AS MATERIALIZED (SELECT * FROM leads) SELECT * FROM x, x AS y",
        ] {
            let explained = format!("{explain} {sql}");
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(explained)) // text of the test
                .fetch_all(&mut one.conn)
                .await
                .unwrap();
            assert!(!rows.is_empty());
            let mut text = String::new();
            for row in &rows {
                for at in 0..row.len() {
                    text.push_str(
                        row.try_get_unchecked::<String, _>(at)
                            .as_deref()
                            .unwrap_or(""),
                    );
                    text.push('|');
                }
            }
            assert!(
                text.contains("leads") || sql.contains("countries") || explain == "EXPLAIN",
                "{text}"
            );
            assert!(!text.contains(one.wall.schema()), "{sql}: {text}");
        }
    }
}

/// One who knows what the wall's views and triggers are called can read them, and sees the same rows.
#[tokio::test]
async fn the_inner_views_are_confined_too() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    let mut rows = sqlx::raw_sql("EXPLAIN UPDATE leads SET name = 'x'")
        .fetch_all(&mut one.conn)
        .await;
    assert!(rows.is_err()); // a view
    let mut one = world.tenant().await;
    let explained = format!("EXPLAIN UPDATE {}.leads SET name = 'x'", one.wall.schema());
    rows = sqlx::raw_sql(sqlx::AssertSqlSafe(explained))
        .fetch_all(&mut one.conn)
        .await; // text of the test
    let trigger = rows
        .unwrap()
        .iter()
        .filter_map(|row| {
            row.try_get_unchecked::<Option<String>, _>("p4")
                .ok()
                .flatten()
        })
        .find_map(|text| text.strip_prefix("-- TRIGGER ").map(str::to_owned))
        .unwrap();
    let view = trigger.strip_suffix("_update").unwrap();
    let names = one
        .column(&format!("SELECT name FROM {view} ORDER BY id"))
        .await
        .unwrap();
    assert_eq!(names, ["lead 1 of 1", "lead 2 of 1", "lead 3 of 1"]);
    // In its name one reads no further.
    refused(
        &world,
        &format!("WITH {view} AS (SELECT * FROM undeclared) SELECT secret FROM {view}"),
    )
    .await;
}
