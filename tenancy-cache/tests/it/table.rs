//! The command table against a live server: it is what the server says, and what passes stays below the prefix.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy_cache::redis::aio::MultiplexedConnection;
use tenancy_cache::redis::{Value, cmd};
use tenancy_cache::{HashTag, testing};
use tenancy_core::TenantId;

use crate::tenants::admin;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/command/table.rs");

/// One command of `COMMAND`, as far as the table needs it.
pub(crate) struct Described {
    name: String,
    arity: i64,
    line: String,
}

fn text(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) | Value::Set(values) => values,
        _ => &[],
    }
}

/// The value of a name in a flat list of names and values, or a map.
fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    static NONE: Value = Value::Nil;
    match value {
        Value::Map(pairs) => pairs
            .iter()
            .find(|(key, _)| text(key) == name)
            .map_or(&NONE, |(_, value)| value),
        _ => list(value)
            .chunks(2)
            .find(|pair| text(&pair[0]) == name)
            .map_or(&NONE, |pair| &pair[1]),
    }
}

fn number(value: &Value) -> i64 {
    text(value).parse().unwrap()
}

fn spec(value: &Value) -> String {
    let flags: Vec<String> = list(field(value, "flags")).iter().map(text).collect();
    let begin = field(value, "begin_search");
    let find = field(value, "find_keys");
    if text(field(begin, "type")) != "index" || flags.iter().any(|flag| flag == "incomplete") {
        return "Grammar".to_owned();
    }
    if flags.iter().any(|flag| flag == "not_key") {
        return "Channel".to_owned();
    }
    let index = number(field(field(begin, "spec"), "index"));
    let of = |name| number(field(field(find, "spec"), name));
    match text(field(find, "type")).as_str() {
        "range" if of("limit") == 0 => {
            format!("Range({index}, {}, {})", of("lastkey"), of("keystep"))
        }
        "keynum" => format!(
            "Count({}, {}, {})",
            index + of("keynumidx"),
            of("firstkey"),
            of("keystep")
        ),
        _ => "Grammar".to_owned(),
    }
}

fn describe(command: &Value, into: &mut BTreeMap<String, Described>) {
    let parts = list(command);
    let name = text(&parts[0]);
    let flags: Vec<String> = list(&parts[2]).iter().map(text).collect();
    let subcommands = list(&parts[9]);
    let mut words: Vec<&str> = [("WRITE", "write"), ("BLOCKING", "blocking")]
        .into_iter()
        .filter(|(_, flag)| flags.iter().any(|it| it == flag))
        .map(|(word, _)| word)
        .collect();
    if !subcommands.is_empty() {
        words.push("CONTAINER");
    }
    let flags = if words.is_empty() {
        "0".to_owned()
    } else {
        words.join(" | ")
    };
    let specs: Vec<String> = list(&parts[8]).iter().map(spec).collect();
    let line = format!("    row(\"{name}\", {flags}, &[{}]),", specs.join(", "));
    let arity = number(&parts[1]);
    into.insert(name.clone(), Described { name, arity, line });
    for subcommand in subcommands {
        describe(subcommand, into);
    }
}

pub(crate) async fn described(admin: &mut MultiplexedConnection) -> BTreeMap<String, Described> {
    let commands: Value = cmd("COMMAND").query_async(admin).await.unwrap();
    let mut all = BTreeMap::new();
    for command in list(&commands) {
        describe(command, &mut all);
    }
    all
}

/// A newer server may know more commands; what it says about those in the table has to be the same.
/// `cargo xtask redis-commands` writes the table anew.
#[tokio::test]
async fn the_table_is_what_the_server_says() {
    let all = described(&mut admin().await).await;
    let file = std::fs::read_to_string(FILE).unwrap();
    let (head, _) = file.split_once("&[Row] = &[\n").unwrap();
    if std::env::var_os("TENANCY_WRITE_REDIS_COMMANDS").is_some() {
        let rows: Vec<&str> = all.values().map(|command| command.line.as_str()).collect();
        let table = format!("{head}&[Row] = &[\n{}\n];\n", rows.join("\n"));
        std::fs::write(FILE, table).unwrap();
        return;
    }
    let said: HashSet<&str> = all.values().map(|command| command.line.as_str()).collect();
    let rows: Vec<&str> = file
        .lines()
        .filter(|line| line.starts_with("    row("))
        .collect();
    assert!(rows.len() > 300);
    for row in rows {
        assert!(said.contains(row), "the server says otherwise: {row}");
    }
}

/// The keys that the server itself finds in a command; `None` if it finds none or doesn't accept it.
async fn keys_of(admin: &mut MultiplexedConnection, command: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let mut ask = cmd("COMMAND");
    ask.arg("GETKEYSANDFLAGS");
    for word in command {
        ask.arg(word.as_slice());
    }
    let keys: Vec<(Vec<u8>, Value)> = ask.query_async(admin).await.ok()?;
    Some(keys.into_iter().map(|(key, _)| key).collect())
}

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ')
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

