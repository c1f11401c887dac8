//! Where the parser has gaps: tokens it does not know are left out for it where they can hold no name of a relation and no
//! call, and a few forms are rewritten, in the text too, into the longer way it knows. What is left out stays in the text.

mod sqlite;

use std::ops::Range;

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::source::Source;
use super::splice::Edit;
use crate::Dialect;
use crate::lex::{Kind, Lexeme, Text, parser_token};

/// What had to be rewritten so that the text says the same as the parser's tokens.
#[derive(Debug, Default)]
pub(super) struct Shimmed {
    pub(super) edits: Vec<Edit>,
    /// Names that `ONLY` was taken away from, by index of the token.
    pub(super) only: Vec<usize>,
    /// Names that `x IN name` was said of, by index of the token.
    pub(super) within: Vec<usize>,
}

/// What the parser sees in place of the tokens from here on.
struct Step {
    /// Stands in for them.
    shown: Vec<TokenWithSpan>,
    /// The first token behind them.
    next: usize,
}

/// What the parser is to see of these tokens.
pub(super) fn shim(
    source: &Source<'_>,
    range: Range<usize>,
    shimmed: &mut Shimmed,
) -> Vec<TokenWithSpan> {
    let mut tokens = Vec::with_capacity(range.len() + 4);
    let insert_list = insert_list(source);
    let mut at = range.start;
    while let Some(lexeme) = source.lexeme(at).filter(|_| at < range.end) {
        if !may_start(source, lexeme) {
            tokens.push(parser_token(source.dialect, source.sql, lexeme));
            at += 1;
            continue;
        }
        let step = match source.dialect {
            Dialect::Postgres => {
                postgres(source, at, shimmed).or_else(|| subscript(source, at, insert_list))
            }
            Dialect::Sqlite => {
                sqlite::within(source, at, shimmed).or_else(|| sqlite::shown_as(source, at))
            }
        };
        match step.or_else(|| common(source, at)) {
            Some(step) => {
                tokens.extend(step.shown);
                at = step.next;
            }
            None => {
                tokens.extend(shown(source, at));
                at += 1;
            }
        }
    }
    tokens
}

/// Whether any of the rules starts at such a token; a quick no for most.
fn may_start(source: &Source<'_>, lexeme: &Lexeme) -> bool {
    let words: &[&str] = match (lexeme.kind, lexeme.end - lexeme.start) {
        (Kind::Operator, 1) | (Kind::Mark('(' | ')' | '['), _) => return true,
        (Kind::Text(Text::Plain), _) => return source.dialect == Dialect::Sqlite,
        (Kind::Word, 2) => &["as", "in", "is"],
        (Kind::Word, 3) => &["for", "not", "top"],
        (Kind::Word, 4) => &["name", "only", "rows", "with"],
        (Kind::Word, 5) => &["cycle", "table"],
        (Kind::Word, 6) => &["search"],
        (Kind::Word, 7) => &["default", "exclude", "indexed", "replace"],
        (Kind::Word, 8) => &["distinct", "variadic"],
        (Kind::Word, 9) => &["symmetric"],
        (Kind::Word, 10) => &["asymmetric", "overriding"],
        (Kind::Word, 12) => &["materialized"],
        _ => return false,
    };
    words.iter().any(|word| lexeme.is_word(source.sql, word))
}

fn shown(source: &Source<'_>, at: usize) -> Option<TokenWithSpan> {
    source
        .lexeme(at)
        .map(|lexeme| parser_token(source.dialect, source.sql, lexeme))
}

/// A token that is not in the text, at the place of one that is.
pub(super) fn made(source: &Source<'_>, at: usize, tokens: &[Token]) -> Vec<TokenWithSpan> {
    let Some(place) = shown(source, at) else {
        return Vec::new();
    };
    tokens
        .iter()
        .map(|token| TokenWithSpan {
            token: token.clone(),
            span: place.span,
        })
        .collect()
}

pub(super) fn word(text: &str) -> Token {
    Token::make_word(text, None)
}

/// Leaves out everything up to `next`.
fn skip(next: usize) -> Option<Step> {
    Some(Step {
        shown: Vec::new(),
        next,
    })
}

