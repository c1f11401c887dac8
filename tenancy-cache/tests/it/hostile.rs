//! Random commands with hostile keys: each wall alone keeps the neighbour's data unread and untouched.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy_cache::redis::aio::ConnectionLike;
use tenancy_cache::redis::{Client, RedisResult, Value, cmd, pipe};
use tenancy_cache::{AccessLists, testing};
use tenancy_core::Secret;

use crate::tenants::{Two, admin, connect, contents, context, pool, prefix, url};

/// What the neighbour keeps, of every type, with a word in it that nobody else writes.
async fn furnish(con: &mut impl ConnectionLike, prefix: &str, word: &str) {
    let key = |name: &str| format!("{prefix}{name}");
    let mut all = pipe();
    for name in NAMES {
        all.cmd("DEL").arg(key(name));
    }
    all.cmd("SET").arg(key("string")).arg(word);
    all.cmd("HSET").arg(key("hash")).arg("f").arg(word);
    all.cmd("RPUSH").arg(key("list")).arg(word).arg(word);
    all.cmd("SADD").arg(key("set")).arg(word);
    all.cmd("ZADD").arg(key("zset")).arg(1).arg(word);
    all.cmd("XADD")
        .arg(key("stream"))
        .arg("*")
        .arg("f")
        .arg(word);
    all.cmd("GEOADD").arg(key("geo")).arg(1).arg(1).arg(word);
    all.exec_async(con).await.unwrap();
}

const NAMES: [&str; 7] = ["string", "hash", "list", "set", "zset", "stream", "geo"];

/// Commands that end a connection, wait for ever, or stop the server; they are refused by name elsewhere.
const LEFT_OUT: [&str; 13] = [
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "monitor",
    "shutdown",
    "debug",
    "quit",
    "reset",
    "hello",
    "sync",
    "psync",
    "multi",
    "auth",
];

fn commands() -> impl Strategy<Value = Vec<String>> {
    let table = include_str!("../../src/command/table.rs");
    let names: Vec<String> = table
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("row(\"")?
                .split('"')
                .next()
                .map(str::to_owned)
        })
        .filter(|name| !LEFT_OUT.contains(&name.split('|').next().unwrap()))
        .collect();
    let word = prop_oneof![
        5 => proptest::sample::select(&NAMES[..]).prop_map(str::to_owned),
        2 => proptest::sample::select(&NAMES[..]).prop_map(|name| format!("@{name}")),
        1 => proptest::sample::select(vec!["@*", "*", "@", "../string", "@string\r\nGET @string", "{x}string"]).prop_map(str::to_owned),
        3 => proptest::sample::select(vec!["0", "1", "2", "3", "0.01", "1-1", "-", "+", "m"]).prop_map(str::to_owned),
        3 => proptest::sample::select(vec![
            "STORE", "STOREDIST", "STREAMS", "BY", "GET", "MATCH", "COUNT", "KEYS", "GROUP", "REPLACE", "LEFT", "RIGHT",
            "MIN", "AND", "WEIGHTS", "WITHSCORES", "LIMIT", "g", "c", "FROMMEMBER", "BYRADIUS", "CH", "NX",
        ]).prop_map(str::to_owned),
        1 => Just("return {redis.call('GET', KEYS[1]), ARGV[1]}".to_owned()),
    ];
    let passing: Vec<String> = testing::passing().into_iter().map(str::to_owned).collect();
    let name = prop_oneof![
        3 => proptest::sample::select(passing),
        1 => proptest::sample::select(names),
    ];
    (name, proptest::collection::vec(word, 0..8)).prop_map(|(name, words)| {
        let mut command: Vec<String> = name.split('|').map(str::to_owned).collect();
        // A foreign key first makes most of these meaningful.
        command.extend(words);
        if command[0].starts_with('b') && command[0].contains("pop")
            || command[0] == "blmove"
            || command[0] == "brpoplpush"
        {
            command.push("0.01".to_owned());
            if command[0].contains("mpop") {
                command.insert(1, "0.01".to_owned());
                command.pop();
            }
        }
        command
    })
}

async fn run(con: &mut impl ConnectionLike, words: &[String]) -> RedisResult<Value> {
    let mut command = cmd(&words[0]);
    command.arg(&words[1..]).query_async(con).await
}

