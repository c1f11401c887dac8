//! Statements that are checked while these tests are compiled: they answer what sqlx's macros answer, and nothing parses
//! them any more.

use tenancy::sqlx::TenantPool;
use tenancy::{query, query_as, query_scalar, statement};
use tenancy_core::{Isolation, TenantContext};
use tenancy_testkit::fixture::TwoTenants;

struct Named {
    id: i64,
    name: String,
}

const ISOLATIONS: [Isolation; 3] = [Isolation::Shared, Isolation::Schema, Isolation::Database];

fn nothing_was_parsed<DB: tenancy_sqlx::TenantDb>(pool: &TenantPool<DB>, compiled: u64) {
    let misses = pool.firewall().misses();
    assert_eq!((misses.compiled, misses.parsed), (compiled, 0));
}

#[tokio::test]
async fn the_macros_on_postgres() {
    for isolation in ISOLATIONS {
        let tenants = TwoTenants::postgres(isolation).build().await.unwrap();
        let cx = TenantContext::for_test(tenants.b.clone());
        let pool = tenants.pool.for_tenant(&cx);
        let rows = query!(
            dialect = "postgres",
            "SELECT * FROM leads WHERE status = $1 ORDER BY id ASC",
            "open"
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row.name.starts_with("b ")));
        let rows = query_as!(
            Named,
            "SELECT id, name FROM leads " + "WHERE id > $1 ORDER BY id ASC",
            0_i64
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        assert!(
            rows.iter()
                .all(|row| row.name == format!("b lead {}", row.id))
        );
        let mut tx = pool.begin().await.unwrap();
        let n = query_scalar!("SELECT count(*) AS n FROM leads WHERE owner_id = $1", 1_i64);
        assert_eq!(n.fetch_one(&mut *tx).await.unwrap(), Some(2));
        drop(tx);
        nothing_was_parsed(&tenants.pool, 3);
    }
}

#[tokio::test]
async fn the_macros_on_sqlite() {
    for isolation in ISOLATIONS {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let cx = TenantContext::for_test(tenants.b.clone());
        let pool = tenants.pool.for_tenant(&cx);
        let rows = query!(
            dialect = "sqlite",
            "SELECT * FROM leads WHERE status = ?1 ORDER BY id",
            "open"
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row.name.starts_with("b ")));
        let rows = query_as!(
            dialect = "sqlite",
            Named,
            "SELECT id, name FROM leads WHERE id > ?1 ORDER BY id",
            0_i64
        );
        let rows = rows.fetch_all(&pool).await.unwrap();
        assert!(
            rows.iter()
                .all(|row| row.name == format!("b lead {}", row.id))
        );
        nothing_was_parsed(&tenants.pool, 2);
    }
}

/// For sqlx's functions, in either dialect; what is not checked at compile time is parsed, and confined all the same.
#[tokio::test]
async fn a_text_for_sqlx_functions() {
    let counted = statement!(
        "SELECT count(*) FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.status = $1"
    );
    for isolation in ISOLATIONS {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let b = tenants
            .pool
            .for_tenant(&TenantContext::for_test(tenants.b.clone()));
        let n: i64 = sqlx::query_scalar(counted)
            .bind("open")
            .fetch_one(&b)
            .await
            .unwrap();
        assert_eq!(n, 6);
        nothing_was_parsed(&tenants.pool, 1);
        let n: i64 = sqlx::query_scalar("SELECT count(*) FROM leads")
            .fetch_one(&b)
            .await
            .unwrap();
        assert_eq!(n, 6);
        assert_eq!(tenants.pool.firewall().misses().parsed, 1);
    }
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let b = tenants
        .pool
        .for_tenant(&TenantContext::for_test(tenants.b.clone()));
    let n: i64 = sqlx::query_scalar(counted)
        .bind("open")
        .fetch_one(&b)
        .await
        .unwrap();
    assert_eq!(n, 6);
    nothing_was_parsed(&tenants.pool, 1);
    // Without a tenant nothing is sent, however early the text was checked.
    let refused = sqlx::query_scalar::<_, i64>(counted)
        .bind("open")
        .fetch_one(&tenants.pool)
        .await
        .unwrap_err();
    let refused = tenancy_sqlx::Error::from_sqlx(&refused).unwrap();
    assert!(refused.as_tenancy().unwrap().is_no_tenant());
    // One value too many would be taken for the tenant.
    let stolen = sqlx::query_scalar::<_, i64>(counted)
        .bind("open")
        .bind(uuid::Uuid::nil());
    assert!(stolen.fetch_one(&b).await.is_err());
}

/// The catalogue that a program starts with is the one that its statements were checked against.
#[test]
fn the_catalogue_at_run_time_is_that_of_the_macros() {
    let catalog = tenancy::catalog!(sqlite).unwrap();
    let by_hand = tenancy::sql::Catalog::builder(tenancy::sql::Dialect::Sqlite)
        .migration(
            "by_hand.sql",
            include_str!("../../tenancy-testkit/migrations/sqlite/0001_tables.sql"),
        )
        .build()
        .unwrap();
    assert_eq!(catalog.fingerprint(), by_hand.fingerprint());
    let firewall = tenancy::sql::Firewall::new(catalog);
    firewall.check(statement!("SELECT id FROM users")).unwrap();
    assert_eq!(firewall.misses().parsed, 0);
}
