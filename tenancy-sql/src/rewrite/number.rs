//! Placeholders written out: for drivers that bind by the engine's own numbers.

use super::placeholders::Placeholders;
use super::source::Source;
use super::{limits, parse};
use crate::lex::Kind;
use crate::{Catalog, Dialect, Refused};

/// The text with every placeholder as `?N`, or `None` if there is nothing to write differently.
///
/// SQLite numbers a bare `?` by what came before it in the text, and our own placeholder comes wherever a table is. Numbers
/// that are written out mean the same wherever they stand.
pub(crate) fn numbered(catalog: &Catalog, sql: &str) -> Result<Option<String>, Refused> {
    if catalog.dialect() == Dialect::Postgres {
        return Ok(None);
    }
    limits::check_bytes(sql, &limits::ORIGINAL)?;
    let lexemes = parse::tokens(catalog.dialect(), sql, &limits::ORIGINAL)?;
    if !lexemes.iter().any(|lexeme| lexeme.kind == Kind::Param) {
        // Whatever number the engine gives to the only placeholder, ours, it is one.
        return Ok(None);
    }
    let source = Source::new(catalog.dialect(), sql, lexemes, limits::ORIGINAL.depth)?;
    // Refuses a mixture of styles, which would look like one style afterwards.
    Placeholders::of(&source)?;
    let mut text = String::with_capacity(sql.len() + 16);
    let (mut copied, mut bare) = (0, 0_usize);
    for lexeme in source
        .lexemes
        .iter()
        .filter(|lexeme| lexeme.kind == Kind::Param)
    {
        text.push_str(sql.get(copied..lexeme.start).unwrap_or_default());
        text.push('?');
        match lexeme.text(sql).get(1..) {
            Some(digits) if !digits.is_empty() => text.push_str(digits),
            _ => {
                bare += 1;
                text.push_str(&bare.to_string());
            }
        }
        copied = lexeme.end;
    }
    text.push_str(sql.get(copied..).unwrap_or_default());
    Ok((text != sql).then_some(text))
}
