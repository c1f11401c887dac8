//! The first wall without a server: what is reviewed, what is rewritten, what is refused.

use std::collections::HashSet;

use deadpool_redis::redis::{Value, cmd, pipe};
use proptest::prelude::*;
use tenancy_core::TenantId;

use super::*;
use crate::keyspace::HashTag;

fn prefix() -> Prefix {
    Prefix::of(TenantId::parse("7").unwrap(), HashTag::Tenant)
}

fn command(text: &str) -> Cmd {
    let mut cmd = Cmd::new();
    for word in text.split(' ') {
        cmd.arg(word);
    }
    cmd
}

/// `expect` writes the prefix as `@`.
fn passes(text: &str, expect: &str) {
    let rewritten =
        rewrite(&command(text), &prefix()).unwrap_or_else(|why| panic!("{text}: {why}"));
    let words: Vec<String> = arguments(&rewritten.cmd)
        .unwrap()
        .iter()
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect();
    assert_eq!(
        words.join(" "),
        expect.replace('@', "tenant:{7}:"),
        "{text}"
    );
}

fn is_refused(text: &str) {
    assert!(rewrite(&command(text), &prefix()).is_err(), "{text} passed");
}

#[test]
fn every_command_of_the_table_was_decided_about() {
    let passing: HashSet<&str> = BY_SPECS
        .iter()
        .copied()
        .chain(BY_RULE.iter().map(|(name, _)| *name))
        .collect();
    let refused: HashSet<&str> = REFUSED.iter().map(|(name, _)| *name).collect();
    for row in table::TABLE {
        let container = row.name.split('|').next().unwrap();
        let is_refused = refused.contains(row.name) || refused.contains(container);
        assert!(passing.contains(row.name) || is_refused, "{}", row.name);
        assert!(
            !passing.contains(row.name) || !refused.contains(row.name),
            "{}",
            row.name
        );
    }
    let known: HashSet<&str> = table::TABLE.iter().map(|row| row.name).collect();
    for name in passing.iter().chain(&refused) {
        assert!(known.contains(name), "{name} is no command");
    }
    assert_eq!(ENTRIES.len(), passing.len());
}

#[test]
fn what_goes_by_specifications_is_specified_whole() {
    for name in BY_SPECS {
        let row = table::TABLE.iter().find(|row| row.name == *name).unwrap();
        let is_plain = |spec: &Spec| matches!(spec, Spec::Range(..) | Spec::Count(..));
        assert!(
            !row.specs.is_empty() && row.specs.iter().all(is_plain),
            "{name}"
        );
    }
}

#[test]
fn keys_patterns_and_channels_get_the_prefix() {
    passes("GET a", "GET @a");
    passes("get a", "get @a");
    passes("GET tenant:{8}:a", "GET @tenant:{8}:a");
    passes("MSET a 1 b 2", "MSET @a 1 @b 2");
    passes("BITOP AND d a b", "BITOP AND @d @a @b");
    passes("BLPOP a b 1", "BLPOP @a @b 1");
    passes(
        "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
        "ZUNIONSTORE @d 2 @a @b WEIGHTS 1 2",
    );
    passes("BLMPOP 0 2 a b LEFT", "BLMPOP 0 2 @a @b LEFT");
    passes("EVAL x 1 a b", "EVAL x 1 @a b");
    passes("OBJECT ENCODING a", "OBJECT ENCODING @a");
    passes("memory usage a", "memory usage @a");
    passes("XGROUP CREATE s g $", "XGROUP CREATE @s g $");
    passes("SCAN 0", "SCAN 0 MATCH @*");
    passes(
        "SCAN 7 COUNT 5 MATCH a* TYPE hash",
        "SCAN 7 COUNT 5 MATCH @a* TYPE hash",
    );
    passes("SSCAN a 0 MATCH x*", "SSCAN @a 0 MATCH x*");
    passes("KEYS *", "KEYS @*");
    passes("PUBLISH c m", "PUBLISH @c m");
    passes(
        "SORT a BY w_* GET # GET d_*->f STORE s",
        "SORT @a BY @w_* GET # GET @d_*->f STORE @s",
    );
    passes(
        "XREAD COUNT 2 STREAMS a b 0 0",
        "XREAD COUNT 2 STREAMS @a @b 0 0",
    );
    passes(
        "XREADGROUP GROUP STREAMS c NOACK STREAMS s >",
        "XREADGROUP GROUP STREAMS c NOACK STREAMS @s >",
    );
    passes(
        "GEORADIUS g 1 2 3 m STORE a STORE b",
        "GEORADIUS @g 1 2 3 m STORE @a STORE @b",
    );
    passes(
        "GEORADIUSBYMEMBER g STORE 3 m COUNT 1 STOREDIST a",
        "GEORADIUSBYMEMBER @g STORE 3 m COUNT 1 STOREDIST @a",
    );
    passes("COPY a b REPLACE", "COPY @a @b REPLACE");
    passes("PING", "PING");
}

