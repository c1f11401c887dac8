//! A queue, a registry, tenants, a worker, and a connection of somebody who can write to where the queue is.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tenancy_cache::redis::Client;
use tenancy_core::{
    Actor, InMemoryRegistry, Secret, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus,
};
use tenancy_jobs::apalis::error::BoxDynError;
use tenancy_jobs::apalis::worker::builder::WorkerBuilder;
use tenancy_jobs::worker::{BackendBuilder, Handlers, Retry, Run};
use tenancy_jobs::{Enqueue, Job, JobKeys, JobQueue, JobQueueBuilder};
use tenancy_testkit::{PgCluster, PgDatabase, RedisServer, TempFolder};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::writer::{RedisWriter, Writer};

/// The machine is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a test once on each database.
macro_rules! on_each {
    ($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn test($world: World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                test(World::postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                test(World::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                test(World::redis().await).await;
            }
        }
    };
}
pub(crate) use on_each;

/// The job of most tests: it says whom it should meet.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) owner: String,
    pub(crate) text: String,
}

impl Job for Note {
    const NAME: &'static str = "note";
    const MAX_ATTEMPTS: u32 = 3;
}

pub(crate) fn note(cx: &TenantContext, text: impl Into<String>) -> Note {
    Note {
        owner: cx.tenant_id().to_string(),
        text: text.into(),
    }
}

