//! Jobs beside bare apalis on the same database: sending, and taking out, running and writing down. And what a tenant with
//! few jobs waits beside one with many.
//!
//! Both sides are apalis's workers with fifty jobs at a time. The bare side has no tenant, no signature and no turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use apalis_core::backend::TaskSink as _;
use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_postgres::{Config as PgConfig, PostgresStorage};
use apalis_redis::{Config as RedisConfig, RedisStorage};
use apalis_sqlite::{Config as SqliteConfig, SqliteStorage};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tenancy_cache::redis::Client;
use tenancy_cache::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tenancy_core::{Actor, InMemoryRegistry, Secret, Tenant, TenantContext, TenantId, TenantSlug};
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Enqueue, Job, JobKeys, JobQueue, JobQueueBuilder, Share};
use tenancy_testkit::{PgCluster, RedisServer, TempFolder};
use tokio::sync::{AcquireError, Notify, Semaphore};
use tokio::task::JoinHandle;
use tower::limit::ConcurrencyLimitLayer;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const SEND: [Figure; 3] = [
    figure("jobs, postgres: enqueue, against bare apalis"),
    figure("jobs, sqlite: enqueue, against bare apalis"),
    figure("jobs, redis: enqueue, against bare apalis"),
];
/// None for Redis: the worker of apalis-redis comes to a stop when tens of thousands wait, so there is nothing beside ours.
const DO: [Figure; 2] = [
    figure("jobs, postgres: dequeue and done, against bare apalis"),
    figure("jobs, sqlite: dequeue and done, against bare apalis"),
];
const WAIT: [Figure; 3] = [
    wait_figure(
        "jobs, postgres: light tenants' median wait beside 20,000 jobs of another, against an idle queue",
    ),
    wait_figure(
        "jobs, sqlite: light tenants' median wait beside 20,000 jobs of another, against an idle queue",
    ),
    wait_figure(
        "jobs, redis: light tenants' median wait beside 20,000 jobs of another, against an idle queue",
    ),
];

const fn wait_figure(name: &'static str) -> Figure {
    Figure {
        name,
        target: Target::Time(2.0),
    }
}

const fn figure(name: &'static str) -> Figure {
    Figure {
        name,
        target: Target::Speed(0.9),
    }
}

const AT_ONCE: usize = 50;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Payload {
    name: String,
    number: u64,
}

impl Job for Payload {
    const NAME: &'static str = "payload";
}

fn payload(number: u64) -> Payload {
    Payload {
        name: "a report of the usual size".to_owned(),
        number,
    }
}

/// Lets jobs through and counts them.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    done: Arc<AtomicU64>,
    moved: Arc<Notify>,
}

impl Gate {
    fn new() -> Self {
        Self {
            open: Arc::new(Semaphore::new(0)),
            done: Arc::default(),
            moved: Arc::default(),
        }
    }

    async fn pass(&self) -> Result<(), AcquireError> {
        self.open.acquire().await?.forget();
        self.done.fetch_add(1, Ordering::Relaxed);
        self.moved.notify_one();
        Ok(())
    }

    /// Lets this many through and waits for them.
    async fn let_through(&self, jobs: u64) -> Result<(), Failure> {
        let until = self.done.load(Ordering::Relaxed) + jobs;
        self.open.add_permits(usize::try_from(jobs)?);
        while self.done.load(Ordering::Relaxed) < until {
            self.moved.notified().await;
        }
        Ok(())
    }
}

