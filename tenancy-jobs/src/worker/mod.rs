//! Taking jobs out of a queue: a backend for apalis's workers, and the handlers that they run.
//!
//! What becomes of a job that was taken out:
//!
//! | what happened | what becomes of it |
//! |---|---|
//! | the handler said `Ok` | it is gone; with a key, the key is remembered |
//! | the handler said `Err`, panicked, or its worker died | it runs again later, up to its attempts; then it is dead |
//! | the handler said `AbortError` | dead |
//! | no tenant, not signed by us, changed since | dead, never run |
//! | no such tenant any more | dead, never run |
//! | the tenant is suspended, before or in the middle | parked with all the tenant's jobs, until it is resumed; not counted |
//! | the tenant moved in the middle, or the registry is away | later; not counted |
//! | no handler for this type or version | later, for an hour: a newer process may have one; then dead |
//! | the payload can't be read | dead |
//!
//! Jobs of one worker run side by side in the worker's task, up to [`BackendBuilder::at_once`]. A job's worker holds a lease
//! that a task beside it extends; when that stops, another worker takes the job.
//!
//! # Turns
//! Tenants take turns, by weight ([`crate::Share`]): start-time fair queueing. A tenant with nothing in the queue saves up no
//! turns; one that comes back is next. To find the next job, a worker goes along an index from tenant to tenant, so two
//! hundred thousand jobs of one of them cost what one does.

mod backend;
mod feeder;
mod handlers;
mod keeper;
mod layer;
mod listener;
mod retry;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apalis_core::error::BoxDynError;
use tenancy_core::TenantRegistry;
use tokio::sync::OwnedSemaphorePermit;

pub use backend::FairBackend;
pub use handlers::Handlers;
pub use layer::{OpenLayer, OpenService};
pub use retry::Retry;

use crate::queue::{JobQueue, QueueCore};
use crate::sealed::Opened;
use crate::share::{DEFAULT_QUEUE, ensure_queue_name};
use crate::store::Claimed;
use crate::{Error, JobId, Result};
use keeper::Held;

/// What a worker's parts share.
pub(crate) struct WorkerCore {
    pub(crate) queue: Arc<QueueCore>,
    pub(crate) registry: Arc<dyn TenantRegistry>,
    pub(crate) settings: Settings,
    /// Who holds the leases.
    pub(crate) id: String,
}

/// How a worker works.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) queue: String,
    pub(crate) at_once: usize,
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    pub(crate) notice: Duration,
    pub(crate) unknown_for: Duration,
    pub(crate) retry: Retry,
}

impl JobQueue {
    /// Begins a backend for a worker of apalis, which takes jobs out of this queue and asks this registry whom they are for.
    ///
    /// # Example: a worker
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use serde::{Deserialize, Serialize};
    /// use tenancy_core::{Actor, InMemoryRegistry, Secret, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_jobs::apalis::worker::{builder::WorkerBuilder, context::WorkerContext};
    /// use tenancy_jobs::worker::{Handlers, Run};
    /// use tenancy_jobs::{Job, JobKeys, JobQueue};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct SendReport { month: String }
    /// impl Job for SendReport {
    ///     const NAME: &'static str = "send_report";
    /// }
    ///
    /// # let folder = std::env::temp_dir().join(format!("tenancy-doc-worker-{}", std::process::id()));
    /// # let keys = JobKeys::new("2026-11", &Secret::new("thirty-two random bytes, in truth")?)?;
    /// # let jobs = JobQueue::sqlite(&folder, keys).build()?;
    /// # jobs.migrate().await?;
    /// # let registry = InMemoryRegistry::new();
    /// # let acme = registry.insert(Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?)?;
    /// # let november = SendReport { month: "2026-11".to_owned() };
    /// TenantContext::for_request(acme, Actor::user("ada"))?.scope(jobs.enqueue(&november)).await??;
    ///
    /// let handlers = Handlers::new().on(async |job: SendReport, _: Run| {
    ///     // In the tenant's scope, as in a request: statements, caches and files are the tenant's.
    ///     let slug = TenantContext::with_current(|cx| cx.tenant().slug().to_string())?;
    ///     assert_eq!((slug.as_str(), job.month.as_str()), ("acme", "2026-11"));
    ///     # DONE.notify_one();
    ///     Ok::<(), tenancy_core::Error>(())
    /// });
    /// # static DONE: tokio::sync::Notify = tokio::sync::Notify::const_new();
    /// let worker = WorkerBuilder::new("reports")
    ///     .backend(jobs.worker(registry).at_once(8).build()?)
    ///     .build(handlers);
    /// worker.run_until(async {
    ///     // Until the service is told to stop; what runs is brought to its end.
    ///     # DONE.notified().await;
    ///     Ok::<(), std::io::Error>(())
    /// }).await?;
    /// # jobs.close().await;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(()) }
    /// # #[cfg(not(feature = "sqlite"))] fn main() {}
    /// ```
    pub fn worker(&self, registry: impl TenantRegistry + 'static) -> BackendBuilder {
        BackendBuilder {
            queue: Arc::clone(&self.core),
            registry: Arc::new(registry),
            settings: Settings {
                queue: DEFAULT_QUEUE.to_owned(),
                at_once: 16,
                lease: Duration::from_secs(30),
                poll: Duration::from_millis(500),
                notice: Duration::from_secs(10),
                unknown_for: Duration::from_secs(3_600),
                retry: Retry::default(),
            },
        }
    }
}

