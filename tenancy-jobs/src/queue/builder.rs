//! [`JobQueueBuilder`]: where the queue is, and who gets how much.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tenancy_core::Tenant;
use tokio::sync::watch;

use super::{JobQueue, QueueCore};
use crate::keys::JobKeys;
use crate::share::Share;
use crate::store::Store;
use crate::{Error, Result};

/// Builds a [`JobQueue`].
#[must_use = "a builder does nothing until `build`"]
pub struct JobQueueBuilder {
    store: Result<Box<dyn Store>>,
    keys: JobKeys,
    shares: Box<dyn Fn(&Tenant) -> Share + Send + Sync>,
    most: usize,
}

impl fmt::Debug for JobQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobQueueBuilder")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl JobQueue {
    /// A queue in the schema `tenancy_jobs` of this database.
    ///
    /// Give it a role of its own, or the registry's: the application role of tenants' connections has no rights on it and
    /// must have none. [`JobQueue::migrate`] needs a role that may create the schema.
    #[cfg(feature = "postgres")]
    pub fn postgres(options: sqlx::postgres::PgConnectOptions, keys: JobKeys) -> JobQueueBuilder {
        JobQueueBuilder::new(Ok(crate::store::PgStore::new(options, 8)), keys)
    }

    /// A queue in the file `jobs.db` of this folder; [`JobQueue::migrate`] creates both.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(folder: impl AsRef<std::path::Path>, keys: JobKeys) -> JobQueueBuilder {
        let file = folder.as_ref().join("jobs.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        Self::sqlite_file(options, keys)
    }

    /// A queue in this file, with settings of one's own.
    #[cfg(feature = "sqlite")]
    pub fn sqlite_file(
        options: sqlx::sqlite::SqliteConnectOptions,
        keys: JobKeys,
    ) -> JobQueueBuilder {
        JobQueueBuilder::new(Ok(crate::store::SqliteStore::new(options)), keys)
    }

    /// A queue in the Redis at this address, `redis://user:password@host:6379/0`, below the keys `tenancy-jobs:{default}:`.
    ///
    /// Give it a user of its own, or the service's: tenants' connections reach only keys that begin with `tenant:`, and must not
    /// get to others. All its keys are in one slot of a cluster.
    ///
    /// # What it does not guarantee
    /// A Redis keeps what it was told as far as it is configured to: with `appendonly yes` and `appendfsync always` as well as a
    /// database does, with `everysec` a crash of the machine costs the last second, and without a file a restart costs all. A
    /// failover can lose what the replica had not heard of. [`JobQueue::migrate`] refuses a server that throws keys away when
    /// it is full.
    ///
    /// # Example: a queue in Redis
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use serde::{Deserialize, Serialize};
    /// use tenancy_core::{Actor, Secret, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_jobs::{Job, JobKeys, JobQueue};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct SendReport { month: String }
    /// impl Job for SendReport {
    ///     const NAME: &'static str = "send_report";
    /// }
    ///
    /// # let server = tenancy_testkit::RedisServer::start().await?;
    /// # let address = server.url();
    /// let keys = JobKeys::new("2026-11", &Secret::new("thirty-two random bytes, in truth")?)?;
    /// let jobs = JobQueue::redis(address, keys).build()?;
    /// jobs.migrate().await?;
    ///
    /// # let acme = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?.into();
    /// let context = TenantContext::for_request(acme, Actor::user("ada"))?;
    /// let november = SendReport { month: "2026-11".to_owned() };
    /// assert!(context.scope(jobs.enqueue(&november)).await??.is_new());
    ///
    /// // Nobody said for whom.
    /// assert!(jobs.enqueue(&november).await.unwrap_err().as_tenancy().unwrap().is_no_tenant());
    /// # jobs.close().await;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "redis")]
    pub fn redis(
        address: impl deadpool_redis::redis::IntoConnectionInfo,
        keys: JobKeys,
    ) -> JobQueueBuilder {
        Self::redis_named(address, crate::share::DEFAULT_QUEUE, keys)
    }

    /// A queue in Redis that others in the same Redis do not share: its keys are below `tenancy-jobs:{name}:`.
    #[cfg(feature = "redis")]
    pub fn redis_named(
        address: impl deadpool_redis::redis::IntoConnectionInfo,
        name: &str,
        keys: JobKeys,
    ) -> JobQueueBuilder {
        let store = crate::share::ensure_queue_name(name).and_then(|()| {
            crate::store::RedisStore::new(address, name).map_err(|error| Error::Store(error.into()))
        });
        JobQueueBuilder::new(store, keys)
    }
}

impl JobQueueBuilder {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite", feature = "redis")),
        expect(dead_code, reason = "each database is a feature")
    )]
    fn new(store: Result<impl Store + 'static>, keys: JobKeys) -> Self {
        Self {
            store: store.map(|store| Box::new(store) as Box<dyn Store>),
            keys,
            shares: Box::new(|_| Share::new()),
            most: 256 * 1024,
        }
    }

    /// Who gets how much of the workers; everybody the same unless said. Asked whenever a job is sent.
    pub fn shares(mut self, shares: impl Fn(&Tenant) -> Share + Send + Sync + 'static) -> Self {
        self.shares = Box::new(shares);
        self
    }

    /// How large a job may be, in bytes; 256 KiB unless said.
    pub fn largest(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// The queue. Connects when it is first needed.
    ///
    /// # Errors
    /// [`Error::Config`] if nothing would fit or the name can't be used; [`Error::Store`] if the address is none.
    pub fn build(self) -> Result<JobQueue> {
        if self.most < 1_024 {
            return Err(Error::Config("a queue takes jobs of at least 1024 bytes"));
        }
        Ok(JobQueue {
            core: Arc::new(QueueCore {
                store: self.store?,
                keys: self.keys,
                shares: self.shares,
                written: Mutex::new(HashMap::new()),
                most: self.most,
                news: watch::Sender::new(0),
            }),
        })
    }
}