/// The two rows of one database.
macro_rules! compare {
    ($runner:ident, $at:literal, $ours:ident, $bare:ident) => {{
        let (registry, cx) = tenant("acme")?;
        $ours.migrate().await?;
        let sender = $bare.clone();
        let send = SEND[$at];
        $runner
            .compare(
                send,
                async |n| {
                    for number in 0..n {
                        let _ = $ours
                            .enqueue_for(&cx, &payload(number), Enqueue::new())
                            .await?;
                    }
                    Ok(())
                },
                async |n| {
                    let mut sender = sender.clone();
                    for number in 0..n {
                        sender.push(payload(number)).await?;
                    }
                    Ok(())
                },
            )
            .await?;
        if let Some(done) = DO.get($at).copied()
            && $runner.wants(done.name)
        {
            let mut sender = $bare.clone();
            // More than all rounds use up.
            for number in 0..($runner.rounds() as u64 + 2) * 1_500 {
                let _ = $ours
                    .enqueue_for(&cx, &payload(number), Enqueue::new())
                    .await?;
                sender.push(payload(number)).await?;
            }
            let (our_gate, bare_gate) = (Gate::new(), Gate::new());
            let handlers = {
                let gate = our_gate.clone();
                Handlers::new().on(move |_: Payload, _: Run| {
                    let gate = gate.clone();
                    async move { gate.pass().await }
                })
            };
            let our_worker = WorkerBuilder::new("ours")
                .backend($ours.worker(registry).at_once(AT_ONCE).build()?)
                .build(handlers);
            let gate = bare_gate.clone();
            let bare_worker = WorkerBuilder::new("bare")
                .backend($bare)
                .layer(ConcurrencyLimitLayer::new(AT_ONCE))
                .build(move |_: Payload| {
                    let gate = gate.clone();
                    async move { gate.pass().await }
                });
            let tasks = [
                tokio::spawn(async move { drop(our_worker.run().await) }),
                tokio::spawn(async move { drop(bare_worker.run().await) }),
            ];
            $runner
                .compare(
                    done,
                    async |n| our_gate.let_through(n).await,
                    async |n| bare_gate.let_through(n).await,
                )
                .await?;
            for task in tasks {
                task.abort();
                let _ = task.await;
            }
        }
    }};
}

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    let wants = |at: usize| {
        [SEND.get(at), DO.get(at)]
            .into_iter()
            .flatten()
            .any(|it| runner.wants(it.name))
    };
    let keys = keys()?;
    let (postgres, sqlite, redis) = (wants(0), wants(1), wants(2));
    if postgres {
        let database = PgCluster::shared().await?.database().await?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .connect_with(database.admin_options())
            .await?;
        PostgresStorage::setup(&pool).await?;
        let config = PgConfig::default().queue("bench").batch_size(AT_ONCE);
        let bare = PostgresStorage::<Payload>::new(&pool).with_config(config);
        let ours = JobQueue::postgres(database.admin_options(), keys.clone()).build()?;
        compare!(runner, 0, ours, bare);
    }
    if sqlite {
        let folder = TempFolder::new()?;
        let file = SqliteConnectOptions::new()
            .filename(folder.join("bare.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(file)
            .await?;
        SqliteStorage::setup(&pool).await?;
        let config = SqliteConfig::default().queue("bench").batch_size(AT_ONCE);
        let bare = SqliteStorage::<Payload>::new(&pool).with_config(config);
        let ours = JobQueue::sqlite(folder.path(), keys.clone()).build()?;
        compare!(runner, 1, ours, bare);
    }
    if redis {
        let server = RedisServer::start().await?;
        let config = RedisConfig::default().queue("bench").batch_size(AT_ONCE);
        // Its worker ends at the first answer that is late, and this machine may be busy.
        let patient = ConnectionManagerConfig::new().set_response_timeout(None);
        let client = Client::open(server.url())?;
        let manager = ConnectionManager::new_with_config(client, patient).await?;
        let bare = RedisStorage::<Payload, _>::new(manager).with_config(config);
        let ours = JobQueue::redis(server.url(), keys.clone()).build()?;
        compare!(runner, 2, ours, bare);
    }
    if runner.wants(WAIT[0].name) {
        let cluster = PgCluster::shared().await?;
        let [busy, idle] = [cluster.database().await?, cluster.database().await?];
        let queues = [&busy, &idle].map(|it| JobQueue::postgres(it.admin_options(), keys.clone()));
        wait(runner, WAIT[0], queues).await?;
    }
    if runner.wants(WAIT[1].name) {
        let [busy, idle] = [TempFolder::new()?, TempFolder::new()?];
        let queues = [&busy, &idle].map(|it| JobQueue::sqlite(it.path(), keys.clone()));
        wait(runner, WAIT[1], queues).await?;
    }
    if runner.wants(WAIT[2].name) {
        let server = RedisServer::start().await?;
        let queues =
            ["busy", "idle"].map(|it| JobQueue::redis_named(server.url(), it, keys.clone()));
        wait(runner, WAIT[2], queues).await?;
    }
    Ok(())
}

fn keys() -> Result<JobKeys, Failure> {
    Ok(JobKeys::new(
        "bench",
        &Secret::new("a secret of the benchmarks")?,
    )?)
}

fn tenant(slug: &str) -> Result<(Arc<InMemoryRegistry>, TenantContext), Failure> {
    let registry = Arc::new(InMemoryRegistry::new());
    let cx = add(&registry, slug)?;
    Ok((registry, cx))
}

fn add(registry: &InMemoryRegistry, slug: &str) -> Result<TenantContext, Failure> {
    let tenant = Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?;
    Ok(TenantContext::for_request(
        registry.insert(tenant)?,
        Actor::user("bench"),
    )?)
}

/// From sending a job until it begins, of several tenants in turn; beside a tenant that has plenty, and beside nobody.
async fn wait(
    runner: &mut Runner,
    figure: Figure,
    queues: [JobQueueBuilder; 2],
) -> Result<(), Failure> {
    println!("bench: {}", figure.name);
    let mut sides = Vec::new();
    for (queue, heavy_jobs) in queues.into_iter().zip([20_000, 0]) {
        sides.push(Side::start(queue, heavy_jobs).await?);
    }
    let waits = runner.rounds() * 10;
    let (mut busy, mut idle) = (Vec::new(), Vec::new());
    for nth in 0..waits {
        let mut pairs: Vec<_> = sides.iter().zip([&mut busy, &mut idle]).collect();
        if nth % 2 == 0 {
            pairs.reverse();
        }
        for (side, into) in pairs {
            // Apart, so that they meet each other's work at any moment of it.
            let apart = 3_000 + (nth as u64 * 7_919) % 20_000;
            tokio::time::sleep(Duration::from_micros(apart)).await;
            into.push(side.one(nth).await?);
        }
    }
    runner.medians(figure, busy, idle);
    for side in sides {
        side.task.abort();
        let _ = side.task.await;
        side.queue.close().await;
    }
    Ok(())
}

/// A queue with a worker.
struct Side {
    queue: JobQueue,
    light: Vec<TenantContext>,
    begun: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Side {
    async fn start(queue: JobQueueBuilder, heavy_jobs: u64) -> Result<Self, Failure> {
        // One tenant may have half of the hands.
        let queue = queue.shares(|_| Share::new().at_once(4)).build()?;
        queue.migrate().await?;
        let registry = Arc::new(InMemoryRegistry::new());
        let heavy = add(&registry, "heavy")?;
        let names = ["a", "b", "c", "d", "e"];
        let light = names.map(|slug| add(&registry, slug)).into_iter();
        let light = light.collect::<Result<Vec<_>, Failure>>()?;
        for number in 1..=heavy_jobs {
            let _ = queue
                .enqueue_for(&heavy, &payload(number), Enqueue::new())
                .await?;
        }
        let begun = Arc::new(Notify::new());
        let inner = Arc::clone(&begun);
        let handlers = Handlers::new().on(move |job: Payload, _: Run| {
            let begun = Arc::clone(&inner);
            async move {
                if job.number == 0 {
                    begun.notify_one();
                } else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok::<(), BoxDynError>(())
            }
        });
        let worker = WorkerBuilder::new("wait")
            .backend(queue.worker(registry).at_once(8).build()?)
            .build(handlers);
        let task = tokio::spawn(async move { drop(worker.run().await) });
        Ok(Self {
            queue,
            light,
            begun,
            task,
        })
    }

    /// How many nanoseconds one job waits, with what sending takes.
    async fn one(&self, nth: usize) -> Result<f64, Failure> {
        let light = self.light.get(nth % self.light.len()).ok_or("a tenant")?;
        let start = Instant::now();
        let _ = self
            .queue
            .enqueue_for(light, &payload(0), Enqueue::new())
            .await?;
        self.begun.notified().await;
        Ok(start.elapsed().as_nanos() as f64)
    }
}
