//! Two tenants on one server answer exactly as each would on a server of its own.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy_cache::redis::aio::{ConnectionLike, MultiplexedConnection};
use tenancy_cache::redis::{Client, Value, cmd, pipe};
use tenancy_testkit::RedisServer;

use crate::tenants::{Two, connect, pool};

const KEYS: [&str; 6] = ["k", "l", "s", "z", "h", "x"];

/// One command of a vocabulary that hits and misses types; keys come from a handful.
fn command() -> impl Strategy<Value = Vec<String>> {
    let key = || proptest::sample::select(&KEYS[..]).prop_map(str::to_owned);
    let value = || (0..5_u8).prop_map(|n| n.to_string());
    let of = |words: &'static [&'static str]| {
        let parts: Vec<BoxedStrategy<String>> = words
            .iter()
            .map(|word| match *word {
                "K" => key().boxed(),
                "V" => value().boxed(),
                word => Just(word.to_owned()).boxed(),
            })
            .collect();
        parts.boxed()
    };
    let lines: &[&[&str]] = &[
        &["SET", "K", "V"],
        &["GET", "K"],
        &["DEL", "K"],
        &["MSET", "K", "V", "K", "V"],
        &["MGET", "K", "K", "K"],
        &["INCRBY", "K", "V"],
        &["APPEND", "K", "V"],
        &["SETRANGE", "K", "V", "V"],
        &["GETDEL", "K"],
        &["TYPE", "K"],
        &["EXISTS", "K", "K"],
        &["RENAME", "K", "K"],
        &["RENAMENX", "K", "K"],
        &["COPY", "K", "K", "REPLACE"],
        &["LPUSH", "l", "V"],
        &["RPUSH", "l", "V", "V"],
        &["LPOP", "l"],
        &["LRANGE", "l", "0", "-1"],
        &["LMOVE", "l", "K", "LEFT", "RIGHT"],
        &["LMPOP", "2", "K", "l", "LEFT"],
        &["BLPOP", "l", "K", "0.001"],
        &["SADD", "s", "V", "V"],
        &["SREM", "s", "V"],
        &["SMEMBERS", "s"],
        &["SUNIONSTORE", "K", "s", "K"],
        &["SCARD", "s"],
        &["SINTERCARD", "2", "s", "K"],
        &["ZADD", "z", "V", "V"],
        &["ZRANGE", "z", "0", "-1", "WITHSCORES"],
        &["ZUNIONSTORE", "K", "2", "z", "K", "WEIGHTS", "1", "2"],
        &["ZMPOP", "2", "K", "z", "MIN"],
        &["BZPOPMIN", "z", "K", "0.001"],
        &["HSET", "h", "V", "V"],
        &["HGETALL", "h"],
        &["HDEL", "h", "V"],
        &["HINCRBY", "h", "V", "V"],
        &["XADD", "x", "*", "f", "V"],
        &["XLEN", "x"],
        &["XTRIM", "x", "MAXLEN", "V"],
        &["OBJECT", "ENCODING", "K"],
        &["SORT", "l", "BY", "h*", "GET", "#"],
        &["SORT", "s", "STORE", "K"],
        &["KEYS", "*"],
        &["KEYS", "[k-s]"],
        &["SCAN", "0", "COUNT", "1000000"],
        &[
            "SCAN", "0", "MATCH", "?", "COUNT", "1000000", "TYPE", "list",
        ],
        &["TTL", "K"],
        &["PERSIST", "K"],
        &["UNLINK", "K"],
        &["EVAL", "return redis.pcall('INCR', KEYS[1])", "1", "K"],
        &["PFADD", "K", "V"],
        &["PFCOUNT", "K", "K"],
        &["BITOP", "OR", "K", "K", "K"],
        &["GEORADIUS", "K", "1", "1", "5", "km", "STORE", "K"],
        &["STRLEN", "K"],
        &["PING"],
    ];
    proptest::strategy::Union::new(lines.iter().map(|line| of(line)))
}

/// Answers without what may differ: the order of sets, ids of streams, counters of a scan.
fn plain(words: &[String], value: Result<Value, tenancy_cache::redis::RedisError>) -> String {
    let value = match value {
        Ok(value) => value,
        Err(error) => return format!("{:?} {:?}", error.code(), error.detail()),
    };
    let sorted = |value: Value| match value {
        Value::Array(mut values) => {
            values.sort_by_key(|value| format!("{value:?}"));
            Value::Array(values)
        }
        value => value,
    };
    match (words[0].as_str(), value) {
        ("XADD", value) => format!("{}", matches!(value, Value::BulkString(_))),
        ("KEYS" | "SMEMBERS" | "HGETALL" | "SORT", value) => format!("{:?}", sorted(value)),
        ("SCAN", Value::Array(mut page)) => format!("{:?}", sorted(page.pop().unwrap())),
        (_, value) => format!("{value:?}"),
    }
}

async fn run(con: &mut impl ConnectionLike, words: &[String]) -> String {
    let mut command = cmd(&words[0]);
    plain(words, command.arg(&words[1..]).query_async(con).await)
}

async fn alone(server: &RedisServer, db: i64) -> MultiplexedConnection {
    let client = Client::open(server.url()).unwrap();
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_db(db);
    connect(Client::open(info.set_redis_settings(settings)).unwrap()).await
}

#[tokio::test]
async fn two_tenants_answer_as_if_each_were_alone() {
    let (pool, two) = (pool().await, Two::new());
    let reference = RedisServer::start().await.unwrap();
    let (a, b) = two.contexts();
    let mut tenants = [
        pool.for_tenant(&a).get().await.unwrap(),
        pool.for_tenant(&b).get().await.unwrap(),
    ];
    let mut references = [alone(&reference, 1).await, alone(&reference, 2).await];
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let batch = (
        0..2_usize,
        proptest::collection::vec(command(), 1..4),
        any::<bool>(),
        0..8_u8,
    );
    let mut log = Vec::new();
    for _ in 0..3000 {
        let (who, commands, atomic, how) = batch.new_tree(&mut runner).unwrap().current();
        log.push((who, commands.clone()));
        if how == 0 {
            // A pipeline, or a transaction, of all of them.
            let mut pipeline = pipe();
            pipeline.ignore_errors();
            if atomic {
                pipeline.atomic();
            }
            for words in commands
                .iter()
                .filter(|words| !words[0].starts_with('B') || words[0] == "BITOP")
            {
                pipeline.cmd(&words[0]).arg(&words[1..]);
            }
            let names: Vec<&Vec<String>> = commands
                .iter()
                .filter(|words| !words[0].starts_with('B') || words[0] == "BITOP")
                .collect();
            if names.is_empty() {
                continue;
            }
            let ours: Vec<Value> = pipeline.query_async(&mut tenants[who]).await.unwrap();
            let theirs: Vec<Value> = pipeline.query_async(&mut references[who]).await.unwrap();
            for (index, words) in names.iter().enumerate() {
                assert_eq!(
                    plain(words, Ok(ours[index].clone())),
                    plain(words, Ok(theirs[index].clone())),
                    "{words:?}"
                );
            }
        } else {
            for words in &commands {
                let ours = run(&mut tenants[who], words).await;
                let theirs = run(&mut references[who], words).await;
                assert_eq!(
                    ours,
                    theirs,
                    "{words:?} after {:?}",
                    log.iter().rev().take(8).collect::<Vec<_>>()
                );
            }
        }
    }
    for who in 0..2 {
        let words = vec!["KEYS".to_owned(), "*".to_owned()];
        assert_eq!(
            run(&mut tenants[who], &words).await,
            run(&mut references[who], &words).await
        );
    }
}
