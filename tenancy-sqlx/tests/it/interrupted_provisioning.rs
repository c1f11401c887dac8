//! Provisioning that is dropped midway, and provisioning that meets itself.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tenancy_core::Isolation;
use tenancy_sqlx::provision::ProvisionDb;
use tenancy_sqlx::{Error, Provisioner, SqlRegistry};

use crate::places::{ALL, Files, Pg, new};
use crate::provision::ensure_usable;

/// Polls a future until it waited `waits` times for somebody else, and drops it there; says whether it finished.
///
/// A poll that comes right after the last one is no wait: sqlx computes a password's proof in 800 slices with a yield after
/// each, and stopping between two of them is like stopping before the first.
async fn poll_and_drop<F: Future>(waits: usize, future: F) -> bool {
    const YIELD: Duration = Duration::from_micros(40);
    let mut future = pin!(future);
    let mut waited = 0;
    let mut last: Option<Instant> = None;
    poll_fn(|cx| {
        if last.is_none_or(|at| at.elapsed() > YIELD) {
            if waited == waits {
                return Poll::Ready(false);
            }
            waited += 1;
        }
        let poll = future.as_mut().poll(cx).map(|_| true);
        last = Some(Instant::now());
        poll
    })
    .await
}

/// Drops provisioning at every wait, then runs it again.
async fn survives_cancellation<DB: ProvisionDb>(
    registry: &SqlRegistry<DB>,
    provisioner: &Provisioner<DB>,
    isolation: Isolation,
    stride: usize,
) {
    let mut waits = 0;
    loop {
        let name = format!("c{waits}-{isolation}");
        let finished = poll_and_drop(waits, provisioner.provision(new(&name, isolation))).await;
        if !finished {
            // Not active, or activated in the very moment; never served half-made.
            match provisioner.provision(new(&name, isolation)).await {
                Ok(_) | Err(Error::SlugTaken) => {}
                Err(error) => panic!("stopped at wait {waits}: {error:?}"),
            }
        }
        ensure_usable(registry, &name).await;
        if finished {
            return;
        }
        waits += stride;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_at_any_wait_on_sqlite() {
    let files = Files::new().await;
    let provisioner = files.migrated().await;
    for isolation in ALL {
        survives_cancellation(&files.registry, &provisioner, isolation, 1).await;
        assert!(
            files
                .places()
                .iter()
                .all(|place| !place.starts_with("building")),
            "{:?}",
            files.places()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_at_any_wait_on_postgres() {
    // Each stop takes two provisionings; `TENANCY_EVERY_WAIT` stops at each one.
    let every = std::env::var_os("TENANCY_EVERY_WAIT").is_some();
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    for (isolation, stride) in [
        (Isolation::Shared, 1),
        (Isolation::Schema, 2),
        (Isolation::Database, 4),
    ] {
        let stride = if every { 1 } else { stride };
        survives_cancellation(&place.registry, &provisioner, isolation, stride).await;
    }
    assert!(
        place
            .places()
            .await
            .iter()
            .all(|name| !name.contains("_new_")),
        "{:?}",
        place.places().await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_wins() {
    async fn check<DB: ProvisionDb>(registry: &SqlRegistry<DB>, provisioner: &Provisioner<DB>) {
        for isolation in ALL {
            let name = format!("race-{isolation}");
            let all = futures_util::future::join_all(
                (0..6).map(|_| provisioner.provision(new(&name, isolation))),
            )
            .await;
            let won = all.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(won, 1, "{all:?}");
            assert!(
                all.iter()
                    .flat_map(|outcome| outcome.as_ref().err())
                    .all(|error| { matches!(error, Error::SlugTaken | Error::ProvisioningBusy) })
            );
            ensure_usable(registry, &name).await;
        }
    }
    let place = Pg::new().await;
    check(&place.registry, &place.migrated().await).await;
    let files = Files::new().await;
    check(&files.registry, &files.migrated().await).await;
}
