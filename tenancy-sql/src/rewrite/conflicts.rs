//! Several conflict clauses of one INSERT, which SQLite has and the parser doesn't. Each but the last is left out of the
//! statement and parsed on its own, behind an INSERT that is made up; `write::conflict` walks them all.

use std::ops::Range;

use sqlparser::ast::{Insert, OnConflict, OnInsert, Statement};
use sqlparser::tokenizer::TokenWithSpan;

use super::shim;
use super::source::Source;
use crate::{Dialect, Refused, RefusedKind};

/// A conflict clause that is not the last.
#[derive(Debug)]
pub(super) struct Clause {
    /// Its tokens.
    pub(super) tokens: Range<usize>,
    pub(super) conflict: OnConflict,
}

/// The tokens of each conflict clause but the last, one behind the other.
pub(super) fn places(source: &Source<'_>) -> Vec<Range<usize>> {
    if source.dialect != Dialect::Sqlite {
        return Vec::new();
    }
    let end = source.level_end(0);
    let mut starts = Vec::new();
    let mut from = 0;
    while let Some(at) = source.find(from, end, &["on"]) {
        if source.is_word(at + 1, "conflict")
            && (source.is_mark(at + 2, '(') || source.is_word(at + 2, "do"))
        {
            starts.push(at);
        }
        from = at + 1;
    }
    starts
        .windows(2)
        .filter_map(|pair| match pair {
            [from, to] => Some(*from..*to),
            _ => None,
        })
        .collect()
}

/// Reads one of them. `parse` makes a statement of tokens, all of them.
pub(super) fn clause(
    source: &Source<'_>,
    tokens: Range<usize>,
    shown: Vec<TokenWithSpan>,
    parse: impl Fn(Vec<TokenWithSpan>) -> Result<Statement, Refused>,
) -> Result<Clause, Refused> {
    let plain = shim::made(
        source,
        tokens.start,
        &["INSERT", "INTO", "x", "DEFAULT", "VALUES"].map(shim::word),
    );
    let mut whole = plain.clone();
    whole.extend(shown);
    let mut statement = parse(whole)?;
    let conflict = match &mut statement {
        Statement::Insert(Insert { on, .. }) => on.take(),
        _ => None,
    };
    match conflict {
        // Nothing else may have come of the clause.
        Some(OnInsert::OnConflict(conflict)) if statement == parse(plain)? => {
            Ok(Clause { tokens, conflict })
        }
        _ => Err(stray(source, tokens.start)),
    }
}

/// The refusal of one that is no clause of an INSERT.
fn stray(source: &Source<'_>, at: usize) -> Refused {
    Refused::new(
        RefusedKind::Syntax,
        "`ON CONFLICT` at an unknown place",
        "only an INSERT has conflict clauses",
        "put it behind the rows of the INSERT",
    )
    .at(source.sql, source.start(at), source.end_before(at + 2))
}
