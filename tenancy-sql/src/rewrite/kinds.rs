//! The kinds of statement a tenant may send, told by the first word, and the advice for the others.

use super::source::Source;
use super::splice::Walk;
use crate::{Dialect, Refused, RefusedKind};

/// First words of statements that are looked at further; on PostgreSQL also MERGE.
const KNOWN: &[&str] = &[
    "delete", "insert", "replace", "select", "table", "update", "values", "with",
];

/// Refuses a statement by its first word, before anything is parsed.
pub(super) fn check(source: &Source<'_>) -> Walk {
    if source.lexemes.is_empty() {
        return Err(Refused::new(
            RefusedKind::StatementCount,
            "no statement",
            "there is nothing to run",
            "write one",
        ));
    }
    // A parenthesis may open a query.
    let first = (0..).find(|at| !source.is_mark(*at, '(')).unwrap_or(0);
    let merge = source.dialect == Dialect::Postgres && source.is_word(first, "merge");
    if merge || KNOWN.iter().any(|word| source.is_word(first, word)) {
        Ok(())
    } else {
        Err(refused(source))
    }
}

/// The refusal of a statement that only writes or reads no rows.
pub(super) fn refused(source: &Source<'_>) -> Refused {
    let first = source.lexeme(0);
    let word = first
        .map_or("", |lexeme| lexeme.text(source.sql))
        .to_uppercase();
    let instead = match word.as_str() {
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "ABORT" => {
            "use the transaction methods of the pool"
        }
        "SET" | "RESET" | "DISCARD" | "SHOW" | "PRAGMA" => {
            "set it once in the options of the connection"
        }
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "GRANT" | "REVOKE" | "COMMENT" => {
            "write a migration"
        }
        "MERGE" => "write INSERT ... ON CONFLICT, or UPDATE and INSERT",
        "COPY" => "write SELECT, or INSERT with many rows",
        "EXPLAIN" => "explain it with a connection of an operator",
        _ => "write SELECT, INSERT, UPDATE or DELETE",
    };
    Refused::new(
        RefusedKind::Statement,
        format!("statement `{word}`"),
        "a tenant may only read and write rows",
        instead,
    )
    .at(
        source.sql,
        first.map_or(0, |lexeme| lexeme.start),
        first.map_or(0, |lexeme| lexeme.end),
    )
}
