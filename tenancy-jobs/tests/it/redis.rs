//! What only a queue in Redis can meet: a server that is full, busy, read-only, or evicts; keys that somebody replaced; and
//! connections of tenants to the same server.

use tenancy_cache::redis::{AsyncTypedCommands as _, Cmd, Script, cmd};
use tenancy_cache::{AccessLists, TenantRedis, TenantRedisPool};
use tenancy_core::TenantContext;
use tenancy_jobs::{Enqueue, Error, JobQueue};
use tenancy_testkit::RedisServer;

use crate::world::{Place, Seen, Worker, World, eventually, keys, note, secret};
use crate::writer::{RedisWriter, Writer};

fn writer(world: &World) -> RedisWriter {
    match &world.writer {
        Writer::Redis(redis) => redis.clone(),
        _ => unreachable!(),
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

/// As the administrator of the server.
async fn tell(world: &World, words: &[&str]) -> tenancy_cache::redis::Value {
    let mut connection = writer(world).connection().await;
    command(words).query_async(&mut connection).await.unwrap()
}

/// A job is refused with an error that is an outage, or is none.
async fn refused(world: &World, cx: &TenantContext, is_outage: bool) -> String {
    let job = note(cx, "refused");
    let sent = world.queue.enqueue_for(cx, &job, Enqueue::new()).await;
    let error = sent.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error}");
    let Error::Store(cause) = &error else {
        unreachable!()
    };
    assert_eq!(error.is_outage(), is_outage, "{cause:?}");
    cause.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_goes_away_and_comes_back() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    let a = world.tenant("a");
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    for n in 0..20 {
        world.send(&a, &n.to_string()).await;
    }
    eventually(async || !seen.texts().is_empty()).await;
    server.stop().await.unwrap();
    refused(&world, &a, true).await;
    server.restart().await.unwrap();
    // A connection that died meanwhile is none of the caller's business.
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    let texts = seen.texts();
    for n in 0..20 {
        assert!(texts.contains(&n.to_string()), "{n} was lost");
    }
    assert!(texts.contains(&"after".to_owned()));
    assert_eq!(world.count(2).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_is_full() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    let (a, b) = (world.tenant("a"), world.tenant("b"));
    for n in 0..20 {
        world.send(&a, &n.to_string()).await;
        let how = Enqueue::new().key(n.to_string());
        let job = note(&b, format!("of b {n}"));
        let _ = world.queue.enqueue_for(&b, &job, how).await.unwrap();
    }
    let before = world.writer.rows().await;
    tell(&world, &["CONFIG", "SET", "maxmemory", "1"]).await;
    let said = refused(&world, &a, true).await;
    assert!(said.contains("OOM"), "{said}");
    // Refused as a whole.
    assert_eq!(world.writer.rows().await, before);
    // What is there is done all the same, or nothing would ever make room.
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    world.drained().await;
    assert_eq!(seen.texts().len(), 40);
    tell(&world, &["CONFIG", "SET", "maxmemory", "0"]).await;
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    assert_eq!(seen.texts().len(), 41);
    seen.assert_nobody_met_anybody();
    assert_eq!(world.count(2).await, 0);
}

/// As a table that somebody has locked: another's script keeps the server to itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_is_busy_with_somebody_elses_script() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    let a = world.tenant("a");
    world.send(&a, "before").await;
    tell(&world, &["CONFIG", "SET", "busy-reply-threshold", "10"]).await;
    let redis = writer(&world);
    let locker = tokio::spawn(async move {
        let mut connection = redis.connection().await;
        let ended = Script::new("while true do end")
            .invoke_async::<_, ()>(&mut connection)
            .await;
        assert!(ended.is_err());
    });
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    eventually(async || {
        let job = note(&a, "busy");
        let sent = world
            .queue
            .enqueue_for(&a, &job, Enqueue::new().key("busy"));
        sent.await.is_err()
    })
    .await;
    let said = refused(&world, &a, true).await;
    assert!(said.contains("BUSY"), "{said}");
    tell(&world, &["SCRIPT", "KILL"]).await;
    locker.await.unwrap();
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    let texts = seen.texts();
    assert!(texts.contains(&"before".to_owned()) && texts.contains(&"after".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_not_be_written_to_is_an_outage() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    let a = world.tenant("a");
    world.send(&a, "before").await;
    // A replica of nobody who answers.
    tell(&world, &["REPLICAOF", "127.0.0.1", "1"]).await;
    let said = refused(&world, &a, true).await;
    assert!(said.contains("read only replica"), "{said}");
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    tell(&world, &["REPLICAOF", "NO", "ONE"]).await;
    world.send(&a, "after").await;
    world.drained().await;
    worker.stop().await;
    assert_eq!(seen.texts(), ["before", "after"]);
}

#[tokio::test]
async fn a_server_that_does_not_know_us_is_no_outage() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    let a = world.tenant("a");
    let (_, port) = server.address().unwrap();
    let wrong = format!("redis://:wrong@127.0.0.1:{port}/0");
    let stranger = World {
        queue: JobQueue::redis(wrong, keys()).build().unwrap(),
        ..world
    };
    refused(&stranger, &a, false).await;
    // Nor one that may not run scripts.
    tell(
        &stranger,
        &[
            "ACL",
            "SETUSER",
            "poor",
            "on",
            ">poor",
            "~*",
            "&*",
            "+@all",
            "-@scripting",
        ],
    )
    .await;
    let poor = format!("redis://poor:poor@127.0.0.1:{port}/0");
    let poor = World {
        queue: JobQueue::redis(poor, keys()).build().unwrap(),
        ..stranger
    };
    refused(&poor, &a, false).await;
    poor.queue.close().await;
    refused(&poor, &a, false).await;
}

#[tokio::test]
async fn a_redis_that_throws_keys_away_is_refused() {
    let server = RedisServer::start().await.unwrap();
    let world = World::in_redis(&server).await;
    tell(
        &world,
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
    )
    .await;
    let error = world.queue.migrate().await.unwrap_err();
    assert!(matches!(error, Error::Store(_)) && !error.is_outage());
    tell(
        &world,
        &["CONFIG", "SET", "maxmemory-policy", "volatile-lru"],
    )
    .await;
    world.queue.migrate().await.unwrap();
    // Nor keys of a form that is not known.
    let form = writer(&world).at("form");
    tell(&world, &["SET", &form, "2"]).await;
    assert!(world.queue.migrate().await.is_err());
}

#[tokio::test]
async fn names_and_addresses_that_can_not_be_are_refused() {
    for name in ["", "A", "a}b", "a:b", "a*"] {
        let built = JobQueue::redis_named("redis://127.0.0.1/0", name, keys()).build();
        assert!(matches!(built, Err(Error::Config(_))), "{name}");
    }
    let built = JobQueue::redis("no address", keys()).build();
    assert!(matches!(built, Err(Error::Store(error)) if !error.is_outage()));
}

/// Somebody wrote to the keys and left them as no queue would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_make_no_sense_hold_nobody_up() {
    let world = World::redis().await;
    let (a, b) = (world.tenant("a"), world.tenant("b"));
    let redis = writer(&world);
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(world.send(&a, &n.to_string()).await.to_string());
    }
    let job = |n: usize| redis.at(&format!("job:{}", ids[n]));
    // Only the name in the hash: the queue still has it in a's lane.
    let other = b.tenant_id().to_string();
    tell(&world, &["HSET", &job(0), "tenant", &other]).await;
    tell(
        &world,
        &[
            "HSET",
            &job(1),
            "body",
            "\u{0}not json",
            "version",
            "x",
            "created_at",
            "y",
        ],
    )
    .await;
    tell(
        &world,
        &["HSET", &job(2), "attempt", "many", "max_attempts", "few"],
    )
    .await;
    tell(&world, &["DEL", &job(3)]).await;
    tell(&world, &["DEL", &job(4)]).await;
    tell(&world, &["LPUSH", &job(4), "a list"]).await;
    let mut raw = cmd("HSET");
    raw.arg(job(5)).arg("signer").arg(&[0xff_u8, 0xfe][..]);
    let () = raw
        .query_async(&mut redis.connection().await)
        .await
        .unwrap();
    world.send(&b, "of b").await;
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    eventually(async || {
        let depths = world.queue.depths().await.unwrap();
        depths
            .iter()
            .all(|depth| depth.waiting + depth.running == 0)
    })
    .await;
    worker.stop().await;
    // What was signed is what counts: how often it was tried is not.
    let mut texts = seen.texts();
    texts.sort();
    assert_eq!(texts, ["2", "of b"]);
    seen.assert_nobody_met_anybody();
    let depths = world.queue.depths().await.unwrap();
    assert_eq!(depths.iter().map(|depth| depth.dead).sum::<u64>(), 3);
}

