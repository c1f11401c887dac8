//! The placeholders of the original text: how many there are, how they are written, and how ours is.

use super::source::Source;
use crate::lex::Kind;
use crate::{Dialect, Refused, RefusedKind};

/// The most values the engine takes, less ours.
fn most(dialect: Dialect) -> usize {
    match dialect {
        Dialect::Postgres => 65_534,
        Dialect::Sqlite => 32_765,
    }
}

/// What the placeholders of a text come to.
pub(super) struct Placeholders {
    /// How many values the text takes.
    pub(super) params: usize,
    /// The tenant's placeholder.
    pub(super) tenant: String,
}

impl Placeholders {
    pub(super) fn of(source: &Source<'_>) -> Result<Self, Refused> {
        let mut style = None;
        let (mut bare, mut numbers) = (0_usize, Vec::new());
        for lexeme in source
            .lexemes
            .iter()
            .filter(|lexeme| lexeme.kind == Kind::Param)
        {
            let refuse = |why: &'static str, instead: &'static str| {
                Err(
                    Refused::new(RefusedKind::Placeholder, "a placeholder", why, instead).at(
                        source.sql,
                        lexeme.start,
                        lexeme.end,
                    ),
                )
            };
            let text = lexeme.text(source.sql);
            let (sign, digits) = text.split_at(1);
            // Bare `?`, `?1` and `$1` number differently, so only one of them can be counted.
            let this = (sign, digits.is_empty());
            if *style.get_or_insert(this) != this {
                return refuse(
                    "two styles of placeholders in one statement count differently",
                    "use one style",
                );
            }
            if digits.is_empty() {
                bare += 1;
            } else {
                match digits.parse::<usize>() {
                    Ok(number)
                        if (1..=most(source.dialect)).contains(&number)
                            && !digits.starts_with('0') =>
                    {
                        numbers.push(number);
                    }
                    _ => return refuse("its number is out of range", "number placeholders from 1"),
                }
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        let params = bare + numbers.len();
        if let Some(last) = numbers.last().filter(|last| **last != numbers.len()) {
            let missing = numbers
                .iter()
                .zip(1..)
                .find(|(number, expected)| *number != expected)
                .map_or(*last, |(_, it)| it);
            let place = source
                .lexemes
                .iter()
                .filter(|lexeme| lexeme.kind == Kind::Param)
                .find(|lexeme| {
                    lexeme
                        .text(source.sql)
                        .get(1..)
                        .is_some_and(|digits| digits.parse() == Ok(*last))
                })
                .map_or((0, source.sql.len()), |lexeme| (lexeme.start, lexeme.end));
            return Err(Refused::new(
                RefusedKind::Placeholder,
                format!("placeholder {last}"),
                format!("number {missing} is never used, so a bound value would have no place"),
                "number the placeholders without gaps",
            )
            .at(source.sql, place.0, place.1));
        }
        if params > most(source.dialect) {
            return Err(Refused::new(
                RefusedKind::Placeholder,
                "too many placeholders",
                "the engine takes fewer",
                "bind an array or split the statement",
            )
            .at(source.sql, 0, source.sql.len()));
        }
        // `$N` keeps the numbering of bare `?` in SQLite; among `?N` it would take the number of one of them.
        let sign = match (source.dialect, style) {
            (Dialect::Sqlite, Some(("?", false))) => '?',
            _ => '$',
        };
        Ok(Self {
            params,
            tenant: format!("{sign}{}", params + 1),
        })
    }
}
