//! What a tenant writes, whether or not the statement says whose rows it means.

use crate::world::World;

#[tokio::test]
async fn rows_of_others_are_as_if_they_were_not_there() {
    let world = World::new().await;
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    for (sql, want) in [
        ("UPDATE %.leads SET name = name || '!'", 3),
        ("UPDATE %.leads SET name = 'x' WHERE tenant_id = 2", 0),
        (
            "UPDATE %.leads SET name = 'y' WHERE tenant_id = 2 OR id = 1",
            1,
        ),
        ("UPDATE OR REPLACE %.leads SET name = 'z' WHERE id = 2", 1),
        ("UPDATE %.notes SET text = 'without rowid'", 3),
        ("DELETE FROM %.notes WHERE tenant_id = 2", 0),
        ("DELETE FROM %.notes WHERE id = 3", 1),
        // Without a WHERE SQLite would empty the table at once, if there were no triggers.
        ("DELETE FROM %.notes", 2),
        ("DELETE FROM %.leads", 3),
        (
            "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 7, 'new'), (1, 8, 'new')",
            2,
        ),
        (
            "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 7, 'new') ON CONFLICT DO NOTHING",
            0,
        ),
        (
            "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 7, 'new') ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name",
            1,
        ),
        (
            "INSERT OR REPLACE INTO %.leads (tenant_id, id, name) VALUES (1, 7, 'again')",
            1,
        ),
        (
            "INSERT OR IGNORE INTO %.leads (tenant_id, id, name) VALUES (1, 7, 'again')",
            0,
        ),
    ] {
        assert_eq!(one.run(sql).await.unwrap(), want, "{sql}");
        assert_eq!(world.of_two().await, before, "{sql}");
    }
    assert!(!one.wall.is_breached());
    assert_eq!(
        one.column("SELECT name FROM leads ORDER BY id")
            .await
            .unwrap(),
        ["again", "new"]
    );
}

#[tokio::test]
async fn nothing_is_written_for_others() {
    let world = World::new().await;
    let before = world.of_two().await;
    for sql in [
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (2, 9, 'planted')",
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 9, 'mine'), (2, 9, 'planted')",
        "INSERT INTO %.leads (tenant_id, id, name) SELECT 2, id + 10, name FROM leads",
        "INSERT OR IGNORE INTO %.leads (tenant_id, id, name) VALUES (2, 9, 'planted')",
        "INSERT OR REPLACE INTO %.leads (tenant_id, id, name) VALUES (2, 1, 'planted')",
        "REPLACE INTO %.notes VALUES (2, 1, 1, 'planted')",
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (2, 1, 'x') ON CONFLICT DO UPDATE SET name = 'x'",
        "INSERT INTO %.leads (tenant_id, id, name) VALUES (1, 1, 'x') ON CONFLICT DO UPDATE SET tenant_id = 2, id = 77",
        "UPDATE %.leads SET tenant_id = 2, id = 77 WHERE id = 1",
        "UPDATE OR IGNORE %.leads SET tenant_id = 2, id = 77 WHERE id = 1",
        "UPDATE OR REPLACE %.leads SET tenant_id = 2",
        "UPDATE %.notes SET tenant_id = 2, id = 77, lead_id = NULL",
        "UPDATE %.leads SET tenant_id = NULL",
        // The row in the way is another tenant's, by a key without the tenant.
        "INSERT OR REPLACE INTO %.leads (tenant_id, id, name, email) VALUES (1, 9, 'x', '1@2')",
        "UPDATE OR REPLACE %.leads SET email = '1@2' WHERE id = 1",
        "INSERT OR REPLACE INTO %.parents (tenant_id, id, name) VALUES (1, 2, 'x')",
        "UPDATE OR REPLACE %.parents SET id = 2 WHERE id = 1",
    ] {
        let mut one = world.tenant().await;
        let result = one.run(sql).await;
        assert_eq!(world.of_two().await, before, "{sql}: {result:?}");
        assert!(result.is_err(), "{sql}: {result:?}");
        assert!(!one.wall.is_breached(), "{sql}: {result:?}");
        // The statement was undone as a whole, and the file is sound.
        assert_eq!(
            one.column("SELECT name FROM leads").await.unwrap().len(),
            3,
            "{sql}"
        );
        let mut owner = world.owner().await;
        let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert_eq!(sound, "ok", "{sql}");
    }
}

/// An upsert onto a row of another tenant, by a key that has no tenant in it.
#[tokio::test]
async fn an_upsert_does_not_update_others() {
    let world = World::new().await;
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    let sql = "INSERT INTO %.leads (tenant_id, id, name, email) VALUES (1, 9, 'x', '1@2') \
               ON CONFLICT (email) WHERE email IS NOT NULL DO UPDATE SET name = 'stolen' RETURNING name";
    let rows = one.column(sql).await.unwrap();
    assert_eq!(rows, [""; 0]);
    assert_eq!(world.of_two().await, before);
}

#[tokio::test]
async fn own_cascades_pass() {
    let world = World::new().await;
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    one.run("UPDATE %.leads SET id = 30 WHERE id = 3")
        .await
        .unwrap();
    one.run("DELETE FROM %.leads WHERE id = 1").await.unwrap();
    assert_eq!(
        one.column("SELECT CAST(lead_id AS TEXT) FROM notes ORDER BY id")
            .await
            .unwrap(),
        ["2", "30"]
    );
    assert_eq!(world.of_two().await, before);
    assert!(!one.wall.is_breached());
}

/// A foreign key without the tenant: a row of tenant 2 hangs on a row of tenant 1.
#[tokio::test]
async fn a_cascade_into_others_is_an_error() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    sqlx::query("INSERT INTO children VALUES (2, 3, 1)")
        .execute(&mut owner)
        .await
        .unwrap();
    let before = world.of_two().await;
    let mut one = world.tenant().await;
    one.run("DELETE FROM %.parents WHERE id = 1")
        .await
        .unwrap_err();
    assert_eq!(world.of_two().await, before);
    assert_eq!(
        one.column("SELECT name FROM parents").await.unwrap(),
        ["parent of 1"]
    );
    // Where rows of others are no error elsewhere, they are in this table.
    one.run("DELETE FROM %.children").await.unwrap_err();
    assert_eq!(world.of_two().await, before);
}

#[tokio::test]
async fn keys_made_by_the_database_come_back() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    let sql =
        "INSERT INTO %.parents (tenant_id, name) VALUES (1, 'new') RETURNING CAST(id AS TEXT)";
    assert_eq!(one.column(sql).await.unwrap(), ["3"]);
}

/// Views can't be written: who writes has to be told the name of the schema.
#[tokio::test]
async fn a_write_without_the_schema_is_refused() {
    let world = World::new().await;
    let before = world.of_two().await;
    for sql in [
        "UPDATE leads SET name = 'x'",
        "DELETE FROM leads",
        "INSERT INTO leads (tenant_id, id, name) VALUES (1, 9, 'x')",
    ] {
        let mut one = world.tenant().await;
        one.run(sql).await.unwrap_err();
        assert_eq!(world.of_two().await, before, "{sql}");
    }
}
