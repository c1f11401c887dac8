//! The code of `docs/limits.md`.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use sqlx::Sqlite;
use tenancy::cache::TenantRedisPool;
use tenancy::http::limit::{Allowance, Attempts, LimitLayer, Limits, Outage, SharedCounts};
use tenancy::http::{Problem, TenantLayer};
use tenancy::sql::Catalog;
use tenancy::sqlx::{Budget, SqliteServer, TenantPool};
use tenancy::{ServerName, TenantContext, TenantRegistry};

async fn list() -> &'static str {
    "none"
}

#[rustfmt::skip]
fn of_plans(registry: impl TenantRegistry) -> Router {
    let limits = Limits::new(Allowance::unlimited().rate(60, 60).at_once(10))      // who has no plan
        .plan("gold", Allowance::unlimited().rate(600, 60).quota("daily", 100_000, 86_400))
        .setting("limits");                                                         // a tenant's own, in the registry
    let app: Router = Router::new()
        .route("/leads", get(list))
        .layer(LimitLayer::new(limits))
        .layer(TenantLayer::new(registry).subdomain_of("crm.example.com"));         // around it: says whose the request is
    app
}

#[rustfmt::skip]
fn connections(catalog: Catalog) -> tenancy::sqlx::Result<TenantPool<Sqlite>> {
    let pool = TenantPool::<Sqlite>::builder(catalog)
        .server(ServerName::default(), SqliteServer::folder("data"))
        .budget(Budget::new(50).per_tenant(20))
        .build()?;
    Ok(pool)
}

#[rustfmt::skip]
fn attempts(context: &TenantContext) -> Result<(), Problem> {
    let attempts = Attempts::new(10, 900);                  // ten in a quarter of an hour, for each name of each tenant
    attempts.take(&context, "ada@example.com")?;            // 429 with Retry-After; before you look whether Ada exists
    attempts.forgive(&context, "ada@example.com");          // she was right
    Ok(())
}

#[rustfmt::skip]
fn shared(redis_pool: &TenantRedisPool, limits: Limits) -> LimitLayer {
    let counts = SharedCounts::new(&redis_pool, Duration::from_millis(100));
    let layer = LimitLayer::shared(limits, counts, Outage::Open);
    layer
}
