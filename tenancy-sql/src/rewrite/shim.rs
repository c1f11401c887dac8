//! Where the parser has gaps: tokens it does not know are left out for it, where they can hold no name of a relation, and a
//! few forms are written in the longer way it knows. The text keeps what was left out.

use sqlparser::tokenizer::TokenWithSpan;

use super::source::Source;
use super::splice::Edit;
use crate::Refused;
use crate::lex::parser_token;

/// What has to be rewritten so that the text says the same as the parser's tokens.
#[derive(Debug, Default)]
pub(super) struct Shimmed {
    pub(super) edits: Vec<Edit>,
    /// Names that `ONLY` was taken away from, by index of the token.
    pub(super) only: Vec<usize>,
}

/// The tokens for the parser.
pub(super) fn shim(source: &Source<'_>) -> Result<(Vec<TokenWithSpan>, Shimmed), Refused> {
    let tokens = source
        .lexemes
        .iter()
        .map(|lexeme| parser_token(source.dialect, source.sql, lexeme))
        .collect();
    Ok((tokens, Shimmed::default()))
}
