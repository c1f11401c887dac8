//! Schema changes on other connections while walls stand, triggers of the file, and where no wall can be built.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tenancy_sqlite_wall::{Error, Rules, Wall};

use crate::world::{World, rules};

#[tokio::test]
async fn a_column_added_elsewhere_is_seen() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    assert_eq!(one.column("SELECT name FROM leads").await.unwrap().len(), 3);
    let mut owner = world.owner().await;
    owner
        .execute("ALTER TABLE leads ADD COLUMN stage TEXT NOT NULL DEFAULT 'open'")
        .await
        .unwrap();
    assert_eq!(
        one.column("SELECT DISTINCT stage FROM leads")
            .await
            .unwrap(),
        ["open"]
    );
    assert_eq!(one.column("SELECT name FROM leads").await.unwrap().len(), 3);
    assert_eq!(
        one.run("UPDATE %.leads SET stage = 'won'").await.unwrap(),
        3
    );
}

/// SQLite's own advice for a change that ALTER TABLE has no words for: make another table and rename it.
#[tokio::test]
async fn a_table_made_anew_is_behind_the_wall() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    // Statements that the driver keeps.
    assert_eq!(one.run("UPDATE %.users SET name = name").await.unwrap(), 1);
    assert_eq!(one.column("SELECT name FROM users").await.unwrap().len(), 1);
    let mut owner = world.owner().await;
    owner
        .execute(
            "PRAGMA foreign_keys = OFF; BEGIN; \
             CREATE TABLE users_new (tenant_id INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, x TEXT, \
                PRIMARY KEY (tenant_id, id)); \
             INSERT INTO users_new SELECT tenant_id, id, name, 'x' FROM users; DROP TABLE users; \
             ALTER TABLE users_new RENAME TO users; COMMIT;",
        )
        .await
        .unwrap();
    let before = world.of_two().await;
    assert_eq!(one.run("UPDATE %.users SET name = name").await.unwrap(), 1);
    assert_eq!(one.run("UPDATE %.users SET name = 'x'").await.unwrap(), 1);
    assert_eq!(
        one.run("DELETE FROM %.users WHERE tenant_id = 2")
            .await
            .unwrap(),
        0
    );
    one.run("INSERT INTO %.users (tenant_id, id, name) VALUES (2, 9, 'x')")
        .await
        .unwrap_err();
    assert_eq!(one.column("SELECT x FROM users").await.unwrap(), ["x"]);
    assert_eq!(world.of_two().await, before);
    assert!(!one.wall.is_breached());
}

/// Gone in one step and back in another, with statements in between.
#[tokio::test]
async fn a_table_that_was_gone_for_a_while_is_behind_the_wall() {
    let world = World::new().await;
    let mut one = world.tenant().await;
    assert_eq!(one.run("UPDATE %.users SET name = name").await.unwrap(), 1);
    let mut owner = world.owner().await;
    owner
        .execute("PRAGMA foreign_keys = OFF; ALTER TABLE users RENAME TO away")
        .await
        .unwrap();
    one.column("SELECT name FROM users").await.unwrap_err();
    one.run("UPDATE %.users SET name = name").await.unwrap_err();
    assert_eq!(
        one.column("SELECT name FROM countries")
            .await
            .unwrap()
            .len(),
        1
    );
    owner
        .execute("ALTER TABLE away RENAME TO users")
        .await
        .unwrap();
    let before = world.of_two().await;
    assert_eq!(
        one.column("SELECT name FROM users").await.unwrap(),
        ["user of 1"]
    );
    assert_eq!(one.run("UPDATE %.users SET name = 'x'").await.unwrap(), 1);
    one.run("INSERT INTO %.users (tenant_id, id, name) VALUES (2, 9, 'x')")
        .await
        .unwrap_err();
    assert_eq!(world.of_two().await, before);
}

#[tokio::test]
async fn a_table_made_later_is_closed_until_the_next_connection() {
    let world = World::new().await;
    let rules = rules().tenant_table("later");
    let mut one = world.walled(&rules).await;
    one.wall.enter(tenancy_sqlite_wall::Key::Integer(1));
    let mut owner = world.owner().await;
    owner
        .execute("CREATE TABLE later (tenant_id INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id)); INSERT INTO later VALUES (1, 1), (2, 1)")
        .await
        .unwrap();
    one.column("SELECT CAST(id AS TEXT) FROM later")
        .await
        .unwrap_err();
    assert!(one.wall.is_breached());
    let mut next = world.walled(&rules).await;
    next.wall.enter(tenancy_sqlite_wall::Key::Integer(1));
    assert_eq!(
        next.column("SELECT CAST(id AS TEXT) FROM later")
            .await
            .unwrap(),
        ["1"]
    );
}

