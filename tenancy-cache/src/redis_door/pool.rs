//! `TenantRedisPool`: connections to one Redis, each for the current tenant, out of deadpool's pool.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, RedisError,
};
use deadpool_redis::{Connection, Manager, Pool, Runtime};
use tenancy_core::{Secret, TenantContext, TenantId};

use super::connection::TenantRedis;
use crate::access::login;
use crate::keyspace::{HashTag, Prefix};
use crate::scope::context;
use crate::{Error, Result};

/// Connections to a Redis, each for one tenant. Cheap to clone.
///
/// [`get`](Self::get) takes the tenant from the surrounding scope; [`for_tenant`](Self::for_tenant) is the explicit twin.
/// A connection that comes back is asked for a sign of life and forgets what it watched before somebody else gets it.
///
/// # Example: inside a scope, outside of one, and in somebody else's
/// ```
/// use tenancy_cache::TenantRedisPool;
/// use tenancy_cache::redis::AsyncTypedCommands;
/// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = tenancy_testkit::RedisServer::shared().await?;
/// # let url = server.url();
/// # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
/// # let (acme, globex) = (open("acme")?, open("globex")?);
/// let pool = TenantRedisPool::builder(url).max_connections(8).build()?;
///
/// let visits = acme.scope(async { Ok::<_, tenancy_cache::Error>(pool.get().await?.incr("visits", 1).await?) });
/// assert_eq!(visits.await??, 1);
/// assert_eq!(pool.for_tenant(&acme).get().await?.incr("visits", 1).await?, 2);
///
/// assert!(pool.get().await.unwrap_err().tenancy().unwrap().is_no_tenant());
/// let crossing = globex.scope(async { pool.for_tenant(&acme).get().await.map(drop) }).await?;
/// assert!(crossing.unwrap_err().tenancy().unwrap().is_wrong_tenant());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TenantRedisPool {
    core: Arc<Core>,
    bound: Option<TenantContext>,
}

struct Core {
    client: Client,
    shared: Pool,
    users: Option<Users>,
    settings: Settings,
}

/// Pools that log in as their tenant's own user.
struct Users {
    secret: Secret,
    pools: moka::sync::Cache<TenantId, Pool>,
}

#[derive(Clone, Copy)]
struct Settings {
    max_connections: usize,
    per_tenant: usize,
    acquire_timeout: Duration,
    response_timeout: Duration,
    tag: HashTag,
}

/// Makes a [`TenantRedisPool`].
pub struct TenantRedisPoolBuilder {
    address: Result<ConnectionInfo, RedisError>,
    secret: Option<Secret>,
    tenants: u64,
    settings: Settings,
}

impl TenantRedisPool {
    /// A pool for the Redis at this address, `redis://user:password@host:6379/0`. Nothing connects yet.
    pub fn builder(address: impl IntoConnectionInfo) -> TenantRedisPoolBuilder {
        TenantRedisPoolBuilder {
            address: address.into_connection_info(),
            secret: None,
            tenants: 256,
            settings: Settings {
                max_connections: 16,
                per_tenant: 4,
                acquire_timeout: Duration::from_secs(5),
                response_timeout: Duration::from_secs(10),
                tag: HashTag::default(),
            },
        }
    }

    /// The same pool for this tenant, outside of any scope and inside its own.
    #[must_use]
    pub fn for_tenant(&self, cx: &TenantContext) -> Self {
        Self {
            core: Arc::clone(&self.core),
            bound: Some(cx.clone()),
        }
    }

    /// A connection for the tenant.
    ///
    /// # Errors
    /// [`Error::Tenancy`] without a tenant, with another one than the scope's, or with one that is suspended;
    /// [`Error::Unreachable`] if the server is away or all connections stay busy.
    pub async fn get(&self) -> Result<TenantRedis> {
        let cx = self.context()?;
        let prefix = self.prefix(&cx);
        let connection = match &self.core.users {
            None => self.core.shared.get().await?,
            Some(users) => self.core.pool_of(users, cx.tenant_id())?.get().await?,
        };
        Ok(TenantRedis::new(connection, self.clone(), cx, prefix))
    }

    pub(super) fn context(&self) -> Result<TenantContext> {
        context(self.bound.as_ref())
    }

    pub(super) fn prefix(&self, cx: &TenantContext) -> Prefix {
        self.prefix_of(cx.tenant_id())
    }

    pub(crate) fn prefix_of(&self, tenant: TenantId) -> Prefix {
        Prefix::of(tenant, self.core.settings.tag)
    }

