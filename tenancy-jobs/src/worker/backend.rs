//! [`FairBackend`]: apalis's view of a queue. It polls; the work is done by the feeder and the keeper.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::feeder::Feeder;
use super::keeper::{Keeper, KeeperHandle};
use super::layer::OpenLayer;
use super::listener::Listener;
use super::{Delivery, Settings, WorkerCore};

/// A queue as apalis's workers see it: give it to `WorkerBuilder::backend`.
///
/// # Guarantee
/// Its own layer, which no worker can leave out, opens each job: checks its signature, asks the registry, sets the tenant's
/// scope, and notes how it ended. When the database is away it waits for it; a worker never ends because of that.
///
/// Stopped in good order (`run_until`, `WorkerContext::stop`) it takes out nothing more, lets what runs come to its end, puts
/// back what has not begun, and writes down all of it. Dropped in the middle, it puts back what ran as a failed attempt.
pub struct FairBackend {
    core: Arc<WorkerCore>,
    keeper: Option<KeeperHandle>,
    feeding: Option<Feeding>,
    closing: Option<oneshot::Receiver<()>>,
}

struct Feeding {
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    deliveries: mpsc::UnboundedReceiver<Delivery>,
}

impl fmt::Debug for FairBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FairBackend")
            .field("settings", &self.core.settings)
            .finish_non_exhaustive()
    }
}

impl FairBackend {
    pub(super) fn new(core: Arc<WorkerCore>) -> Self {
        Self {
            core,
            keeper: None,
            feeding: None,
            closing: None,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "taking jobs out is of no tenant; each is opened in its own scope later"
    )]
    fn start(&mut self) {
        let keeper = self
            .keeper
            .get_or_insert_with(|| Keeper::start(&self.core))
            .clone();
        let (into, deliveries) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let listener = Listener {
            core: Arc::clone(&self.core),
            stopped: stopped.clone(),
        };
        tokio::spawn(listener.run());
        let feeder = Feeder {
            core: Arc::clone(&self.core),
            keeper,
            room: Arc::new(Semaphore::new(self.core.settings.at_once)),
            into,
            stopped,
        };
        self.feeding = Some(Feeding {
            stop,
            task: Some(tokio::spawn(feeder.run())),
            deliveries,
        });
    }
}

impl Backend for FairBackend {
    type Task = Task<Delivery>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        if self.feeding.is_none() {
            self.start();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Delivery>, Infallible>>> {
        let Some(feeding) = &mut self.feeding else {
            return Poll::Ready(None);
        };
        feeding
            .deliveries
            .poll_recv(cx)
            .map(|delivery| delivery.map(|delivery| Ok(super::layer::task(delivery))))
    }

    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _worker: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        if let Some(feeding) = &mut self.feeding {
            feeding.stop.send_replace(true);
            // It ends between two takings, so that it leaves nothing taken and not handed over.
            if let Some(task) = &mut feeding.task {
                if task.poll_unpin(cx).is_pending() {
                    return Poll::Pending;
                }
                feeding.task = None;
            }
            // What is dropped here goes back to the queue.
            feeding.deliveries.close();
            while feeding.deliveries.try_recv().is_ok() {}
            self.feeding = None;
        }
        let Some(keeper) = &self.keeper else {
            return Poll::Ready(Ok(()));
        };
        let closing = self.closing.get_or_insert_with(|| keeper.flush());
        // An answer, or the end of the keeper.
        if closing.poll_unpin(cx).is_pending() {
            return Poll::Pending;
        }
        self.closing = None;
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for FairBackend {
    type Args = Delivery;
    type Id = String;
    type Kind = Ephemeral;
    type Config = Settings;
    type Layer = OpenLayer;

    fn config(&self) -> &Settings {
        &self.core.settings
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> OpenLayer {
        OpenLayer::new(Arc::clone(&self.core))
    }
}
