//! How jobs run: in their tenant's scope, again when they fail, parked while the tenant is closed, and to their end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tenancy_core::{TenantContext, TenantStatus};
use tenancy_jobs::apalis::error::{AbortError, BoxDynError, RetryAfterError};
use tenancy_jobs::apalis::worker::builder::WorkerBuilder;
use tenancy_jobs::apalis::worker::ext::parallelize::ParallelizeExt as _;
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Enqueue, JobState};
use tokio::sync::Semaphore;

use crate::world::{Note, PATIENCE, Seen, Worker, World, eventually, on_each};

on_each! {
    async fn a_job_runs_as_its_tenant_and_actor(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        for n in 0..10 {
            world.send(&a, &n.to_string()).await;
            world.send(&b, &n.to_string()).await;
        }
        let seen = Seen::default();
        let inner = seen.clone();
        let handlers = Handlers::new().on(move |note: Note, run: Run| {
            let seen = inner.clone();
            async move {
                let cx = TenantContext::current()?;
                assert_eq!(cx.actor().id(), Some("ada"));
                assert_eq!((cx.operation(), run.attempt, run.max_attempts), (tenancy_core::Operation::Job, 1, 3));
                // Over an await, side by side with another tenant's.
                tokio::time::sleep(Duration::from_millis(5)).await;
                seen.note(note)
            }
        });
        let worker = Worker::start(world.backend().at_once(7), handlers);
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts().len(), 20);
        seen.assert_nobody_met_anybody();
        assert!(TenantContext::current().is_err());
    }
}

on_each! {
    async fn layers_that_spawn_do_not_lose_the_tenant(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        for n in 0..10 {
            world.send(&a, &n.to_string()).await;
            world.send(&b, &n.to_string()).await;
        }
        let seen = Seen::default();
        let worker = WorkerBuilder::new("spawns")
            .backend(world.backend().build().unwrap())
            .parallelize(tokio::spawn)
            .build(seen.handlers());
        let running = tokio::spawn(worker.run());
        world.drained().await;
        running.abort();
        assert_eq!(seen.texts().len(), 20);
        seen.assert_nobody_met_anybody();
    }
}

on_each! {
    async fn retries_keep_the_tenant_and_come_to_an_end(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        world.send(&a, "always fails").await;
        world.send(&a, "fails once").await;
        world.send(&a, "aborts").await;
        world.send(&a, "panics").await;
        world.send(&a, "asks for time").await;
        world.send(&b, "is good").await;
        let seen = Seen::default();
        let inner = seen.clone();
        let handlers = Handlers::new().on(move |note: Note, run: Run| {
            let seen = inner.clone();
            async move {
                let text = note.text.clone();
                seen.note(note)?;
                match (text.as_str(), run.attempt) {
                    ("always fails", _) => Err("on purpose".into()),
                    ("fails once", 1) => Err("on purpose, once".into()),
                    ("aborts", _) => Err(AbortError::new("never again").into()),
                    ("panics", _) => panic!("on purpose"),
                    ("asks for time", 1) => Err(RetryAfterError::new("later", Duration::from_millis(30)).into()),
                    _ => Ok::<(), BoxDynError>(()),
                }
            }
        });
        let worker = Worker::start(world.backend(), handlers);
        world.drained().await;
        worker.stop().await;
        let count = |text: &str| seen.texts().iter().filter(|seen| *seen == text).count();
        assert_eq!(count("always fails"), 3);
        assert_eq!(count("fails once"), 2);
        assert_eq!(count("aborts"), 1);
        assert_eq!(count("panics"), 3);
        assert_eq!(count("asks for time"), 2);
        assert_eq!(count("is good"), 1);
        seen.assert_nobody_met_anybody();
        let errors = world.errors().await;
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(errors[0].contains("never again") && errors[1].contains("on purpose") && errors[2].contains("panicked"));
    }
}

on_each! {
    async fn jobs_of_a_suspended_tenant_are_parked_and_run_when_it_is_back(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        for n in 0..30 {
            world.send(&a, &n.to_string()).await;
        }
        world.set_status(&a, TenantStatus::Suspended);
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        eventually(async || world.queue.depths().await.unwrap()[0].parked).await;
        // Others go on meanwhile.
        world.send(&b, "of b").await;
        eventually(async || seen.texts() == ["of b"]).await;
        assert_eq!(world.count(2).await, 0);
        world.set_status(&a, TenantStatus::Active);
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts().len(), 31);
        seen.assert_nobody_met_anybody();
        assert_eq!(world.count(2).await, 0);
    }
}

