//! Subscriptions keep their tenant, see nobody else's messages and end with it.

use futures_util::StreamExt;
use tenancy_cache::redis::{AsyncTypedCommands, cmd};
use tenancy_core::{ErrorKind, TenantStatus};
use tokio::time::timeout;

use crate::tenants::{PATIENCE, Two, admin, pool, prefix};

#[tokio::test]
async fn the_same_channel_of_two_tenants() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let mut of_a = a
        .scope(async { pool.subscribe(&["c", "d"]).await })
        .await
        .unwrap()
        .unwrap();
    let mut pattern = pool.for_tenant(&a).psubscribe(&["*"]).await.unwrap();
    let mut redis_b = pool.for_tenant(&b).get().await.unwrap();
    assert_eq!(redis_b.publish("c", "from b").await.unwrap(), 0);
    // Nor with the other's whole name, nor with patterns in it.
    assert_eq!(
        redis_b
            .publish(format!("{}c", prefix(&two.a)), "from b")
            .await
            .unwrap(),
        0
    );
    assert_eq!(redis_b.publish("*", "from b").await.unwrap(), 0);
    let mut redis_a = pool.for_tenant(&a).get().await.unwrap();
    assert_eq!(redis_a.publish("d", "from a").await.unwrap(), 2);
    for stream in [&mut of_a, &mut pattern] {
        let message = timeout(PATIENCE, stream.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(
            (message.channel(), message.payload()),
            ("d", &b"from a"[..])
        );
    }
}

#[tokio::test]
async fn it_ends_when_its_tenant_is_suspended() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let mut silent = pool.for_tenant(&a).subscribe(&["c"]).await.unwrap();
    let wrong = b
        .scope(async { silent.next().await })
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(wrong.tenancy().unwrap().is_wrong_tenant());
    two.set_status(&two.a, TenantStatus::Suspended);
    let ended = timeout(PATIENCE, silent.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(ended.tenancy().unwrap().kind(), ErrorKind::Suspended);
    assert!(silent.next().await.is_none());
}

#[tokio::test]
async fn events_of_the_keyspace_are_out_of_reach() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let mut spy = pool
        .for_tenant(&a)
        .psubscribe(&["__key*__:*"])
        .await
        .unwrap();
    pool.for_tenant(&b)
        .get()
        .await
        .unwrap()
        .set("k", 1)
        .await
        .unwrap();
    let heard: i64 = cmd("PUBLISH")
        .arg("__keyevent@0__:set")
        .arg("k")
        .query_async(&mut admin().await)
        .await
        .unwrap();
    assert_eq!(heard, 0);
    assert!(
        timeout(std::time::Duration::from_millis(50), spy.next())
            .await
            .is_err()
    );
}
