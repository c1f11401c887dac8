//! [`OpenLayer`]: the outermost layer of every worker. It opens a job, runs it in its tenant's scope, and says how it ended.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use apalis_core::error::{AbortError, BoxDynError, RetryAfterError};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use futures_core::future::BoxFuture;
use tenancy_core::{ErrorKind, TenantContext};
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;

use super::{Delivery, WorkerCore, note};
use crate::Refusal;
use crate::job::millis;
use crate::store::{Claimed, Outcome};

/// How long to leave a job alone that can't be decided about just now.
const LATER: Duration = Duration::from_secs(5);

/// How long to leave a job to others that nobody here can do.
const TO_OTHERS: Duration = Duration::from_secs(30);

/// The layer that opens jobs; [`FairBackend`](super::FairBackend) brings it along.
#[derive(Clone)]
pub struct OpenLayer {
    core: Arc<WorkerCore>,
}

impl OpenLayer {
    pub(super) fn new(core: Arc<WorkerCore>) -> Self {
        Self { core }
    }
}

impl fmt::Debug for OpenLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for OpenLayer {
    type Service = OpenService<S>;

    fn layer(&self, inner: S) -> OpenService<S> {
        OpenService {
            core: Arc::clone(&self.core),
            inner,
        }
    }
}

/// The service of [`OpenLayer`].
#[derive(Clone)]
pub struct OpenService<S> {
    core: Arc<WorkerCore>,
    inner: S,
}

impl<S> fmt::Debug for OpenService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenService").finish_non_exhaustive()
    }
}

/// A delivery as apalis's workers carry it.
pub(super) fn task(delivery: Delivery) -> Task<Delivery> {
    let number = |n: i64| usize::try_from(n).unwrap_or_default();
    let Claimed { job, attempt, .. } = &delivery.claimed;
    let (id, attempt, most) = (job.id.clone(), number(*attempt), number(job.max_attempts));
    TaskBuilder::new(delivery)
        .task_id(TaskId::from_string(id))
        .attempt(attempt)
        .max_attempts(most)
        .build()
}

impl<S> Service<Task<Delivery>> for OpenService<S>
where
    S: Service<Task<Delivery>> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Into<BoxDynError>,
{
    type Response = S::Response;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<S::Response, BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut task: Task<Delivery>) -> Self::Future {
        // The one that was polled ready is the one to call.
        let spare = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, spare);
        let core = Arc::clone(&self.core);
        let span = {
            let job = &task.args.claimed.job;
            tracing::info_span!("job", tenant.id = %job.tenant, job.name = %job.name, job.id = %job.id, attempt = task.args.claimed.attempt)
        };
        let run = async move {
            // Both are dropped when this future is, and then say so.
            let Some((mut held, permit)) = task.args.held.take() else {
                return Err(AbortError::new(Refusal::Misplaced).into());
            };
            let claimed = task.args.claimed.clone();
            let opened = claimed.job.open(&core.queue.keys, &*core.registry).await;
            let opened = match opened {
                Ok(opened) => opened,
                Err(refusal) => {
                    let outcome = core.refused(&claimed, &refusal, held.is_last).await;
                    log(&refusal, &outcome);
                    held.settle(outcome);
                    return Err(AbortError::new(refusal).into());
                }
            };
            let cx = opened.context.clone();
            task.args.opened = Some(opened);
            held.has_begun = true;
            let ran = cx
                .scope(async move { inner.call(task).await.map_err(Into::into) })
                .await;
            let ran = ran.unwrap_or_else(|_| Err(Refusal::Misplaced.into()));
            let outcome = match &ran {
                Ok(_) => Outcome::Done,
                Err(error) => core.failed(&claimed, &cx, error, held.is_last).await,
            };
            held.settle(outcome);
            drop(permit);
            ran
        };
        Box::pin(run.instrument(span))
    }
}

impl WorkerCore {
    /// What becomes of a job that was not run.
    async fn refused(&self, claimed: &Claimed, refusal: &Refusal, is_last: bool) -> Outcome {
        let dead = || Outcome::Dead {
            error: refusal.to_string(),
        };
        match refusal {
            Refusal::NoTenant
            | Refusal::Forged
            | Refusal::UnknownKey
            | Refusal::UnknownTenant
            | Refusal::Poisoned(_) => dead(),
            Refusal::Suspended => self.park(claimed).await,
            Refusal::RegistryUnavailable | Refusal::Misplaced => Outcome::Back { delay: LATER },
            Refusal::UnknownJob { .. } => {
                let age = millis(SystemTime::now()).saturating_sub(claimed.created_at);
                let most = i64::try_from(self.settings.unknown_for.as_millis());
                if age < most.unwrap_or(i64::MAX) {
                    Outcome::Back { delay: TO_OTHERS }
                } else {
                    dead()
                }
            }
            Refusal::Panicked if is_last => dead(),
            Refusal::Panicked => Outcome::Again {
                delay: self.settings.retry.after(claimed.attempt),
                error: refusal.to_string(),
            },
        }
    }

    /// Holds back everything of a tenant that is closed, this job first.
    async fn park(&self, claimed: &Claimed) -> Outcome {
        let parked = self
            .queue
            .store
            .pause(Some(&self.settings.queue), &claimed.job.tenant, true)
            .await;
        match parked {
            Ok(()) => Outcome::Back {
                delay: Duration::ZERO,
            },
            Err(error) => {
                tracing::warn!(%error, "jobs can't be parked; trying again");
                Outcome::Back { delay: LATER }
            }
        }
    }

    /// What becomes of a job whose handler did not say `Ok`.
    async fn failed(
        &self,
        claimed: &Claimed,
        cx: &TenantContext,
        error: &BoxDynError,
        is_last: bool,
    ) -> Outcome {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            let outcome = self.refused(claimed, refusal, is_last).await;
            log(refusal, &outcome);
            return outcome;
        }
        // Whatever it says: a tenant that was closed in the middle has all doors shut.
        match cx.ensure_live().map_err(|error| error.kind()) {
            Err(ErrorKind::Suspended) => return self.park(claimed).await,
            Err(_) => return Outcome::Back { delay: LATER },
            Ok(()) => {}
        }
        tracing::warn!(%error, "a job failed");
        let (error_text, is_abort) = (note(error), error.is::<AbortError>());
        if is_abort || is_last {
            return Outcome::Dead { error: error_text };
        }
        let delay = error.downcast_ref::<RetryAfterError>().map_or_else(
            || self.settings.retry.after(claimed.attempt),
            RetryAfterError::get_duration,
        );
        Outcome::Again {
            delay,
            error: error_text,
        }
    }
}

/// What must not be there is an error of the service; what passes by itself is not.
fn log(refusal: &Refusal, outcome: &Outcome) {
    match outcome {
        Outcome::Dead { .. } => tracing::error!(%refusal, "a job was refused for good"),
        _ => tracing::info!(%refusal, "a job was put back"),
    }
}
