//! Starting again finds what is there.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::time::timeout;

use crate::world::{LEADS, Place, TENANTS, World, on_both};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_cut_off_goes_on_where_it_stopped_on_sqlite() {
    cut_off(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_cut_off_goes_on_where_it_stopped_on_postgres() {
    cut_off(Place::postgres().await).await;
}

/// Gives each start a little more time than the last one, until one comes through.
async fn cut_off(place: Place) {
    let begun = Instant::now();
    let mut patience = Duration::from_millis(5);
    let mut cuts = 0;
    while timeout(patience, place.start(LEADS))
        .await
        .map(Result::unwrap)
        .is_err()
    {
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "no start came through in {cuts} attempts"
        );
        patience += patience / 4;
        cuts += 1;
    }
    assert!(cuts > 0, "the first start was too fast to be cut off");
    let world = World::at(place).await;
    for tenant in TENANTS {
        assert_eq!(
            world.count(tenant).await,
            LEADS as u64,
            "{tenant} after {cuts} cuts"
        );
    }
}

on_both!(a_second_start_adds_nothing_and_loses_nothing);

async fn a_second_start_adds_nothing_and_loses_nothing(world: World) {
    let mut added = Vec::new();
    for tenant in TENANTS {
        added.push(world.add(tenant, "Before the restart").await);
    }
    let world = world.again().await.again().await;
    for (tenant, id) in TENANTS.into_iter().zip(added) {
        assert_eq!(world.count(tenant).await, LEADS as u64 + 1, "{tenant}");
        assert_eq!(
            world.get(tenant, &format!("/api/leads/{id}")).await.status,
            StatusCode::OK
        );
    }
}