fn words(source: &Source<'_>, at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(nth, word)| {
        at.checked_add(nth)
            .is_some_and(|at| source.is_word(at, word))
    })
}

fn any(source: &Source<'_>, at: usize, words: &[&str]) -> bool {
    words.iter().any(|word| source.is_word(at, word))
}

fn is_name(source: &Source<'_>, at: usize) -> bool {
    source
        .lexeme(at)
        .is_some_and(|lexeme| matches!(lexeme.kind, Kind::Word | Kind::Quoted(_)))
}

fn is_literal(source: &Source<'_>, at: usize) -> bool {
    source
        .lexeme(at)
        .is_some_and(|lexeme| matches!(lexeme.kind, Kind::Text(_) | Kind::Number | Kind::Param))
        || any(source, at, &["true", "false", "null"])
}

fn before(at: usize, back: usize) -> usize {
    at.checked_sub(back).unwrap_or(usize::MAX)
}

/// Words behind which a relation is named.
const RELATION_FOLLOWS: &[&str] = &["from", "join", "update", "using", "into", "table", "only"];

/// Words that may follow a relation.
const BEHIND_RELATION: &[&str] = &[
    "as",
    "cross",
    "except",
    "fetch",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "intersect",
    "join",
    "left",
    "limit",
    "natural",
    "offset",
    "on",
    "order",
    "returning",
    "right",
    "set",
    "union",
    "using",
    "where",
    "window",
];

