//! The code of `docs/status.md`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use sqlx::Sqlite;
use tenancy::cache::{RegistryNews, TenantRedisPool};
use tenancy::http::Tenancy;
use tenancy::sqlx::SqlRegistry;
use tenancy::{Actor, CachedRegistry, RegistryEvent, TenantId, TenantStatus};

async fn serve(_: WebSocket) {}

#[rustfmt::skip]
async fn suspended(
    registry: &SqlRegistry<Sqlite>,
    cache: &CachedRegistry<SqlRegistry<Sqlite>>,
    tenant: TenantId,
    operator: Actor,
) -> tenancy::sqlx::Result<()> {
    let event = registry.set_status(tenant, TenantStatus::Suspended, &operator, "unpaid since june").await?;   // and an audit row
    cache.apply(event);                                     // this process, now; the others hear of it by themselves
    Ok(())
}

#[rustfmt::skip]
async fn told_by_redis(
    registry: &SqlRegistry<Sqlite>,
    cache: Arc<CachedRegistry<SqlRegistry<Sqlite>>>,
    redis_pool: TenantRedisPool,
    event: RegistryEvent,
) -> Result<(), Box<dyn std::error::Error>> {
    let news = RegistryNews::new(&redis_pool, "crm");
    let watch = registry.watch(&cache, Duration::from_secs(5)).await?;
    let hearing = news.hear(move || watch.look_now());      // in each process that serves, for as long as it does
    news.tell(event).await?;                                // in the one that changed something
    Ok(())
}

#[rustfmt::skip]
async fn socket(tenancy: Tenancy, upgrade: WebSocketUpgrade) -> Response {
    let context = tenancy.context().clone();
    upgrade.on_upgrade(move |socket| async move { let _ended = context.while_live(serve(socket)).await; })
}
