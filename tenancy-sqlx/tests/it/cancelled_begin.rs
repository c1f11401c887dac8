//! A `BEGIN` whose future is dropped while it is in flight: sqlx's pool leaks the tenant, ours does not.
//!
//! The network is slow enough that the cut comes between the question and its answer, every time.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::Budget;
use tenancy_testkit::fixture::TwoTenants;
use tenancy_testkit::{NetworkDelay, PgCluster};

const ONE_WAY: Duration = Duration::from_millis(120);
/// Long enough to have sent, too short to have the answer.
const CUT_AT: Duration = Duration::from_millis(60);

fn through(network: &NetworkDelay, options: PgConnectOptions) -> PgConnectOptions {
    options.host("127.0.0.1").port(network.address().port())
}

/// The bug we guard against is still there: when this fails, a release of sqlx has mended it, and `docs/design.md` needs a
/// look.
#[tokio::test]
async fn sqlx_leaks_the_tenant_of_a_cancelled_begin() {
    let cluster = PgCluster::shared().await.unwrap();
    let database = cluster.database().await.unwrap();
    let options = database.app_options();
    let server = (options.get_host().to_owned(), options.get_port());
    let network = NetworkDelay::to(server, ONE_WAY).unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_with(through(&network, options))
        .await
        .unwrap();
    // Warm, so that the cut hits `BEGIN` and not the connecting or a sign of life.
    sqlx::query("SELECT 1").execute(&pool).await.unwrap();
    tokio::time::sleep(ONE_WAY * 4).await;

    let mut conn = pool.acquire().await.unwrap();
    let begin = conn.begin_with("BEGIN; SET LOCAL app.tenant_id = 'victim'");
    assert!(tokio::time::timeout(CUT_AT, begin).await.is_err());
    drop(conn);

    let seen: Option<String> = sqlx::query_scalar("SELECT current_setting('app.tenant_id', true)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(seen.as_deref(), Some("victim"));
}

#[tokio::test]
async fn ours_does_not() {
    for isolation in [Isolation::Shared, Isolation::Schema] {
        let tenants = TwoTenants::postgres(isolation).build().await.unwrap();
        let network = NetworkDelay::to(tenants.server_address(), ONE_WAY).unwrap();
        let pool = tenants.pool_through(&network, Budget::new(1)).unwrap();
        let a = TenantContext::for_test(tenants.a.clone());
        let b = TenantContext::for_test(tenants.b.clone());
        let warm: i64 = count(&pool, &a).await;
        assert_eq!(warm, 6);

        for _ in 0..3 {
            let begin = a.scope(pool.begin());
            assert!(tokio::time::timeout(CUT_AT, begin).await.is_err());
            // The only connection: it comes back in a known state.
            let names: Vec<String> = sqlx::query_scalar("SELECT name FROM leads")
                .fetch_all(&pool.for_tenant(&b))
                .await
                .unwrap();
            assert_eq!(names.len(), 6);
            assert!(
                names
                    .iter()
                    .all(|name| name.starts_with(tenants.b.slug().as_str()))
            );
        }
        assert!(pool.stats().open <= 1);
        pool.close().await;
    }
}

async fn count(pool: &tenancy_sqlx::TenantPool<sqlx::Postgres>, cx: &TenantContext) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&pool.for_tenant(cx))
        .await
        .unwrap()
}
