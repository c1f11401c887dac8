//! Users per tenant: the server refuses by itself what leaves the prefix.

use tenancy_cache::redis::{AsyncTypedCommands, Client, Script, Value, cmd, pipe};
use tenancy_cache::{AccessLists, Error, HashTag, TenantRedisPool, testing};
use tenancy_core::{Secret, TenantContext};

use crate::table;
use crate::tenants::{PATIENCE, Two, admin, connect, context, prefix, url};

fn secret() -> Secret {
    Secret::new("the secret of tests, known to all").unwrap()
}

async fn both_walls(two: &Two) -> (AccessLists, TenantRedisPool) {
    let url = url().await;
    let lists = AccessLists::new(url.as_str(), secret()).unwrap();
    lists.provision(&two.a).await.unwrap();
    lists.provision(&two.b).await.unwrap();
    let pool = TenantRedisPool::builder(url.as_str())
        .access_lists(secret(), 8, 2)
        .acquire_timeout(PATIENCE)
        .response_timeout(PATIENCE)
        .build()
        .unwrap();
    (lists, pool)
}

/// Every command that passes the first wall may be sent by the tenant's own user, and is not refused for its rights.
#[tokio::test]
async fn what_passes_the_first_wall_passes_the_second() {
    let two = Two::new();
    let (_, pool) = both_walls(&two).await;
    let pool = pool.for_tenant(&context(&two.a));
    let mut redis = pool.get().await.unwrap();
    redis.set("k", "v").await.unwrap();
    let done: (i64, Option<String>) = pipe()
        .atomic()
        .incr("n", 1)
        .get("k")
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(done, (1, Some("v".to_owned())));
    let body = format!("-- {}\nreturn redis.call('GET', KEYS[1])", two.a.id());
    assert_eq!(
        Script::new(&body)
            .key("k")
            .invoke_async::<String>(&mut redis)
            .await
            .unwrap(),
        "v"
    );
    // The server can't confine these; they are asked on the service's own connection.
    assert_eq!(redis.keys("*").await.unwrap().len(), 2);
    assert_eq!(pool.usage().await.unwrap().keys, 2);
    assert_eq!(pool.flush().await.unwrap(), 2);
    let in_pipeline = pipe()
        .cmd("SCAN")
        .arg(0)
        .exec_async(&mut redis)
        .await
        .unwrap_err();
    assert!(matches!(
        Error::from_redis(&in_pipeline),
        Some(Error::Refused(_))
    ));
    pool.subscribe(&["c"]).await.unwrap();
    pool.psubscribe(&["c*"]).await.unwrap();
    redis.publish("c", "x").await.unwrap();

    let mut admin = admin().await;
    let all = table::described(&mut admin).await;
    for name in testing::passing() {
        let sample = table::sample(&all[name]);
        let sent = testing::rewritten(two.a.id(), HashTag::Tenant, &sample).unwrap();
        let mut ask = cmd("ACL");
        ask.arg("DRYRUN").arg(two.a.id().schema_name());
        for word in &sent {
            ask.arg(word.as_slice());
        }
        let answer: Value = ask.query_async(&mut admin).await.unwrap();
        // What no list confines.
        let is_left_out = matches!(name, "scan" | "keys");
        assert_eq!(answer == Value::Okay, !is_left_out, "{name}: {answer:?}");
    }
}