/// Commands that pass and have no keys in the server's eyes.
const WITHOUT_KEYS: &[&str] = &[
    "echo",
    "keys",
    "ping",
    "publish",
    "scan",
    "script|load",
    "spublish",
    "time",
    "unwatch",
];

/// The shortest form of a command that has one of each key.
pub(crate) fn sample(command: &Described) -> Vec<Vec<u8>> {
    match command.name.as_str() {
        "xread" => words("XREAD STREAMS 1 2 0 0"),
        "xreadgroup" => words("XREADGROUP GROUP g c STREAMS 1 2 > >"),
        "georadius" => words("GEORADIUS 1 1 1 1 m STORE 1"),
        "georadiusbymember" => words("GEORADIUSBYMEMBER 1 1 1 m STOREDIST 1"),
        "sort_ro" => words("SORT_RO 1 BY * GET *"),
        "sort" => words("SORT 1 BY * GET * STORE 1"),
        name => {
            let mut sample = words(&name.replace('|', " "));
            let count = usize::try_from(command.arity.abs()).unwrap();
            // A script may have no keys in the server's eyes, not in ours; what PFMERGE merges may be left out.
            let may_lack_keys = name.starts_with("eval") || name == "pfmerge";
            let count = count + usize::from(may_lack_keys);
            sample.resize(count.max(sample.len()), b"1".to_vec());
            sample
        }
    }
}

#[tokio::test]
async fn every_command_that_passes_stays_below_the_prefix() {
    let mut admin = admin().await;
    let all = described(&mut admin).await;
    let tenant = TenantId::new_v7();
    for tag in [HashTag::Tenant, HashTag::None] {
        let prefix = testing::prefix(tenant, tag);
        let mut checked = 0;
        for name in testing::passing() {
            let sample = sample(&all[name]);
            let sent = testing::rewritten(tenant, tag, &sample)
                .unwrap_or_else(|why| panic!("{name}: {why}"));
            match keys_of(&mut admin, &sent).await {
                Some(keys) => {
                    assert!(!keys.is_empty(), "{name}");
                    assert!(
                        keys.iter().all(|key| key.starts_with(prefix.as_bytes())),
                        "{name}: {keys:?}"
                    );
                    checked += 1;
                }
                None => assert!(
                    WITHOUT_KEYS.contains(&name),
                    "the server finds no keys in {name}"
                ),
            }
        }
        assert_eq!(checked + WITHOUT_KEYS.len(), testing::passing().len());
    }
}

/// Random arguments, many of them words that mean something to some command.
#[test]
fn whatever_passes_has_no_key_of_somebody_else() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut admin = runtime.block_on(admin());
    let tenant = TenantId::new_v7();
    let prefix = testing::prefix(tenant, HashTag::Tenant);
    let other = testing::prefix(TenantId::new_v7(), HashTag::Tenant);
    let word = prop_oneof![
        4 => proptest::sample::select(vec!["a", "b", "*", "1", "2", "3", "0", "-1", "01", "m"]),
        3 => proptest::sample::select(vec![
            "STORE", "storedist", "STREAMS", "BY", "GET", "MATCH", "COUNT", "LIMIT", "GROUP", "KEYS", "WEIGHTS", "AGGREGATE",
            "SUM", "REPLACE", "DB", "NOACK", "LEFT", "MIN", "ASC", "ANY", "#", "TYPE", "USAGE", "ENCODING", "CREATE", "LOAD",
        ]),
        1 => Just("FOREIGN"),
    ];
    let command = (
        proptest::sample::select(testing::passing()),
        proptest::collection::vec(word, 0..9),
    );
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: 6000,
            ..Config::default()
        },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let seen = std::cell::Cell::new(0_u32);
    let run = runner.run(&command, |(name, arguments)| {
        let mut sent = words(&name.replace('|', " "));
        sent.extend(arguments.iter().map(|word| match *word {
            "FOREIGN" => format!("{other}a").into_bytes(),
            word => word.as_bytes().to_vec(),
        }));
        let Ok(sent) = testing::rewritten(tenant, HashTag::Tenant, &sent) else {
            return Ok(());
        };
        if let Some(keys) = runtime.block_on(keys_of(&mut admin.clone(), &sent)) {
            seen.set(seen.get() + 1);
            for key in keys {
                prop_assert!(
                    key.starts_with(prefix.as_bytes()),
                    "{:?}",
                    sent.iter()
                        .map(|w| String::from_utf8_lossy(w).into_owned())
                        .collect::<Vec<_>>()
                );
            }
        }
        Ok(())
    });
    run.unwrap();
    assert!(
        seen.get() > 1000,
        "only {} commands were understood by both",
        seen.get()
    );
    let _ = &mut admin;
}
