//! `TenantRedis`: a connection of redis-rs that is one tenant's. Commands go out rewritten and come back stripped.

use std::fmt;

use deadpool_redis::Connection;
use deadpool_redis::redis::aio::ConnectionLike;
use deadpool_redis::redis::{Cmd, Pipeline, RedisError, RedisFuture, Value};
use tenancy_core::{Operation, TenantContext, TenantId};

use super::pool::TenantRedisPool;
use crate::command::{self, Entry, Reply, Rewritten};
use crate::error::Refused;
use crate::keyspace::Prefix;
use crate::scope::ensure_usable;
use crate::{Error, Result};

/// A Redis connection that sees one tenant's keys and channels, from [`TenantRedisPool::get`].
///
/// It implements redis-rs's async [`ConnectionLike`], so typed commands, pipelines, `MULTI`, scripts and scan iterators work
/// unchanged, and two tenants may use the same keys. Every key, pattern and channel that goes out gets the tenant's prefix,
/// and keys in answers lose it again. A command passes only if somebody reviewed where its keys are; the rest are refused
/// before anything is sent.
///
/// # Isolation
/// The same whatever the tenant's [`Isolation`](tenancy_core::Isolation): the prefix comes from its id. A handle that was
/// made for one tenant is refused inside the scope of another, and, at every command, once the tenant is suspended. Writes of
/// a tenant that is read-only are refused.
///
/// What it can't see is what a Lua script does with keys that it did not declare. Scripts have to declare at least one key;
/// one that builds other names in its body reaches them, unless the server's own wall is up:
/// [`access_lists`](super::TenantRedisPoolBuilder::access_lists).
///
/// There is no way from here to the driver's connection.
///
/// # Errors
/// Refusals arrive as [`RedisError`]; [`Error::from_redis`] finds the typed one.
///
/// # Example: the same key for two tenants, and what is refused
/// ```
/// use tenancy_cache::redis::{AsyncTypedCommands, cmd};
/// use tenancy_cache::{Error, TenantRedisPool};
/// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = tenancy_testkit::RedisServer::shared().await?;
/// # let url = server.url();
/// # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
/// # let (acme, globex) = (open("acme")?, open("globex")?);
/// let pool = TenantRedisPool::builder(url).build()?;
/// for (context, name) in [(&acme, "Ada"), (&globex, "Grace")] {
///     let work = async {
///         let mut redis = pool.get().await?;
///         redis.set("name", name).await?;
///         assert_eq!(redis.get("name").await?.as_deref(), Some(name));
///         assert_eq!(redis.keys("*").await?, ["name"]);
///
///         let refused = cmd("FLUSHALL").exec_async(&mut redis).await.unwrap_err();
///         assert!(matches!(Error::from_redis(&refused), Some(Error::Refused(_))));
///         Ok::<_, Error>(())
///     };
///     context.scope(work).await??;
/// }
/// // Nobody said for whom: refused before a connection is taken.
/// assert!(pool.get().await.is_err());
/// # Ok(()) }
/// ```
pub struct TenantRedis {
    // `None` only while the value is dropped.
    connection: Option<Connection>,
    pool: TenantRedisPool,
    cx: TenantContext,
    prefix: Prefix,
    /// Whether the server may still be holding an answer back, so that nobody else should get this connection.
    is_held_up: bool,
    /// Caches write for a tenant that is read-only: what they keep is no change of its data.
    is_cache: bool,
}

impl TenantRedis {
    pub(super) fn new(
        connection: Connection,
        pool: TenantRedisPool,
        cx: TenantContext,
        prefix: Prefix,
    ) -> Self {
        Self {
            connection: Some(connection),
            pool,
            cx,
            prefix,
            is_held_up: false,
            is_cache: false,
        }
    }

    pub(crate) fn for_cache(mut self) -> Self {
        self.is_cache = true;
        self
    }