on_each! {
    async fn a_tenant_suspended_in_the_middle_is_parked_and_nothing_is_counted(world) {
        let a = world.tenant("a");
        let id = world.send(&a, "half").await;
        let (begun, closed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let attempts = Arc::new(AtomicU32::new(0));
        let inner = (Arc::clone(&begun), Arc::clone(&closed), Arc::clone(&attempts));
        let handlers = Handlers::new().on(move |_: Note, run: Run| {
            let (begun, closed, attempts) = inner.clone();
            async move {
                attempts.fetch_add(1, Ordering::Relaxed);
                assert_eq!(run.attempt, 1, "the first one did not count");
                begun.add_permits(1);
                closed.acquire().await?.forget();
                // Whatever door it knocks at now.
                TenantContext::current()?.ensure_live()?;
                Ok::<(), BoxDynError>(())
            }
        });
        let worker = Worker::start(world.backend(), handlers);
        begun.acquire().await.unwrap().forget();
        world.set_status(&a, TenantStatus::Suspended);
        closed.add_permits(2);
        eventually(async || world.queue.depths().await.unwrap()[0].parked).await;
        world.set_status(&a, TenantStatus::Active);
        world.drained().await;
        worker.stop().await;
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
        assert!(a.scope(world.queue.find(id)).await.unwrap().unwrap().is_none());
    }
}

on_each! {
    async fn a_worker_that_is_stopped_finishes_what_runs_and_leaves_the_rest(world) {
        let a = world.tenant("a");
        for n in 0..20 {
            world.send(&a, &n.to_string()).await;
        }
        let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let done = Arc::new(AtomicU32::new(0));
        let inner = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&done));
        let handlers = Handlers::new().on(move |_: Note, _: Run| {
            let (begun, go, done) = inner.clone();
            async move {
                begun.add_permits(1);
                go.acquire().await?.forget();
                done.fetch_add(1, Ordering::Relaxed);
                Ok::<(), BoxDynError>(())
            }
        });
        let worker = Worker::start(world.backend().at_once(4), handlers);
        begun.acquire_many(4).await.unwrap().forget();
        let stopping = tokio::spawn(worker.stop());
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!stopping.is_finished(), "four still run");
        go.add_permits(100);
        tokio::time::timeout(PATIENCE, stopping).await.unwrap().unwrap();
        // Written down when it is over: what ran is gone, what did not waits, and nobody holds anything.
        let left = 20 - usize::try_from(done.load(Ordering::Relaxed)).unwrap();
        assert_eq!((world.count(0).await, world.count(1).await), (left, 0));
        assert_eq!(world.writer.count(|row| row.attempt > 0).await, 0);
        assert!(done.load(Ordering::Relaxed) >= 4);
    }
}

on_each! {
    async fn a_worker_dropped_in_the_middle_has_its_jobs_run_again(world) {
        let a = world.tenant("a");
        world.send(&a, "again").await;
        let begun = Arc::new(Semaphore::new(0));
        let inner = Arc::clone(&begun);
        let handlers = Handlers::new().on(move |_: Note, _: Run| {
            let begun = Arc::clone(&inner);
            async move {
                begun.add_permits(1);
                std::future::pending::<Result<(), BoxDynError>>().await
            }
        });
        let worker = Worker::start(world.backend(), handlers);
        begun.acquire().await.unwrap().forget();
        worker.abort().await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["again"]);
        seen.assert_nobody_met_anybody();
    }
}

on_each! {
    /// The whole runtime goes, as when the process is killed: nobody says goodbye, so the lease has to end.
    async fn a_worker_that_vanishes_has_its_jobs_run_again_when_its_lease_ends(world) {
        let a = world.tenant("a");
        world.send(&a, "again").await;
        let begun = Arc::new(AtomicBool::new(false));
        let inner = Arc::clone(&begun);
        let handlers = Handlers::new().on(move |_: Note, _: Run| {
            inner.store(true, Ordering::Relaxed);
            std::future::pending::<Result<(), BoxDynError>>()
        });
        // Queue and runtime of its own.
        let other = world.place.queue(crate::world::keys()).build().unwrap();
        let backend = crate::world::quick(other.worker(Arc::clone(&world.registry))).lease(Duration::from_secs(2));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move { Worker::start(backend, handlers).stop_never().await });
        eventually(async || begun.load(Ordering::Relaxed)).await;
        // Leases are extended as long as it is there.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend().lease(Duration::from_secs(2)), seen.handlers());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(seen.texts().is_empty(), "it is in good hands");
        runtime.shutdown_background();
        drop(other);
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["again"]);
    }
}

