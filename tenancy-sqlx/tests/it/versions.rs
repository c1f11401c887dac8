//! Tenants whose places are at different migration versions, on one connection: the same texts mean other columns, other types
//! and other enums in each, and what the driver remembers of one must not be used for the other.

use sqlx::migrate::Migrator;
use sqlx::{Executor as _, Postgres, Row as _, Sqlite, query, query_as, query_scalar};
use tenancy_core::{Isolation, ServerName, TenantContext};
use tenancy_sql::{Catalog, Dialect};
use tenancy_sqlx::{Budget, Provisioner, SqliteServer, TenantPool};

use crate::places::{Files, Pg, migration, new};

const POSTGRES: &str = "
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE leads (
    tenant_id uuid NOT NULL, id bigint NOT NULL, name text NOT NULL, score int NOT NULL DEFAULT 1, feels mood NOT NULL DEFAULT 'ok',
    PRIMARY KEY (tenant_id, id)
);";

const SQLITE: &str = "CREATE TABLE leads (
    tenant_id BLOB NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, score INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (tenant_id, id)
);";

#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Ok,
}

fn catalog(dialect: Dialect) -> Catalog {
    let sql = match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
    };
    Catalog::builder(dialect)
        .migration("1_leads.sql", sql)
        .build()
        .unwrap()
}