/// Connections of tenants to the very same server, with the queue's keys named in every way that might reach them.
#[tokio::test]
async fn connections_of_tenants_do_not_reach_the_queue_in_redis() {
    let world = World::redis().await;
    let a = world.tenant("a");
    let id = world.send(&a, "a secret of the queue").await;
    let Place::Redis(address, _) = &world.place else {
        unreachable!()
    };
    let redis = writer(&world);
    let before = world.writer.rows().await;
    let lists = AccessLists::new(address.as_str(), secret("a secret of access lists")).unwrap();
    lists.provision(a.tenant()).await.unwrap();
    let builder = || TenantRedisPool::builder(address.as_str());
    let with_lists = builder().access_lists(secret("a secret of access lists"), 10, 2);
    for (pool, has_user) in [(builder(), false), (with_lists, true)] {
        let pool = pool.build().unwrap().for_tenant(&a);
        let mut own = pool.get().await.unwrap();
        reach(&mut own, &redis, &id.to_string(), has_user).await;
        let news = pool
            .get()
            .await
            .unwrap()
            .publish(redis.at("news"), "x default")
            .await;
        assert_eq!(news.unwrap(), 0, "its own channel of that name");
    }
    // The user itself, without our rewriting.
    let mut admin = redis.connection().await;
    let user = a.tenant_id().schema_name();
    let set = command(&["ACL", "SETUSER", &user, ">probe"]);
    let () = set.query_async(&mut admin).await.unwrap();
    let (_, rest) = address.split_once('@').unwrap();
    let client =
        tenancy_cache::redis::Client::open(format!("redis://{user}:probe@{rest}")).unwrap();
    let mut bare = client.get_multiplexed_async_connection().await.unwrap();
    let (job, queues) = (redis.at(&format!("job:{id}")), redis.at("queues"));
    for words in [
        &["HGETALL", &job][..],
        &["HSET", &job, "tenant", "b"],
        &["DEL", &job],
        &["HKEYS", &queues],
        &["ZRANGE", &redis.at("ready:default"), "0", "-1"],
        &[
            "EVAL",
            &format!("return redis.call('HGETALL', '{job}')"),
            "0",
        ],
        &["PUBLISH", &redis.at("news"), "x default"],
        &["SUBSCRIBE", &redis.at("news")],
    ] {
        let answer = command(words).exec_async(&mut bare).await;
        let error = answer.expect_err(words[0]).to_string();
        assert!(
            error.contains("permission") || error.contains("can't access"),
            "{words:?}: {error}"
        );
    }
    assert_eq!(world.writer.rows().await, before);
    lists.remove(a.tenant()).await.unwrap();
}

/// The tenant's keys of those names are the tenant's own, and not there.
async fn reach(own: &mut TenantRedis, redis: &RedisWriter, id: &str, has_user: bool) {
    let job = redis.at(&format!("job:{id}"));
    assert!(own.hgetall(&job).await.unwrap().is_empty());
    assert!(!own.exists(redis.at("queues")).await.unwrap());
    assert_eq!(own.del(&job).await.unwrap(), 0);
    let script = format!("return redis.call('EXISTS', '{job}')");
    let reached = Script::new(&script).invoke_async::<_, i64>(own).await;
    if has_user {
        assert!(
            reached.is_err(),
            "the server refuses what a script names itself"
        );
    }
    own.hset(&job, "tenant", "mine").await.unwrap();
    assert_eq!(own.del(&job).await.unwrap(), 1);
}
