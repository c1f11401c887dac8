//! Conditions as `EXPLAIN` prints them: every AND, OR and comparison in parentheses of its own. Reads no SQL but that.

use std::{borrow::Cow, collections::HashMap};

/// What is joined by AND, at any depth.
pub(super) fn conjuncts(text: &str) -> Vec<&str> {
    let inner = without_parentheses(text);
    match *split(inner, " AND ") {
        [_] => vec![inner],
        ref parts => parts.iter().flat_map(|part| conjuncts(part)).collect(),
    }
}

/// Whether a condition cannot hold where `is_wanted` does not.
pub(super) fn implies(text: &str, is_wanted: &impl Fn(&str) -> bool) -> bool {
    let inner = without_parentheses(text);
    let (all, any) = (split(inner, " AND "), split(inner, " OR "));
    match (all.len(), any.len()) {
        (1, 1) => is_wanted(inner),
        (_, 1) => all.iter().any(|part| implies(part, is_wanted)),
        (1, _) => any.iter().all(|part| implies(part, is_wanted)),
        // `EXPLAIN` never mixes them without parentheses.
        _ => false,
    }
}

/// The text with the qualifiers of columns replaced; one that becomes empty goes with its dot.
pub(super) fn renamed(text: &str, names: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '\'' | '"' => quoted_end(rest, first),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(end);
        let name = match behind.strip_prefix('.') {
            Some(column) => names.get(&*folded(token)).map(|name| (name, column)),
            None => None,
        };
        match name {
            Some((name, column)) if name.is_empty() => rest = column,
            Some((name, _)) => {
                out.push_str(name);
                rest = behind;
            }
            None => {
                out.push_str(token);
                rest = behind;
            }
        }
    }
    out
}

/// A name as it is, without the quotes it needs in a text.
pub(super) fn folded(token: &str) -> Cow<'_, str> {
    match token
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(inner) => Cow::Owned(inner.replace("\"\"", "\"")),
        None => Cow::Borrowed(token),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Where what opens with this quote ends; a doubled one stands for itself.
fn quoted_end(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// The text in parentheses, if they are around all of it.
fn without_parentheses(text: &str) -> &str {
    let mut text = text;
    while let Some(inner) = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .filter(|inner| is_balanced(inner))
    {
        text = inner;
    }
    text
}

fn is_balanced(text: &str) -> bool {
    let mut lowest = 0;
    walk(text, |_, depth| lowest = lowest.min(depth));
    lowest == 0
}

/// The parts of a text between a word that stands outside parentheses and quotes.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut starts = Vec::new();
    walk(text, |at, depth| {
        if depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with(word)) {
            starts.push(at);
        }
    });
    let (mut parts, mut start) = (Vec::new(), 0);
    for at in starts {
        parts.push(text.get(start..at).unwrap_or_default());
        start = at + word.len();
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Calls back for each character outside quotes, with the depth of parentheses behind it.
fn walk(text: &str, mut visit: impl FnMut(usize, i32)) {
    let (mut depth, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) => {
                if c == open {
                    quote = None;
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, _) => {}
        }
        visit(at, depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conjunctions() {
        assert_eq!(conjuncts("(a = $1)"), ["a = $1"]);
        assert_eq!(
            conjuncts("((l.a = $1) AND ((b) AND (c OR d)))"),
            ["l.a = $1", "b", "c OR d"]
        );
        assert_eq!(conjuncts("(a = ' AND ')"), ["a = ' AND '"]);
        assert_eq!(conjuncts("(a) = (b)"), ["(a) = (b)"]);
    }

    #[test]
    fn implications() {
        let check = |text, expected| {
            assert_eq!(
                implies(text, &|part| part == "l.t = $1"),
                expected,
                "{text}"
            );
        };
        check("(l.t = $1)", true);
        check("((l.t = $1) AND (l.id = 1))", true);
        check("((l.id = 1) AND ((l.t = $1) AND b))", true);
        check(
            "(((l.t = $1) AND (a = 1)) OR ((l.t = $1) AND (a = 2)))",
            true,
        );
        check("((l.t = $1) OR (l.id = 1))", false);
        check("(NOT (l.t = $1))", false);
        check("((l.t = $1) IS NULL)", false);
        check("(l.t = $12)", false);
        check("(m.t = $1)", false);
        check("(l.name = ') AND (l.t = $1) AND (')", false);
        check("l.t = $1 OR a AND b", false);
        check("", false);
    }

    #[test]
    fn renaming() {
        let names = [("l", "leads#1"), ("odd \"one", "odd#1")]
            .map(|(from, to)| (from.to_owned(), to.to_owned()))
            .into();
        assert_eq!(
            renamed(
                "((l.id = 'l.x') AND (\"odd \"\"one\".id = l) AND xl.a)",
                &names
            ),
            "((leads#1.id = 'l.x') AND (odd#1.id = l) AND xl.a)"
        );
    }
}