/// A trigger of the file sees all tenants, so statements that fire it are refused until somebody vouches for it.
#[tokio::test]
async fn a_trigger_of_the_file_has_to_be_trusted() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    owner
        .execute(
            "CREATE TRIGGER touch AFTER INSERT ON users BEGIN \
                UPDATE users SET name = NEW.name || (SELECT count(*) FROM users) WHERE id = NEW.id; END",
        )
        .await
        .unwrap();
    let before = world.of_two().await;
    let insert = "INSERT INTO %.users (tenant_id, id, name) VALUES (1, 9, 'x')";
    let mut one = world.tenant().await;
    one.run(insert).await.unwrap_err();
    assert!(one.wall.is_breached());

    let mut one = world.walled(&rules().trust_trigger("touch")).await;
    one.wall.enter(tenancy_sqlite_wall::Key::Integer(1));
    one.run(insert).await.unwrap();
    // It counted the rows of both; what it wrote was confined, though its WHERE was not.
    assert_eq!(
        one.column("SELECT name FROM users WHERE id = 9")
            .await
            .unwrap(),
        ["x3"]
    );
    assert_eq!(world.of_two().await, before);
}

#[tokio::test]
async fn no_wall_is_built_where_none_can_stand() {
    let world = World::new().await;
    // The main database is the file itself.
    let mut conn = world.owner().await;
    let refused = Wall::build(&mut conn, &world.file(), &rules()).await;
    assert!(matches!(refused, Err(Error::NotEmpty)), "{refused:?}");
    let memory = SqliteConnectOptions::new().filename(":memory:");
    for prepare in [
        "CREATE TABLE leads (a)",
        "CREATE TEMP TABLE x (a)",
        "ATTACH DATABASE ':memory:' AS x",
    ] {
        let mut conn = memory.connect().await.unwrap();
        conn.execute(prepare).await.unwrap();
        let refused = Wall::build(&mut conn, &world.file(), &rules()).await;
        assert!(matches!(refused, Err(Error::NotEmpty)), "{refused:?}");
    }
    for table in ["all_leads", "search"] {
        let mut conn = memory.connect().await.unwrap();
        let rules = Rules::new("tenant_id").tenant_table(table);
        let refused = Wall::build(&mut conn, &world.file(), &rules).await;
        assert!(
            matches!(refused, Err(Error::NotATenantTable(_))),
            "{refused:?}"
        );
    }
    // No such column.
    let mut conn = memory.connect().await.unwrap();
    let rules = Rules::new("nope").tenant_table("leads");
    let refused = Wall::build(&mut conn, &world.file(), &rules).await;
    assert!(
        matches!(refused, Err(Error::NotATenantTable(_))),
        "{refused:?}"
    );
}

/// Whatever is dropped first, connection or wall, and however often.
#[tokio::test]
async fn walls_and_connections_go_in_any_order() {
    let world = World::new().await;
    for round in 0..30 {
        let mut one = world.tenant().await;
        assert_eq!(one.column("SELECT name FROM leads").await.unwrap().len(), 3);
        match round % 4 {
            0 => drop(one),
            1 => {
                let crate::world::Walled { mut conn, wall } = one;
                drop(wall);
                // The tenant stays what it was: the connection keeps it.
                let n: i64 = sqlx::query_scalar("SELECT count(*) FROM leads")
                    .fetch_one(&mut conn)
                    .await
                    .unwrap();
                assert_eq!(n, 3);
                conn.close().await.unwrap();
            }
            2 => {
                let crate::world::Walled { conn, wall } = one;
                conn.close().await.unwrap();
                wall.leave();
                assert!(!wall.is_breached());
            }
            _ => {
                one.column("SELECT sql FROM sqlite_schema")
                    .await
                    .unwrap_err();
                one.conn.close().await.unwrap();
                assert!(one.wall.is_breached());
            }
        }
    }
}