fn postgres(source: &Source<'_>, at: usize, shimmed: &mut Shimmed) -> Option<Step> {
    // `ONLY leads` is `leads` while the table has no parts; the walk checks that it has none.
    if source.is_word(at, "only")
        && is_name(source, at + 1)
        && (any(source, before(at, 1), RELATION_FOLLOWS)
            || source.is_mark(before(at, 1), ',')
            || opens_join(source, before(at, 1)))
    {
        let mut last = at + 1;
        while source.is_mark(last + 1, '.') && is_name(source, last + 2) {
            last += 2;
        }
        shimmed.edits.push(Edit {
            start: source.start(at),
            end: source.start(at + 1),
            text: String::new(),
            target: false,
        });
        shimmed.only.push(last);
        return skip(at + 1);
    }
    // `TABLE leads` is `SELECT * FROM leads`.
    if source.is_word(at, "table") && is_name(source, at + 1) {
        shimmed.edits.push(Edit {
            start: source.start(at),
            end: source.end_before(at + 1),
            text: "SELECT * FROM".into(),
            target: false,
        });
        return Some(Step {
            shown: made(source, at, &[word("SELECT"), Token::Mul, word("FROM")]),
            next: at + 1,
        });
    }
    // `leads *` is `leads`.
    if source
        .lexeme(at)
        .is_some_and(|lexeme| lexeme.kind == Kind::Operator && lexeme.text(source.sql) == "*")
        && is_name(source, before(at, 1))
        && any(source, before(at, 2), RELATION_FOLLOWS)
        && !source.is_word(before(at, 3), "distinct")
        && (source.lexeme(at + 1).is_none()
            || source.is_mark(at + 1, ';')
            || source.is_mark(at + 1, ')')
            || any(source, at + 1, BEHIND_RELATION))
    {
        shimmed.edits.push(Edit {
            start: source.end_before(at),
            end: source.end_before(at + 1),
            text: String::new(),
            target: false,
        });
        return skip(at + 1);
    }
    // `(l).*` is `l.*`.
    if source.is_mark(at, '(')
        && is_name(source, at + 1)
        && source.is_mark(at + 2, ')')
        && source.is_mark(at + 3, '.')
        && source
            .lexeme(at + 4)
            .is_some_and(|lexeme| lexeme.text(source.sql) == "*")
        && (source.is_mark(before(at, 1), ',')
            || any(
                source,
                before(at, 1),
                &["select", "distinct", "all", "returning"],
            ))
    {
        let name = source
            .lexeme(at + 1)
            .map_or("", |lexeme| lexeme.text(source.sql));
        shimmed.edits.push(Edit {
            start: source.start(at),
            end: source.end_before(at + 3),
            text: name.into(),
            target: false,
        });
        return Some(Step {
            shown: shown(source, at + 1).into_iter().collect(),
            next: at + 3,
        });
    }
    if words(source, at, &["for", "no", "key", "update"]) {
        return Some(Step {
            shown: shown(source, at).into_iter().collect(),
            next: at + 3,
        });
    }
    if words(source, at, &["for", "key", "share"]) {
        return Some(Step {
            shown: shown(source, at).into_iter().collect(),
            next: at + 2,
        });
    }
    if source.is_word(at, "distinct") && words(source, before(at, 2), &["group", "by"]) {
        return skip(at + 1);
    }
    if any(source, at, &["symmetric", "asymmetric"]) && source.is_word(before(at, 1), "between") {
        return skip(at + 1);
    }
    if source.is_word(at, "variadic")
        && (source.is_mark(before(at, 1), '(') || source.is_mark(before(at, 1), ','))
    {
        return skip(at + 1);
    }
    if source.is_word(at, "overriding")
        && any(source, at + 1, &["system", "user"])
        && source.is_word(at + 2, "value")
    {
        return skip(at + 3);
    }
    if source.is_word(at, "as") && source.is_mark(before(at, 1), ')') && is_name(source, at + 1) {
        return using_alias(source, at);
    }
    if source.is_mark(before(at, 1), ')') && any(source, at, &["search", "cycle"]) {
        return search_or_cycle(source, at);
    }
    // `XMLELEMENT(NAME foo, ...)`.
    if source.is_word(at, "name")
        && source.is_mark(before(at, 1), '(')
        && source.is_word(before(at, 2), "xmlelement")
        && is_name(source, at + 1)
    {
        return skip(at + 2 + usize::from(source.is_mark(at + 2, ',')));
    }
    // `JSON_VALUE(... DEFAULT 0 ON EMPTY)`.
    if source.is_word(at, "default")
        && is_literal(source, at + 1)
        && source.is_word(at + 2, "on")
        && any(source, at + 3, &["empty", "error"])
    {
        return skip(at + 4);
    }
    // `ROWS FROM (f(), g())` is for the parser the calls with commas between them.
    if is_rows_from(source, at) {
        return skip(at + 3);
    }
    if source.is_mark(at, ')')
        && let Some(open) = (0..at)
            .rev()
            .find(|open| source.close_of(*open) == Some(at))
        && is_rows_from(source, before(open, 2))
    {
        return skip(at + 1);
    }
    // `RETURNING WITH (OLD AS o, NEW AS n)` only names the two.
    if words(source, before(at, 1), &["returning", "with"]) && source.is_mark(at + 1, '(') {
        let close = source.close_of(at + 1)?;
        let plain =
            (at + 2..close).all(|inside| is_name(source, inside) || source.is_mark(inside, ','));
        return if plain { skip(close + 1) } else { None };
    }
    None
}

/// Whether the token is a parenthesis that joined tables may stand in.
fn opens_join(source: &Source<'_>, at: usize) -> bool {
    source.is_mark(at, '(')
        && (any(source, before(at, 1), &["from", "join", "using"])
            || opens_join(source, before(at, 1)))
}

/// Not `SELECT rows FROM (...)`, where it is a column.
fn is_rows_from(source: &Source<'_>, at: usize) -> bool {
    words(source, at, &["rows", "from"])
        && at
            .checked_add(2)
            .is_some_and(|open| source.is_mark(open, '('))
        && (any(source, before(at, 1), &["from", "join", "lateral", "using"])
            || opens_join(source, before(at, 1)))
}

/// `JOIN b USING (a, b) AS j`: the alias names the merged columns.
fn using_alias(source: &Source<'_>, at: usize) -> Option<Step> {
    let open = (0..at)
        .rev()
        .find(|open| source.close_of(*open) == Some(at - 1))?;
    let plain =
        (open + 1..at - 1).all(|inside| is_name(source, inside) || source.is_mark(inside, ','));
    if plain && source.is_word(before(open, 1), "using") {
        skip(at + 2)
    } else {
        None
    }
}