/// Builds a [`FairBackend`].
#[must_use = "a builder does nothing until `build`"]
pub struct BackendBuilder {
    queue: Arc<QueueCore>,
    registry: Arc<dyn TenantRegistry>,
    settings: Settings,
}

impl fmt::Debug for BackendBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl BackendBuilder {
    /// Which queue; `default` unless said.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.settings.queue = name.into();
        self
    }

    /// How many jobs this worker runs at the same time; 16 unless said. It takes none out that it can't begin.
    pub fn at_once(mut self, jobs: usize) -> Self {
        self.settings.at_once = jobs;
        self
    }

    /// How long others wait after this worker's last sign of life; 30 seconds unless said.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease;
        self
    }

    /// How often to look for jobs that nobody told this worker of; twice a second unless said.
    ///
    /// It hears at once of those that are sent, by this process and, on PostgreSQL and Redis, by others. It has to look for those
    /// whose time has come, those that another process retried or let go, and on SQLite for those that another process sent.
    pub fn poll_every(mut self, poll: Duration) -> Self {
        self.settings.poll = poll;
        self
    }

    /// How often to ask whether a suspended tenant was resumed; every 10 seconds unless said.
    pub fn notice_every(mut self, notice: Duration) -> Self {
        self.settings.notice = notice;
        self
    }

    /// How long to leave a job that nobody here can do to others; an hour unless said.
    pub fn unknown_for(mut self, time: Duration) -> Self {
        self.settings.unknown_for = time;
        self
    }

    /// When a job that failed runs again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.settings.retry = retry;
        self
    }

    /// The backend.
    ///
    /// # Errors
    /// [`Error::Config`] for a queue that can't be called so, no jobs at once, or a lease under a second.
    pub fn build(self) -> Result<FairBackend> {
        ensure_queue_name(&self.settings.queue)?;
        if self.settings.at_once == 0 || self.settings.lease < Duration::from_secs(1) {
            return Err(Error::Config(
                "a worker runs at least one job, on a lease of at least a second",
            ));
        }
        Ok(FairBackend::new(Arc::new(WorkerCore {
            queue: self.queue,
            registry: self.registry,
            settings: self.settings,
            id: JobId::fresh().to_string(),
        })))
    }
}

/// A job on its way through a worker: closed until the worker's own layer has opened it.
pub struct Delivery {
    pub(crate) claimed: Claimed,
    pub(crate) held: Option<(Held, OwnedSemaphorePermit)>,
    pub(crate) opened: Option<Opened>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.claimed.job.id)
            .field("name", &self.claimed.job.name)
            .field("attempt", &self.claimed.attempt)
            .finish_non_exhaustive()
    }
}

/// What a handler is told about its job, beside the payload. The tenant is in the scope.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Run {
    /// Which job.
    pub id: JobId,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many it has.
    pub max_attempts: u32,
    /// The key it was sent with.
    pub key: Option<String>,
    /// When it was sent.
    pub created_at: SystemTime,
}

impl Run {
    fn of(claimed: &Claimed) -> Result<Self> {
        let number = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(Self {
            id: JobId::parse(&claimed.job.id)?,
            attempt: number(claimed.attempt),
            max_attempts: number(claimed.job.max_attempts),
            key: claimed.job.key.clone(),
            created_at: SystemTime::UNIX_EPOCH
                + Duration::from_millis(u64::try_from(claimed.created_at).unwrap_or_default()),
        })
    }
}

/// What is kept of an error, beside the job: enough to look for it in the log.
pub(crate) fn note(error: &BoxDynError) -> String {
    error.to_string().chars().take(500).collect()
}