pub(crate) fn keys() -> JobKeys {
    JobKeys::new("test", &secret("the secret of the tests")).unwrap()
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

pub(crate) struct World {
    pub(crate) queue: JobQueue,
    pub(crate) registry: Arc<InMemoryRegistry>,
    pub(crate) writer: Writer,
    pub(crate) place: Place,
}

/// Where the queue's tables are, to open them again.
#[derive(Clone)]
pub(crate) enum Place {
    /// With what keeps the database there.
    Pg(Box<PgConnectOptions>, Arc<PgDatabase>),
    Sqlite(Arc<TempFolder>),
    /// An address, and a name that no other test has.
    Redis(String, String),
}

impl Place {
    pub(crate) fn queue(&self, keys: JobKeys) -> JobQueueBuilder {
        match self {
            Self::Pg(options, _) => JobQueue::postgres((**options).clone(), keys),
            Self::Sqlite(folder) => JobQueue::sqlite(folder.path(), keys),
            Self::Redis(address, name) => JobQueue::redis_named(address.as_str(), name, keys),
        }
    }
}

impl World {
    pub(crate) async fn postgres() -> Self {
        let cluster = PgCluster::shared().await.unwrap();
        let database = cluster.database().await.unwrap();
        let options = Box::new(database.admin_options());
        Self::at(Place::Pg(options, Arc::new(database)), |queue| queue).await
    }

    pub(crate) async fn sqlite() -> Self {
        let folder = Arc::new(TempFolder::new().unwrap());
        Self::at(Place::Sqlite(folder), |queue| queue).await
    }

    pub(crate) async fn redis() -> Self {
        Self::in_redis(RedisServer::shared().await.unwrap()).await
    }

    pub(crate) async fn in_redis(server: &RedisServer) -> Self {
        let name = TenantId::new_v7().to_string();
        Self::at(Place::Redis(server.url().to_owned(), name), |queue| queue).await
    }

    pub(crate) async fn at(
        place: Place,
        with: impl FnOnce(JobQueueBuilder) -> JobQueueBuilder,
    ) -> Self {
        let queue = with(place.queue(keys())).build().unwrap();
        queue.migrate().await.unwrap();
        let writer = match &place {
            Place::Pg(options, _) => Writer::Pg(
                PgPoolOptions::new().max_connections(2).connect_lazy_with(
                    (**options)
                        .clone()
                        .options([("search_path", "tenancy_jobs")]),
                ),
            ),
            Place::Sqlite(folder) => Writer::Sqlite(
                SqlitePoolOptions::new()
                    .max_connections(1)
                    .connect_lazy_with(
                        SqliteConnectOptions::new()
                            .filename(folder.join("jobs.db"))
                            .busy_timeout(PATIENCE)
                            .disable_statement_logging(),
                    ),
            ),
            Place::Redis(address, name) => Writer::Redis(RedisWriter {
                client: Client::open(address.as_str()).unwrap(),
                root: format!("tenancy-jobs:{{{name}}}:"),
            }),
        };
        Self {
            queue,
            registry: Arc::new(InMemoryRegistry::new()),
            writer,
            place,
        }
    }

    /// The same queue with other shares.
    pub(crate) fn with(&self, with: impl FnOnce(JobQueueBuilder) -> JobQueueBuilder) -> JobQueue {
        with(self.place.queue(keys())).build().unwrap()
    }

    pub(crate) fn tenant(&self, slug: &str) -> TenantContext {
        self.tenant_on(slug, "free")
    }

    pub(crate) fn tenant_on(&self, slug: &str, plan: &str) -> TenantContext {
        let slug = TenantSlug::parse(slug).unwrap();
        let tenant = Tenant::builder(TenantId::new_v7(), slug).plan(plan);
        context(&self.registry.insert(tenant.build().unwrap()).unwrap())
    }

    pub(crate) fn set_status(&self, cx: &TenantContext, status: TenantStatus) {
        self.registry.set_status(&cx.tenant_id(), status).unwrap();
    }

    pub(crate) async fn send(&self, cx: &TenantContext, text: &str) -> tenancy_jobs::JobId {
        let job = note(cx, text);
        let sent = self.queue.enqueue_for(cx, &job, Enqueue::new()).await;
        sent.unwrap().id()
    }

    pub(crate) fn backend(&self) -> BackendBuilder {
        quick(self.queue.worker(Arc::clone(&self.registry)))
    }

    /// How many jobs are in this state: 0 waits, 1 runs, 2 is dead, 3 is done.
    pub(crate) async fn count(&self, state: u8) -> usize {
        let state = i64::from(state);
        self.writer.count_states(state..=state).await
    }

    /// Waits until nothing waits or runs.
    pub(crate) async fn drained(&self) {
        // In one step: a job may go from one state to the other between two.
        eventually(async || self.writer.count_states(0..=1).await == 0).await;
    }

    /// Why those that are dead are so, in order.
    pub(crate) async fn errors(&self) -> Vec<String> {
        let rows = self.writer.rows().await.into_iter();
        let dead = rows.filter(|row| row.state == 2);
        let mut errors: Vec<String> = dead.filter_map(|row| row.error).collect();
        errors.sort();
        errors
    }
}

pub(crate) fn context(tenant: &Arc<Tenant>) -> TenantContext {
    TenantContext::for_request(Arc::clone(tenant), Actor::user("ada")).unwrap()
}

/// Tests have no time to lose.
pub(crate) fn quick(backend: BackendBuilder) -> BackendBuilder {
    backend
        .poll_every(Duration::from_millis(20))
        .notice_every(Duration::from_millis(50))
        .retry(Retry::new(
            Duration::from_millis(10),
            Duration::from_millis(20),
        ))
}

/// Waits for something, long enough that a busy machine is no excuse.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < until, "it never came to that");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A worker in a task.
pub(crate) struct Worker {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(backend: BackendBuilder, handlers: Handlers) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let worker = WorkerBuilder::new("test")
            .backend(backend.build().unwrap())
            .build(handlers);
        let task = tokio::spawn(async move {
            let signal = async move {
                let _ = stopped.await;
                Ok::<(), std::io::Error>(())
            };
            worker.run_until(signal).await.unwrap();
        });
        Self {
            stop: Some(stop),
            task,
        }
    }

    /// Stops it in good order.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(PATIENCE, &mut self.task)
            .await
            .expect("it stops")
            .unwrap();
    }

    /// Waits for ever.
    pub(crate) async fn stop_never(self) {
        let _ = self.task.await;
    }

    /// Drops it in the middle of whatever it does.
    pub(crate) async fn abort(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// What handlers saw: the tenant of the scope, and the note.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<(String, Note)>>>);

impl Seen {
    /// Handlers that write down what they see, after checking that it is in the right scope.
    pub(crate) fn handlers(&self) -> Handlers {
        let seen = self.clone();
        Handlers::new().on(move |note: Note, _: Run| {
            let seen = seen.clone();
            async move {
                seen.note(note)?;
                Ok::<(), BoxDynError>(())
            }
        })
    }

    pub(crate) fn note(&self, note: Note) -> Result<(), BoxDynError> {
        let tenant = TenantContext::current()?.tenant_id().to_string();
        self.0.lock().unwrap().push((tenant, note));
        Ok(())
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|(_, note)| note.text.clone()).collect()
    }

    /// Everything that ran, ran as the tenant it was sent for.
    pub(crate) fn assert_nobody_met_anybody(&self) {
        for (tenant, note) in &*self.0.lock().unwrap() {
            assert_eq!(*tenant, note.owner, "{}", note.text);
        }
    }
}
