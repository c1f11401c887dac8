//! The queue's database is away, locked or full: typed errors, nothing lost, and it goes on when it is back.

use std::sync::Arc;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tenancy_core::{
    Error as CoreError, ErrorKind, InMemoryRegistry, LookupKey, Tenant, TenantRegistry,
};
use tenancy_jobs::{Enqueue, Error, JobQueue};
use tenancy_testkit::PgCluster;

use crate::world::{Place, Seen, Worker, World, eventually, keys, note, on_each, quick};

async fn refused(world: &World, cx: &tenancy_core::TenantContext) {
    let error = world
        .queue
        .enqueue_for(cx, &note(cx, "refused"), Enqueue::new())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error}");
    assert!(error.is_outage());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queues_table_is_locked_on_postgres() {
    let world = World::postgres().await;
    let a = world.tenant("a");
    world.send(&a, "before").await;
    let Place::Pg(options, _) = &world.place else {
        unreachable!()
    };
    let mut locker = PgConnectOptions::connect(options).await.unwrap();
    sqlx::raw_sql("BEGIN; LOCK TABLE tenancy_jobs.jobs IN ACCESS EXCLUSIVE MODE")
        .execute(&mut locker)
        .await
        .unwrap();
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    refused(&world, &a).await;
    assert!(seen.texts().is_empty());
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut locker)
        .await
        .unwrap();
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    assert_eq!(seen.texts(), ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queues_file_is_locked_on_sqlite() {
    let world = World::sqlite().await;
    let a = world.tenant("a");
    world.send(&a, "before").await;
    let Place::Sqlite(folder) = &world.place else {
        unreachable!()
    };
    let file = SqliteConnectOptions::new().filename(folder.join("jobs.db"));
    let mut locker = file.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut locker)
        .await
        .unwrap();
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    refused(&world, &a).await;
    assert!(seen.texts().is_empty());
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut locker)
        .await
        .unwrap();
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    assert_eq!(seen.texts(), ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_goes_away_and_comes_back() {
    let cluster = PgCluster::start().await.unwrap();
    let database = cluster.database().await.unwrap();
    let place = Place::Pg(Box::new(database.admin_options()), Arc::new(database));
    let world = World::at(place, |queue| queue).await;
    let a = world.tenant("a");
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    for n in 0..20 {
        world.send(&a, &n.to_string()).await;
    }
    eventually(async || !seen.texts().is_empty()).await;
    cluster.stop().await.unwrap();
    refused(&world, &a).await;
    cluster.restart().await.unwrap();
    // The first calls may find connections that died.
    eventually(async || {
        let job = note(&a, "after");
        world
            .queue
            .enqueue_for(&a, &job, Enqueue::new().key("after"))
            .await
            .is_ok()
    })
    .await;
    world.drained().await;
    worker.stop().await;
    let texts = seen.texts();
    for n in 0..20 {
        assert!(texts.contains(&n.to_string()), "{n} was lost");
    }
    assert!(texts.contains(&"after".to_owned()));
    assert_eq!(world.count(2).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_is_full() {
    let world = World::sqlite().await;
    let a = world.tenant("a");
    let Place::Sqlite(folder) = &world.place else {
        unreachable!()
    };
    let file = SqliteConnectOptions::new().filename(folder.join("jobs.db"));
    let full = JobQueue::sqlite_file(file.pragma("max_page_count", "60"), keys())
        .build()
        .unwrap();
    let mut taken = Vec::new();
    let error = loop {
        let job = note(&a, format!("{} {}", taken.len(), "x".repeat(2_000)));
        match full.enqueue_for(&a, &job, Enqueue::new()).await {
            Ok(_) => taken.push(job.text),
            Err(error) => break error,
        }
        assert!(taken.len() < 1_000, "it never was full");
    };
    assert!(
        error.is_outage() && matches!(error, Error::Store(_)),
        "{error}"
    );
    assert!(taken.len() > 10);
    // A worker on the full disk does what it can, and loses nothing; with room again it goes on.
    let seen = Seen::default();
    let cramped = Worker::start(
        quick(full.worker(Arc::clone(&world.registry))),
        seen.handlers(),
    );
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    cramped.stop().await;
    let worker = Worker::start(world.backend(), seen.handlers());
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    let texts = seen.texts();
    assert!(taken.iter().all(|text| texts.contains(text)));
    assert!(texts.contains(&"after".to_owned()));
    assert_eq!(world.count(2).await, 0);
}

/// A server whose disk is full says so at the next write. A trigger says it here, to whoever writes to the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_disk_is_full() {
    let world = World::postgres().await;
    let a = world.tenant("a");
    for n in 0..10 {
        world.send(&a, &n.to_string()).await;
    }
    let Place::Pg(options, _) = &world.place else {
        unreachable!()
    };
    let mut server = PgConnectOptions::connect(options).await.unwrap();
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON tenancy_jobs.jobs EXECUTE FUNCTION full_disk()";
    sqlx::raw_sql(full).execute(&mut server).await.unwrap();
    refused(&world, &a).await;
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    // It fails to take anything out, and goes on trying.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(seen.texts().is_empty());
    let room = "DROP TRIGGER full_disk ON tenancy_jobs.jobs";
    sqlx::raw_sql(room).execute(&mut server).await.unwrap();
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    assert_eq!(seen.texts().len(), 11);
    assert_eq!(world.count(2).await, 0);
}

/// A registry that answers when it is told to.
#[derive(Debug)]
struct Sometimes {
    registry: Arc<InMemoryRegistry>,
    answers: std::sync::atomic::AtomicBool,
}

impl TenantRegistry for Sometimes {
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> futures_util::future::BoxFuture<'a, Result<Option<Arc<Tenant>>, CoreError>> {
        if self.answers.load(std::sync::atomic::Ordering::Relaxed) {
            self.registry.lookup(key)
        } else {
            Box::pin(async { Err(CoreError::new(ErrorKind::RegistryUnavailable, "away")) })
        }
    }
}

on_each! {
    async fn a_registry_that_is_away_costs_no_attempt(world) {
        let a = world.tenant("a");
        world.send(&a, "x").await;
        let registry = Arc::new(Sometimes { registry: Arc::clone(&world.registry), answers: false.into() });
        let seen = Seen::default();
        let backend = quick(world.queue.worker(Arc::clone(&registry)));
        let worker = Worker::start(backend, seen.handlers());
        // Put back for later.
        eventually(async || world.writer.count(|row| row.state == 0 && row.run_at > row.created_at + 3_000).await == 1).await;
        assert!(seen.texts().is_empty());
        assert_eq!(world.writer.count(|row| row.attempt > 0).await, 0);
        registry.answers.store(true, std::sync::atomic::Ordering::Relaxed);
        world.writer.edit(|_| true, |row| row.run_at = 0).await;
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["x"]);
    }
}
