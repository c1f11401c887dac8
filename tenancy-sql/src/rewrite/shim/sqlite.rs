//! The gaps in how the parser reads SQLite.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::source::Source;
use super::super::splice::Edit;
use super::{Shimmed, Step, any, before, is_name, made, shown, skip, word, words};
use crate::lex::{Kind, Text};

/// `x IN leads` is `x IN (SELECT * FROM leads)`.
pub(super) fn within(source: &Source<'_>, at: usize, shimmed: &mut Shimmed) -> Option<Step> {
    if !source.is_word(at, "in") || !is_name(source, at + 1) {
        return None;
    }
    let mut last = at + 1;
    while source.is_mark(last + 1, '.') && is_name(source, last + 2) {
        last += 2;
    }
    // A call.
    if source.is_mark(last + 1, '(') {
        return None;
    }
    let (start, end) = (source.start(at + 1), source.end_before(last + 1));
    for (place, text) in [(start, "(SELECT * FROM "), (end, ")")] {
        shimmed.edits.push(Edit {
            start: place,
            end: place,
            text: text.into(),
            target: false,
        });
    }
    shimmed.within.push(at + 1);
    let mut tokens: Vec<TokenWithSpan> = shown(source, at).into_iter().collect();
    let opening = [Token::LParen, word("SELECT"), Token::Mul, word("FROM")];
    tokens.extend(made(source, at + 1, &opening));
    tokens.extend((at + 1..=last).filter_map(|inside| shown(source, inside)));
    tokens.extend(made(source, last, &[Token::RParen]));
    Some(Step {
        shown: tokens,
        next: last + 1,
    })
}

/// `FROM 'leads'`: a literal where a relation is named is a name.
fn quoted_relation(source: &Source<'_>, at: usize) -> Option<Step> {
    let lexeme = source.lexeme(at)?;
    let named = any(source, before(at, 1), &["from", "into", "join", "update"])
        && !source.is_word(before(at, 2), "distinct");
    let name = lexeme
        .text(source.sql)
        .strip_prefix('\'')?
        .strip_suffix('\'')?;
    if lexeme.kind != Kind::Text(Text::Plain) || !named || name.contains(['\'', '"']) {
        return None;
    }
    Some(Step {
        shown: made(source, at, &[Token::make_word(name, Some('"'))]),
        next: at + 1,
    })
}

pub(super) fn shown_as(source: &Source<'_>, at: usize) -> Option<Step> {
    if let Some(step) = quoted_relation(source, at) {
        return Some(step);
    }
    if source.is_word(at, "materialized")
        && source.is_mark(at + 1, '(')
        && any(source, before(at, 1), &["as", "not"])
    {
        return skip(at + 1);
    }
    if words(source, at, &["not", "materialized"]) && source.is_word(before(at, 1), "as") {
        return skip(at + 2);
    }
    // `INSERT INTO leads AS l`, which the walk looks at again.
    if source.is_word(at, "as") && is_name(source, at + 1) && is_target(source, before(at, 1)) {
        return skip(at + 2);
    }
    // `WITH ... REPLACE INTO`: the walk looks at the word again.
    if words(source, at, &["replace", "into"]) && source.is_mark(before(at, 1), ')') {
        return Some(Step {
            shown: made(source, at, &[word("INSERT")]),
            next: at + 1,
        });
    }
    if words(source, at, &["indexed", "by"]) && is_name(source, at + 2) {
        return skip(at + 3);
    }
    if words(source, at, &["not", "indexed"]) {
        return skip(at + 2);
    }
    // `a IS b` is `a IS NOT DISTINCT FROM b`.
    const KNOWN: &[&str] = &["null", "not", "true", "false", "distinct"];
    if source.is_word(at, "is") {
        let shown = |rest: &[&str]| {
            let tokens: Vec<Token> = std::iter::once(&"IS")
                .chain(rest)
                .map(|text| word(text))
                .collect();
            made(source, at, &tokens)
        };
        if !any(source, at + 1, KNOWN) {
            return Some(Step {
                shown: shown(&["NOT", "DISTINCT", "FROM"]),
                next: at + 1,
            });
        }
        if source.is_word(at + 1, "not")
            && !any(source, at + 2, &["null", "true", "false", "distinct"])
        {
            return Some(Step {
                shown: shown(&["DISTINCT", "FROM"]),
                next: at + 2,
            });
        }
    }
    None
}

/// Whether the token is the last of a name behind INTO.
fn is_target(source: &Source<'_>, mut at: usize) -> bool {
    while is_name(source, at) && source.is_mark(before(at, 1), '.') {
        at = before(at, 2);
    }
    is_name(source, at) && source.is_word(before(at, 1), "into")
}
