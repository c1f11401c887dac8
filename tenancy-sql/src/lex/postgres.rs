//! PostgreSQL's tokens, with `standard_conforming_strings` on (the pools pin it).

use super::{Cursor, Kind, LexError, Text};

const OPERATOR: &[char] = &[
    '~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '=',
];
/// A longer operator may end in `+` or `-` only if it has one of these.
const ALLOWS_SIGN: &[char] = &['~', '!', '@', '#', '^', '&', '|', '`', '?', '%'];

fn starts_word(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

fn continues_word(character: char) -> bool {
    starts_word(character) || character.is_ascii_digit() || character == '$'
}

pub(super) fn skip_blank(cursor: &mut Cursor<'_>) -> Result<(), LexError> {
    cursor.skip_while(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c'));
    if cursor.rest().starts_with("--") {
        cursor.skip_line_comment(&['\n', '\r']);
    } else if cursor.rest().starts_with("/*") {
        cursor.skip_block_comment(true)?;
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
        '"' => {
            cursor.skip_quoted('"', start)?;
            if cursor.at - start == 2 {
                return Err(cursor.error(start, "an empty identifier", "name it"));
            }
            Ok(Kind::Quoted('"'))
        }
        'e' | 'E' if cursor.second() == Some('\'') => {
            skip_escape_string(cursor)?;
            Ok(Kind::Text(Text::Escape))
        }
        'b' | 'B' | 'x' | 'X' | 'n' | 'N' if cursor.second() == Some('\'') => {
            cursor.skip(first);
            cursor.skip_quoted('\'', start)?;
            Ok(Kind::Text(match first {
                'b' | 'B' => Text::Bits,
                'x' | 'X' => Text::Hex,
                _ => Text::National,
            }))
        }
        'u' | 'U' if cursor.rest().get(1..3) == Some("&'") => {
            cursor.at += 2;
            cursor.skip_quoted('\'', start)?;
            Ok(Kind::Text(Text::Unicode))
        }
        'u' | 'U' if cursor.rest().get(1..3) == Some("&\"") => {
            cursor.at += 2;
            cursor.skip_quoted('"', start)?;
            Err(cursor.error(
                start,
                "an identifier with unicode escapes",
                "write its letters",
            ))
        }
        _ if starts_word(first) => {
            if first == '\u{feff}' {
                return Err(cursor.stray("a byte order mark", "remove it"));
            }
            cursor.skip_while(continues_word);
            Ok(Kind::Word)
        }
        '$' => dollar(cursor),
        '0'..='9' => number(cursor),
        '.' if cursor.second().is_some_and(|next| next.is_ascii_digit()) => number(cursor),
        '.' if cursor.second() == Some('.') => Err(cursor.stray("`..`", "remove it")),
        ':' if matches!(cursor.second(), Some(':' | '=')) => {
            cursor.at += 2;
            Ok(Kind::Operator)
        }
        '(' | ')' | '[' | ']' | ',' | ';' | '.' | ':' => {
            cursor.skip(first);
            Ok(Kind::Mark(first))
        }
        _ if OPERATOR.contains(&first) => {
            operator(cursor);
            Ok(Kind::Operator)
        }
        _ => Err(cursor.stray(
            "a character PostgreSQL's grammar does not have",
            "remove it or quote it",
        )),
    }
}

fn operator(cursor: &mut Cursor<'_>) {
    let rest = cursor.rest();
    let mut length = rest
        .find(|character| !OPERATOR.contains(&character))
        .unwrap_or(rest.len());
    for comment in ["--", "/*"] {
        if let Some(at) = rest.get(..length).and_then(|run| run.find(comment)) {
            length = at;
        }
    }
    while length > 1 {
        let run = rest.get(..length).unwrap_or_default();
        let before = run.get(..length - 1).unwrap_or_default();
        if !run.ends_with(['+', '-']) || before.contains(ALLOWS_SIGN) {
            break;
        }
        length -= 1;
    }
    cursor.at += length;
}

/// `$1`, or `$tag$ ... $tag$`.
fn dollar(cursor: &mut Cursor<'_>) -> Result<Kind, LexError> {
    let start = cursor.at;
    cursor.skip('$');
    if cursor.peek().is_some_and(|next| next.is_ascii_digit()) {
        cursor.skip_while(|character| character.is_ascii_digit());
        return match cursor.peek() {
            Some(next) if continues_word(next) => Err(cursor.error(
                start,
                "letters right behind a placeholder",
                "put a blank between them",
            )),
            _ => Ok(Kind::Param),
        };
    }
    if cursor.peek().is_some_and(starts_word) {
        cursor.skip_while(|character| continues_word(character) && character != '$');
    }
    if cursor.peek() != Some('$') {
        return Err(cursor.error(start, "a lone `$`", "write a placeholder as $1"));
    }
    cursor.skip('$');
    let tag = cursor.text.get(start..cursor.at).unwrap_or_default();
    match cursor.rest().find(tag) {
        Some(at) => {
            cursor.at += at + tag.len();
            Ok(Kind::Text(Text::Dollar(tag.len())))
        }
        None => Err(cursor.error(
            start,
            "a dollar quote that is never closed",
            "close it with the same tag",
        )),
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Kind, LexError> {
    let start = cursor.at;
    cursor.skip_while(|character| character.is_ascii_digit());
    if cursor.peek() == Some('.') && cursor.second() != Some('.') {
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

fn skip_escape_string(cursor: &mut Cursor<'_>) -> Result<(), LexError> {
    let start = cursor.at;
    cursor.at += 2;
    loop {
        cursor.skip_while(|character| character != '\'' && character != '\\');
        match cursor.peek() {
            None => return Err(cursor.error(start, "a quote that is never closed", "close it")),
            Some('\\') => {
                cursor.skip('\\');
                if let Some(escaped) = cursor.peek() {
                    cursor.skip(escaped);
                }
            }
            Some(quote) => {
                cursor.skip(quote);
                if cursor.peek() != Some('\'') {
                    return Ok(());
                }
                cursor.skip('\'');
            }
        }
    }
}
