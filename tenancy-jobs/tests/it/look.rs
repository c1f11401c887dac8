//! What a tenant sees of its jobs, and what an operator counts.

use std::time::Duration;

use tenancy_jobs::apalis::error::BoxDynError;
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Enqueue, Error, JobId, JobState};

use crate::world::{Note, Seen, Worker, World, note, on_each};

on_each! {
    async fn dead_jobs_are_their_tenants_to_see_to_retry_and_to_discard(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        let (one, two) = (world.send(&a, "one").await, world.send(&a, "two").await);
        let handlers = Handlers::new().on(async |_: Note, _: Run| Err::<(), BoxDynError>("on purpose".into()));
        let worker = Worker::start(world.backend(), handlers);
        world.drained().await;
        worker.stop().await;

        let dead = a.scope(world.queue.dead(10)).await.unwrap().unwrap();
        assert_eq!(dead.len(), 2);
        assert!(dead.iter().all(|job| job.state == JobState::Dead && job.attempt == 3 && job.name == "note"));
        assert_eq!(dead[0].error.as_deref(), Some("on purpose"));
        assert_eq!(a.scope(world.queue.dead(1)).await.unwrap().unwrap().len(), 1);

        // To another tenant they are not there, by whatever name.
        assert!(b.scope(world.queue.dead(10)).await.unwrap().unwrap().is_empty());
        for id in [one, two, JobId::parse("00000000-0000-7000-8000-000000000000").unwrap()] {
            assert!(b.scope(world.queue.find(id)).await.unwrap().unwrap().is_none());
            assert!(matches!(b.scope(world.queue.retry(id)).await.unwrap(), Err(Error::NotFound(_))));
            assert!(matches!(b.scope(world.queue.discard(id)).await.unwrap(), Err(Error::NotFound(_))));
        }
        assert_eq!(world.count(2).await, 2);

        a.scope(world.queue.discard(two)).await.unwrap().unwrap();
        a.scope(world.queue.retry(one)).await.unwrap().unwrap();
        assert!(matches!(a.scope(world.queue.retry(one)).await.unwrap(), Err(Error::NotFound(_))), "it waits");
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["one"]);
        assert_eq!(world.count(2).await, 0);
    }
}

on_each! {
    async fn a_forged_job_is_refused_again_when_it_is_retried(world) {
        let a = world.tenant("a");
        let id = world.send(&a, "pay 10").await;
        world.writer.edit(|_| true, |row| row.body = row.body.replace("pay 10", "pay 99")).await;
        for _ in 0..2 {
            let seen = Seen::default();
            let worker = Worker::start(world.backend(), seen.handlers());
            world.drained().await;
            worker.stop().await;
            assert!(seen.texts().is_empty());
            assert_eq!(world.count(2).await, 1);
            a.scope(world.queue.retry(id)).await.unwrap().unwrap();
        }
    }
}

on_each! {
    async fn depth_and_age_are_counted_for_each_tenant(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        for n in 0..3 {
            world.send(&a, &n.to_string()).await;
        }
        let later = Enqueue::new().after(Duration::from_secs(3_600));
        let _ = world.queue.enqueue_for(&b, &note(&b, "later"), later).await.unwrap();
        world.writer.edit(|row| row.run_at <= row.created_at, |row| row.run_at -= 60_000).await;
        let depths = world.queue.depths().await.unwrap();
        let of = |cx: &tenancy_core::TenantContext| {
            let tenant = cx.tenant_id().to_string();
            depths.iter().find(|depth| depth.tenant == tenant).unwrap()
        };
        assert_eq!((of(&a).waiting, of(&a).later, of(&a).running, of(&a).dead), (3, 0, 0, 0));
        assert!(of(&a).age >= Duration::from_secs(60));
        assert_eq!((of(&b).waiting, of(&b).later, of(&b).age), (0, 1, Duration::ZERO));
        assert_eq!((of(&a).queue.as_str(), of(&a).parked), ("default", false));
        // By hand, without waiting for a worker to notice.
        a.scope(world.queue.park(true)).await.unwrap().unwrap();
        let parked = world.queue.depths().await.unwrap();
        assert_eq!(parked.iter().filter(|depth| depth.parked).count(), 1);
        a.scope(world.queue.park(false)).await.unwrap().unwrap();
        assert!(!world.queue.depths().await.unwrap().iter().any(|depth| depth.parked));
    }
}

on_each! {
    async fn a_job_for_later_waits_until_then(world) {
        let a = world.tenant("a");
        let later = Enqueue::new().after(Duration::from_secs(3_600));
        let sent = world.queue.enqueue_for(&a, &note(&a, "later"), later).await.unwrap();
        world.send(&a, "now").await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        crate::world::eventually(async || seen.texts() == ["now"]).await;
        let found = a.scope(world.queue.find(sent.id())).await.unwrap().unwrap().unwrap();
        assert_eq!(found.state, JobState::Waiting);
        assert!(found.run_at > found.created_at + Duration::from_secs(3_000));
        world.writer.edit(|_| true, |row| row.run_at = 0).await;
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["now", "later"]);
    }
}
