//! Who is next. Only orders are asserted, no times: how long it takes is in the benchmarks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenancy_core::{Tenant, TenantContext};
use tenancy_jobs::apalis::error::BoxDynError;
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Enqueue, JobQueue, Share};

use crate::world::{Note, PATIENCE, Seen, Worker, World, eventually, note, on_each};

async fn send(queue: &JobQueue, cx: &TenantContext, jobs: usize, text: &str) {
    for n in 0..jobs {
        let job = note(cx, format!("{text} {n}"));
        let _ = queue.enqueue_for(cx, &job, Enqueue::new()).await.unwrap();
    }
}

/// One after the other, in the order of the queue.
async fn run_all(world: &World) -> Vec<String> {
    let seen = Seen::default();
    let worker = Worker::start(world.backend().at_once(1), seen.handlers());
    world.drained().await;
    worker.stop().await;
    seen.assert_nobody_met_anybody();
    seen.texts()
}

fn by_plan(tenant: &Tenant) -> Share {
    match tenant.plan() {
        Some("gold") => Share::new().weight(3),
        Some("narrow") => Share::new().at_once(2),
        Some("apart") => Share::new().queue("apart"),
        _ => Share::new(),
    }
}

on_each! {
    async fn one_tenant_with_many_jobs_does_not_delay_anothers_first(world) {
        let heavy = world.tenant("heavy");
        send(&world.queue, &heavy, 400, "heavy").await;
        for n in 0..10 {
            let light = world.tenant(&format!("light-{n}"));
            send(&world.queue, &light, 2, &format!("light-{n}")).await;
        }
        let ran = run_all(&world).await;
        assert_eq!(ran.len(), 420);
        for n in 0..10 {
            let place = |nth| ran.iter().position(|text| *text == format!("light-{n} {nth}")).unwrap();
            assert!(place(0) <= 11, "the first of {n} was number {}", place(0));
            assert!(place(1) <= 22, "the second of {n} was number {}", place(1));
        }
        // Each tenant's own are in their order.
        let heavy: Vec<_> = ran.iter().filter(|text| text.starts_with("heavy")).collect();
        assert_eq!(*heavy[0], "heavy 0");
        assert_eq!(*heavy[399], "heavy 399");
    }
}

on_each! {
    async fn turns_go_by_weight(world) {
        let world = World { queue: world.with(|queue| queue.shares(by_plan)), ..world };
        let (gold, free) = (world.tenant_on("gold", "gold"), world.tenant_on("free", "free"));
        send(&world.queue, &gold, 60, "gold").await;
        send(&world.queue, &free, 60, "free").await;
        let ran = run_all(&world).await;
        let golden = ran[..40].iter().filter(|text| text.starts_with("gold")).count();
        assert!((28..=32).contains(&golden), "{golden} of the first 40");
    }
}

on_each! {
    async fn turns_are_not_saved_up(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        send(&world.queue, &b, 1, "b early").await;
        send(&world.queue, &a, 50, "a early").await;
        assert_eq!(run_all(&world).await.len(), 51);
        // b was away for fifty turns of a's.
        send(&world.queue, &a, 40, "a").await;
        send(&world.queue, &b, 40, "b").await;
        let ran = run_all(&world).await;
        let of_b = ran[..20].iter().filter(|text| text.starts_with('b')).count();
        assert!((9..=11).contains(&of_b), "{of_b} of the first 20");
    }
}

on_each! {
    async fn no_more_than_its_share_at_once_over_all_workers(world) {
        let queue = world.with(|queue| queue.shares(by_plan));
        let other = world.with(|queue| queue.shares(by_plan));
        let (narrow, wide) = (world.tenant_on("narrow", "narrow"), world.tenant_on("wide", "free"));
        send(&queue, &narrow, 20, "narrow").await;
        send(&queue, &wide, 20, "wide").await;
        let now: Arc<Mutex<HashMap<String, (usize, usize)>>> = Arc::default();
        let handlers = || {
            let now = Arc::clone(&now);
            Handlers::new().on(move |note: Note, _: Run| {
                let now = Arc::clone(&now);
                async move {
                    {
                        let mut now = now.lock().unwrap();
                        let (running, most) = now.entry(note.owner.clone()).or_default();
                        *running += 1;
                        *most = (*most).max(*running);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    now.lock().unwrap().get_mut(&note.owner).unwrap().0 -= 1;
                    Ok::<(), BoxDynError>(())
                }
            })
        };
        let backend = |queue: &JobQueue| crate::world::quick(queue.worker(Arc::clone(&world.registry))).at_once(8);
        let workers = [Worker::start(backend(&queue), handlers()), Worker::start(backend(&other), handlers())];
        world.drained().await;
        for worker in workers {
            worker.stop().await;
        }
        let most = |cx: &TenantContext| now.lock().unwrap()[&cx.tenant_id().to_string()].1;
        assert_eq!(most(&narrow), 2);
        assert!(most(&wide) > 2, "{}", most(&wide));
    }
}

on_each! {
    async fn a_queue_for_each_tier(world) {
        let world = World { queue: world.with(|queue| queue.shares(by_plan)), ..world };
        let (apart, free) = (world.tenant_on("apart", "apart"), world.tenant_on("free", "free"));
        send(&world.queue, &apart, 3, "apart").await;
        send(&world.queue, &free, 3, "free").await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend().queue("apart"), seen.handlers());
        eventually(async || seen.texts().len() == 3).await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["apart 0", "apart 1", "apart 2"]);
        assert_eq!(world.count(0).await, 3);
    }
}

on_each! {
    /// A worker takes no more than it can begin: what it has not begun is others' to take.
    async fn nothing_is_hoarded(world) {
        let a = world.tenant("a");
        send(&world.queue, &a, 10, "a").await;
        let begun = Arc::new(AtomicUsize::new(0));
        let inner = Arc::clone(&begun);
        let handlers = Handlers::new().on(move |_: Note, _: Run| {
            inner.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<Result<(), BoxDynError>>()
        });
        let busy = Worker::start(world.backend().at_once(2), handlers);
        eventually(async || begun.load(Ordering::Relaxed) == 2).await;
        let seen = Seen::default();
        let free = Worker::start(world.backend(), seen.handlers());
        tokio::time::timeout(PATIENCE, eventually(async || seen.texts().len() == 8)).await.unwrap();
        free.stop().await;
        busy.abort().await;
    }
}
