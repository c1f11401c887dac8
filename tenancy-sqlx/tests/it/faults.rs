//! What goes wrong outside is a typed error here, and the next request works.

use std::time::Duration;

use sqlx::{ConnectOptions as _, Executor as _, query, query_scalar};
use tenancy_core::{Isolation, ServerName, TenantContext};
use tenancy_sqlx::{Budget, Error, PgServer, TenantPool};
use tenancy_testkit::PgCluster;
use tenancy_testkit::fixture::{FixtureDb, TwoTenants};

async fn count_postgres(
    pool: &TenantPool<sqlx::Postgres>,
    cx: &TenantContext,
) -> Result<i64, sqlx::Error> {
    query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&pool.for_tenant(cx))
        .await
}

async fn count_sqlite(
    pool: &TenantPool<sqlx::Sqlite>,
    cx: &TenantContext,
) -> Result<i64, sqlx::Error> {
    query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&pool.for_tenant(cx))
        .await
}

fn contexts<DB: FixtureDb>(tenants: &TwoTenants<DB>) -> (TenantContext, TenantContext) {
    (
        TenantContext::for_test(tenants.a.clone()),
        TenantContext::for_test(tenants.b.clone()),
    )
}

#[tokio::test]
async fn an_exhausted_budget_says_so_and_recovers() {
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let (a, b) = contexts(&tenants);
    let pool = tenants
        .pool_with(Budget::new(1).acquire_timeout(Duration::from_millis(50)))
        .unwrap();
    let tx = pool.for_tenant(&a).begin().await.unwrap();
    let error = count_postgres(&pool, &b).await.unwrap_err();
    assert!(matches!(
        Error::from_sqlx(&error),
        Some(Error::BudgetExhausted { max: 1, .. })
    ));
    drop(tx);
    assert_eq!(count_postgres(&pool, &b).await.unwrap(), 6);
    pool.close().await;
}