/// Sends hostile commands and says how many were answered.
async fn attack(two: &Two, con: &mut impl ConnectionLike, own_prefix: &str, cases: usize) -> usize {
    let mut admin = admin().await;
    let foreign = prefix(&two.b);
    furnish(&mut admin, &foreign, "secret-of-b").await;
    let before = contents(&mut admin, &foreign).await;
    assert_eq!(before.len(), NAMES.len());
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut answered = 0;
    for case in 0..cases {
        if case % 50 == 0 {
            furnish(con, own_prefix, "of a").await;
        }
        let words: Vec<String> = commands().new_tree(&mut runner).unwrap().current();
        let words: Vec<String> = words
            .into_iter()
            .enumerate()
            .map(|(index, word)| match word.replace('@', &foreign) {
                // With one wall down, the tenant's own keys have to be spelled out.
                plain if index > 0 && NAMES.contains(&plain.as_str()) => {
                    format!("{own_prefix}{plain}")
                }
                word => word,
            })
            .collect();
        let answer = run(con, &words).await;
        let shown = format!("{answer:?}");
        // Echoing what was sent is no leak; the secret is sent by nobody.
        assert!(!shown.contains("secret-of-b"), "{words:?}: {shown}");
        let shown_bytes = format!("{:?}", b"secret-of-b".to_vec());
        let bytes = shown_bytes.trim_matches(['[', ']']);
        assert!(!shown.contains(bytes), "{words:?}: {shown}");
        answered += usize::from(answer.is_ok());
    }
    assert_eq!(contents(&mut admin, &foreign).await, before);
    answered
}

#[tokio::test]
async fn the_first_wall_alone() {
    let (pool, two) = (pool().await, Two::new());
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    let answered = attack(&two, &mut redis, "", 6000).await;
    assert!(answered > 300, "only {answered} commands were answered");
    // Nothing was written beside the prefix either: these names are nobody's.
    let mut admin = admin().await;
    for name in NAMES {
        let beside: bool = cmd("EXISTS")
            .arg(name)
            .query_async(&mut admin)
            .await
            .unwrap();
        assert!(!beside, "{name}");
    }
}

#[tokio::test]
async fn the_second_wall_alone() {
    let (url, two) = (url().await, Two::new());
    let secret = Secret::new("the secret of tests, known to all").unwrap();
    let lists = AccessLists::new(url.as_str(), secret.clone()).unwrap();
    lists.provision(&two.a).await.unwrap();
    let info = Client::open(url).unwrap().get_connection_info().clone();
    let mut user = connect(Client::open(testing::login(info, &secret, two.a.id())).unwrap()).await;
    let answered = attack(&two, &mut user, &prefix(&two.a), 6000).await;
    assert!(answered > 100, "only {answered} commands were answered");
}

#[tokio::test]
async fn keys_out_of_users_text_stay_keys() {
    let (pool, two) = (pool().await, Two::new());
    let (a, b) = two.contexts();
    let mut of_a = pool.for_tenant(&a).get().await.unwrap();
    let mut of_b = pool.for_tenant(&b).get().await.unwrap();
    let foreign = format!("{}k", prefix(&two.b));
    let keys: [&[u8]; 14] = [
        b"",
        b":",
        b"}",
        b"{",
        b"}:k",
        b"*",
        b"?",
        b"[a-z]",
        b"\\",
        b"k\r\nFLUSHALL\r\n",
        b"\0",
        b"\xff\xfe",
        foreign.as_bytes(),
        "te\u{301}nant:\u{202e}".as_bytes(),
    ];
    for key in keys {
        cmd("SET")
            .arg(key)
            .arg("a")
            .exec_async(&mut of_a)
            .await
            .unwrap();
        let other: Option<String> = cmd("GET").arg(key).query_async(&mut of_b).await.unwrap();
        assert_eq!(other, None, "{key:?}");
        let own: Option<String> = cmd("GET").arg(key).query_async(&mut of_a).await.unwrap();
        assert_eq!(own.as_deref(), Some("a"));
    }
    let seen: Vec<Vec<u8>> = cmd("KEYS").arg("*").query_async(&mut of_a).await.unwrap();
    assert_eq!(seen.len(), keys.len());
    assert!(keys.iter().all(|key| seen.iter().any(|it| it == key)));
    // A pattern can't climb out either.
    for pattern in [
        "*",
        "../*",
        "[^x]*",
        "*}:*",
        &format!("{}*", prefix(&two.a)),
    ] {
        let seen: Vec<Vec<u8>> = cmd("KEYS")
            .arg(pattern)
            .query_async(&mut of_b)
            .await
            .unwrap();
        assert!(seen.is_empty(), "{pattern}: {seen:?}");
    }
}
