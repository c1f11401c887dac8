//! redis-rs's surface runs unchanged, for two tenants with the same keys, and answers carry no prefix.

use futures_util::StreamExt;
use tenancy_cache::redis::{AsyncTypedCommands, Script, Value, cmd, pipe};
use tenancy_cache::{TenantRedis, TenantRedisPool};

use crate::tenants::{Two, admin, context, pool, prefix};

async fn both(test: impl AsyncFn(TenantRedis, &str)) {
    let (pool, two) = (pool().await, Two::new());
    for (tenant, name) in [(&two.a, "a"), (&two.b, "b"), (&two.a, "a")] {
        test(pool.for_tenant(&context(tenant)).get().await.unwrap(), name).await;
    }
    // Whatever the tests did, nothing lies outside of the two prefixes' keys: both were written to alike.
    let mut admin = admin().await;
    let count = async |admin: &mut _, prefix: String| -> usize {
        let keys: Vec<String> = cmd("KEYS")
            .arg(format!("{prefix}*"))
            .query_async(admin)
            .await
            .unwrap();
        keys.len()
    };
    let (of_a, of_b) = (
        count(&mut admin, prefix(&two.a)).await,
        count(&mut admin, prefix(&two.b)).await,
    );
    assert_eq!(of_a, of_b);
}

#[tokio::test]
async fn typed_commands() {
    both(async |mut redis, name| {
        redis.set("k", name).await.unwrap();
        assert_eq!(redis.get("k").await.unwrap().as_deref(), Some(name));
        redis.hset("h", "f", name).await.unwrap();
        assert_eq!(redis.hget("h", "f").await.unwrap().as_deref(), Some(name));
        redis.mset(&[("m1", name), ("m2", name)]).await.unwrap();
        assert_eq!(
            redis.mget(&["m1", "m2"]).await.unwrap(),
            [Some(name.to_owned()), Some(name.to_owned())]
        );
        redis.del("set").await.unwrap();
        redis.sadd("set", name).await.unwrap();
        redis.sunionstore("set2", &["set", "none"]).await.unwrap();
        assert_eq!(
            redis.smembers("set2").await.unwrap(),
            [name.to_owned()].into()
        );
        redis.rename("set2", "set3").await.unwrap();
        assert!(redis.exists("set3").await.unwrap());
        redis.zadd("z", name, 1).await.unwrap();
        assert_eq!(redis.zrange("z", 0, -1).await.unwrap(), [name]);
    })
    .await;
}

#[tokio::test]
async fn pipelines_and_transactions() {
    both(async |mut redis, name| {
        let plain: (Option<String>, Vec<String>) = pipe()
            .set("p", name)
            .ignore()
            .get("p")
            .cmd("KEYS")
            .arg("p*")
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(plain, (Some(name.to_owned()), vec!["p".to_owned()]));
        let atomic: (i64, Vec<String>) = pipe()
            .atomic()
            .del("n")
            .ignore()
            .incr("n", 2)
            .cmd("KEYS")
            .arg("n*")
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(atomic, (2, vec!["n".to_owned()]));
        cmd("WATCH").arg("n").exec_async(&mut redis).await.unwrap();
        let before = redis.get_int("n").await.unwrap().unwrap_or_default();
        let watched: Option<(i64,)> = pipe()
            .atomic()
            .set("n", before + 1)
            .ignore()
            .get("n")
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(watched, Some((3,)));
    })
    .await;
}

#[tokio::test]
async fn an_aborted_transaction_is_nil() {
    let (pool, two) = (pool().await, Two::new());
    let cx = context(&two.a);
    let mut redis = pool.for_tenant(&cx).get().await.unwrap();
    cmd("WATCH").arg("k").exec_async(&mut redis).await.unwrap();
    pool.for_tenant(&cx)
        .get()
        .await
        .unwrap()
        .set("k", 1)
        .await
        .unwrap();
    let aborted: Option<(Vec<String>,)> = pipe()
        .atomic()
        .cmd("KEYS")
        .arg("*")
        .query_async(&mut redis)
        .await
        .unwrap();
    assert_eq!(aborted, None);
}

#[tokio::test]
async fn scripts_with_declared_keys() {
    both(async |mut redis, name| {
        // The body differs in each process, so that it is loaded at least once.
        let body = format!(
            "-- {}\nredis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])",
            std::process::id()
        );
        let script = Script::new(&body);
        let value: String = script
            .key("s")
            .arg(name)
            .invoke_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(value, name);
        let undeclared = Script::new("return 1")
            .invoke_async::<_, i64>(&mut redis)
            .await
            .unwrap_err();
        assert!(undeclared.to_string().contains("declare"), "{undeclared}");
    })
    .await;
}

