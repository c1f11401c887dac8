//! What is taken, for whom, and what is refused before anything is sent.

use serde::{Deserialize, Serialize};
use tenancy_core::{ErrorKind, TenantStatus};
use tenancy_jobs::{Enqueue, Error, Job, Share};

use crate::world::{Seen, Worker, World, note, on_each};

on_each! {
    async fn without_a_tenant_nothing_is_sent(world) {
        let cx = world.tenant("a");
        let job = note(&cx, "x");
        assert!(world.queue.enqueue(&job).await.unwrap_err().as_tenancy().unwrap().is_no_tenant());
        // In another's scope, and for one that is closed.
        let other = world.tenant("b");
        let crossed = other.scope(world.queue.enqueue_for(&cx, &job, Enqueue::new())).await.unwrap();
        assert!(crossed.unwrap_err().as_tenancy().unwrap().is_wrong_tenant());
        for status in [TenantStatus::Suspended, TenantStatus::Offboarding, TenantStatus::Provisioning] {
            world.set_status(&cx, status);
            let closed = cx.scope(world.queue.enqueue(&job)).await.unwrap();
            assert_eq!(closed.unwrap_err().as_tenancy().unwrap().kind(), ErrorKind::Suspended);
        }
        // Nothing to look at, either.
        assert!(world.queue.dead(9).await.is_err());
        assert!(world.queue.find(world.send(&other, "y").await).await.is_err());
        assert_eq!(world.count(0).await, 1, "the one of b");
    }
}

on_each! {
    async fn a_task_that_lost_its_tenant_sends_nothing(world) {
        let cx = world.tenant("a");
        let (queue, job) = (world.queue.clone(), note(&cx, "x"));
        let lost = cx.scope(async move { tokio::spawn(async move { queue.enqueue(&job).await }).await.unwrap() });
        assert!(lost.await.unwrap().unwrap_err().as_tenancy().unwrap().is_no_tenant());
        assert_eq!(world.count(0).await, 0);
    }
}

on_each! {
    async fn the_same_key_in_two_tenants_is_two_jobs(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        let key = || Enqueue::new().key("november");
        let first = world.queue.enqueue_for(&a, &note(&a, "1"), key()).await.unwrap();
        let other = world.queue.enqueue_for(&b, &note(&b, "1"), key()).await.unwrap();
        let again = world.queue.enqueue_for(&a, &note(&a, "2"), key()).await.unwrap();
        assert!(first.is_new() && other.is_new() && !again.is_new());
        assert_eq!(again.id(), first.id());
        assert_ne!(other.id(), first.id());

        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["1", "1"]);
        seen.assert_nobody_met_anybody();

        // The effect is remembered when the job is done, until it is forgotten.
        let late = world.queue.enqueue_for(&a, &note(&a, "3"), key()).await.unwrap();
        assert_eq!((late.is_new(), late.id()), (false, first.id()));
        assert_eq!(world.queue.vacuum(std::time::Duration::ZERO).await.unwrap(), 2);
        assert!(world.queue.enqueue_for(&a, &note(&a, "4"), key()).await.unwrap().is_new());
    }
}

#[derive(Serialize, Deserialize)]
struct Big(String);
impl Job for Big {
    const NAME: &'static str = "big";
}

/// Keys of JSON objects are texts, and these are none.
#[derive(Serialize, Deserialize)]
struct Odd(std::collections::BTreeMap<(u8, u8), u8>);
impl Job for Odd {
    const NAME: &'static str = "odd";
}

#[derive(Serialize, Deserialize)]
struct Nameless;
impl Job for Nameless {
    const NAME: &'static str = "";
}

on_each! {
    async fn what_can_not_travel_is_refused_here(world) {
        let cx = world.tenant("a");
        let queue = &world.queue;
        let how = Enqueue::new;
        let big = queue.enqueue_for(&cx, &Big("x".repeat(300_000)), how()).await.unwrap_err();
        assert!(matches!(big, Error::TooLarge { most: 262_144, .. }), "{big}");
        let odd = Odd([((1, 2), 3)].into());
        assert!(matches!(queue.enqueue_for(&cx, &odd, how()).await, Err(Error::Encode(_))));
        assert!(matches!(queue.enqueue_for(&cx, &Nameless, how()).await, Err(Error::Config(_))));
        for key in ["x".repeat(201), "a\0b".to_owned()] {
            let sent = queue.enqueue_for(&cx, &note(&cx, "x"), how().key(key)).await;
            assert!(matches!(sent, Err(Error::Config(_))));
        }
        let unsound = world.with(|queue| queue.shares(|_| Share::new().queue("a'b")));
        let sent = unsound.enqueue_for(&cx, &note(&cx, "x"), how()).await;
        assert!(matches!(sent, Err(Error::Config(_))));
        assert_eq!(world.count(0).await, 0);
    }
}

on_each! {
    async fn a_dropped_enqueue_sends_the_whole_job_or_none(world) {
        let cx = world.tenant("a");
        let mut whole = 0;
        for polls in 0..40 {
            let job = note(&cx, polls.to_string());
            let sending = world.queue.enqueue_for(&cx, &job, Enqueue::new());
            let mut sending = Box::pin(sending);
            for _ in 0..polls {
                if futures_util::poll!(&mut sending).is_ready() {
                    whole += 1;
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_micros(200)).await;
            }
        }
        // The queue goes on as if nothing had been.
        world.send(&cx, "last").await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert!(seen.texts().len() > whole && seen.texts().contains(&"last".to_owned()));
        seen.assert_nobody_met_anybody();
        assert_eq!(world.count(2).await, 0);
    }
}