    /// Whose keys it sees.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        self.cx.tenant_id()
    }

    fn connection(&mut self) -> Result<&mut Connection> {
        self.connection
            .as_mut()
            .ok_or(Error::Config("the connection was given back"))
    }

    /// Refuses a write of a tenant that is read-only for now.
    fn ensure_writable(&self, entry: &Entry) -> Result<()> {
        if entry.writes()
            && !self.is_cache
            && self.cx.tenant().is_read_only()
            && self.cx.operation() != Operation::Maintenance
        {
            return Err(Error::Tenancy(tenancy_core::Error::new(
                tenancy_core::ErrorKind::ReadOnly,
                "the tenant admits reads only for now; try again later",
            )));
        }
        Ok(())
    }

    fn rewritten(&self, cmd: &Cmd) -> Result<Rewritten> {
        let rewritten = command::rewrite(cmd, &self.prefix)?;
        self.ensure_writable(rewritten.entry)?;
        Ok(rewritten)
    }

    async fn one(&mut self, cmd: &Cmd) -> Result<Value> {
        ensure_usable(&self.cx)?;
        let Rewritten { cmd, entry } = self.rewritten(cmd)?;
        if entry.walks() && self.pool.has_access_lists() {
            return self.walk(&cmd, entry.reply()).await;
        }
        self.is_held_up |= entry.blocks();
        let value = self.connection()?.req_packed_command(&cmd).await;
        self.settle(&value);
        entry.reply().strip(value?, &self.prefix)
    }

    /// `SCAN` and `KEYS`: the server's access lists can't confine them, so the tenant's own user may not; ours is asked.
    async fn walk(&self, cmd: &Cmd, reply: Reply) -> Result<Value> {
        let mut shared = self.pool.shared_connection().await?;
        let value = shared.req_packed_command(cmd).await?;
        reply.strip(value, &self.prefix)
    }

    async fn many(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> Result<Vec<Value>> {
        ensure_usable(&self.cx)?;
        let length = pipeline.len();
        let is_atomic = pipeline.is_transaction();
        let expected = if is_atomic {
            (length + 1, 1)
        } else {
            (0, length)
        };
        if (offset, count) != expected {
            return Err(Refused::named("pipeline", "run it with `Pipeline::query_async`").into());
        }
        let mut rewritten = Pipeline::with_capacity(length);
        if is_atomic {
            rewritten.atomic();
        }
        let mut replies = Vec::new();
        for (index, cmd) in pipeline.cmd_iter().enumerate() {
            let Rewritten { cmd, entry } = self.rewritten(cmd)?;
            if entry.walks() && self.pool.has_access_lists() {
                let why = "with access lists it can't be part of a pipeline; send it alone";
                return Err(Refused::named(entry.name(), why).into());
            }
            self.is_held_up |= entry.blocks();
            if entry.reply() != Reply::Plain {
                replies.push((index, entry.reply()));
            }
            rewritten.add_command(cmd);
        }
        let values = self
            .connection()?
            .req_packed_commands(&rewritten, offset, count)
            .await;
        self.settle(&values);
        let mut values = values?;
        if !replies.is_empty() {
            let answers = match values.as_mut_slice() {
                [Value::Array(answers)] if is_atomic => answers.as_mut_slice(),
                // Aborted: there are no answers.
                _ if is_atomic => &mut [],
                answers => answers,
            };
            for (index, reply) in replies {
                if let Some(answer) = answers.get_mut(index) {
                    *answer = reply.strip(std::mem::take(answer), &self.prefix)?;
                }
            }
        }
        Ok(values)
    }

    /// An answer came, or the connection is known to be broken and will not pass the pool's check.
    fn settle<T>(&mut self, answer: &std::result::Result<T, RedisError>) {
        self.is_held_up = answer.as_ref().is_err_and(|error| error.is_io_error());
    }
}

impl ConnectionLike for TenantRedis {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move { Ok(self.one(cmd).await?) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move { Ok(self.many(pipeline, offset, count).await?) })
    }

    fn get_db(&self) -> i64 {
        self.connection.as_ref().map_or(0, ConnectionLike::get_db)
    }
}

impl Drop for TenantRedis {
    /// A connection on which the server still waits for something (a `BLPOP` that was cancelled) is not given back.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take().filter(|_| self.is_held_up) {
            drop(Connection::take(connection));
        }
    }
}

impl fmt::Debug for TenantRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantRedis")
            .field("tenant", &self.tenant_id())
            .finish_non_exhaustive()
    }
}
