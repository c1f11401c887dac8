//! The second wall: a Redis user per tenant, whose access list the server itself enforces.

use std::fmt;

use deadpool_redis::redis::{Client, Cmd, ConnectionInfo, IntoConnectionInfo, cmd};
use sha2::{Digest, Sha256};
use tenancy_core::{Secret, Tenant, TenantId};

use crate::command;
use crate::hex::hex;
use crate::keyspace::{HashTag, Prefix};
use crate::{Error, Result};

/// The user that is this tenant. Derived from the id, so nobody can choose it.
fn user_of(tenant: TenantId) -> String {
    tenant.schema_name()
}

/// Its password: another one than that of the tenant's role in a database, if the secret is the same.
fn password_of(secret: &Secret, user: &str) -> String {
    secret.password_for(&format!("redis {user}"))
}

/// How that user logs in.
pub(crate) fn login(server: ConnectionInfo, secret: &Secret, tenant: TenantId) -> ConnectionInfo {
    let user = user_of(tenant);
    let login = server
        .redis_settings()
        .clone()
        .set_password(password_of(secret, &user))
        .set_username(user);
    server.set_redis_settings(login)
}

/// Makes and removes the Redis users of tenants: the operator's side of
/// [`access_lists`](crate::TenantRedisPoolBuilder::access_lists).
///
/// A tenant's user may read and write keys below its prefix, use channels below it, and run the commands that the first wall
/// lets through, except `SCAN` and `KEYS`, which no access list confines. So a Lua script that builds the name of another
/// tenant's key, or a bug in our rewriting, is refused by the server.
///
/// Users live in the server's memory. Configure an `aclfile` and run `ACL SAVE`, or provision again after a restart:
/// [`provision`](Self::provision) may be repeated. Without its user a tenant gets no connection.
///
/// # Example: Lua that reaches for a key of its own making
/// ```
/// use tenancy_cache::redis::{AsyncTypedCommands, Script};
/// use tenancy_cache::{AccessLists, TenantRedisPool};
/// use tenancy_core::Secret;
/// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = tenancy_testkit::RedisServer::shared().await?;
/// # let url = server.url();
/// # let tenant = |slug| Ok::<_, tenancy_core::Error>(std::sync::Arc::new(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?));
/// # let (acme, globex) = (tenant("acme")?, tenant("globex")?);
/// let secret = Secret::new("0123456789abcdef0123456789abcdef")?;
/// let lists = AccessLists::new(url, secret.clone())?;
/// let pool = TenantRedisPool::builder(url).access_lists(secret, 100, 2).build()?;
///
/// lists.provision(&acme).await?;
/// let mut redis = pool.for_tenant(&TenantContext::for_request(acme.clone(), Actor::user("u"))?).get().await?;
/// redis.set("a", 1).await?;
///
/// let reach = format!("return redis.call('GET', 'tenant:{{{}}}:a')", globex.id());
/// assert!(Script::new(&reach).key("a").invoke_async::<Option<i64>>(&mut redis).await.is_err());
/// # drop(redis);
///
/// lists.remove(&acme).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct AccessLists {
    client: Client,
    secret: Secret,
    tag: HashTag,
}

impl AccessLists {
    /// With the address of a user who may run `ACL`, and the secret that the service's pool has too.
    ///
    /// # Errors
    /// [`Error::Driver`] if the address is malformed.
    pub fn new(address: impl IntoConnectionInfo, secret: Secret) -> Result<Self> {
        Ok(Self {
            client: Client::open(address)?,
            secret,
            tag: HashTag::default(),
        })
    }

    /// The pool's [hash tag](crate::TenantRedisPoolBuilder::hash_tag), if it is not the default.
    #[must_use]
    pub fn hash_tag(mut self, tag: HashTag) -> Self {
        self.tag = tag;
        self
    }

    /// Makes the tenant's user, or makes it as it should be.
    ///
    /// # Errors
    /// [`Error::AccessList`] if the server can't be reached or refuses.
    pub async fn provision(&self, tenant: &Tenant) -> Result<()> {
        self.run("made", &self.rules(tenant.id())).await
    }

    /// Removes the tenant's user, which cuts its connections. Its keys stay: see
    /// [`TenantRedisPool::flush`](crate::TenantRedisPool::flush).
    ///
    /// # Errors
    /// [`Error::AccessList`] if the server can't be reached or refuses.
    pub async fn remove(&self, tenant: &Tenant) -> Result<()> {
        let mut delete = cmd("ACL");
        delete.arg("DELUSER").arg(user_of(tenant.id()));
        self.run("removed", &delete).await
    }

    async fn run(&self, what: &'static str, command: &Cmd) -> Result<()> {
        let failed = |error| Error::AccessList(what, error);
        let mut connection = self
            .client
            .get_multiplexed_async_connection()
            .await
            .map_err(failed)?;
        command.exec_async(&mut connection).await.map_err(failed)
    }

    /// Everything is taken away first, so that repeating it repairs.
    fn rules(&self, tenant: TenantId) -> Cmd {
        let user = user_of(tenant);
        let prefix = Prefix::of(tenant, self.tag);
        let mut rules = cmd("ACL");
        rules
            .arg("SETUSER")
            .arg(&user)
            .arg("reset")
            .arg(format!(
                "#{}",
                hex(&Sha256::digest(password_of(&self.secret, &user)))
            ))
            .arg(format!("%RW~{}", prefix.on("*")))
            .arg(format!("&{}", prefix.on("*")))
            .arg("-@all");
        for entry in command::passing().filter(|entry| !entry.walks()) {
            rules.arg(format!("+{}", entry.name()));
        }
        for session in [
            "multi",
            "exec",
            "discard",
            "subscribe",
            "psubscribe",
            "unsubscribe",
            "punsubscribe",
        ] {
            rules.arg(format!("+{session}"));
        }
        rules.arg("on");
        rules
    }
}

impl fmt::Debug for AccessLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLists")
            .field("hash_tag", &self.tag)
            .finish_non_exhaustive()
    }
}
