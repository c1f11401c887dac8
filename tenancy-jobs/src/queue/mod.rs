//! [`JobQueue`]: where jobs are put. Who takes them out is in [`crate::worker`].

mod builder;
mod look;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tenancy_core::{Tenant, TenantContext, TenantId};
use tokio::sync::watch;

pub use builder::JobQueueBuilder;
pub use look::{Depth, JobInfo, JobState};

use crate::job::{Enqueue, Enqueued, Job, JobId};
use crate::keys::JobKeys;
use crate::sealed::Sealed;
use crate::share::Share;
use crate::store::Store;
use crate::{Error, Result};

/// How many tenants' shares a handle remembers having written.
const REMEMBERED: usize = 100_000;

/// The queue: jobs of all tenants, each signed, taken out in turns.
///
/// A handle: clones share everything.
///
/// # Guarantee
/// A job is taken for the tenant of the current [`TenantContext`] and for no other; without one it is refused. It is signed
/// ([`JobKeys`]), so that nothing else can write to the queue what would run. It runs at least once, under its own tenant,
/// as long as that tenant is there.
///
/// What it does not guarantee: that it runs only once. A worker that dies in the middle has its jobs run again by others.
///
/// # Isolation
/// The same in shared tables, schemas and databases: the queue's tables are the control plane's, in the schema
/// `tenancy_jobs` of a PostgreSQL database or in a file `jobs.db`, and no tenant's statement reaches them. To send a job with
/// the rows of a tenant, or not at all, use an [`Outbox`](crate::Outbox).
///
/// # Example: sent, and refused without a tenant
/// ```
/// # #[cfg(feature = "sqlite")]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde::{Deserialize, Serialize};
/// use tenancy_core::{Actor, InMemoryRegistry, Secret, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_jobs::{Enqueue, Job, JobKeys, JobQueue};
///
/// #[derive(Serialize, Deserialize)]
/// struct SendReport { month: String }
/// impl Job for SendReport {
///     const NAME: &'static str = "send_report";
/// }
///
/// # let folder = std::env::temp_dir().join(format!("tenancy-doc-jobs-{}", std::process::id()));
/// let keys = JobKeys::new("2026-11", &Secret::new("thirty-two random bytes, in truth")?)?;
/// let jobs = JobQueue::sqlite(&folder, keys).build()?;
/// jobs.migrate().await?;
///
/// # let registry = InMemoryRegistry::new();
/// # let acme = registry.insert(Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?)?;
/// let context = TenantContext::for_request(acme, Actor::user("ada"))?;
/// let november = SendReport { month: "2026-11".to_owned() };
/// let sent = context.scope(jobs.enqueue_with(&november, Enqueue::new().key("2026-11"))).await??;
/// assert!(sent.is_new());
///
/// // The key names the effect: once is enough.
/// let again = context.scope(jobs.enqueue_with(&november, Enqueue::new().key("2026-11"))).await??;
/// assert_eq!((again.is_new(), again.id()), (false, sent.id()));
///
/// // Nobody said for whom.
/// assert!(jobs.enqueue(&november).await.unwrap_err().as_tenancy().unwrap().is_no_tenant());
/// # jobs.close().await;
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(()) }
/// # #[cfg(not(feature = "sqlite"))] fn main() {}
/// ```
#[derive(Clone)]
pub struct JobQueue {
    pub(crate) core: Arc<QueueCore>,
}

pub(crate) struct QueueCore {
    pub(crate) store: Box<dyn Store>,
    pub(crate) keys: JobKeys,
    shares: Box<dyn Fn(&Tenant) -> Share + Send + Sync>,
    /// The shares as they stand in the database, as far as this process wrote them.
    written: Mutex<HashMap<TenantId, Share>>,
    most: usize,
    /// Changes whenever there may be something to take.
    news: watch::Sender<u64>,
}

impl fmt::Debug for JobQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobQueue")
            .field("keys", &self.core.keys)
            .finish_non_exhaustive()
    }
}

impl JobQueue {
    /// Creates the queue's tables or brings them up to date. Can be run by several processes at once and again at each start.
    ///
    /// # Errors
    /// [`Error::Store`] if the database can't be reached or the role may not create tables.
    pub async fn migrate(&self) -> Result<()> {
        self.core.store.migrate().await.map_err(Error::Store)
    }

    /// Sends a job for the current tenant.
    ///
    /// # Errors
    /// No tenant, or one that may not work; [`Error::Store`] if the database did not take it; [`Error::TooLarge`],
    /// [`Error::Encode`] if it can't travel. In each case nothing was sent. A dropped future leaves open whether it was.
    pub async fn enqueue<J: Job>(&self, job: &J) -> Result<Enqueued> {
        self.enqueue_with(job, Enqueue::new()).await
    }

    /// Sends a job for the current tenant, in a certain way.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn enqueue_with<J: Job>(&self, job: &J, how: Enqueue) -> Result<Enqueued> {
        let cx = TenantContext::current()?;
        self.enqueue_for(&cx, job, how).await
    }

    /// Sends a job for the tenant of `cx`: the explicit twin.
    ///
    /// # Errors
    /// As [`Self::enqueue`]; inside the scope of another tenant it is refused.
    pub async fn enqueue_for<J: Job>(
        &self,
        cx: &TenantContext,
        job: &J,
        how: Enqueue,
    ) -> Result<Enqueued> {
        let sealed = self.core.seal(cx, job, &how)?;
        self.core.push(cx, &sealed).await
    }

    /// Closes the connections to the queue's database.
    pub async fn close(&self) {
        self.core.store.close().await;
    }
}

impl QueueCore {
    pub(crate) fn seal<J: Job>(
        &self,
        cx: &TenantContext,
        job: &J,
        how: &Enqueue,
    ) -> Result<Sealed> {
        Sealed::seal(cx, &self.keys, job, how, self.most)
    }

    /// Puts a sealed job into the queue of the context's tenant.
    pub(crate) async fn push(&self, cx: &TenantContext, sealed: &Sealed) -> Result<Enqueued> {
        let share = self.share_of(cx).await?;
        let parsed = JobId::parse(&sealed.id)?;
        let pushed = self.store.push(&share.queue, sealed).await;
        if pushed.map_err(Error::Store)? {
            self.ring();
            return Ok(Enqueued {
                id: parsed,
                is_new: true,
            });
        }
        let existing = self.store.existing(sealed).await.map_err(Error::Store)?;
        let id = existing.as_deref().map_or(Ok(parsed), JobId::parse)?;
        // Nobody else has this id: it was taken, and the answer was lost before it was asked again.
        let is_new = existing.is_some() && id == parsed;
        Ok(Enqueued { id, is_new })
    }

    /// The share of a tenant, as it stands in the database after this.
    async fn share_of(&self, cx: &TenantContext) -> Result<Share> {
        let share = (self.shares)(cx.tenant());
        let id = cx.tenant_id();
        if self.written().get(&id) == Some(&share) {
            return Ok(share);
        }
        share.ensure_sound()?;
        self.store
            .open_queue(&share.queue)
            .await
            .map_err(Error::Store)?;
        self.store
            .share(&share.queue, &id.to_string(), share.weight, share.at_once)
            .await
            .map_err(Error::Store)?;
        let mut written = self.written();
        if written.len() >= REMEMBERED {
            written.clear();
        }
        written.insert(id, share.clone());
        Ok(share)
    }

    fn written(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Share>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes who waits for something to take.
    pub(crate) fn ring(&self) {
        self.news
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}
