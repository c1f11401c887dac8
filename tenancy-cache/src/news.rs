//! [`RegistryNews`]: tells other processes that something about a tenant changed, where the registry's database can't.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis::cmd;
use futures_util::StreamExt as _;
use tenancy_core::RegistryEvent;
use tokio::task::JoinHandle;

use crate::{Error, Result, TenantRedisPool};

/// How long to wait before the next attempt, and how often a silent connection is asked for a sign of life.
const PAUSE: Duration = Duration::from_millis(200);
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// News of the registry by Redis: whoever changes a tenant tells, and all processes hear at once that they should look.
///
/// PostgreSQL announces changes by itself, and a registry's SQLite file is looked at fifty times a second. Where neither reaches a
/// process, as behind a pooler that shares sessions, or with a registry of your own, others notice a suspension at their next poll;
/// with this they notice it as soon as the message arrives. Polling stays behind it: what Redis loses is read later, and nothing
/// depends on it.
///
/// # Guarantee
/// A message is a tenant's id and epoch and nothing else, and of those nothing is believed: who hears one asks the registry. So
/// a forged message costs a look, and no more. After each connection to Redis the first news is that there may have been some.
///
/// # Errors
/// [`tell`](Self::tell) says when Redis is away. The change itself is committed then; others find it at their next poll.
///
/// # Example: two processes over one registry
/// ```no_run
/// # use std::{sync::Arc, time::Duration};
/// # use tenancy_cache::{RegistryNews, TenantRedisPool};
/// # use tenancy_core::{Actor, CachedRegistry, TenantId, TenantStatus};
/// # use tenancy_sqlx::SqlRegistry;
/// # async fn example(registry: SqlRegistry<sqlx::Sqlite>, tenant: TenantId) -> Result<(), Box<dyn std::error::Error>> {
/// let news = RegistryNews::new(&TenantRedisPool::builder("redis://localhost").build()?, "crm");
///
/// // Every process that serves:
/// let cache = Arc::new(CachedRegistry::new(registry.clone()));
/// let watch = registry.watch(&cache, Duration::from_secs(5)).await?;
/// let hearing = news.hear(move || watch.look_now());
///
/// // Whoever changes something:
/// let event = registry.set_status(tenant, TenantStatus::Suspended, &Actor::user("ops"), "unpaid").await?;
/// news.tell(event).await?;
/// # drop(hearing);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RegistryNews {
    pool: TenantRedisPool,
    channel: Arc<str>,
}

impl fmt::Debug for RegistryNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryNews")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Hears until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it stops"]
pub struct Hearing {
    task: JoinHandle<()>,
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RegistryNews {
    /// News of the registry of this name, in the Redis of this pool: all processes over one registry use one name.
    #[must_use]
    pub fn new(pool: &TenantRedisPool, name: &str) -> Self {
        Self {
            pool: pool.clone(),
            // Below no tenant's prefix, so no tenant can speak here, or listen.
            channel: format!("tenancy:registry:{name}").into(),
        }
    }

    /// Tells all who hear.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Driver`] if Redis is away.
    pub async fn tell(&self, event: RegistryEvent) -> Result<()> {
        let mut connection = self.pool.shared_connection().await?;
        let mut publish = cmd("PUBLISH");
        publish
            .arg(&*self.channel)
            .arg(format!("{} {}", event.tenant, event.epoch));
        Ok(publish.exec_async(&mut connection).await?)
    }

    /// Calls `look` whenever there may be news: at each message, and after each connection, as some may have been missed.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn hear(&self, look: impl Fn() + Send + Sync + 'static) -> Hearing {
        let news = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "hears news of all tenants, inside none"
        )]
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = news.session(&look).await {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "no news of the registry"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Hearing { task }
    }

    /// From subscribing to the end of the connection.
    async fn session(&self, look: &(impl Fn() + Send + Sync)) -> Result<()> {
        let subscribe = async {
            let mut subscription = self.pool.service_client().get_async_pubsub().await?;
            subscription.subscribe(&*self.channel).await?;
            Ok::<_, Error>(subscription)
        };
        let (mut sink, mut stream) = patiently(subscribe).await?.split();
        look();
        loop {
            match tokio::time::timeout(SIGN_OF_LIFE, stream.next()).await {
                Ok(Some(_)) => look(),
                Ok(None) => return Ok(()),
                Err(_) => {
                    patiently(async { Ok(sink.ping::<String>().await.map(drop)?) }).await?;
                }
            }
        }
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(elapsed) => Err(Error::Unreachable(Arc::new(elapsed))),
    }
}