/// The first wall does not stand: a bare connection of the tenant's own user.
#[tokio::test]
async fn the_server_alone_refuses_the_neighbours_keys() {
    let two = Two::new();
    both_walls(&two).await;
    let info = Client::open(url().await)
        .unwrap()
        .get_connection_info()
        .clone();
    let mut user =
        connect(Client::open(testing::login(info, &secret(), two.a.id())).unwrap()).await;
    let (own, foreign) = (
        format!("{}k", prefix(&two.a)),
        format!("{}k", prefix(&two.b)),
    );
    cmd("SET")
        .arg(&own)
        .arg(1)
        .exec_async(&mut user)
        .await
        .unwrap();
    let lua = |key: &str| {
        vec![
            "EVAL".to_owned(),
            format!("return redis.call('GET', '{key}')"),
            "1".to_owned(),
            own.clone(),
        ]
    };
    let line = |text: &str| {
        text.replace('@', &foreign)
            .replace('%', &own)
            .split(' ')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut lines: Vec<Vec<String>> = [
        "GET @",
        "SET @ 1",
        "MGET % @",
        "COPY @ %",
        "RENAME % @",
        "OBJECT ENCODING @",
        "MEMORY USAGE @",
        "PUBLISH @ x",
        "SCAN 0",
        "KEYS *",
        "RANDOMKEY",
        "DBSIZE",
        "SELECT 1",
        "SWAPDB 0 1",
        "SCRIPT FLUSH",
        "SCRIPT EXISTS x",
        "FUNCTION LIST",
        "PUBSUB CHANNELS",
        "PUBSUB NUMPAT",
        "WAIT 0 0",
        "CLIENT LIST",
        "CLIENT KILL ID 1",
        "CLIENT TRACKING on",
        "ACL WHOAMI",
        "ACL LIST",
        "CONFIG GET *",
        "FLUSHALL",
        "FLUSHDB",
        "INFO",
        "MOVE % 1",
        "COMMAND COUNT",
        "SORT % BY @*",
        "SORT % GET @",
        "XREAD STREAMS @ 0",
        "BLPOP @ 0.01",
        "EVAL x 1 @",
        "MIGRATE h 1 % 0 1",
        "DUMP @",
    ]
    .into_iter()
    .map(line)
    .collect();
    lines.push(lua(&foreign));
    for words in lines {
        let mut command = cmd(&words[0]);
        command.arg(&words[1..]);
        let answer: Result<Value, _> = command.query_async(&mut user).await;
        let error = answer.expect_err(&words.join(" ")).to_string();
        assert!(
            error.contains("can't access at least one of the keys")
                || error.to_lowercase().contains("permission")
                || error.contains("denied due to insufficient"),
            "{words:?}: {error}"
        );
    }
    let mut command = cmd("EVAL");
    assert!(
        command
            .arg(&lua(&own)[1..])
            .query_async::<String>(&mut user)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn lua_that_reaches_out_is_stopped_by_the_second_wall_alone() {
    let two = Two::new();
    let (_, pool) = both_walls(&two).await;
    let (a, b) = two.contexts();
    pool.for_tenant(&b)
        .get()
        .await
        .unwrap()
        .set("k", "of b")
        .await
        .unwrap();
    let reach = format!("return redis.call('GET', '{}k')", prefix(&two.b));
    let mut redis = pool.for_tenant(&a).get().await.unwrap();
    assert!(
        Script::new(&reach)
            .key("k")
            .invoke_async::<Value>(&mut redis)
            .await
            .is_err()
    );
    // What the documentation warns of: without access lists nothing stops it.
    let mut without = crate::tenants::pool()
        .await
        .for_tenant(&a)
        .get()
        .await
        .unwrap();
    let read: Option<String> = Script::new(&reach)
        .key("k")
        .invoke_async(&mut without)
        .await
        .unwrap();
    assert_eq!(read.as_deref(), Some("of b"));
}

#[tokio::test]
async fn without_its_user_a_tenant_gets_no_connection() {
    let two = Two::new();
    let (lists, pool) = both_walls(&two).await;
    let cx: TenantContext = context(&two.a);
    let mut redis = pool.for_tenant(&cx).get().await.unwrap();
    redis.set("k", 1).await.unwrap();
    lists.remove(&two.a).await.unwrap();
    assert!(redis.get("k").await.is_err(), "its connections are cut");
    drop(redis);
    assert!(matches!(
        pool.for_tenant(&cx).get().await,
        Err(Error::Unreachable(_))
    ));
    pool.for_tenant(&context(&two.b)).get().await.unwrap();
    lists.provision(&two.a).await.unwrap();
    lists.provision(&two.a).await.unwrap();
    assert_eq!(
        pool.for_tenant(&cx)
            .get()
            .await
            .unwrap()
            .get("k")
            .await
            .unwrap()
            .as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn another_secret_opens_nothing() {
    let two = Two::new();
    both_walls(&two).await;
    let wrong = Secret::new("some other secret of the same length").unwrap();
    let pool = TenantRedisPool::builder(url().await)
        .access_lists(wrong, 8, 2)
        .build()
        .unwrap();
    assert!(matches!(
        pool.for_tenant(&context(&two.a)).get().await,
        Err(Error::Unreachable(_))
    ));
}
