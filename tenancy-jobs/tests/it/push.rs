//! Jobs that another process sends begin at once, where the database can tell.

use std::time::Duration;

use tenancy_jobs::Enqueue;

use crate::world::{Place, Seen, Worker, World, eventually, note};

/// Polling would be too late for this test.
const NEVER: Duration = Duration::from_secs(3_600);

async fn begins_at_once(world: World, listeners: impl AsyncFn() -> usize) {
    let a = world.tenant("a");
    let seen = Seen::default();
    let workers = ["default", "other"].map(|queue| {
        let backend = world.backend().queue(queue).poll_every(NEVER);
        Worker::start(backend, seen.handlers())
    });
    eventually(async || listeners().await == 2).await;
    // It shares nothing with the first but the database.
    let other = world.with(|queue| queue);
    for n in 0..20 {
        let job = note(&a, n.to_string());
        let _ = other.enqueue_for(&a, &job, Enqueue::new()).await.unwrap();
        eventually(async || seen.texts().len() == n + 1).await;
    }
    seen.assert_nobody_met_anybody();
    for worker in workers {
        worker.stop().await;
    }
    // Nobody listens for a worker that is gone.
    eventually(async || listeners().await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_processs_job_begins_at_once_on_postgres() {
    let world = World::postgres().await;
    let Place::Pg(options, _) = &world.place else {
        unreachable!()
    };
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with((**options).clone());
    let listeners = async || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
        usize::try_from(count).unwrap()
    };
    begins_at_once(world, listeners).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_processs_job_begins_at_once_on_redis() {
    let world = World::redis().await;
    let crate::writer::Writer::Redis(redis) = world.writer.clone() else {
        unreachable!()
    };
    let listeners = async || {
        let mut count = tenancy_cache::redis::cmd("PUBSUB");
        count.arg("NUMSUB").arg(redis.at("news"));
        let answer: (String, usize) = count
            .query_async(&mut redis.connection().await)
            .await
            .unwrap();
        answer.1
    };
    begins_at_once(world, listeners).await;
}
