//! The text of a statement cut into the engine's tokens, with byte offsets. One file per engine, because what is a string
//! and what is a comment differs, and a tokenizer that disagrees with the server is a hole. What the tokens mean is the
//! parser's business; `parser` turns them into the parser's own.

mod parser;
mod postgres;
mod sqlite;

pub(crate) use parser::parser_token;

use crate::Dialect;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A bare word: keyword or identifier.
    Word,
    /// A quoted identifier, by its opening quote.
    Quoted(char),
    /// A string literal.
    Text(Text),
    /// A number.
    Number,
    /// A placeholder.
    Param,
    /// An operator, longest match as the engine takes it.
    Operator,
    /// One of `( ) [ ] , ; . :`.
    Mark(char),
}

/// The kinds of string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Plain,
    Escape,
    Bits,
    Hex,
    National,
    Unicode,
    /// With the length of `$tag$`.
    Dollar(usize),
}

/// One token. Blanks and comments are not tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexeme {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Why a text is not made of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LexError {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) met: &'static str,
    pub(crate) instead: &'static str,
}

/// Cuts a text into tokens.
pub(crate) fn lex(dialect: Dialect, sql: &str) -> Result<Vec<Lexeme>, LexError> {
    // Both engines end the text there, wherever it is.
    if let Some(start) = sql.find('\0') {
        return Err(LexError {
            start,
            end: start + 1,
            met: "a NUL character",
            instead: "remove it",
        });
    }
    let mut cursor = Cursor { text: sql, at: 0 };
    let mut lexemes = Vec::with_capacity(sql.len() / 4);
    loop {
        let start = cursor.at;
        match dialect {
            Dialect::Postgres => postgres::skip_blank(&mut cursor)?,
            Dialect::Sqlite => sqlite::skip_blank(&mut cursor)?,
        }
        if cursor.at > start {
            continue;
        }
        let Some(first) = cursor.peek() else {
            return Ok(lexemes);
        };
        let kind = match dialect {
            Dialect::Postgres => postgres::token(&mut cursor, first)?,
            Dialect::Sqlite => sqlite::token(&mut cursor, first)?,
        };
        // PostgreSQL goes on with the first literal in the second, by the first one's rules.
        let after_text = lexemes
            .last()
            .is_some_and(|last: &Lexeme| matches!(last.kind, Kind::Text(_)));
        if dialect == Dialect::Postgres && after_text && matches!(kind, Kind::Text(_)) {
            return Err(cursor.error(
                start,
                "a literal right behind another",
                "write one literal, or `||` between them",
            ));
        }
        lexemes.push(Lexeme {
            kind,
            start,
            end: cursor.at,
        });
    }
}

impl Lexeme {
    /// The text of the token.
    pub(crate) fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether it is that bare word, in any case.
    pub(crate) fn is_word(&self, sql: &str, word: &str) -> bool {
        self.kind == Kind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// Whether it is that mark.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// A place in a text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn skip(&mut self, character: char) {
        self.at += character.len_utf8();
    }

    fn skip_while(&mut self, mut wanted: impl FnMut(char) -> bool) {
        let rest = self.rest();
        self.at += rest
            .find(|character| !wanted(character))
            .unwrap_or(rest.len());
    }

    /// Past the closing quote, where a doubled quote stands for one; the opening quote is at the cursor.
    fn skip_quoted(&mut self, quote: char, start: usize) -> Result<(), LexError> {
        self.skip(quote);
        loop {
            self.skip_while(|character| character != quote);
            if self.peek().is_none() {
                return Err(self.error(start, "a quote that is never closed", "close it"));
            }
            self.skip(quote);
            if self.peek() != Some(quote) {
                return Ok(());
            }
            self.skip(quote);
        }
    }

    /// Past `-- ...`, up to the end of the line.
    fn skip_line_comment(&mut self, ends: &[char]) {
        self.skip_while(|character| !ends.contains(&character));
    }

    /// Past `/* ... */`; the cursor is at its start.
    fn skip_block_comment(&mut self, nested: bool) -> Result<(), LexError> {
        let start = self.at;
        if self.rest().starts_with("/*+") || self.rest().starts_with("/*!") {
            self.at += 3;
            return Err(self.error(start, "a comment that some engines execute", "remove it"));
        }
        self.at += 2;
        let mut depth = 1;
        while depth > 0 {
            self.skip_while(|character| character != '*' && character != '/');
            let rest = self.rest();
            if rest.is_empty() {
                return Err(self.error(
                    start,
                    "a comment that is never closed",
                    "close it with */",
                ));
            }
            if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else if nested && rest.starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else {
                self.at += 1;
            }
        }
        Ok(())
    }

    fn error(&self, start: usize, met: &'static str, instead: &'static str) -> LexError {
        LexError {
            start,
            end: self.at,
            met,
            instead,
        }
    }

    /// An error about the one character at the cursor.
    fn stray(&self, met: &'static str, instead: &'static str) -> LexError {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        LexError {
            start: self.at,
            end,
            met,
            instead,
        }
    }
}

#[cfg(test)]
mod tests;
