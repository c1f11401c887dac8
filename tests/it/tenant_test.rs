//! `#[tenant_test]` as a user writes it, on both databases.

use sqlx::{Postgres, Sqlite};
use tenancy::tenant_test;
use tenancy_core::Isolation;
use tenancy_testkit::fixture::TestTenants;

#[tenant_test]
async fn what_a_writes_b_does_not_see(tenants: TestTenants<Sqlite>) -> Result<(), sqlx::Error> {
    let a = tenants.pool.for_tenant(&tenants.a);
    let b = tenants.pool.for_tenant(&tenants.b);
    sqlx::query("INSERT INTO users (id, name) VALUES (1, 'Ada')")
        .execute(&a)
        .await?;
    let seen = sqlx::query("SELECT * FROM users")
        .fetch_optional(&b)
        .await?;
    assert!(seen.is_none());
    sqlx::query("INSERT INTO users (id, name) VALUES (1, 'Grace')")
        .execute(&b)
        .await?;
    let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = 1")
        .fetch_one(&a)
        .await?;
    assert_eq!(name, "Ada");
    Ok(())
}

#[tenant_test(shared, schema)]
async fn in_those_isolations_alone(tenants: TestTenants<Postgres>) {
    assert_ne!(tenants.isolation(), Isolation::Database);
    let scoped = tenants.a.scope(async {
        sqlx::query("INSERT INTO users (id, name) VALUES (1, 'Ada')")
            .execute(&tenants.pool)
            .await
    });
    scoped.await.unwrap().unwrap();
    let b = tenants.pool.for_tenant(&tenants.b);
    let n: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&b)
        .await
        .unwrap();
    assert_eq!(n, 0);
}

/// A test that fails is seen to fail.
#[tenant_test(database)]
#[should_panic(expected = "left: 1")]
async fn a_failed_assertion_fails(_tenants: TestTenants<Sqlite>) {
    assert_eq!(1, 2);
}
