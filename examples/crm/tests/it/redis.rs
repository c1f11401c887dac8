//! With a Redis, the cache and the queue are there: the same work gets done, and what Redis misses is made up for.

use axum::http::StatusCode;
use tenancy::cache::redis::{AsyncConnectionConfig, Client, cmd};

use crate::work::{self, done};
use crate::world::{LEADS, TENANTS, World};

macro_rules! in_redis {
    ($($name:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            work::$name(World::redis().await).await;
        })+
    };
}

in_redis!(
    files_go_with_their_lead,
    leads_are_imported_in_the_background,
    leads_are_exported_in_the_background,
    counts_are_kept_until_a_lead_changes
);

async fn keys(world: &World) -> Vec<String> {
    let client = Client::open(world.redis.as_ref().unwrap().url()).unwrap();
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let connecting = client.get_multiplexed_async_connection_with_config(&patient);
    let mut connection = connecting.await.unwrap();
    cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cached_and_queued_is_in_the_redis() {
    let world = World::redis().await;
    for tenant in TENANTS {
        assert_eq!(world.get(tenant, "/").await.status, StatusCode::OK);
        work::exported(&world, tenant).await;
    }
    let keys = keys(&world).await;
    let begins = |with: &str| keys.iter().filter(|key| key.starts_with(with)).count();
    assert!(begins("tenancy-jobs:{crm}:lane:default:") == 4, "{keys:?}");
    assert!(begins("tenant:{") >= 4, "{keys:?}");
    assert_eq!(
        begins("tenan"),
        keys.len(),
        "nothing is anywhere else: {keys:?}"
    );
    assert!(!world.files().with_file_name("jobs.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_loses_no_import() {
    let world = World::redis().await;
    let file = |n: usize| format!("name,email\nImported {n},i{n}@example.com\n");
    let redis = world.redis.as_ref().unwrap();
    redis.stop().await.unwrap();
    // The task and its job are kept beside the tenant's rows.
    let begun = world
        .upload("acme", "/tasks/import", "1.csv", &file(1))
        .await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
    assert_eq!(
        world.get("acme", "/").await.status,
        StatusCode::OK,
        "it counts again"
    );
    redis.restart().await.unwrap();
    // The next one carries over what waits; so would the sweep.
    let next = world
        .upload("acme", "/tasks/import", "2.csv", &file(2))
        .await;
    for begun in [begun, next] {
        assert_eq!(done(&world, "acme", &begun).await["state"], "done");
    }
    assert_eq!(world.count("acme").await as usize, LEADS + 2);
}