/// `SEARCH DEPTH FIRST BY a, b SET c` and `CYCLE a SET b [TO x DEFAULT y] USING c`, which name columns only.
fn search_or_cycle(source: &Source<'_>, at: usize) -> Option<Step> {
    let is_search = source.is_word(at, "search");
    let mut next = at + 1;
    if is_search {
        if !any(source, at + 1, &["depth", "breadth"]) || !words(source, at + 2, &["first", "by"]) {
            return None;
        }
        next = at + 4;
    }
    while is_name(source, next) && source.is_mark(next + 1, ',') {
        next += 2;
    }
    if !is_name(source, next) || !source.is_word(next + 1, "set") || !is_name(source, next + 2) {
        return None;
    }
    next += 3;
    if is_search {
        return skip(next);
    }
    if source.is_word(next, "to")
        && is_literal(source, next + 1)
        && source.is_word(next + 2, "default")
        && is_literal(source, next + 3)
    {
        next += 4;
    }
    if source.is_word(next, "using") && is_name(source, next + 1) {
        skip(next + 2)
    } else {
        None
    }
}

/// The parentheses around the columns of an INSERT.
fn insert_list(source: &Source<'_>) -> Option<(usize, usize)> {
    let into = (0..source.lexemes.len()).find(|at| words(source, *at, &["insert", "into"]))? + 1;
    let open = (into..into + 7).find(|at| source.is_mark(*at, '('))?;
    Some((open, source.close_of(open)?))
}

/// `SET tags[1] = ...` and `INSERT INTO t (tags[1])`, where the subscript is a literal.
fn subscript(source: &Source<'_>, at: usize, insert_list: Option<(usize, usize)>) -> Option<Step> {
    if !source.is_mark(at, '[')
        || !(is_name(source, before(at, 1)) || source.is_mark(before(at, 1), ']'))
    {
        return None;
    }
    let close = source.close_of(at)?;
    let literal = (at + 1..close).all(|inside| {
        source.lexeme(inside).is_some_and(|lexeme| {
            matches!(
                lexeme.kind,
                Kind::Text(_) | Kind::Number | Kind::Param | Kind::Mark(':')
            )
        })
    });
    let mut behind = close + 1;
    while source.is_mark(behind, '[') {
        behind = source.step(behind);
    }
    let is_equals = source
        .lexeme(behind)
        .is_some_and(|lexeme| lexeme.text(source.sql) == "=");
    let in_list = insert_list.is_some_and(|(open, close)| open < at && at < close);
    if literal && (is_equals || in_list) {
        skip(close + 1)
    } else {
        None
    }
}

fn common(source: &Source<'_>, at: usize) -> Option<Step> {
    // A name like any other, but not for the parser.
    if source.is_word(at, "top") && any(source, before(at, 1), &["select", "distinct", "all"]) {
        return Some(Step {
            shown: made(source, at, &[Token::make_word("top", Some('"'))]),
            next: at + 1,
        });
    }
    // The frame of a window may leave out rows.
    if source.is_word(at, "exclude") {
        let length = match () {
            () if words(source, at + 1, &["current", "row"])
                || words(source, at + 1, &["no", "others"]) =>
            {
                3
            }
            () if any(source, at + 1, &["group", "ties"]) => 2,
            () => return None,
        };
        return if source.is_mark(at + length, ')') {
            skip(at + length)
        } else {
            None
        };
    }
    // `ON CONFLICT (lower(email)) WHERE live DO`: what names the key is compared with the catalogue, not parsed.
    if words(source, before(at, 2), &["on", "conflict"]) && source.is_mark(at, '(') {
        let close = source.close_of(at)?;
        let plain =
            (at + 1..close).all(|inside| is_name(source, inside) || source.is_mark(inside, ','));
        let behind = match source.is_word(close + 1, "where") {
            true => source.find(close + 1, source.lexemes.len(), &["do"])?,
            false => close + 1,
        };
        if (plain && behind == close + 1) || !source.is_word(behind, "do") {
            return None;
        }
        let mut tokens = Vec::new();
        if plain {
            tokens.extend((at..=close).filter_map(|inside| shown(source, inside)));
        } else {
            tokens.extend(made(
                source,
                at,
                &[Token::LParen, word("expression"), Token::RParen],
            ));
        }
        return Some(Step {
            shown: tokens,
            next: behind,
        });
    }
    None
}
