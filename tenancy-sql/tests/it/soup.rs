//! Texts made of anything: never a panic, and nothing accepted that names the table of tenants without its predicate.

use proptest::prelude::*;
use tenancy_sql::{Dialect, Firewall};

use crate::fixture::firewall;

const WORDS: &[&str] = &[
    "SELECT",
    "SELECT * FROM leads",
    "FROM",
    "leads",
    "\"leads\"",
    "LEADS",
    "public.leads",
    "main.leads",
    "contacts",
    "countries",
    "pg_stats",
    "JOIN",
    "LEFT JOIN",
    "FULL JOIN",
    "CROSS JOIN",
    "NATURAL JOIN",
    "ON true",
    "USING (id)",
    "WHERE",
    "id = 1",
    "OR",
    "AND",
    "NOT",
    "GROUP BY",
    "GROUP BY id",
    "HAVING",
    "ORDER BY 1",
    "LIMIT 1",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    ".",
    "*",
    "*",
    "+",
    "-",
    "||",
    "=",
    "IN",
    "IS",
    "IS NOT",
    "NULL",
    "EXISTS",
    "(SELECT id FROM leads)",
    "(SELECT 1)",
    "UNION",
    "UNION ALL",
    "EXCEPT",
    "WITH x AS",
    "WITH RECURSIVE x AS",
    "x",
    "l",
    "AS",
    "AS l",
    "VALUES",
    "VALUES (1, 'a')",
    "INSERT INTO leads (id)",
    "INSERT INTO",
    "DEFAULT VALUES",
    "UPDATE",
    "UPDATE leads SET name = 'a'",
    "SET name = 'a'",
    "DELETE FROM leads",
    "DELETE",
    "RETURNING id",
    "RETURNING *",
    "ON CONFLICT",
    "(id)",
    "DO NOTHING",
    "DO UPDATE SET name = 'b'",
    "ONLY",
    "TABLE",
    "LATERAL",
    "ROWS FROM",
    "TABLESAMPLE SYSTEM (1)",
    "FOR UPDATE",
    "FOR NO KEY UPDATE",
    "FOR KEY SHARE OF l",
    "DISTINCT",
    "BETWEEN",
    "SYMMETRIC",
    "CASE WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST(id AS int)",
    "::int",
    "[1]",
    "[",
    "]",
    "'a'",
    "'",
    "\"",
    "E'\\''",
    "$$a$$",
    "$1",
    "$2",
    "?",
    "?1",
    "-- x\n",
    "/* y */",
    "/*",
    ";",
    "count(*)",
    "lower(name)",
    "pg_sleep(1)",
    "OVER (ORDER BY id)",
    "OVER (ORDER BY id ROWS 1 PRECEDING EXCLUDE TIES)",
    "FILTER (WHERE true)",
    "INDEXED BY i",
    "NOT INDEXED",
    "MATERIALIZED",
    "SEARCH DEPTH FIRST BY id SET o",
    "CYCLE id SET c USING p",
    "OVERRIDING SYSTEM VALUE",
    "VARIADIC",
    "ctid",
    "rowid",
    "tenant_id",
    "INTO",
    "REPLACE INTO",
    "OR REPLACE",
    "MERGE",
    "GLOB",
    "COLLATE \"C\"",
    "AT TIME ZONE",
    "é",
    "\u{feff}",
    "\0",
];

const CLAUSES: &[&str] = &[
    "select",
    "from",
    "where",
    "order",
    "having",
    "limit",
    "returning",
    "on",
    "set",
    "values",
    "using",
    "distinct",
    "between",
    "over",
    "in",
    "case",
    "window",
];

/// Every place where `leads` is read must be followed by its predicate, but where WHERE confines it.
fn confined(dialect: Dialect, text: &str) {
    let lower = text.to_lowercase();
    if lower.contains("group by")
        || lower.contains("--")
        || lower.contains("/*")
        || lower.contains("$$")
    {
        return;
    }
    let predicate = match dialect {
        Dialect::Postgres => "leads.tenant_id operator(pg_catalog.=) $",
        Dialect::Sqlite => "leads.tenant_id = ",
    };
    let tokens: Vec<&str> = lower.split_whitespace().collect();
    for (at, token) in tokens.iter().enumerate() {
        // A comma is one of FROM if no other clause began since.
        let clause = tokens[..at]
            .iter()
            .rev()
            .find(|token| CLAUSES.contains(&token.trim_start_matches('(')));
        let in_from = *token == "," && clause.is_some_and(|clause| clause.ends_with("from"));
        let read =
            (matches!(*token, "from" | "join") || in_from) && tokens.get(at + 1) == Some(&"leads");
        let delete = at > 0 && tokens[at - 1].ends_with("delete");
        if read && !delete {
            let rest = tokens[at + 2..].join(" ");
            let end = rest.find("where").unwrap_or(rest.len());
            let behind = rest.get(end + 6..).unwrap_or_default();
            let modified = rest[..end].is_empty()
                || rest.starts_with("tablesample")
                || rest.starts_with("indexed")
                || rest.starts_with("not indexed");
            let derived = modified && behind.starts_with(predicate);
            // A table whose system columns are named stays, and the predicate is in the WHERE beside it.
            let alias = tokens[at + 2..].iter().find(|token| **token != "as");
            let beside = alias
                .iter()
                .map(|alias| alias.trim_matches(['(', ')', '"']))
                .chain(["leads"])
                .any(|name| rest.contains(&predicate.replacen("leads", name, 1)));
            let stays = ["ctid", "rowid"].iter().any(|name| lower.contains(name));
            assert!(derived || (stays && beside), "{dialect}: {text}");
        }
    }
}

