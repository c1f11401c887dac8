//! sqlx's checked macros run unchanged on a `TenantPool`: they describe the text as it was written, and decode by position.
//!
//! What they know of the statements is in `.sqlx`, as `cargo sqlx prepare` leaves it there; one file per text, so the texts
//! of the two databases differ a little.

use sqlx::{query, query_as, query_scalar};
use tenancy_core::{Isolation, TenantContext};
use tenancy_testkit::fixture::TwoTenants;

struct Named {
    id: i64,
    name: String,
}

const ISOLATIONS: [Isolation; 3] = [Isolation::Shared, Isolation::Schema, Isolation::Database];

#[tokio::test]
async fn checked_macros_on_postgres() {
    for isolation in ISOLATIONS {
        let tenants = TwoTenants::postgres(isolation).build().await.unwrap();
        let cx = TenantContext::for_test(tenants.b.clone());
        let pool = tenants.pool.for_tenant(&cx);

        // The tenant column is in its place, so that no column shifts.
        let rows = query!(
            "SELECT * FROM leads WHERE status = $1 ORDER BY id ASC",
            "open"
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert_eq!(rows.len(), 6);
        for (row, id) in rows.iter().zip(1..) {
            assert_eq!(
                tenancy_core::TenantId::from_uuid(row.tenant_id).unwrap(),
                tenants.b.id()
            );
            assert_eq!(
                (row.id, row.name.as_str()),
                (id, format!("b lead {id}").as_str())
            );
            assert_eq!(row.status, "open");
        }
        let rows = query_as!(
            Named,
            "SELECT id, name FROM leads WHERE id > $1 ORDER BY id ASC",
            0_i64
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert!(
            rows.iter()
                .all(|row| row.name == format!("b lead {}", row.id))
        );
        let mut tx = pool.begin().await.unwrap();
        let n = query_scalar!("SELECT count(*) AS n FROM leads WHERE owner_id = $1", 1_i64)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(n, Some(2));
    }
}

#[tokio::test]
async fn checked_macros_on_sqlite() {
    for isolation in ISOLATIONS {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let cx = TenantContext::for_test(tenants.b.clone());
        let pool = tenants.pool.for_tenant(&cx);

        let rows = query!("SELECT * FROM leads WHERE status = ?1 ORDER BY id", "open")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(rows.len(), 6);
        for (row, id) in rows.iter().zip(1..) {
            assert_eq!(row.tenant_id.len(), 16);
            assert_eq!(
                (row.id, row.name.as_str()),
                (id, format!("b lead {id}").as_str())
            );
            assert_eq!(row.status, "open");
        }
        let rows = query_as!(
            Named,
            "SELECT id, name FROM leads WHERE id > ?1 ORDER BY id",
            0_i64
        )
        .fetch_all(&pool)
        .await
        .unwrap();
        assert!(
            rows.iter()
                .all(|row| row.name == format!("b lead {}", row.id))
        );
        let mut tx = pool.begin().await.unwrap();
        let n = query_scalar!("SELECT count(*) FROM leads WHERE owner_id = ?1", 1_i64)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(n, 2);
    }
}
