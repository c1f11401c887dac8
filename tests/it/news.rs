//! News of a registry in a SQLite file, by Redis: another process learns of a suspension long before it polls.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::migrate::Migrator;
use tenancy::cache::{RegistryNews, TenantRedisPool};
use tenancy::sqlx::provision::NewTenant;
use tenancy::sqlx::{Provisioner, SqlRegistry, SqliteServer};
use tenancy::{
    Actor, CachedRegistry, RegistryExt as _, ServerName, TenantContext, TenantSlug, TenantStatus,
};
use tenancy_testkit::{NetworkDelay, RedisServer, TempFolder};

static MIGRATIONS: Migrator = sqlx::migrate!("../tenancy-testkit/migrations/sqlite");

/// So seldom that only news can be in time.
const NEVER: Duration = Duration::from_secs(3_600);

struct World {
    folder: TempFolder,
    registry: SqlRegistry<Sqlite>,
    slug: TenantSlug,
}

impl World {
    async fn new() -> Self {
        let folder = TempFolder::new().unwrap();
        let registry = SqlRegistry::<Sqlite>::new(folder.path());
        registry.migrate().await.unwrap();
        let catalog = tenancy::sql::Catalog::builder(tenancy::sql::Dialect::Sqlite)
            .migration(
                "1",
                include_str!("../../tenancy-testkit/migrations/sqlite/0001_tables.sql"),
            )
            .build()
            .unwrap();
        let provisioner = Provisioner::builder(registry.clone(), catalog)
            .server(ServerName::default(), SqliteServer::folder(folder.path()))
            .migrations(&MIGRATIONS)
            .build()
            .unwrap();
        provisioner.migrate_shared().await.unwrap();
        let slug = TenantSlug::parse("acme").unwrap();
        provisioner.provision(NewTenant::new(slug)).await.unwrap();
        Self {
            folder,
            registry,
            slug,
        }
    }

    /// Another process: the same file, a cache of its own, and a request under way.
    async fn node(&self, news: &RegistryNews) -> (TenantContext, impl Drop + use<>) {
        let registry = SqlRegistry::<Sqlite>::new(self.folder.path());
        let cache = Arc::new(CachedRegistry::new(registry.clone()));
        let watch = registry.watch(&cache, NEVER).await.unwrap();
        let hearing = news.hear(move || watch.look_now());
        let tenant = cache.by_slug(&self.slug).await.unwrap();
        let context = TenantContext::for_request(tenant, Actor::user("ada")).unwrap();
        let kept = Kept(Some((cache, hearing)));
        (context, kept)
    }

    async fn set(&self, status: TenantStatus, news: &RegistryNews) {
        let tenant = self.registry.by_slug(&self.slug).await.unwrap().id();
        let by = Actor::user("ops");
        let event = self
            .registry
            .set_status(tenant, status, &by, "a test")
            .await
            .unwrap();
        // If Redis is away, whoever tells is told.
        let _ = news.tell(event).await;
    }
}

struct Kept<T>(Option<T>);

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

async fn sees(context: &TenantContext, status: TenantStatus) {
    for _ in 0..3_000 {
        if context.tenant().status() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the other process does not learn that the tenant is {status}");
}

fn name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[tokio::test]
async fn a_suspension_reaches_another_process_over_sqlite() {
    let server = RedisServer::shared().await.unwrap();
    let pool = TenantRedisPool::builder(server.url()).build().unwrap();
    let (world, news) = (World::new().await, RegistryNews::new(&pool, &name()));
    let (context, _node) = world.node(&news).await;
    world.set(TenantStatus::Suspended, &news).await;
    sees(&context, TenantStatus::Suspended).await;
    world.set(TenantStatus::Active, &news).await;
    sees(&context, TenantStatus::Active).await;

    // Of another registry, or made up: a look, and nothing changes.
    let other = RegistryNews::new(&pool, &name());
    world.set(TenantStatus::ReadOnly, &other).await;
    assert_eq!(context.tenant().status(), TenantStatus::Active);
    world.set(TenantStatus::Active, &news).await;
}

#[tokio::test]
async fn what_was_said_while_redis_could_not_be_heard_is_read_afterwards() {
    let server = RedisServer::shared().await.unwrap();
    let network = NetworkDelay::to(server.address().unwrap(), Duration::ZERO).unwrap();
    let through = server.url_through(network.address().port()).unwrap();
    let cut_off = TenantRedisPool::builder(through).build().unwrap();
    let pool = TenantRedisPool::builder(server.url()).build().unwrap();
    let (world, name) = (World::new().await, name());
    let (context, _node) = world.node(&RegistryNews::new(&cut_off, &name)).await;
    let news = RegistryNews::new(&pool, &name);
    // It hears.
    world.set(TenantStatus::ReadOnly, &news).await;
    sees(&context, TenantStatus::ReadOnly).await;
    network.cut();
    world.set(TenantStatus::Suspended, &news).await;
    network.heal();
    sees(&context, TenantStatus::Suspended).await;
}
