//! `cargo xtask parsers`: the relations that PostgreSQL's own parser (libpg_query) finds in a statement must be those that the
//! firewall found, for every statement that the firewall accepts. Texts come from the files named as arguments.
//!
//! A statement is put before a catalogue in which every relation that PostgreSQL's parser finds is a tenant's table, so that
//! statements over any schema are accepted; where that can't be, the statement is counted as refused.

use std::{collections::BTreeSet, fs, process::ExitCode};

use tenancy_sql::{__private::relations, Catalog, Dialect};

/// How many differences are shown.
const SHOWN: usize = 20;

#[derive(Default)]
struct Counts {
    statements: u64,
    unread: u64,
    refused: u64,
    different: u64,
}

/// The statements of a text: of each paragraph the whole of it if it is one, else what PostgreSQL's scanner makes of it, else
/// its lines.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        // Lines of psql's own are no SQL.
        let lines: Vec<&str> = paragraph
            .lines()
            .filter(|line| !line.starts_with('\\'))
            .collect();
        let paragraph = lines.join("\n");
        let whole =
            pg_query::parse(&paragraph).is_ok_and(|parsed| parsed.protobuf.stmts.len() == 1);
        let cut = pg_query::split_with_scanner(&paragraph).unwrap_or_default();
        if whole {
            found.push(paragraph);
        } else if cut.len() > 1 && cut.len() * 4 >= lines.len() {
            found.extend(cut.into_iter().map(str::to_owned));
        } else {
            found.extend(lines.into_iter().map(str::to_owned));
        }
    }
    found.retain(|text| !text.trim().is_empty());
    found
}

/// What PostgreSQL's parser finds: names without their schema; `None` if it can't read the text or there is not one statement
/// that reads or writes rows.
fn theirs(text: &str) -> Option<BTreeSet<String>> {
    let parsed = pg_query::parse(text).ok()?;
    if parsed.protobuf.stmts.len() != 1 {
        return None;
    }
    let of_rows = ["SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt"];
    if !parsed
        .statement_types()
        .iter()
        .all(|kind| of_rows.contains(kind))
    {
        return None;
    }
    let name = |name: String| name.rsplit('.').next().unwrap_or_default().to_owned();
    Some(parsed.tables().into_iter().map(name).collect())
}

/// A catalogue in which all of these are tenants' tables.
fn catalog(names: &BTreeSet<String>) -> Option<Catalog> {
    let ddl: String = names
        .iter()
        .map(|name| {
            let name = name.replace('"', "\"\"");
            format!("CREATE TABLE \"{name}\" (tenant_id bigint NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));\n")
        })
        .collect();
    // One more, so that the catalogue is never empty, and that a name not found is noticed.
    let ddl = format!(
        "{ddl}CREATE TABLE zz_other (tenant_id bigint NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));"
    );
    Catalog::builder(Dialect::Postgres)
        .migration("all", &ddl)
        .build()
        .ok()
}

fn compare(text: &str, counts: &mut Counts, shown: &mut usize) {
    counts.statements += 1;
    let Some(theirs) = theirs(text) else {
        counts.unread += 1;
        return;
    };
    let ours = catalog(&theirs).and_then(|catalog| relations(&catalog, text).ok());
    let Some(ours) = ours else {
        counts.refused += 1;
        return;
    };
    if !theirs.iter().eq(ours.iter()) {
        counts.different += 1;
        if *shown < SHOWN {
            *shown += 1;
            println!("parsers: {text}\n    the firewall: {ours:?}\n    PostgreSQL: {theirs:?}");
        }
    }
}

fn main() -> ExitCode {
    let (mut all, mut shown) = (Counts::default(), 0);
    for path in std::env::args().skip(1) {
        let Ok(bytes) = fs::read(&path) else {
            println!("parsers: {path} can't be read");
            return ExitCode::FAILURE;
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut counts = Counts::default();
        for text in statements(&text) {
            compare(&text, &mut counts, &mut shown);
        }
        println!(
            "parsers: {path}: {} statements, {} not of rows, {} refused, {} different",
            counts.statements, counts.unread, counts.refused, counts.different
        );
        all.statements += counts.statements;
        all.unread += counts.unread;
        all.refused += counts.refused;
        all.different += counts.different;
    }
    println!(
        "parsers: {} statements, {} compared, {} refused, {} different",
        all.statements,
        all.statements - all.unread - all.refused,
        all.refused,
        all.different
    );
    if all.different == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
