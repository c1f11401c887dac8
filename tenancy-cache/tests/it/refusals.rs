//! Every door refuses without a tenant, with the wrong one, with a suspended one, and writes of a read-only one.

use std::time::Duration;

use tenancy_cache::redis::{AsyncTypedCommands, Cmd, RedisError, Script, cmd, pipe};
use tenancy_cache::{Error, TenantRedisPool};
use tenancy_core::{Actor, ErrorKind, TenantContext, TenantStatus};

use crate::tenants::{Two, context, pool, url};

fn kind(error: &Error) -> ErrorKind {
    error
        .tenancy()
        .unwrap_or_else(|| panic!("{error:?}"))
        .kind()
}

fn kind_inside(error: &RedisError) -> ErrorKind {
    kind(Error::from_redis(error).unwrap_or_else(|| panic!("{error:?}")))
}

#[tokio::test]
async fn without_a_tenant_nothing_opens() {
    let pool = pool().await;
    assert_eq!(kind(&pool.get().await.unwrap_err()), ErrorKind::NoTenant);
    assert_eq!(kind(&pool.usage().await.unwrap_err()), ErrorKind::NoTenant);
    assert_eq!(kind(&pool.flush().await.unwrap_err()), ErrorKind::NoTenant);
    assert_eq!(
        kind(&pool.subscribe(&["c"]).await.unwrap_err()),
        ErrorKind::NoTenant
    );
    let lost = tokio::spawn({
        let pool = pool.clone();
        async move { pool.get().await.map(drop).unwrap_err() }
    });
    assert_eq!(kind(&lost.await.unwrap()), ErrorKind::NoTenant);
}

#[tokio::test]
async fn a_connection_of_one_tenant_is_refused_in_the_scope_of_another() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let mut redis = pool.for_tenant(&a).get().await.unwrap();
    redis.set("k", "of a").await.unwrap();
    let inside_b = b
        .scope(async {
            let one = redis.get("k").await.unwrap_err();
            let many = pipe().get("k").exec_async(&mut redis).await.unwrap_err();
            let bound = pool.for_tenant(&a).get().await.map(drop).unwrap_err();
            [kind_inside(&one), kind_inside(&many), kind(&bound)]
        })
        .await
        .unwrap();
    assert_eq!(inside_b, [ErrorKind::WrongTenant; 3]);
    assert_eq!(redis.get("k").await.unwrap().as_deref(), Some("of a"));
}

#[tokio::test]
async fn suspension_is_noticed_at_the_next_command() {
    let (pool, two) = (pool().await, Two::new());
    let (a, _) = two.contexts();
    let mut redis = pool.for_tenant(&a).get().await.unwrap();
    redis.set("k", 1).await.unwrap();
    two.set_status(&two.a, TenantStatus::Suspended);
    for error in [
        redis.get("k").await.unwrap_err(),
        pipe().get("k").exec_async(&mut redis).await.unwrap_err(),
        Script::new("return 1")
            .key("k")
            .invoke_async::<i64>(&mut redis)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(kind_inside(&error), ErrorKind::Suspended);
    }
    let again = pool.for_tenant(&a).get().await.unwrap_err();
    assert_eq!(kind(&again), ErrorKind::Suspended);
}

#[tokio::test]
async fn a_read_only_tenant_reads() {
    let (pool, two) = (pool().await, Two::new());
    let (a, _) = two.contexts();
    let mut redis = pool.for_tenant(&a).get().await.unwrap();
    redis.set("k", "v").await.unwrap();
    two.set_status(&two.a, TenantStatus::ReadOnly);
    assert_eq!(redis.get("k").await.unwrap().as_deref(), Some("v"));
    for error in [
        redis.set("k", "w").await.unwrap_err(),
        pipe()
            .get("k")
            .del("k")
            .exec_async(&mut redis)
            .await
            .unwrap_err(),
        Script::new("return 1")
            .key("k")
            .invoke_async::<i64>(&mut redis)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(kind_inside(&error), ErrorKind::ReadOnly);
    }
    let operator = TenantContext::for_maintenance(
        two.a.clone(),
        Actor::user("op"),
        "clean-up for ticket 4711",
    );
    assert_eq!(
        pool.for_tenant(&operator.unwrap()).flush().await.unwrap(),
        1
    );
}

#[tokio::test]
async fn a_pipeline_with_one_refused_command_sends_nothing() {
    let (pool, two) = (pool().await, Two::new());
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    for atomic in [false, true] {
        let mut pipeline = pipe();
        if atomic {
            pipeline.atomic();
        }
        pipeline.set("k", 1).cmd("FLUSHDB");
        let error = pipeline.exec_async(&mut redis).await.unwrap_err();
        assert!(matches!(Error::from_redis(&error), Some(Error::Refused(_))));
        assert!(!redis.exists("k").await.unwrap());
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_use_instead() {
    let (pool, two) = (pool().await, Two::new());
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    for (command, hint) in [
        ("DBSIZE", "TenantRedisPool::usage"),
        ("FLUSHALL", "TenantRedisPool::flush"),
        ("SUBSCRIBE", "TenantRedisPool::subscribe"),
        ("RANDOMKEY", "SCAN"),
        ("MULTI", "atomic pipeline"),
    ] {
        let error = cmd(command).exec_async(&mut redis).await.unwrap_err();
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert!(Cmd::new().exec_async(&mut redis).await.is_err());
}

#[tokio::test]
async fn what_one_tenant_left_unfinished_does_not_hold_up_the_next() {
    let two = Two::new();
    let pool = TenantRedisPool::builder(url().await)
        .max_connections(1)
        .build()
        .unwrap();
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    let waiting = redis.blpop("nothing comes", 0.0);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), waiting)
            .await
            .is_err()
    );
    drop(redis);
    // The only connection is still waiting at the server; this is another one.
    let mut redis = pool.for_tenant(&context(&two.b)).get().await.unwrap();
    redis.set("k", 1).await.unwrap();
}

#[tokio::test]
async fn what_one_tenant_watched_does_not_abort_the_next() {
    let two = Two::new();
    let pool = TenantRedisPool::builder(url().await)
        .max_connections(1)
        .build()
        .unwrap();
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    cmd("WATCH").arg("k").exec_async(&mut redis).await.unwrap();
    redis.set("k", 1).await.unwrap();
    drop(redis);
    let mut redis = pool.for_tenant(&context(&two.b)).get().await.unwrap();
    let done: Option<(String,)> = pipe()
        .atomic()
        .set("k", 2)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!(done.is_some());
}
