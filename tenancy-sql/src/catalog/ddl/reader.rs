//! A place in the tokens of one statement, with the few moves the DDL readers need.

use super::super::{CatalogError, CatalogErrorKind};
use crate::Dialect;
use crate::lex::{Kind, Lexeme, Text};
use crate::names;

/// See the module.
pub(super) struct Reader<'a> {
    pub(super) dialect: Dialect,
    file: &'a str,
    sql: &'a str,
    lexemes: &'a [Lexeme],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        dialect: Dialect,
        file: &'a str,
        sql: &'a str,
        lexemes: &'a [Lexeme],
    ) -> Self {
        Self {
            dialect,
            file,
            sql,
            lexemes,
            at: 0,
        }
    }

    pub(super) fn sql(&self) -> &'a str {
        self.sql
    }

    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    pub(super) fn rest(&self) -> &'a [Lexeme] {
        self.lexemes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn next(&self) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at)
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.lexemes.len()
    }

    /// Whether the next token is that word, mark or operator.
    pub(super) fn peek(&self, text: &str) -> bool {
        self.next().is_some_and(|lexeme| {
            matches!(lexeme.kind, Kind::Word | Kind::Mark(_) | Kind::Operator)
                && lexeme.text(self.sql).eq_ignore_ascii_case(text)
        })
    }

    /// Whether the tokens ahead are those words.
    pub(super) fn peek_all(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(nth, word)| {
            self.lexemes
                .get(self.at + nth)
                .is_some_and(|lexeme| lexeme.is_word(self.sql, word))
        })
    }

    /// Moves past that word, mark or operator if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let taken = self.peek(text);
        self.at += usize::from(taken);
        taken
    }

    /// Moves past all of those words if they are next.
    pub(super) fn take_all(&mut self, words: &[&str]) -> bool {
        let taken = self.peek_all(words);
        self.at += if taken { words.len() } else { 0 };
        taken
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), CatalogError> {
        if self.take(text) {
            Ok(())
        } else {
            Err(self.not_understood(format!("`{text}` was expected here")))
        }
    }

    /// Moves past one token.
    pub(super) fn skip_one(&mut self) {
        self.at += 1;
    }

    /// Moves past one token, or past a whole group in parentheses or brackets.
    pub(super) fn skip(&mut self) {
        let Some(first) = self.next() else { return };
        let close = match first.kind {
            Kind::Mark('(') => ')',
            Kind::Mark('[') => ']',
            _ => {
                self.at += 1;
                return;
            }
        };
        let (open, mut depth) = (first.kind, 0_usize);
        while let Some(lexeme) = self.next() {
            self.at += 1;
            if lexeme.kind == open {
                depth += 1;
            } else if lexeme.is_mark(close) {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
        }
    }

    /// A reader of what is inside the parentheses that are next, and this one past them.
    pub(super) fn group(&mut self) -> Result<Reader<'a>, CatalogError> {
        if !self.peek("(") {
            return Err(self.not_understood("`(` was expected here"));
        }
        let start = self.at + 1;
        self.skip();
        let inside = self
            .lexemes
            .get(start..self.at.saturating_sub(1).max(start))
            .unwrap_or_default();
        Ok(Reader {
            lexemes: inside,
            at: 0,
            ..*self
        })
    }

    /// The parts between the commas of the whole reader.
    pub(super) fn parts(&self) -> Vec<Reader<'a>> {
        let mut parts = Vec::new();
        let (mut start, mut depth) = (self.at, 0_usize);
        for (at, lexeme) in self.lexemes.iter().enumerate().skip(self.at) {
            match lexeme.kind {
                Kind::Mark('(' | '[') => depth += 1,
                Kind::Mark(')' | ']') => depth = depth.saturating_sub(1),
                Kind::Mark(',') if depth == 0 => {
                    parts.push((start, at));
                    start = at + 1;
                }
                _ => {}
            }
        }
        parts.push((start, self.lexemes.len()));
        parts
            .into_iter()
            .map(|(from, to)| Reader {
                lexemes: self.lexemes.get(from..to).unwrap_or_default(),
                at: 0,
                ..*self
            })
            .collect()
    }

    /// One name, folded.
    pub(super) fn name(&mut self) -> Result<Box<str>, CatalogError> {
        let quoted_text = |lexeme: &Lexeme| {
            let text = lexeme.text(self.sql);
            text.get(1..text.len() - 1).unwrap_or_default()
        };
        let name = match self.next() {
            Some(lexeme) if lexeme.kind == Kind::Word => {
                names::fold(self.dialect, lexeme.text(self.sql), None)
            }
            Some(lexeme) => match (lexeme.kind, self.dialect) {
                (Kind::Quoted(quote), _) => {
                    names::fold(self.dialect, quoted_text(lexeme), Some(quote))
                }
                (Kind::Text(Text::Plain), Dialect::Sqlite) => {
                    names::fold(self.dialect, quoted_text(lexeme), Some('\''))
                }
                _ => return Err(self.not_understood("a name was expected here")),
            },
            None => {
                return Err(self.not_understood("a name was expected here, but the statement ends"));
            }
        };
        self.at += 1;
        Ok(name.into())
    }

    /// A name that may be qualified; the default schema is dropped, another one is kept as `schema.name`.
    pub(super) fn relation(&mut self) -> Result<Box<str>, CatalogError> {
        let mut name = self.name()?;
        let default = match self.dialect {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };
        while self.take(".") {
            let part = self.name()?;
            name = if &*name == default {
                part
            } else {
                format!("{name}.{part}").into()
            };
        }
        Ok(name)
    }

    /// The names in the parentheses that are next, such as the columns of a key. `None` for an expression.
    pub(super) fn key_columns(&mut self) -> Result<Vec<KeyPart>, CatalogError> {
        let group = self.group()?;
        let mut columns = Vec::new();
        for mut part in group.parts() {
            let text = part.normalised();
            let column = part.name();
            let plain = part.rest().iter().all(|lexeme| lexeme.kind == Kind::Word);
            columns.push(match column {
                Ok(name) if plain => KeyPart {
                    text: name,
                    expression: false,
                },
                _ => KeyPart {
                    text: text.into(),
                    expression: true,
                },
            });
        }
        Ok(columns)
    }

    /// What is left, with single blanks between tokens and words in lower case.
    pub(super) fn normalised(&self) -> String {
        normalise(self.sql, self.rest())
    }

    pub(super) fn not_understood(&self, message: impl Into<String>) -> CatalogError {
        self.error(CatalogErrorKind::NotUnderstood, message.into())
    }

    pub(super) fn missing(&self, what: impl AsRef<str>) -> CatalogError {
        let what = what.as_ref();
        self.error(
            CatalogErrorKind::Missing,
            format!("{what} is not there: give the migrations in the order they are applied, all of them"),
        )
    }

    pub(super) fn duplicate(&self, what: impl AsRef<str>) -> CatalogError {
        let what = what.as_ref();
        self.error(
            CatalogErrorKind::Duplicate,
            format!("{what} is there already: rename or drop one of the two"),
        )
    }

    fn error(&self, kind: CatalogErrorKind, message: String) -> CatalogError {
        let offset = self
            .next()
            .or(self.lexemes.last())
            .map_or(0, |lexeme| lexeme.start);
        CatalogError::new(kind, message)
            .at(self.sql, offset)
            .in_file(self.file)
    }
}

/// One part of a key.
pub(super) struct KeyPart {
    pub(super) text: Box<str>,
    pub(super) expression: bool,
}

/// Tokens with single blanks between them and words in lower case, for comparing expressions.
pub(crate) fn normalise(sql: &str, lexemes: &[Lexeme]) -> String {
    let mut text = String::new();
    for lexeme in lexemes {
        if !text.is_empty() {
            text.push(' ');
        }
        match lexeme.kind {
            Kind::Word => text.push_str(&lexeme.text(sql).to_ascii_lowercase()),
            _ => text.push_str(lexeme.text(sql)),
        }
    }
    text
}