#[test]
fn what_leaves_the_prefix_is_refused() {
    for text in [
        "FLUSHALL",
        "FLUSHDB",
        "SELECT 1",
        "SWAPDB 0 1",
        "RANDOMKEY",
        "DBSIZE",
        "MOVE a 1",
        "COPY a b DB 1",
        "MIGRATE h 1 a 0 1",
        "SCRIPT FLUSH",
        "SCRIPT KILL",
        "SCRIPT EXISTS x",
        "FUNCTION LIST",
        "FCALL f 1 a",
        "PUBSUB CHANNELS",
        "CLIENT LIST",
        "CLIENT TRACKING ON",
        "CONFIG GET *",
        "MONITOR",
        "WAIT 1 0",
        "MULTI",
        "EXEC",
        "DISCARD",
        "AUTH x",
        "HELLO 3",
        "RESET",
        "QUIT",
        "DEBUG OBJECT a",
        "INFO",
        "RESTORE a 0 x",
        "SUBSCRIBE c",
        "PSUBSCRIBE c",
        "SSUBSCRIBE c",
        "ACL WHOAMI",
        "COMMAND",
        "CLUSTER NODES",
        "OBJECT HELP",
        "OBJECT",
        "XINFO HELP",
        "MEMORY DOCTOR",
        "SAVE",
        "JSON.GET a",
        "FT.SEARCH i q",
        "NOSUCH a",
        "",
        "object|encoding a",
        "get|x a",
    ] {
        is_refused(text);
    }
}

#[test]
fn what_is_not_understood_whole_is_refused() {
    for text in [
        "GET",
        "MGET",
        "BLPOP a",
        "EVAL x 0",
        "EVAL x 0 a",
        "EVAL x 2 a",
        "EVAL x -1 a",
        "EVAL x 01 a",
        "EVAL x 1x a",
        "ZUNION 2 a",
        "ZUNION 99999999999999999999 a",
        "SCAN",
        "SCAN x",
        "SCAN 0 MATCH",
        "SCAN 0 MATCH a MATCH b",
        "SCAN 0 NEWOPTION a",
        "KEYS",
        "KEYS a b",
        "XREAD STREAMS a",
        "XREAD STREAMS a b 0",
        "XREAD a b",
        "XREAD GROUP g c STREAMS a 0",
        "SORT a BY",
        "SORT a FETCH b",
        "SORT_RO a STORE b",
        "SORT a LIMIT 1",
        "GEORADIUS g 1 2 3 m STORE",
        "GEORADIUS g 1 2 3 m KEEP b",
        "PUBLISH a",
        "PUBLISH a b c",
        "COPY a b KEEP",
    ] {
        is_refused(text);
    }
}

#[test]
fn the_value_of_a_cursor_is_kept() {
    let mut scan = cmd("SCAN");
    scan.cursor_arg(4711);
    let rewritten = rewrite(&scan, &prefix()).unwrap().cmd;
    assert_eq!(&*arguments(&rewritten).unwrap()[1], b"4711");
    let mut scan = cmd("HSCAN");
    scan.arg("h\r\n$3\r\n").cursor_arg(12).arg("COUNT").arg(3);
    let rewritten = rewrite(&scan, &prefix()).unwrap().cmd;
    let words = arguments(&rewritten).unwrap();
    assert_eq!(&*words[1], b"tenant:{7}:h\r\n$3\r\n");
    assert_eq!(&*words[2], b"12");
}

#[test]
fn an_answer_with_a_key_of_somebody_else_is_dropped() {
    let foreign = Value::BulkString(b"tenant:{8}:a".to_vec());
    let own = Value::BulkString(b"tenant:{7}:a".to_vec());
    let list = |keys: &[&Value]| Value::Array(keys.iter().map(|key| (*key).clone()).collect());
    let zero = Value::Int(0);
    for (reply, value) in [
        (Reply::List, list(&[&own, &foreign])),
        (Reply::Page, list(&[&zero, &list(&[&foreign])])),
        (Reply::First, list(&[&foreign, &zero])),
        (Reply::Streams, list(&[&list(&[&foreign, &zero])])),
        (
            Reply::Streams,
            Value::Map(vec![(foreign.clone(), zero.clone())]),
        ),
        (Reply::List, Value::Int(3)),
        (Reply::Page, list(&[&zero])),
        (Reply::First, list(&[])),
    ] {
        assert!(
            reply.strip(value.clone(), &prefix()).is_err(),
            "{reply:?} {value:?}"
        );
    }
    let stripped = Reply::List.strip(list(&[&own]), &prefix()).unwrap();
    assert_eq!(stripped, list(&[&Value::BulkString(b"a".to_vec())]));
    assert_eq!(
        Reply::First.strip(Value::Nil, &prefix()).unwrap(),
        Value::Nil
    );
}

#[test]
fn a_pipeline_of_the_driver_shows_its_commands() {
    let mut pipeline = pipe();
    pipeline
        .atomic()
        .cmd("SET")
        .arg("a")
        .arg(1)
        .cmd("GET")
        .arg("a");
    assert_eq!(
        pipeline.cmd_iter().count(),
        2,
        "MULTI and EXEC are not among them"
    );
}

proptest! {
    /// Whatever bytes a key has, the server gets the prefix and these bytes.
    #[test]
    fn any_key_stays_below_the_prefix(key: Vec<u8>, value: Vec<u8>) {
        let mut set = cmd("SET");
        set.arg(key.as_slice()).arg(value.as_slice());
        let rewritten = rewrite(&set, &prefix()).unwrap().cmd;
        let words = arguments(&rewritten).unwrap();
        prop_assert_eq!(words.len(), 3);
        prop_assert_eq!(&*words[1], &[b"tenant:{7}:", key.as_slice()].concat()[..]);
        prop_assert_eq!(&*words[2], &value[..]);
    }

    /// No bytes make a panic, and none make a command out of nothing.
    #[test]
    fn any_arguments_pass_whole_or_are_refused(words in proptest::collection::vec(any::<Vec<u8>>(), 0..6)) {
        let mut cmd = Cmd::new();
        for word in &words {
            cmd.arg(word.as_slice());
        }
        let _ = rewrite(&cmd, &prefix());
    }
}
