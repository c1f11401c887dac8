//! Text to syntax tree. Both the original and the spliced text come through here.

use sqlparser::ast::Statement;
use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::conflicts::{self, Clause};
use super::kinds;
use super::limits::{Limits, check_lexemes};
use super::shim::{Shimmed, shim};
use super::source::Source;
use crate::lex::{LexError, Lexeme, lex};
use crate::{Dialect, Refused, RefusedKind};

/// A parsed text.
pub(super) struct Parsed<'a> {
    pub(super) source: Source<'a>,
    pub(super) statement: Statement,
    /// The conflict clauses of SQLite that the parser did not see.
    pub(super) conflicts: Vec<Clause>,
    pub(super) shimmed: Shimmed,
}

/// Cuts a text into tokens and counts them.
pub(super) fn tokens(dialect: Dialect, sql: &str, limits: &Limits) -> Result<Vec<Lexeme>, Refused> {
    let lexemes = lex(dialect, sql).map_err(
        |LexError {
             start,
             end,
             met,
             instead,
         }| {
            Refused::new(
                RefusedKind::Token,
                met,
                "the engine may read it in another way",
                instead,
            )
            .at(sql, start, end)
        },
    )?;
    check_lexemes(sql, &lexemes, limits)?;
    Ok(lexemes)
}

/// Shims and parses one text that must hold one statement.
pub(super) fn parse<'a>(
    dialect: Dialect,
    sql: &'a str,
    lexemes: Vec<Lexeme>,
    limits: &Limits,
) -> Result<Parsed<'a>, Refused> {
    let source = Source::new(dialect, sql, lexemes, limits.depth)?;
    kinds::check(&source)?;
    let mut shimmed = Shimmed::default();
    let (mut tokens, mut conflicts) = (Vec::new(), Vec::new());
    let mut at = 0;
    for place in conflicts::places(&source) {
        tokens.extend(shim(&source, at..place.start, &mut shimmed));
        at = place.end;
        let shown = shim(&source, place.clone(), &mut shimmed);
        let parse = |tokens| statement(dialect, sql, tokens);
        conflicts.push(conflicts::clause(&source, place, shown, parse)?);
    }
    tokens.extend(shim(&source, at..source.lexemes.len(), &mut shimmed));
    let statement = statement(dialect, sql, tokens)?;
    Ok(Parsed {
        source,
        statement,
        conflicts,
        shimmed,
    })
}

fn statement(
    dialect: Dialect,
    sql: &str,
    tokens: Vec<TokenWithSpan>,
) -> Result<Statement, Refused> {
    let postgres = PostgreSqlDialect {};
    let sqlite = SQLiteDialect {};
    let options = ParserOptions::new().with_unescape(false);
    let parser = match dialect {
        Dialect::Postgres => Parser::new(&postgres),
        Dialect::Sqlite => Parser::new(&sqlite),
    };
    let mut parser = parser
        .with_options(options)
        .with_tokens_with_locations(tokens);
    let statement = parser
        .parse_statement()
        .map_err(|error| refused(sql, &error))?;
    // The parser's own loop over statements stops at a bare END and leaves the rest unread, which SQLite goes on with.
    let mut ended = false;
    while parser.consume_token(&Token::SemiColon) {
        ended = true;
    }
    let TokenWithSpan { token, span } = parser.peek_token();
    if token == Token::EOF {
        return Ok(statement);
    }
    let start = usize::try_from(span.start.column)
        .unwrap_or(1)
        .saturating_sub(1);
    Err(if ended {
        Refused::new(
            RefusedKind::StatementCount,
            "more than one statement",
            "each is checked and bound on its own",
            "send one statement at a time",
        )
    } else {
        Refused::new(
            RefusedKind::Syntax,
            format!("`{token}` behind a statement"),
            "the statement ends before it for the parser, and what the engine makes of it is unknown",
            "check the syntax; if the engine takes it, write it in a plainer way",
        )
    }
    .at(sql, start, sql.len()))
}

fn refused(sql: &str, error: &ParserError) -> Refused {
    let (message, kind) = match error {
        ParserError::RecursionLimitExceeded => {
            ("it is nested too deeply".to_owned(), RefusedKind::TooLarge)
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            (message.clone(), RefusedKind::Syntax)
        }
    };
    // The parser's locations are byte offsets on line 1.
    let (message, place) = match message.split_once(" at Line: 1, Column: ") {
        Some((message, column)) => (message.to_owned(), column.trim().parse::<usize>().ok()),
        None => (message, None),
    };
    let start = place.map_or(sql.len(), |column| column.saturating_sub(1));
    Refused::new(
        kind,
        "a statement that can't be read",
        message.to_lowercase(),
        "check the syntax; if the engine takes it, write it in a plainer way",
    )
    .at(sql, start, start + 1)
}
