//! How news of the registry reach another node: announced by PostgreSQL and found again when the announcement was lost, or
//! noticed in a file of SQLite.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection, Postgres, Sqlite};
use tenancy_core::{Actor, CachedRegistry, Isolation, RegistryExt as _, Tenant, TenantStatus};
use tenancy_sqlx::SqlRegistry;
use tenancy_sqlx::registry::RegistryWatch;

use crate::places::{Files, Pg, new, slug};

/// So seldom that only an announcement can be in time.
const NEVER: Duration = Duration::from_secs(3_600);

/// Two nodes over one database: one writes, the other one has a cache and a request that holds a tenant.
struct Nodes {
    place: Pg,
    held: Arc<Tenant>,
    _cache: Arc<CachedRegistry<SqlRegistry<Postgres>>>,
    _watch: RegistryWatch,
}

impl Nodes {
    async fn new(interval: Duration) -> Self {
        let place = Pg::new().await;
        let acme = new("acme", Isolation::Shared);
        place.migrated().await.provision(acme).await.unwrap();
        let other = SqlRegistry::<Postgres>::new(place.owner.clone().application_name("other"));
        let cache = Arc::new(CachedRegistry::new(other.clone()));
        let watch = other.watch(&cache, interval).await.unwrap();
        let held = cache.by_slug(&slug("acme")).await.unwrap();
        let nodes = Self {
            place,
            held,
            _cache: cache,
            _watch: watch,
        };
        // It listens.
        while nodes.listeners().await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        nodes
    }

    async fn set(&self, status: TenantStatus) {
        let (registry, by) = (&self.place.registry, Actor::user("ops"));
        registry
            .set_status(self.held.id(), status, &by, "a test")
            .await
            .unwrap();
    }

    async fn sees(&self, status: TenantStatus) {
        for _ in 0..3_000 {
            if self.held.status() == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the other node does not learn that it is {status}");
    }

    async fn listeners(&self) -> i64 {
        self.admin(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'other' AND query LIKE 'LISTEN%'",
        )
        .await
    }

    /// Cuts the connection that listens.
    async fn cut(&self) {
        let cut = self.admin(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE application_name = 'other' AND query LIKE 'LISTEN%'",
        );
        assert_eq!(cut.await, 1);
    }

    /// Plain connections to the database.
    fn pool(&self) -> sqlx::PgPool {
        let options: PgConnectOptions = self.place.database.admin_options();
        sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options)
    }

    async fn admin(&self, sql: &'static str) -> i64 {
        // Of this database alone: other tests have nodes too.
        let options: PgConnectOptions = self.place.database.admin_options();
        let mut admin = PgConnection::connect_with(&options).await.unwrap();
        let sql = format!("{sql} AND datname = current_database()");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
        count.fetch_one(&mut admin).await.unwrap()
    }

    /// How many connections the role of the nodes may open from now on; those that are open stay.
    async fn connections(&self, most: i32) {
        let role = self.place.owner.get_username();
        let sql = format!("ALTER ROLE {role} CONNECTION LIMIT {most}");
        Pg::execute(&self.place.database.admin_options(), &sql).await;
    }
}

#[tokio::test]
async fn a_suspension_is_announced() {
    let nodes = Nodes::new(NEVER).await;
    nodes.set(TenantStatus::Suspended).await;
    nodes.sees(TenantStatus::Suspended).await;
}

#[tokio::test]
async fn a_lost_announcement_is_read_when_somebody_listens_again() {
    let nodes = Nodes::new(NEVER).await;
    nodes.cut().await;
    nodes.set(TenantStatus::Suspended).await;
    nodes.sees(TenantStatus::Suspended).await;
    nodes.set(TenantStatus::Active).await;
    nodes.sees(TenantStatus::Active).await;
}

#[tokio::test]
async fn while_nobody_can_listen_polling_goes_on() {
    let nodes = Nodes::new(Duration::from_millis(500)).await;
    // Both pools have a connection each by now, and can open no more.
    nodes.connections(0).await;
    nodes.cut().await;
    nodes.set(TenantStatus::Suspended).await;
    nodes.sees(TenantStatus::Suspended).await;
    assert_eq!(nodes.listeners().await, 0, "nobody listens");
    nodes.connections(-1).await;
    nodes.set(TenantStatus::Active).await;
    nodes.sees(TenantStatus::Active).await;
}

#[tokio::test]
async fn what_another_connection_writes_into_the_file_is_noticed() {
    let place = Files::new().await;
    let acme = new("acme", Isolation::Shared);
    place.migrated().await.provision(acme).await.unwrap();
    let other = SqlRegistry::<Sqlite>::new(place.folder.path());
    let cache = Arc::new(CachedRegistry::new(other.clone()));
    let watch = other.watch(&cache, NEVER).await.unwrap();
    let held = cache.by_slug(&slug("acme")).await.unwrap();
    for status in [TenantStatus::Suspended, TenantStatus::Active] {
        let by = Actor::user("ops");
        let changed = place.registry.set_status(held.id(), status, &by, "a test");
        changed.await.unwrap();
        let mut patience = 3_000;
        while held.status() != status {
            assert!(
                patience > 0,
                "the other node does not learn that it is {status}"
            );
            patience -= 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    drop(watch);
}

/// Any session of the database may listen, so an announcement says no more than whom it is about.
#[tokio::test]
async fn an_announcement_is_an_id_and_nothing_else() {
    let nodes = Nodes::new(NEVER).await;
    let mut listener = sqlx::postgres::PgListener::connect_with(&nodes.pool())
        .await
        .unwrap();
    listener.listen("tenancy_registry").await.unwrap();
    nodes.set(TenantStatus::Suspended).await;
    let heard = listener.recv().await.unwrap();
    assert_eq!(heard.payload(), nodes.held.id().to_string());
}