#[tokio::test]
async fn schemas_at_different_versions_on_one_connection() {
    let place = Pg::new().await;
    let provisioner = Provisioner::builder(place.registry.clone(), catalog(Dialect::Postgres))
        .server(ServerName::default(), place.server())
        .owned_migrations(Migrator::with_migrations(vec![migration(
            1, POSTGRES, false,
        )]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    let mut tenants = Vec::new();
    for slug in ["old", "newer", "newest"] {
        let tenant = provisioner
            .provision(new(slug, Isolation::Schema))
            .await
            .unwrap();
        let schema = tenant.id().schema_name();
        let ahead = match slug {
            "old" => "",
            // A column more, in the middle of no list that anybody wrote.
            "newer" => "ALTER TABLE leads ADD COLUMN note text NOT NULL DEFAULT 'new'",
            // A column of another type, and an enum that was made anew, so that its number is another's.
            _ => {
                "ALTER TABLE leads ALTER COLUMN score TYPE text, ALTER COLUMN feels DROP DEFAULT, ALTER COLUMN feels TYPE text;
                  DROP TYPE mood; CREATE TYPE mood AS ENUM ('ok', 'sad', 'glad');
                  ALTER TABLE leads ALTER COLUMN feels TYPE mood USING feels::mood, ALTER COLUMN feels SET DEFAULT 'ok'"
            }
        };
        place
            .as_superuser(&format!("SET search_path = \"{schema}\"; {ahead}"))
            .await;
        tenants.push(tenant);
    }
    let pool = TenantPool::<Postgres>::builder(catalog(Dialect::Postgres))
        .server(ServerName::default(), place.server())
        .budget(Budget::new(1))
        .build()
        .unwrap();
    let bound: Vec<_> = tenants
        .iter()
        .map(|tenant| pool.for_tenant(&TenantContext::for_test(tenant.clone())))
        .collect();
    // More often than the server plans a statement anew, and so long that each text is remembered.
    for round in 0..8_i64 {
        for (nth, tenant) in bound.iter().enumerate() {
            query("INSERT INTO leads (id, name, feels) VALUES ($1, $2, $3)")
                .bind(round)
                .bind(format!("lead of {nth}"))
                .bind(Mood::Sad)
                .execute(tenant)
                .await
                .unwrap_or_else(|error| panic!("round {round}, tenant {nth}: {error}"));
            let rows = query("SELECT * FROM leads ORDER BY id")
                .fetch_all(tenant)
                .await
                .unwrap_or_else(|error| panic!("round {round}, tenant {nth}: {error}"));
            assert_eq!(rows.len() as i64, round + 1);
            let row = rows.last().unwrap();
            assert_eq!(row.len(), if nth == 1 { 6 } else { 5 });
            assert_eq!(row.get::<String, _>("name"), format!("lead of {nth}"));
            assert_eq!(row.get::<Mood, _>("feels"), Mood::Sad);
            match nth {
                2 => assert_eq!(row.get::<String, _>("score"), "1"),
                _ => assert_eq!(row.get::<i32, _>("score"), 1),
            }
            let (name, feels): (String, Mood) =
                query_as("SELECT name, feels FROM leads WHERE id = $1 AND feels = $2")
                    .bind(round)
                    .bind(Mood::Sad)
                    .fetch_one(tenant)
                    .await
                    .unwrap_or_else(|error| panic!("round {round}, tenant {nth}: {error}"));
            assert_eq!((name, feels), (format!("lead of {nth}"), Mood::Sad));
            // The same inside a transaction, where nothing may be tried twice.
            let mut tx = tenant.begin().await.unwrap();
            let changed = query("UPDATE leads SET feels = $1 WHERE id = $2 RETURNING *")
                .bind(Mood::Ok)
                .bind(round)
                .fetch_all(&mut tx)
                .await
                .unwrap();
            assert_eq!(changed[0].len(), row.len());
            tx.rollback().await.unwrap();
        }
    }
    assert_eq!(pool.stats().open, 1);
    pool.close().await;
}

/// A migration that runs while a connection of the tenant remembers statements. The first to send one again is told by the
/// server; the driver by itself would go on sending it, on that connection, for ever.
#[tokio::test]
async fn a_schema_that_moves_on_under_an_open_connection() {
    let place = Pg::new().await;
    let provisioner = Provisioner::builder(place.registry.clone(), catalog(Dialect::Postgres))
        .server(ServerName::default(), place.server())
        .owned_migrations(Migrator::with_migrations(vec![migration(
            1, POSTGRES, false,
        )]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    let tenant = provisioner
        .provision(new("acme", Isolation::Schema))
        .await
        .unwrap();
    let pool = TenantPool::<Postgres>::builder(catalog(Dialect::Postgres))
        .server(ServerName::default(), place.server())
        .budget(Budget::new(1))
        .build()
        .unwrap();
    let bound = pool.for_tenant(&TenantContext::for_test(tenant.clone()));
    let all = async || query("SELECT * FROM leads").fetch_all(&bound).await;
    query("INSERT INTO leads (id, name) VALUES (1, 'one')")
        .execute(&bound)
        .await
        .unwrap();
    assert_eq!(all().await.unwrap()[0].len(), 5);
    let schema = tenant.id().schema_name();
    place
        .as_superuser(&format!(
            "ALTER TABLE \"{schema}\".leads ADD COLUMN note text"
        ))
        .await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(all().await.map(|rows| rows[0].len()));
    }
    assert!(answers[0].is_err(), "{answers:?}");
    assert!(
        answers[1..].iter().all(|answer| matches!(answer, Ok(6))),
        "{answers:?}"
    );
    // In a transaction, too.
    let again = "UPDATE leads SET score = 2 RETURNING *";
    query(again).fetch_all(&bound).await.unwrap();
    place
        .as_superuser(&format!(
            "ALTER TABLE \"{schema}\".leads ADD COLUMN more text"
        ))
        .await;
    let mut tx = bound.begin().await.unwrap();
    assert!(query(again).fetch_all(&mut tx).await.is_err());
    tx.rollback().await.unwrap();
    let mut tx = bound.begin().await.unwrap();
    assert_eq!(query(again).fetch_all(&mut tx).await.unwrap()[0].len(), 7);
    tx.commit().await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn files_at_different_versions_on_one_connection() {
    for isolation in [Isolation::Schema, Isolation::Database] {
        let files = Files::new().await;
        let provisioner = Provisioner::builder(files.registry.clone(), catalog(Dialect::Sqlite))
            .server(
                ServerName::default(),
                SqliteServer::folder(files.folder.path()),
            )
            .owned_migrations(Migrator::with_migrations(vec![migration(1, SQLITE, false)]))
            .build()
            .unwrap();
        provisioner.migrate_shared().await.unwrap();
        let mut tenants = Vec::new();
        for slug in ["old", "newer"] {
            let tenant = provisioner.provision(new(slug, isolation)).await.unwrap();
            if slug == "newer" {
                let path = files
                    .places()
                    .into_iter()
                    .find(|path| path.contains(&tenant.id().schema_name()) && path.ends_with(".db"))
                    .unwrap();
                let mut conn = sqlx::ConnectOptions::connect(
                    &sqlx::sqlite::SqliteConnectOptions::new().filename(files.folder.join(&path)),
                )
                .await
                .unwrap();
                conn.execute("ALTER TABLE leads ADD COLUMN note TEXT NOT NULL DEFAULT 'new'; ALTER TABLE leads DROP COLUMN score; ALTER TABLE leads ADD COLUMN score TEXT NOT NULL DEFAULT 'one'")
                    .await
                    .unwrap();
            }
            tenants.push(tenant);
        }
        let pool = TenantPool::<Sqlite>::builder(catalog(Dialect::Sqlite))
            .server(
                ServerName::default(),
                SqliteServer::folder(files.folder.path()),
            )
            .budget(Budget::new(1))
            .build()
            .unwrap();
        for round in 0..8_i64 {
            for (nth, tenant) in tenants.iter().enumerate() {
                let bound = pool.for_tenant(&TenantContext::for_test(tenant.clone()));
                query("INSERT INTO leads (id, name) VALUES (?, ?)")
                    .bind(round)
                    .bind(format!("lead of {nth}"))
                    .execute(&bound)
                    .await
                    .unwrap();
                let rows = query("SELECT * FROM leads ORDER BY id")
                    .fetch_all(&bound)
                    .await
                    .unwrap();
                assert_eq!(rows.len() as i64, round + 1);
                assert_eq!(rows[0].len(), 4 + nth);
                match nth {
                    0 => assert_eq!(rows[0].get::<i64, _>("score"), 1),
                    _ => assert_eq!(rows[0].get::<String, _>("score"), "one"),
                }
                let name: String = query_scalar("SELECT name FROM leads WHERE id = ?")
                    .bind(round)
                    .fetch_one(&bound)
                    .await
                    .unwrap();
                assert_eq!(name, format!("lead of {nth}"));
            }
        }
        pool.close().await;
    }
}
