//! Reads the statements of a migration and applies to the catalogue those that make, change or drop tables, indexes,
//! views and functions. Kinds that can't are skipped; a table statement that is not understood is an error, never skipped.

mod alter;
mod create;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use super::{CatalogError, CatalogErrorKind, Table};
use crate::Dialect;
use crate::lex::{LexError, Lexeme, lex};
use reader::Reader;
pub(crate) use reader::normalise;

/// What the migrations made so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tables: BTreeMap<Box<str>, Table>,
    pub(super) views: BTreeSet<Box<str>>,
    pub(super) routines: BTreeSet<Box<str>>,
    /// Parents of a partitioned or inherited table, for `ONLY`.
    pub(super) parents: BTreeSet<Box<str>>,
}

/// Statements that don't touch what the catalogue records.
const IRRELEVANT: &[&str] = &[
    "analyze",
    "attach",
    "begin",
    "call",
    "checkpoint",
    "cluster",
    "comment",
    "commit",
    "copy",
    "deallocate",
    "delete",
    "detach",
    "discard",
    "do",
    "end",
    "execute",
    "explain",
    "grant",
    "insert",
    "listen",
    "lock",
    "merge",
    "notify",
    "pragma",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "replace",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "set",
    "show",
    "start",
    "truncate",
    "unlisten",
    "update",
    "vacuum",
    "values",
];

impl Draft {
    /// Applies one migration.
    pub(super) fn apply(
        &mut self,
        dialect: Dialect,
        file: &str,
        sql: &str,
    ) -> Result<(), CatalogError> {
        let lexemes = lex(dialect, sql).map_err(
            |LexError {
                 start,
                 met,
                 instead,
                 ..
             }| {
                CatalogError::new(CatalogErrorKind::Malformed, format!("{met}: {instead}"))
                    .at(sql, start)
                    .in_file(file)
            },
        )?;
        for statement in split(sql, &lexemes) {
            let mut reader = Reader::new(dialect, file, sql, statement);
            self.statement(&mut reader)?;
        }
        Ok(())
    }

    fn statement(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        if reader.take("create") {
            self.create(reader)
        } else if reader.take("alter") {
            self.alter(reader)
        } else if reader.take("drop") {
            self.drop(reader)
        } else if reader.peek("select") || reader.peek("with") || reader.peek("(") {
            // `SELECT ... INTO t` makes a table.
            if reader
                .rest()
                .iter()
                .any(|lexeme| lexeme.is_word(reader.sql(), "into"))
                && !reader
                    .rest()
                    .iter()
                    .any(|lexeme| lexeme.is_word(reader.sql(), "insert"))
            {
                return Err(reader.not_understood("SELECT ... INTO makes a table whose columns can't be read here: create it with CREATE TABLE"));
            }
            Ok(())
        } else if IRRELEVANT.iter().any(|word| reader.peek(word)) {
            Ok(())
        } else {
            Err(reader.not_understood("an unknown kind of statement: if it makes or changes a table, write it as CREATE TABLE or ALTER TABLE"))
        }
    }

    fn drop(&mut self, reader: &mut Reader<'_>) -> Result<(), CatalogError> {
        let materialized = reader.take("materialized");
        if reader.take("table") || (reader.take("foreign") && reader.take("table")) {
            let if_exists = reader.take("if") && reader.take("exists");
            loop {
                let name = reader.relation()?;
                if self.tables.remove(&*name).is_none() && !if_exists {
                    return Err(reader.missing(format!("table `{name}`")));
                }
                if !reader.take(",") {
                    return Ok(());
                }
            }
        }
        if reader.take("view") || materialized {
            reader.take("if");
            reader.take("exists");
            loop {
                let name = reader.relation()?;
                self.views.remove(&*name);
                if !reader.take(",") {
                    return Ok(());
                }
            }
        }
        if reader.take("index") {
            reader.take("concurrently");
            reader.take("if");
            reader.take("exists");
            loop {
                let name = reader.relation()?;
                for table in self.tables.values_mut() {
                    table
                        .indexes
                        .retain(|index| index.name.as_deref() != Some(&*name));
                    table.uniques.retain(|unique| {
                        unique.constraint || unique.name.as_deref() != Some(&*name)
                    });
                }
                if !reader.take(",") {
                    return Ok(());
                }
            }
        }
        if reader.take("trigger") || reader.take("rule") {
            reader.take_all(&["if", "exists"]);
            let name = reader.relation()?;
            let on = if reader.take("on") {
                Some(reader.relation()?)
            } else {
                None
            };
            for table in self.tables.values_mut() {
                if on.as_deref().is_none_or(|on| *on == *table.name) {
                    table.triggers.retain(|trigger| *trigger != name);
                }
            }
            return Ok(());
        }
        if reader.take("schema") {
            return Err(reader
                .not_understood("DROP SCHEMA drops tables this can't follow: drop them by name"));
        }
        Ok(())
    }
}

/// Cuts the tokens into statements at `;`, except inside the body of a trigger or of a function written in SQL.
fn split<'a>(sql: &str, lexemes: &'a [Lexeme]) -> Vec<&'a [Lexeme]> {
    let mut statements = Vec::new();
    let (mut start, mut depth, mut block) = (0, 0_usize, 0_usize);
    let mut has_body = false;
    for (at, lexeme) in lexemes.iter().enumerate() {
        if at == start {
            let head = lexemes
                .get(at..(at + 5).min(lexemes.len()))
                .unwrap_or_default();
            has_body = lexeme.is_word(sql, "create")
                && head.iter().any(|word| {
                    ["trigger", "function", "procedure"]
                        .iter()
                        .any(|kind| word.is_word(sql, kind))
                });
        }
        if lexeme.is_mark('(') {
            depth += 1;
        } else if lexeme.is_mark(')') {
            depth = depth.saturating_sub(1);
        } else if has_body
            && (lexeme.is_word(sql, "begin") || (block > 0 && lexeme.is_word(sql, "case")))
        {
            block += 1;
        } else if block > 0 && lexeme.is_word(sql, "end") {
            block -= 1;
        } else if lexeme.is_mark(';') && depth == 0 && block == 0 {
            statements.push(lexemes.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    statements.push(lexemes.get(start..).unwrap_or_default());
    statements.retain(|statement| !statement.is_empty());
    statements
}
