//! [`Handlers`]: which code runs which type and version of job.

use std::collections::HashMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::{AbortError, BoxDynError};
use apalis_core::task::Task;
use futures_core::future::BoxFuture;
use futures_util::FutureExt as _;
use tower_service::Service;

use super::{Delivery, Run};
use crate::{Job, Refusal};

type Handler = dyn Fn(&str, Run) -> BoxFuture<'static, Result<(), BoxDynError>> + Send + Sync;

/// Which code runs which type and version of job: give it to `WorkerBuilder::build`.
///
/// A handler runs in the scope of its job's tenant, also behind layers that spawn. It is given the payload and what is known
/// about the job ([`Run`]). It may run more than once for one job: a worker can die after the work and before it was written
/// down.
///
/// # Example: two versions, and errors that mean something
/// ```
/// use serde::{Deserialize, Serialize};
/// use tenancy_jobs::apalis::error::{AbortError, BoxDynError};
/// use tenancy_jobs::worker::{Handlers, Run};
/// use tenancy_jobs::Job;
///
/// #[derive(Serialize, Deserialize)]
/// struct Remind { lead: i64 }
/// impl Job for Remind { const NAME: &'static str = "remind"; }
///
/// #[derive(Serialize, Deserialize)]
/// struct RemindAt { lead: i64, hour: u8 }
/// impl Job for RemindAt { const NAME: &'static str = "remind"; const VERSION: u32 = 2; }
///
/// async fn remind(job: RemindAt, _: Run) -> Result<(), BoxDynError> {
///     if job.hour > 23 {
///         return Err(AbortError::new("there is no such hour").into()); // dead at once; any other error is tried again
///     }
///     Ok(())
/// }
///
/// let handlers = Handlers::new()
///     .on(remind)
///     .on(async |old: Remind, run: Run| remind(RemindAt { lead: old.lead, hour: 9 }, run).await);
/// assert_eq!(handlers.len(), 2);
/// ```
#[derive(Clone, Default)]
pub struct Handlers {
    by_job: Arc<HashMap<(&'static str, u32), Arc<Handler>>>,
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_job.keys()).finish()
    }
}

impl Handlers {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs jobs of type `J`, in the version it has, with this function; the last one given counts.
    #[must_use]
    pub fn on<J, F, Fut, E>(mut self, handler: F) -> Self
    where
        J: Job,
        F: Fn(J, Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxDynError>,
    {
        let run = move |payload: &str, run: Run| -> BoxFuture<'static, Result<(), BoxDynError>> {
            match serde_json::from_str::<J>(payload) {
                Ok(job) => handler(job, run).map(|ran| ran.map_err(Into::into)).boxed(),
                // Where, not what: the text would hold a tenant's data.
                Err(error) => {
                    let why = format!("line {}, column {}", error.line(), error.column());
                    std::future::ready(Err(Refusal::Poisoned(why).into())).boxed()
                }
            }
        };
        Arc::make_mut(&mut self.by_job).insert((J::NAME, J::VERSION), Arc::new(run));
        self
    }

    /// How many types and versions there are handlers for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_job.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_job.is_empty()
    }

    fn find(&self, name: &str, version: i64) -> Option<Arc<Handler>> {
        let version = u32::try_from(version).ok()?;
        self.by_job
            .iter()
            .find(|((known, of), _)| *known == name && *of == version)
            .map(|(_, handler)| Arc::clone(handler))
    }
}

impl Service<Task<Delivery>> for Handlers {
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut task: Task<Delivery>) -> Self::Future {
        let Some(opened) = task.args.opened.take() else {
            // A job that nobody opened has no tenant, whatever it says.
            return Box::pin(async { Err(AbortError::new(Refusal::NoTenant).into()) });
        };
        let claimed = &task.args.claimed;
        let Some(handler) = self.find(&claimed.job.name, claimed.job.version) else {
            let refusal = Refusal::UnknownJob {
                name: claimed.job.name.clone(),
                version: u32::try_from(claimed.job.version).unwrap_or(u32::MAX),
            };
            return Box::pin(async { Err(refusal.into()) });
        };
        let run = Run::of(claimed);
        Box::pin(async move {
            let run = run?;
            let (context, payload) = (opened.context, opened.payload);
            // Layers in between may have moved this to another task, which has no scope.
            let running = context.scope(async move { handler(&payload, run).await });
            match AssertUnwindSafe(running).catch_unwind().await {
                Ok(ran) => ran.map_err(|_| Refusal::Misplaced)?,
                Err(_) => Err(Refusal::Panicked.into()),
            }
        })
    }
}
