//! SQLite's tokens.

use super::{Cursor, Kind, LexError, Text};

fn starts_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn continues_word(character: char) -> bool {
    starts_word(character) || character.is_ascii_digit() || character == '$'
}

pub(super) fn skip_blank(cursor: &mut Cursor<'_>) -> Result<(), LexError> {
    cursor.skip_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c'));
    if cursor.rest().starts_with("--") {
        cursor.skip_line_comment(&['\n']);
    } else if cursor.rest().starts_with("/*") {
        cursor.skip_block_comment(false)?;
    }
    Ok(())
}

pub(super) fn token(cursor: &mut Cursor<'_>, first: char) -> Result<Kind, LexError> {
    let start = cursor.at;
    match first {
        '\'' => {
            cursor.skip_quoted('\'', start)?;
            Ok(Kind::Text(Text::Plain))
        }
        '"' | '`' => {
            cursor.skip_quoted(first, start)?;
            Ok(Kind::Quoted(first))
        }
        '[' => {
            cursor.skip_while(|character| character != ']');
            if cursor.peek().is_none() {
                return Err(cursor.error(start, "a bracket that is never closed", "close it"));
            }
            cursor.skip(']');
            Ok(Kind::Quoted('['))
        }
        'x' | 'X' if cursor.second() == Some('\'') => {
            cursor.skip(first);
            cursor.skip_quoted('\'', start)?;
            Ok(Kind::Text(Text::Hex))
        }
        _ if starts_word(first) => {
            if first == '\u{feff}' {
                return Err(cursor.stray("a byte order mark", "remove it"));
            }
            cursor.skip_while(continues_word);
            Ok(Kind::Word)
        }
        '?' | '$' => {
            cursor.skip(first);
            cursor.skip_while(|character| character.is_ascii_digit());
            let bare = cursor.at - start == 1;
            match cursor.peek() {
                Some(next) if continues_word(next) || next == ':' => {
                    Err(cursor.error(start, "a named placeholder", "write ?, ?1 or $1"))
                }
                _ if bare && first == '$' => {
                    Err(cursor.error(start, "a lone `$`", "write ?, ?1 or $1"))
                }
                _ => Ok(Kind::Param),
            }
        }
        '@' | ':' | '#' => Err(cursor.stray("a named placeholder", "write ?, ?1 or $1")),
        '0'..='9' => number(cursor),
        '.' if cursor.second().is_some_and(|next| next.is_ascii_digit()) => number(cursor),
        '(' | ')' | ',' | ';' | '.' => {
            cursor.skip(first);
            Ok(Kind::Mark(first))
        }
        _ => {
            const OPERATORS: [&str; 21] = [
                "->>", "->", "==", "=", "<=", "<>", "<<", "<", ">=", ">>", ">", "!=", "||", "|",
                "&", "~", "+", "-", "*", "/", "%",
            ];
            let Some(operator) = OPERATORS
                .into_iter()
                .find(|operator| cursor.rest().starts_with(operator))
            else {
                return Err(cursor.stray(
                    "a character SQLite's grammar does not have",
                    "remove it or quote it",
                ));
            };
            cursor.at += operator.len();
            Ok(Kind::Operator)
        }
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Kind, LexError> {
    let start = cursor.at;
    if cursor.rest().starts_with("0x") || cursor.rest().starts_with("0X") {
        cursor.at += 2;
        cursor.skip_while(|character| character.is_ascii_hexdigit());
    } else {
        cursor.skip_while(|character| character.is_ascii_digit());
        if cursor.peek() == Some('.') {
            cursor.skip('.');
            cursor.skip_while(|character| character.is_ascii_digit());
        }
        if matches!(cursor.peek(), Some('e' | 'E')) {
            let (at, sign) = (cursor.at, cursor.second());
            cursor.at += 1 + usize::from(matches!(sign, Some('+' | '-')));
            if cursor.peek().is_some_and(|next| next.is_ascii_digit()) {
                cursor.skip_while(|character| character.is_ascii_digit());
            } else {
                cursor.at = at;
            }
        }
    }
    match cursor.peek() {
        Some(next) if continues_word(next) => {
            cursor.skip_while(continues_word);
            Err(cursor.error(
                start,
                "letters right behind a number",
                "put a blank between them",
            ))
        }
        _ => Ok(Kind::Number),
    }
}
