//! The SQL in Rust sources: string literals that begin like a statement, and those that `concat!` or a small macro of string
//! literals puts together.

use std::{collections::HashMap, fs, path::Path};

/// Statements begin with these.
const BEGINNINGS: [&str; 7] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "TABLE ", "(SELECT ",
];

/// The statements in all sources below a folder, each text once, in order.
pub(super) fn statements_below(folder: &Path) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::new();
    for file in files_below(folder, "rs")? {
        let source = read(&file)?;
        for text in strings(&source) {
            if BEGINNINGS.iter().any(|begin| text.starts_with(begin)) && !found.contains(&text) {
                found.push(text);
            }
        }
    }
    Ok(found)
}

/// The files with this extension below a folder, sorted.
pub(super) fn files_below(
    folder: &Path,
    extension: &str,
) -> Result<Vec<std::path::PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            files.extend(files_below(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A file's text.
pub(super) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// All strings of a source, put together where the compiler does.
pub(super) fn strings(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let mut macros = HashMap::new();
    evaluate(&tokens, &mut macros, &HashMap::new())
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Text(String),
    Word(String),
    Mark(char),
}

/// A macro of one rule whose parameters are literals.
#[derive(Clone)]
struct Macro {
    parameters: Vec<String>,
    /// The one parameter takes any number of them.
    repeats: bool,
    body: Vec<Token>,
}

fn evaluate(
    tokens: &[Token],
    macros: &mut HashMap<String, Macro>,
    bound: &HashMap<String, Vec<String>>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, behind) {
            (Token::Text(text), _) => found.push(text.clone()),
            (Token::Mark('$'), [Token::Word(name), ..]) => {
                found.extend(bound.get(name).cloned().unwrap_or_default());
            }
            (Token::Word(word), [Token::Mark('!'), Token::Word(name), group @ ..])
                if word == "macro_rules" =>
            {
                let (inner, behind) = group_of(group);
                rest = behind;
                if let Some(rule) = rule(inner) {
                    macros.insert(name.clone(), rule);
                }
            }
            (Token::Word(word), [Token::Mark('!'), group @ ..]) => {
                let (inner, behind) = group_of(group);
                let parts = evaluate(inner, macros, bound);
                if word == "concat" {
                    found.push(parts.concat());
                } else if let Some(Macro {
                    parameters,
                    repeats,
                    body,
                }) = macros.get(word).cloned()
                {
                    let bound = match (&*parameters, repeats) {
                        ([only], true) => HashMap::from([(only.clone(), parts)]),
                        _ => parameters
                            .into_iter()
                            .zip(parts.into_iter().map(|part| vec![part]))
                            .collect(),
                    };
                    found.extend(evaluate(&body, macros, &bound));
                } else {
                    found.extend(parts);
                }
                rest = behind;
            }
            _ => {}
        }
    }
    found
}

/// `(pattern) => { body }`.
fn rule(tokens: &[Token]) -> Option<Macro> {
    let (pattern, behind) = group_of(tokens);
    let [Token::Mark('='), Token::Mark('>'), body @ ..] = behind else {
        return None;
    };
    let parameters = pattern
        .windows(3)
        .filter_map(|window| match window {
            [Token::Mark('$'), Token::Word(name), Token::Mark(':')] => Some(name.clone()),
            _ => None,
        })
        .collect();
    Some(Macro {
        parameters,
        repeats: pattern.starts_with(&[Token::Mark('$'), Token::Mark('(')]),
        body: group_of(body).0.to_vec(),
    })
}

/// What is in the brackets that the tokens open with, and what is behind them.
fn group_of(tokens: &[Token]) -> (&[Token], &[Token]) {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let inner = tokens.get(1..at).unwrap_or_default();
            return (inner, tokens.get(at + 1..).unwrap_or_default());
        }
    }
    (&[], &[])
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (token, length) = if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").map_or(rest.len(), |at| at + 2))
        } else if first == '"' {
            let (text, length) = text(rest);
            (Some(Token::Text(text)), length)
        } else if let Some((text, length)) = raw_text(rest) {
            (Some(Token::Text(text)), length)
        } else if first == '\'' {
            (None, character(rest))
        } else if first.is_alphanumeric() || first == '_' {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default().to_owned();
            (Some(Token::Word(word)), length)
        } else {
            let mark = (!first.is_whitespace()).then_some(Token::Mark(first));
            (mark, first.len_utf8())
        };
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

/// A string literal's value and its length in the source.
fn text(source: &str) -> (String, usize) {
    let mut value = String::new();
    let mut characters = source.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, at + 1),
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('\n') => while characters.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some(other) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    (value, source.len())
}

fn raw_text(source: &str) -> Option<(String, usize)> {
    let hashes = source.strip_prefix('r')?;
    let opened = hashes.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(hashes.len() - opened.len()));
    let inner = opened.strip_prefix('"')?;
    let length = inner.find(&end)?;
    let value = inner.get(..length)?.to_owned();
    Some((value, source.len() - inner.len() + length + end.len()))
}

/// The length of a character literal; of a lifetime only the quote.
fn character(source: &str) -> usize {
    let mut characters = source.char_indices().skip(1);
    let escaped = characters.next().is_some_and(|(_, c)| c == '\\');
    if escaped {
        let behind = source.get(3..).and_then(|rest| rest.find('\''));
        return behind.map_or(source.len(), |at| at + 4);
    }
    match characters.next() {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[&str]) {
        assert_eq!(strings(source), expected, "{source}");
    }

    #[test]
    fn literals() {
        check(
            r#"f("SELECT 1", 'x', "a\"b") // "no" "#,
            &["SELECT 1", "a\"b"],
        );
        check("g::<'a>(\"one \\\n    line\")", &["one line"]);
        check(
            "(r#\"raw \"text\"\"#, '\"', '\\'', \"x\")",
            &["raw \"text\"", "x"],
        );
    }

    #[test]
    fn put_together() {
        check(
            r#"
            macro_rules! select { ($($tail:literal),+) => { concat!("SELECT a ", $($tail),+) }; }
            macro_rules! page { ($order:literal) => { select!("ORDER BY ", $order, " LIMIT 1") } }
            fn f() { query(select!("WHERE b")); query(page!("c")); other!(db => query("SELECT 2")) }
            "#,
            &[
                "SELECT a WHERE b",
                "SELECT a ORDER BY c LIMIT 1",
                "SELECT 2",
            ],
        );
    }
}