    pub(super) fn has_access_lists(&self) -> bool {
        self.core.users.is_some()
    }

    /// A connection of the service itself. Who asks for it has rewritten what is sent.
    pub(crate) async fn shared_connection(&self) -> Result<Connection> {
        Ok(self.core.shared.get().await?)
    }

    /// A client of the service itself, for channels that no tenant owns.
    pub(crate) fn service_client(&self) -> Client {
        self.core.client.clone()
    }

    /// A client that subscribes as the tenant.
    pub(super) fn client_of(&self, tenant: TenantId) -> Result<Client> {
        match &self.core.users {
            None => Ok(self.core.client.clone()),
            Some(users) => Ok(Client::open(self.core.login_of(users, tenant))?),
        }
    }
}

impl Core {
    fn pool_of(&self, users: &Users, tenant: TenantId) -> Result<Pool> {
        if let Some(pool) = users.pools.get(&tenant) {
            return Ok(pool);
        }
        let pool = self
            .settings
            .pool(self.login_of(users, tenant), self.settings.per_tenant)?;
        // Whoever comes second uses what the first one made.
        Ok(users.pools.get_with(tenant, || pool))
    }

    fn login_of(&self, users: &Users, tenant: TenantId) -> ConnectionInfo {
        login(
            self.client.get_connection_info().clone(),
            &users.secret,
            tenant,
        )
    }
}

impl Settings {
    fn pool(&self, address: ConnectionInfo, size: usize) -> Result<Pool> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.acquire_timeout))
            .set_response_timeout(Some(self.response_timeout));
        let manager = Manager::new_with_config(address, config)?;
        Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(self.acquire_timeout))
            .create_timeout(Some(self.acquire_timeout))
            .recycle_timeout(Some(self.acquire_timeout))
            .build()
            .map_err(|_| Error::Config("the pool of connections could not be made"))
    }
}

impl TenantRedisPoolBuilder {
    /// Most connections to the server, 16 unless said otherwise. With access lists they serve `SCAN` and `KEYS` only.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections;
        self
    }

    /// How long to wait for a connection, 5 seconds unless said otherwise.
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.settings.acquire_timeout = timeout;
        self
    }

    /// How long to wait for an answer, 10 seconds unless said otherwise. A blocking command must end sooner.
    #[must_use]
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.settings.response_timeout = timeout;
        self
    }

    /// How keys hash in a cluster.
    #[must_use]
    pub fn hash_tag(mut self, tag: HashTag) -> Self {
        self.settings.tag = tag;
        self
    }

    /// Puts up the second wall: each tenant's commands run as its own Redis user, whose access list
    /// [`AccessLists`](crate::AccessLists) made when the tenant was provisioned, with the same secret.
    ///
    /// The server then refuses whatever leaves the tenant's prefix, also from inside Lua. It costs connections of their own:
    /// up to `per_tenant` for each of the `tenants` used last.
    ///
    /// `SORT` with `BY` or `GET` is refused by the server then, since it can't tell which keys those read.
    #[must_use]
    pub fn access_lists(mut self, secret: Secret, tenants: u64, per_tenant: usize) -> Self {
        self.secret = Some(secret);
        self.tenants = tenants;
        self.settings.per_tenant = per_tenant;
        self
    }

    /// The pool.
    ///
    /// # Errors
    /// [`Error::Driver`] if the address is malformed, [`Error::Config`] for a pool of no connections.
    pub fn build(self) -> Result<TenantRedisPool> {
        let address = self.address?;
        if self.settings.max_connections == 0 || self.settings.per_tenant == 0 {
            return Err(Error::Config("a pool needs at least one connection"));
        }
        let shared = self
            .settings
            .pool(address.clone(), self.settings.max_connections)?;
        let users = self.secret.map(|secret| Users {
            secret,
            pools: moka::sync::Cache::new(self.tenants),
        });
        Ok(TenantRedisPool {
            core: Arc::new(Core {
                client: Client::open(address)?,
                shared,
                users,
                settings: self.settings,
            }),
            bound: None,
        })
    }
}

impl fmt::Debug for TenantRedisPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRedisPool")
            .field("tenant", &self.bound.as_ref().map(TenantContext::tenant_id))
            .field("access_lists", &self.has_access_lists())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TenantRedisPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRedisPoolBuilder")
            .field("max_connections", &self.settings.max_connections)
            .field("hash_tag", &self.settings.tag)
            .finish_non_exhaustive()
    }
}