/// `PROPTEST_CASES`, or few enough for every day.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1000)
}

fn firewalls() -> &'static [(Dialect, Firewall)] {
    static BOTH: std::sync::LazyLock<[(Dialect, Firewall); 2]> = std::sync::LazyLock::new(|| {
        [Dialect::Postgres, Dialect::Sqlite].map(|dialect| (dialect, firewall(dialect)))
    });
    &*BOTH
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn words_in_any_order(picks in prop::collection::vec(0..WORDS.len(), 1..24)) {
        let text = picks.into_iter().map(|pick| WORDS[pick]).collect::<Vec<_>>().join(" ");
        for (dialect, firewall) in firewalls() {
            if let Ok(checked) = firewall.check(&text) {
                confined(*dialect, checked.sql());
            }
        }
    }

    #[test]
    fn a_select_with_anything_behind(picks in prop::collection::vec(0..WORDS.len(), 1..10)) {
        let tail = picks.into_iter().map(|pick| WORDS[pick]).collect::<Vec<_>>().join(" ");
        for head in ["SELECT * FROM leads", "SELECT id FROM countries,", "DELETE FROM leads WHERE", "INSERT INTO leads (id) SELECT"] {
            let text = format!("{head} {tail}");
            for (dialect, firewall) in firewalls() {
                if let Ok(checked) = firewall.check(&text) {
                    confined(*dialect, checked.sql());
                    let write = !head.starts_with("SELECT");
                    prop_assert!(!write || checked.binds_tenant());
                }
            }
        }
    }

    #[test]
    fn the_property_of_all_texts(picks in prop::collection::vec(0..WORDS.len(), 1..20), glue in prop::collection::vec(0..4_usize, 20), any in any::<String>()) {
        let mut text = String::new();
        for (pick, glue) in picks.into_iter().zip(glue) {
            text.push_str(WORDS[pick]);
            text.push_str([" ", " ", "\n", ""][glue]);
        }
        for (_, firewall) in firewalls() {
            crate::property::holds(firewall, &text);
            crate::property::holds(firewall, &any);
        }
    }

    #[test]
    fn any_text(text in any::<String>()) {
        for (_, firewall) in firewalls() {
            if let Err(refused) = firewall.check(&text) {
                let _ = (refused.to_string(), refused.render(&text));
            }
            let _ = tenancy_sql::Catalog::builder(firewall.catalog().dialect()).migration("m", &text).build();
        }
    }

    #[test]
    fn any_ddl(picks in prop::collection::vec(0..DDL.len(), 1..30)) {
        let text = picks.into_iter().map(|pick| DDL[pick]).collect::<Vec<_>>().join(" ");
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let _ = tenancy_sql::Catalog::builder(dialect).migration("m", &text).build();
        }
    }
}

const DDL: &[&str] = &[
    "CREATE TABLE",
    "CREATE TABLE a (tenant_id uuid NOT NULL, id int)",
    "a",
    "b",
    "(",
    ")",
    ",",
    ";",
    "id int",
    "PRIMARY KEY",
    "(id)",
    "UNIQUE",
    "CONSTRAINT c",
    "FOREIGN KEY",
    "REFERENCES a",
    "CHECK (1 = 1)",
    "DEFAULT 1",
    "NOT NULL",
    "GENERATED ALWAYS AS",
    "IDENTITY",
    "STORED",
    "ALTER TABLE a",
    "ADD COLUMN",
    "DROP COLUMN",
    "RENAME",
    "TO",
    "ALTER",
    "TYPE",
    "SET NOT NULL",
    "CREATE INDEX i ON a",
    "CREATE UNIQUE INDEX",
    "WHERE x IS NULL",
    "DROP TABLE a",
    "DROP INDEX i",
    "CREATE VIEW v AS SELECT 1",
    "PARTITION OF a",
    "INHERITS (a)",
    "LIKE a INCLUDING ALL",
    "CREATE TRIGGER t BEGIN",
    "END",
    "CASE",
    "$$ x $$",
    "AS",
    "[",
    "]",
    "USING",
    "IF NOT EXISTS",
    "IF EXISTS",
    "ATTACH PARTITION a",
    "USING INDEX i",
];
