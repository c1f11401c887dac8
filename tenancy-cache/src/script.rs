//! [`TenantScript`]: a Lua script of the service's own on one tenant's keys, in one round trip.
//!
//! For what every request asks, such as a rate limit: all tasks share one connection, on which commands follow each other
//! without waiting for answers, and nothing is asked when it is taken. What people build out of commands goes through
//! `redis_door`.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{AsyncConnectionConfig, Client, FromRedisValue, Script, ToRedisArgs};
use tenancy_core::TenantContext;
use tokio::time::Instant;

use crate::redis_door::TenantRedisPool;
use crate::{Error, Result};

/// How long nobody tries to connect after an attempt that failed: an outage must not cost each request an attempt.
const PAUSE: Duration = Duration::from_millis(250);

/// A script over keys of one tenant. Cheap to clone; clones share a connection.
///
/// The script's text is the program's own and reaches the keys it declares; they are put below the tenant's prefix. It runs
/// atomically, as every script of Redis does. `EVALSHA` is one round trip; the first time after the server has lost it, three.
///
/// # Isolation
/// Keys are confined by this process. The script runs as the service's own user, also where tenants have access lists, so it
/// must touch no key that it does not declare.
///
/// # Example: a counter that stops at three, and what is refused
/// ```
/// use std::time::Duration;
/// use tenancy_cache::{TenantRedisPool, TenantScript};
/// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = tenancy_testkit::RedisServer::shared().await?;
/// # let url = server.url();
/// # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
/// # let (acme, globex) = (open("acme")?, open("globex")?);
/// let pool = TenantRedisPool::builder(url).build()?;
/// let take = TenantScript::new(
///     &pool,
///     "local n = redis.call('INCR', KEYS[1]) if n > tonumber(ARGV[1]) then return 0 end return n",
///     Duration::from_secs(1),
/// );
/// for expect in [1, 2, 3, 0] {
///     assert_eq!(take.run::<i64, _>(&acme, &["seats"], &[3]).await?, expect);
/// }
/// assert_eq!(take.run::<i64, _>(&globex, &["seats"], &[3]).await?, 1);
///
/// let crossing = globex.scope(take.run::<i64, _>(&acme, &["seats"], &[3])).await?;
/// assert!(crossing.unwrap_err().tenancy().unwrap().is_wrong_tenant());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TenantScript(Arc<Inner>);

struct Inner {
    pool: TenantRedisPool,
    client: Client,
    script: Script,
    patience: Duration,
    line: Mutex<Line>,
    /// Whoever connects; the others wait for it.
    connecting: tokio::sync::Mutex<()>,
}

/// The connection, as far as it is known.
enum Line {
    Up(MultiplexedConnection),
    /// Not before this time.
    Down(Option<Instant>),
}

impl TenantScript {
    /// A script for the Redis of this pool. Nothing connects yet. An answer, connecting included, takes at most `patience`.
    #[must_use]
    pub fn new(pool: &TenantRedisPool, lua: &'static str, patience: Duration) -> Self {
        Self(Arc::new(Inner {
            pool: pool.clone(),
            client: pool.service_client(),
            script: Script::new(lua),
            patience,
            line: Mutex::new(Line::Down(None)),
            connecting: tokio::sync::Mutex::new(()),
        }))
    }

    /// Runs it for a tenant.
    ///
    /// Dropped before it has answered, it may have run or not.
    ///
    /// # Errors
    /// [`Error::Tenancy`] for a tenant that is suspended, or inside another tenant's scope; [`Error::Unreachable`] if Redis
    /// is away or too slow; [`Error::Driver`] if the script fails.
    pub async fn run<T: FromRedisValue, A: ToRedisArgs>(
        &self,
        cx: &TenantContext,
        keys: &[&str],
        arguments: &[A],
    ) -> Result<T> {
        cx.ensure_not_elsewhere()?;
        cx.ensure_live()?;
        let prefix = self.0.pool.prefix_of(cx.tenant_id());
        let mut call = self.0.script.prepare_invoke();
        for key in keys {
            call.key(prefix.on(key));
        }
        for argument in arguments {
            call.arg(argument);
        }
        let answer = tokio::time::timeout(self.0.patience, async {
            let mut connection = self.0.connection().await?;
            Ok(call.invoke_async(&mut connection).await?)
        });
        let answer: Result<T> = match answer.await {
            Ok(answer) => answer,
            Err(elapsed) => Err(Error::Unreachable(Arc::new(elapsed))),
        };
        if answer.as_ref().is_err_and(Error::is_outage) {
            self.0.lost();
        }
        answer
    }
}

impl Inner {
    async fn connection(&self) -> Result<MultiplexedConnection> {
        if let Some(known) = self.known() {
            return known;
        }
        let _turn = self.connecting.lock().await;
        if let Some(known) = self.known() {
            return known;
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        // If whoever connects fails or gives up, those who wait behind need not try as well.
        let mut attempt = Attempt(Some(self));
        let connection = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        attempt.0 = None;
        *self.line() = Line::Up(connection.clone());
        Ok(connection)
    }

    /// The connection, or that there is none just now; `None` if it is time to connect.
    fn known(&self) -> Option<Result<MultiplexedConnection>> {
        match &*self.line() {
            Line::Up(connection) => Some(Ok(connection.clone())),
            Line::Down(Some(until)) if *until > Instant::now() => Some(Err(Error::Unreachable(
                Arc::new(std::io::Error::other("redis was away a moment ago")),
            ))),
            Line::Down(_) => None,
        }
    }

    /// The connection broke. Being told that there is none must not put off the next attempt.
    fn lost(&self) {
        if matches!(&*self.line(), Line::Up(_)) {
            self.hang_up();
        }
    }

    fn hang_up(&self) {
        *self.line() = Line::Down(Some(Instant::now() + PAUSE));
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt to connect that hangs up unless it comes through.
struct Attempt<'i>(Option<&'i Inner>);

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(inner) = self.0 {
            inner.hang_up();
        }
    }
}

impl fmt::Debug for TenantScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantScript")
            .field("script", &self.0.script.get_hash())
            .finish_non_exhaustive()
    }
}
