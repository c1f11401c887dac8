//! Two tenants and a Redis, for every test here.

use std::sync::Arc;

use tenancy_cache::redis::aio::MultiplexedConnection;
use tenancy_cache::redis::{AsyncConnectionConfig, Client, Value, cmd};
use tenancy_cache::{HashTag, TenantRedisPool, testing};
use tenancy_core::{
    Actor, InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus,
};
use tenancy_testkit::RedisServer;

/// Two active tenants that nobody else has.
pub(crate) struct Two {
    pub(crate) registry: InMemoryRegistry,
    pub(crate) a: Arc<Tenant>,
    pub(crate) b: Arc<Tenant>,
}

impl Two {
    pub(crate) fn new() -> Self {
        let registry = InMemoryRegistry::new();
        let add = |slug| {
            let slug = TenantSlug::parse(slug).unwrap();
            let tenant = Tenant::builder(TenantId::new_v7(), slug).build().unwrap();
            registry.insert(tenant).unwrap()
        };
        let (a, b) = (add("a"), add("b"));
        Self { registry, a, b }
    }

    pub(crate) fn contexts(&self) -> (TenantContext, TenantContext) {
        (context(&self.a), context(&self.b))
    }

    pub(crate) fn set_status(&self, tenant: &Tenant, status: TenantStatus) {
        self.registry.set_status(&tenant.id(), status).unwrap();
    }
}

pub(crate) fn context(tenant: &Arc<Tenant>) -> TenantContext {
    TenantContext::for_request(tenant.clone(), Actor::user("u")).unwrap()
}

pub(crate) async fn url() -> String {
    RedisServer::shared().await.unwrap().url().to_owned()
}

pub(crate) async fn pool() -> TenantRedisPool {
    TenantRedisPool::builder(url().await)
        .response_timeout(PATIENCE)
        .acquire_timeout(PATIENCE)
        .build()
        .unwrap()
}

/// The machine is busy.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A connection of the administrator, who sees every key as it is.
pub(crate) async fn admin() -> MultiplexedConnection {
    connect(Client::open(url().await).unwrap()).await
}

pub(crate) async fn connect(client: Client) -> MultiplexedConnection {
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(PATIENCE))
        .set_connection_timeout(Some(PATIENCE));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap()
}

pub(crate) fn prefix(tenant: &Tenant) -> String {
    testing::prefix(tenant.id(), HashTag::Tenant)
}

/// All that a tenant has, as the server has it.
pub(crate) async fn contents(
    admin: &mut MultiplexedConnection,
    prefix: &str,
) -> Vec<(String, Value)> {
    let mut keys: Vec<String> = cmd("KEYS")
        .arg(format!("{prefix}*"))
        .query_async(admin)
        .await
        .unwrap();
    keys.sort();
    let mut contents = Vec::new();
    for key in keys {
        let value = cmd("DUMP").arg(&key).query_async(admin).await.unwrap();
        contents.push((key[prefix.len()..].to_owned(), value));
    }
    contents
}