#[tokio::test]
async fn scans_over_many_pages() {
    both(async |mut redis, _| {
        redis.del("numbers").await.unwrap();
        let mut many = pipe();
        for n in 0..302 {
            many.set(format!("scan:{n}"), n).ignore();
        }
        many.exec_async(&mut redis).await.unwrap();
        let mut all: Vec<String> = redis
            .scan()
            .await
            .unwrap()
            .map(Result::unwrap)
            .collect()
            .await;
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 302);
        assert!(all.iter().all(|key| key.starts_with("scan:")));
        let some: Vec<String> = redis
            .scan_match("scan:30*")
            .await
            .unwrap()
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(some.len(), 3, "{some:?}");
        let mut set: Vec<i64> = (0..600).collect();
        redis.sadd("numbers", &set[..]).await.unwrap();
        let mut seen: Vec<i64> = cmd("SSCAN")
            .arg("numbers")
            .cursor_arg(0)
            .take()
            .iter_async::<i64>(&mut redis)
            .await
            .unwrap()
            .map(Result::unwrap)
            .collect()
            .await;
        seen.sort_unstable();
        seen.dedup();
        set.sort_unstable();
        assert_eq!(seen, set);
    })
    .await;
}

#[tokio::test]
async fn answers_that_repeat_keys() {
    both(async |mut redis, name| {
        let mut value = async |words: &[&str]| -> Value {
            let mut command = cmd(words[0]);
            command.arg(&words[1..]).query_async(&mut redis).await.unwrap()
        };
        let text = |value: &Value| format!("{value:?}");
        let is_clean = |value: &Value| assert!(!text(value).contains("tenant"), "{value:?}");
        for words in [
            ["LPUSH", "l", name], ["LPUSH", "l", name], ["LPUSH", "l", name], ["ZADD", "z2", "1"], ["HSET", "h2", "f"],
        ] {
            let last = if words[0] == "LPUSH" { None } else { Some(name) };
            let all: Vec<&str> = words.into_iter().chain(last).collect();
            value(&all).await;
        }
        for words in [
            vec!["BLPOP", "none", "l", "5"],
            vec!["LMPOP", "2", "none", "l", "LEFT"],
            vec!["BLMPOP", "5", "1", "l", "LEFT"],
            vec!["BZMPOP", "5", "1", "z2", "MIN"],
        ] {
            let answer = value(&words).await;
            is_clean(&answer);
            let key = if words[0] == "BZMPOP" { "z2" } else { "l" };
            assert!(matches!(&answer, Value::Array(parts) if parts[0] == Value::BulkString(key.into())), "{answer:?}");
        }
        value(&["DEL", "stream"]).await;
        value(&["XADD", "stream", "1-1", "f", name]).await;
        value(&["XGROUP", "CREATE", "stream", "g", "0"]).await;
        for words in [
            vec!["XREAD", "STREAMS", "stream", "none", "0", "0"],
            vec!["XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"],
        ] {
            let answer = value(&words).await;
            is_clean(&answer);
            assert!(matches!(&answer, Value::Array(all) if matches!(&all[0], Value::Array(one) if one[0] == Value::BulkString("stream".into()))), "{answer:?}");
        }
        value(&["XGROUP", "DESTROY", "stream", "g"]).await;
        assert_eq!(value(&["BLPOP", "none", "0.01"]).await, Value::Nil);
    })
    .await;
}

#[tokio::test]
async fn sorting_by_other_keys() {
    both(async |mut redis, name| {
        redis.del("ids").await.unwrap();
        redis.rpush("ids", &[1, 2]).await.unwrap();
        redis
            .mset(&[("w_1", "9"), ("w_2", "3"), ("d_1", name), ("d_2", "two")])
            .await
            .unwrap();
        let sorted: Vec<String> = cmd("SORT")
            .arg(&["ids", "BY", "w_*", "GET", "d_*", "GET", "#"])
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!(sorted, ["two", "2", name, "1"]);
        let stored: i64 = cmd("SORT")
            .arg(&["ids", "STORE", "sorted"])
            .query_async(&mut redis)
            .await
            .unwrap();
        assert_eq!((stored, redis.exists("sorted").await.unwrap()), (2, true));
    })
    .await;
}

#[tokio::test]
async fn the_third_version_of_the_protocol() {
    let two = Two::new();
    let url = format!("{}?protocol=resp3", crate::tenants::url().await);
    let pool = TenantRedisPool::builder(url.as_str()).build().unwrap();
    let mut redis = pool.for_tenant(&context(&two.a)).get().await.unwrap();
    cmd("XADD")
        .arg(&["s", "1-1", "f", "v"])
        .exec_async(&mut redis)
        .await
        .unwrap();
    let read: Value = cmd("XREAD")
        .arg(&["STREAMS", "s", "0"])
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!(
        matches!(&read, Value::Map(streams) if streams[0].0 == Value::BulkString("s".into())),
        "{read:?}"
    );
    assert_eq!(redis.keys("*").await.unwrap(), ["s"]);
    let page: Value = cmd("SCAN")
        .arg(0)
        .arg("COUNT")
        .arg(10_000)
        .query_async(&mut redis)
        .await
        .unwrap();
    assert!(!format!("{page:?}").contains("tenant"), "{page:?}");
}