on_each! {
    async fn a_job_that_kills_each_of_its_workers_is_given_up(world) {
        let a = world.tenant("a");
        let id = world.send(&a, "kills").await;
        for _ in 0..3 {
            let begun = Arc::new(Semaphore::new(0));
            let inner = Arc::clone(&begun);
            let handlers = Handlers::new().on(move |_: Note, _: Run| {
                inner.add_permits(1);
                std::future::pending::<Result<(), BoxDynError>>()
            });
            let worker = Worker::start(world.backend(), handlers);
            begun.acquire().await.unwrap().forget();
            // As if the lease had ended without a word.
            let edited = world.writer.edit(|row| row.state == 1, |row| {
                row.lease_by = Some("somebody who died".to_owned());
                row.lease_until = Some(0);
            });
            assert_eq!(edited.await, 1);
            worker.abort().await;
        }
        let seen = Seen::default();
        let worker = Worker::start(world.backend().lease(Duration::from_secs(1)), seen.handlers());
        eventually(async || world.count(2).await == 1).await;
        worker.stop().await;
        assert!(seen.texts().is_empty());
        let found = a.scope(world.queue.find(id)).await.unwrap().unwrap().unwrap();
        assert_eq!((found.state, found.attempt), (JobState::Dead, 3));
        assert!(found.error.unwrap().contains("stopped in the middle"));
    }
}

on_each! {
    /// Who lost the lease no longer decides.
    async fn a_worker_that_comes_back_late_changes_nothing(world) {
        let a = world.tenant("a");
        world.send(&a, "slow").await;
        let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let inner = (Arc::clone(&begun), Arc::clone(&go));
        let handlers = Handlers::new().on(move |_: Note, _: Run| {
            let (begun, go) = inner.clone();
            async move {
                begun.add_permits(1);
                go.acquire().await?.forget();
                Ok::<(), BoxDynError>(())
            }
        });
        let worker = Worker::start(world.backend(), handlers);
        begun.acquire().await.unwrap().forget();
        // Somebody else has it, in its second attempt.
        let edited = world.writer.edit(|row| row.state == 1, |row| {
            row.lease_by = Some("another".to_owned());
            row.attempt = 2;
            row.lease_until = Some(9_000_000_000_000);
        });
        assert_eq!(edited.await, 1);
        go.add_permits(1);
        worker.stop().await;
        assert_eq!(world.count(1).await, 1, "it is the other's still");
    }
}

on_each! {
    /// The queue gave a job to a worker, and the answer got lost: the worker lives on and knows nothing of it.
    async fn a_job_whose_taking_out_was_never_heard_of_runs_again(world) {
        let a = world.tenant("a");
        world.send(&a, "holds on").await;
        let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let seen = Seen::default();
        let inner = (Arc::clone(&begun), Arc::clone(&go), seen.clone());
        let handlers = Handlers::new().on(move |note: Note, _: Run| {
            let (begun, go, seen) = inner.clone();
            async move {
                if note.text == "holds on" {
                    begun.add_permits(1);
                    go.acquire().await?.forget();
                }
                seen.note(note)
            }
        });
        let worker = Worker::start(world.backend().lease(Duration::from_secs(1)), handlers);
        begun.acquire().await.unwrap().forget();
        let held = world.writer.rows().await.remove(0);
        let how = Enqueue::new().after(Duration::from_secs(3_600));
        let _ = world.queue.enqueue_for(&a, &crate::world::note(&a, "lost"), how).await.unwrap();
        let edited = world.writer.edit(|row| row.state == 0, |row| {
            row.state = 1;
            row.attempt = 1;
            row.run_at = 0;
            row.lease_by.clone_from(&held.lease_by);
            row.lease_until.clone_from(&held.lease_until);
        });
        assert_eq!(edited.await, 1);
        // Its lease ends, while that of the job in hands is extended.
        eventually(async || seen.texts() == ["lost"]).await;
        // That it is done is written down a moment later.
        eventually(async || world.writer.rows().await.len() == 1).await;
        let rows = world.writer.rows().await;
        assert_eq!((rows[0].state, rows[0].attempt), (1, 1));
        go.add_permits(1);
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["lost", "holds on"]);
    }
}
