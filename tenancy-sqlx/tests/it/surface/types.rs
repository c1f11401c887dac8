//! Columns of the kinds in which the databases differ (enums, JSON, UUIDs, arrays, bytes), and constraints that are checked
//! at commit.

use sqlx::migrate::Migrator;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres, Sqlite, query, query_as, query_scalar};
use tenancy_core::{Isolation, ServerName, TenantContext};
use tenancy_sql::{Catalog, Dialect};
use tenancy_sqlx::{BoundPool, Budget, Provisioner, SqliteServer, TenantPool};
use uuid::Uuid;

use crate::places::{Files, Pg, migration, new};

const POSTGRES: &str = "
CREATE TYPE mood AS ENUM ('calm', 'keen');
CREATE TABLE deals (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    mood mood NOT NULL,
    moods mood[] NOT NULL DEFAULT '{}',
    facts jsonb NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    scan bytea,
    next_id uuid,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, next_id) REFERENCES deals (tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);";

const SQLITE: &str = "
CREATE TABLE deals (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    mood TEXT NOT NULL,
    facts TEXT NOT NULL,
    scan BLOB,
    next_id BLOB,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, next_id) REFERENCES deals (tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);";

#[derive(Clone, Copy, Debug, PartialEq, sqlx::Type)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
enum Mood {
    Calm,
    Keen,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Facts {
    worth: u32,
    people: Vec<String>,
}

#[derive(Debug, PartialEq, FromRow)]
struct Deal {
    id: Uuid,
    mood: Mood,
    facts: Json<Facts>,
    scan: Option<Vec<u8>>,
}

fn deal(mood: Mood) -> Deal {
    let facts = Facts {
        worth: 7,
        people: vec!["Ada".into(), "Grace".into()],
    };
    Deal {
        id: Uuid::from_u128(7),
        mood,
        facts: Json(facts),
        scan: Some(vec![0, 1, 255]),
    }
}

fn catalog(dialect: Dialect, sql: &str) -> Catalog {
    Catalog::builder(dialect)
        .migration("1_deals.sql", sql)
        .build()
        .unwrap()
}

/// Two tenants of an isolation on one connection.
async fn postgres(pg: &Pg, isolation: Isolation) -> [BoundPool<Postgres>; 2] {
    let catalog = catalog(Dialect::Postgres, POSTGRES);
    let provisioner = Provisioner::builder(pg.registry.clone(), catalog.clone())
        .server(ServerName::default(), pg.server())
        .owned_migrations(Migrator::with_migrations(vec![migration(
            1, POSTGRES, false,
        )]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    let a = provisioner.provision(new("a", isolation)).await.unwrap();
    let b = provisioner.provision(new("b", isolation)).await.unwrap();
    let pool = TenantPool::<Postgres>::builder(catalog)
        .server(ServerName::default(), pg.server())
        .budget(Budget::new(1))
        .build()
        .unwrap();
    [a, b].map(|tenant| pool.for_tenant(&TenantContext::for_test(tenant)))
}

async fn sqlite(files: &Files, isolation: Isolation) -> [BoundPool<Sqlite>; 2] {
    let catalog = catalog(Dialect::Sqlite, SQLITE);
    let server = SqliteServer::folder(files.folder.path());
    let provisioner = Provisioner::builder(files.registry.clone(), catalog.clone())
        .server(ServerName::default(), server.clone())
        .owned_migrations(Migrator::with_migrations(vec![migration(1, SQLITE, false)]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    let a = provisioner.provision(new("a", isolation)).await.unwrap();
    let b = provisioner.provision(new("b", isolation)).await.unwrap();
    let pool = TenantPool::<Sqlite>::builder(catalog)
        .server(ServerName::default(), server)
        .budget(Budget::new(1))
        .build()
        .unwrap();
    [a, b].map(|tenant| pool.for_tenant(&TenantContext::for_test(tenant)))
}

macro_rules! round_trip {
    ($a:expr, $b:expr) => {
        let insert = "INSERT INTO deals (id, mood, facts, scan) VALUES ($1, $2, $3, $4)";
        // Back and forth on one connection: ids of types and statements are another tenant's each time.
        for mood in [Mood::Calm, Mood::Keen] {
            for bound in [$a, $b] {
                let deal = deal(mood);
                query(insert)
                    .bind(deal.id)
                    .bind(deal.mood)
                    .bind(&deal.facts)
                    .bind(&deal.scan)
                    .execute(bound)
                    .await
                    .unwrap();
            }
            for bound in [$a, $b] {
                let found: Vec<Deal> = query_as("SELECT id, mood, facts, scan FROM deals WHERE mood = $1 AND id = $2")
                    .bind(mood)
                    .bind(Uuid::from_u128(7))
                    .fetch_all(bound)
                    .await
                    .unwrap();
                assert_eq!(found, [deal(mood)]);
                let gone = query("DELETE FROM deals WHERE mood = $1").bind(mood).execute(bound).await.unwrap();
                assert_eq!(gone.rows_affected(), 1);
            }
        }
    };
}

/// A row that points nowhere is refused at commit, and nobody is told that it was written.
macro_rules! deferred {
    ($bound:expr) => {
        let insert =
            "INSERT INTO deals (id, mood, facts, next_id) VALUES ($1, $2, $3, $4) RETURNING id";
        let facts = deal(Mood::Calm).facts;
        macro_rules! orphan {
            ($number:expr) => {
                query(insert)
                    .bind(Uuid::from_u128($number))
                    .bind(Mood::Calm)
                    .bind(&facts)
                    .bind(Uuid::from_u128(99))
            };
        }
        let executed = orphan!(1).execute($bound).await;
        let optional = orphan!(2).fetch_optional($bound).await;
        let one = orphan!(3).fetch_one($bound).await;
        let every = orphan!(4).fetch_all($bound).await;
        let mut tx = $bound.begin().await.unwrap();
        orphan!(5).fetch_one(&mut tx).await.unwrap();
        let committed = tx.commit().await;
        let left: i64 = query_scalar("SELECT count(*) FROM deals")
            .fetch_one($bound)
            .await
            .unwrap();
        assert_eq!(left, 0);
        assert!(executed.is_err(), "execute");
        assert!(every.is_err(), "fetch_all");
        assert!(optional.is_err(), "fetch_optional");
        assert!(one.is_err(), "fetch_one");
        assert!(committed.is_err(), "commit");
    };
}

#[tokio::test]
async fn columns_of_postgres() {
    for isolation in [Isolation::Shared, Isolation::Schema, Isolation::Database] {
        let pg = Pg::new().await;
        let [a, b] = &postgres(&pg, isolation).await;
        round_trip!(a, b);
        for bound in [a, b, a] {
            let row: (Vec<Mood>, Vec<String>) =
                query_as("INSERT INTO deals (id, mood, moods, tags, facts) VALUES ($1, 'keen', $2, $3, '{\"worth\": 7}') RETURNING moods, tags")
                    .bind(Uuid::now_v7())
                    .bind(vec![Mood::Keen, Mood::Calm])
                    .bind(vec!["x", "y"])
                    .fetch_one(bound)
                    .await
                    .unwrap();
            assert_eq!(
                row,
                (
                    vec![Mood::Keen, Mood::Calm],
                    vec!["x".to_owned(), "y".to_owned()]
                )
            );
            let worth: i32 = query_scalar("SELECT (facts ->> 'worth')::int4 FROM deals WHERE tags @> $1 AND mood = ANY($2) LIMIT 1")
                .bind(vec!["x"])
                .bind(vec![Mood::Keen])
                .fetch_one(bound)
                .await
                .unwrap();
            assert_eq!(worth, 7);
        }
    }
}

#[tokio::test]
async fn columns_of_sqlite() {
    for isolation in [Isolation::Shared, Isolation::Schema, Isolation::Database] {
        let files = Files::new().await;
        let [a, b] = &sqlite(&files, isolation).await;
        round_trip!(a, b);
    }
}

#[tokio::test]
async fn constraints_at_commit_on_postgres() {
    let pg = Pg::new().await;
    let [a, _] = &postgres(&pg, Isolation::Shared).await;
    deferred!(a);
}

#[tokio::test]
async fn constraints_at_commit_on_sqlite() {
    for isolation in [Isolation::Shared, Isolation::Schema] {
        let files = Files::new().await;
        let [a, _] = &sqlite(&files, isolation).await;
        deferred!(a);
    }
}