#[tokio::test]
async fn one_budget_serves_many_databases() {
    for isolation in [Isolation::Schema, Isolation::Database] {
        let tenants = TwoTenants::postgres(isolation).build().await.unwrap();
        let (a, b) = contexts(&tenants);
        let pool = tenants.pool_with(Budget::new(1)).unwrap();
        for _ in 0..5 {
            for cx in [&a, &b] {
                assert_eq!(count_postgres(&pool, cx).await.unwrap(), 6);
                assert!(pool.stats().open <= 1);
            }
        }
        pool.close().await;
    }
    for isolation in [Isolation::Schema, Isolation::Database] {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let (a, b) = contexts(&tenants);
        let pool = tenants.pool_with(Budget::new(1)).unwrap();
        for _ in 0..5 {
            for cx in [&a, &b] {
                assert_eq!(count_sqlite(&pool, cx).await.unwrap(), 6);
                assert!(pool.stats().open <= 1);
            }
        }
        pool.close().await;
    }
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let (a, _) = contexts(&tenants);
    let pool = tenants
        .pool_with(Budget::new(3).idle_timeout(Duration::from_millis(50)))
        .unwrap();
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    for _ in 0..100 {
        if pool.stats().open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(pool.stats().open, 0);
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    pool.close().await;
}

#[tokio::test]
async fn a_read_leaves_no_transaction_behind() {
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let (a, _) = contexts(&tenants);
    let pool = tenants.pool_with(Budget::new(2)).unwrap();
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    // Its rollback waits a few milliseconds for a companion, then it is sent.
    let mut admin = tenants.admin_options().connect().await.unwrap();
    let mut open = i64::MAX;
    for _ in 0..100 {
        open = query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        if open == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(open, 0);
    assert_eq!(pool.stats().idle, 1);
    pool.close().await;
}

#[tokio::test]
async fn a_dropped_database_is_one_tenants_trouble() {
    let tenants = TwoTenants::postgres(Isolation::Database)
        .build()
        .await
        .unwrap();
    let (a, b) = contexts(&tenants);
    let pool = tenants.pool_with(Budget::new(4)).unwrap();
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    let mut admin = tenants.admin_options().connect().await.unwrap();
    let name = a.tenant_id().schema_name();
    admin
        .execute(sqlx::AssertSqlSafe(format!(
            "DROP DATABASE \"{name}\" WITH (FORCE)"
        )))
        .await
        .unwrap();
    for _ in 0..2 {
        let error = count_postgres(&pool, &a).await.unwrap_err();
        assert!(
            matches!(
                Error::from_sqlx(&error),
                Some(Error::Unreachable {
                    what: "database",
                    ..
                })
            ),
            "{error:?}"
        );
        assert_eq!(count_postgres(&pool, &b).await.unwrap(), 6);
    }
    pool.close().await;
}

#[tokio::test]
async fn a_deleted_file_is_one_tenants_trouble() {
    for isolation in [Isolation::Schema, Isolation::Database] {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let (a, b) = contexts(&tenants);
        tenants.pool.close().await;
        std::fs::remove_file(tenants.file_of(&tenants.a)).unwrap();
        let pool = tenants.pool_with(Budget::new(2)).unwrap();
        let error = count_sqlite(&pool, &a).await.unwrap_err();
        assert!(
            matches!(Error::from_sqlx(&error), Some(Error::Unreachable { .. })),
            "{error:?}"
        );
        // It was not made again by opening it.
        assert!(!tenants.file_of(&tenants.a).exists());
        assert_eq!(count_sqlite(&pool, &b).await.unwrap(), 6);
        pool.close().await;
    }
}

#[tokio::test]
async fn a_file_of_another_tenant_is_not_opened() {
    for isolation in [Isolation::Schema, Isolation::Database] {
        let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
        let (a, _) = contexts(&tenants);
        tenants.pool.close().await;
        // A backup restored to the wrong place.
        std::fs::copy(tenants.file_of(&tenants.b), tenants.file_of(&tenants.a)).unwrap();
        let pool = tenants.pool_with(Budget::new(2)).unwrap();
        let error = count_sqlite(&pool, &a).await.unwrap_err();
        assert!(
            matches!(Error::from_sqlx(&error), Some(Error::WrongPin { .. })),
            "{error:?}"
        );
        pool.close().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_another_tenants_file_is_not_followed() {
    let tenants = TwoTenants::sqlite(Isolation::Database)
        .build()
        .await
        .unwrap();
    let (a, _) = contexts(&tenants);
    tenants.pool.close().await;
    std::fs::remove_file(tenants.file_of(&tenants.a)).unwrap();
    std::os::unix::fs::symlink(tenants.file_of(&tenants.b), tenants.file_of(&tenants.a)).unwrap();
    let pool = tenants.pool_with(Budget::new(2)).unwrap();
    let error = count_sqlite(&pool, &a).await.unwrap_err();
    assert!(
        matches!(Error::from_sqlx(&error), Some(Error::Unreachable { .. })),
        "{error:?}"
    );
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_ends_the_transaction_and_nothing_else() {
    let cluster = PgCluster::start().await.unwrap();
    let tenants = TwoTenants::postgres(Isolation::Schema)
        .cluster(&cluster)
        .build()
        .await
        .unwrap();
    let (a, b) = contexts(&tenants);
    let pool = tenants.pool_with(Budget::new(3)).unwrap();
    let mut tx = pool.for_tenant(&a).begin().await.unwrap();
    query("DELETE FROM leads").execute(&mut tx).await.unwrap();
    // Idle connections that will be dead, too.
    assert_eq!(count_postgres(&pool, &b).await.unwrap(), 6);
    cluster.restart().await.unwrap();

    assert!(
        query("SELECT count(*) FROM leads")
            .execute(&mut tx)
            .await
            .is_err()
    );
    assert!(tx.commit().await.is_err());
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    assert_eq!(count_postgres(&pool, &b).await.unwrap(), 6);

    cluster.stop().await.unwrap();
    let error = count_postgres(&pool, &a).await.unwrap_err();
    assert!(
        matches!(Error::from_sqlx(&error), Some(Error::Unreachable { .. })),
        "{error:?}"
    );
    cluster.restart().await.unwrap();
    assert_eq!(count_postgres(&pool, &a).await.unwrap(), 6);
    pool.close().await;
}

#[tokio::test]
async fn a_failed_statement_fails_the_commit_on_postgres() {
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let (a, _) = contexts(&tenants);
    let pool = &tenants.pool;
    let mut tx = pool.for_tenant(&a).begin().await.unwrap();
    query("UPDATE leads SET name = 'half'")
        .execute(&mut tx)
        .await
        .unwrap();
    let twice = query("INSERT INTO leads (id, name, status) VALUES (1, 'twice', 'open')")
        .execute(&mut tx)
        .await;
    assert!(matches!(twice, Err(sqlx::Error::Database(_))));
    // The server would answer this commit with success, and roll back.
    assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
    let half: i64 = query_scalar("SELECT count(*) FROM leads WHERE name = 'half'")
        .fetch_one(&pool.for_tenant(&a))
        .await
        .unwrap();
    assert_eq!(half, 0);
}

#[tokio::test]
async fn a_read_only_transaction_refuses_to_write() {
    let tenants = TwoTenants::sqlite(Isolation::Shared).build().await.unwrap();
    let (a, _) = contexts(&tenants);
    let mut tx = tenants.pool.for_tenant(&a).begin_read_only().await.unwrap();
    let error = query("DELETE FROM leads")
        .execute(&mut tx)
        .await
        .unwrap_err();
    assert!(matches!(
        Error::from_sqlx(&error),
        Some(Error::ReadOnlyTransaction)
    ));
    let n: i64 = query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert_eq!(n, 6);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let tenants = TwoTenants::postgres(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let (a, _) = contexts(&tenants);
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let options = tenants
        .app_options()
        .port(silent.local_addr().unwrap().port());
    let pool = TenantPool::<sqlx::Postgres>::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), PgServer::new(options))
        .budget(Budget::new(1).connect_timeout(Duration::from_millis(200)))
        .build()
        .unwrap();
    let error = count_postgres(&pool, &a).await.unwrap_err();
    assert!(
        matches!(Error::from_sqlx(&error), Some(Error::Unreachable { .. })),
        "{error:?}"
    );
    assert_eq!((pool.stats().open, pool.stats().free_slots), (0, 1));
}

#[tokio::test]
async fn a_forgotten_savepoint_is_not_committed() {
    macro_rules! forget {
        ($tenants:expr, $count:ident) => {
            let tenants = $tenants;
            let (a, _) = contexts(&tenants);
            let mut tx = tenants.pool.for_tenant(&a).begin().await.unwrap();
            query("DELETE FROM leads").execute(&mut tx).await.unwrap();
            std::mem::forget(tx.savepoint().await.unwrap());
            assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
            assert_eq!($count(&tenants.pool, &a).await.unwrap(), 6);

            // One that was dropped is rolled back, and the rest is committed.
            let mut tx = tenants.pool.for_tenant(&a).begin().await.unwrap();
            drop(tx.savepoint().await.unwrap());
            tx.commit().await.unwrap();
        };
    }
    for isolation in [Isolation::Shared, Isolation::Schema] {
        forget!(
            TwoTenants::postgres(isolation).build().await.unwrap(),
            count_postgres
        );
        forget!(
            TwoTenants::sqlite(isolation).build().await.unwrap(),
            count_sqlite
        );
    }
}
