//! The plan of a statement behind the wall is the plan of the predicate written by hand.

use sqlx::AssertSqlSafe;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::world::World;

async fn plan(conn: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let sql = format!("EXPLAIN QUERY PLAN {sql}");
    sqlx::query(AssertSqlSafe(sql)) // text of the test
        .fetch_all(conn)
        .await
        .unwrap()
        .iter()
        .map(|row| {
            let detail: String = row.get("detail");
            // Views are shown by the name of their table, whatever the statement calls them.
            let mut words: Vec<&str> = detail.split(' ').collect();
            if let ["SEARCH" | "SCAN", name, ..] = words.as_mut_slice() {
                *name = "it";
            }
            words.join(" ")
        })
        .collect()
}

#[tokio::test]
async fn searches_stay_searches() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    let mut one = world.tenant().await;
    // Left without a predicate, for the wall; right with the one that people write.
    for (walled, by_hand) in [
        (
            "SELECT name FROM leads WHERE id = ?1",
            "SELECT name FROM leads WHERE tenant_id = ?2 AND id = ?1",
        ),
        (
            "SELECT id FROM leads WHERE name = ?1",
            "SELECT id FROM leads WHERE tenant_id = ?2 AND name = ?1",
        ),
        (
            "SELECT id FROM leads ORDER BY name LIMIT 5",
            "SELECT id FROM leads WHERE tenant_id = ?2 ORDER BY name LIMIT 5",
        ),
        (
            "SELECT count(*) FROM leads",
            "SELECT count(*) FROM leads WHERE tenant_id = ?2",
        ),
        (
            "SELECT max(id) FROM leads",
            "SELECT max(id) FROM leads WHERE tenant_id = ?2",
        ),
        (
            "SELECT text FROM notes WHERE id > ?1 ORDER BY id",
            "SELECT text FROM notes WHERE tenant_id = ?2 AND id > ?1 ORDER BY id",
        ),
        (
            "SELECT l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id = ?1",
            "SELECT l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id AND u.tenant_id = ?2 WHERE l.id = ?1 AND l.tenant_id = ?2",
        ),
        (
            "SELECT l.name, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id WHERE l.id = ?1",
            "SELECT l.name, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id AND u.tenant_id = ?2 WHERE l.id = ?1 AND l.tenant_id = ?2",
        ),
        (
            "SELECT name FROM leads WHERE id IN (SELECT lead_id FROM notes WHERE id = ?1)",
            "SELECT name FROM leads WHERE tenant_id = ?2 AND id IN (SELECT lead_id FROM notes WHERE tenant_id = ?2 AND id = ?1)",
        ),
        (
            "SELECT name FROM (SELECT * FROM leads WHERE leads.tenant_id = ?2) AS leads WHERE id = ?1",
            "SELECT name FROM leads WHERE tenant_id = ?2 AND id = ?1",
        ),
        (
            "UPDATE %.leads SET name = 'x' WHERE (id = ?1) AND leads.tenant_id = ?2",
            "UPDATE leads SET name = 'x' WHERE id = ?1 AND tenant_id = ?2",
        ),
        (
            "DELETE FROM %.notes WHERE (id = ?1) AND notes.tenant_id = ?2",
            "DELETE FROM notes WHERE id = ?1 AND tenant_id = ?2",
        ),
    ] {
        let ours = plan(&mut one.conn, &walled.replace('%', one.wall.schema())).await;
        let theirs = plan(&mut owner, by_hand).await;
        assert_eq!(ours, theirs, "{walled}");
    }
}
