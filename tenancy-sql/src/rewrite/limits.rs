//! How large a statement may be, so that a hostile text costs microseconds and not the stack.

use crate::lex::{Kind, Lexeme};
use crate::{Refused, RefusedKind};

/// The caps on one statement.
pub(super) struct Limits {
    pub(super) bytes: usize,
    pub(super) tokens: usize,
    pub(super) depth: usize,
    /// Operators and set operations outside parentheses of their own build a tree as deep as there are many.
    pub(super) chain: usize,
}

/// For the text of a caller.
pub(super) const ORIGINAL: Limits = Limits {
    bytes: 512 * 1024,
    tokens: 100_000,
    depth: 40,
    chain: 4_000,
};
/// For that text with ours spliced in.
pub(super) const SPLICED: Limits = Limits {
    bytes: usize::MAX,
    tokens: usize::MAX,
    depth: 44,
    chain: 12_000,
};

/// Refuses a text that is too long to be looked at.
pub(super) fn check_bytes(sql: &str, limits: &Limits) -> Result<(), Refused> {
    if sql.len() <= limits.bytes {
        return Ok(());
    }
    Err(Refused::new(
        RefusedKind::TooLarge,
        format!("a statement of {} bytes", sql.len()),
        format!("the firewall reads {} at most", limits.bytes),
        "bind long values and arrays as parameters",
    ))
}

/// What is steeper than this is read on a stack of its own; without optimisation, where the parser takes a hundred kilobytes
/// of stack for a level, everything is.
const STEEP: usize = if cfg!(debug_assertions) { 0 } else { 40 };
/// The size of that stack; only what is used of it takes memory.
pub(super) const STACK: usize = 64 * 1024 * 1024;

/// Whether a text may need more stack than a caller can be expected to have left.
pub(super) fn is_steep(sql: &str, lexemes: &[Lexeme]) -> bool {
    let (mut depth, mut deepest, mut links) = (0_usize, 0_usize, 0_usize);
    for lexeme in lexemes {
        match lexeme.kind {
            Kind::Mark('(' | '[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Kind::Mark(')' | ']') => depth = depth.saturating_sub(1),
            // The parser goes down one level for each of these.
            _ if ["case", "join", "not"]
                .iter()
                .any(|word| lexeme.is_word(sql, word)) =>
            {
                links += 8;
            }
            _ => links += usize::from(is_link(sql, lexeme)),
        }
    }
    5 + deepest * 5 + links / 4 > STEEP
}

/// Refuses a text of too many tokens, or with too long a chain of operators.
pub(super) fn check_lexemes(sql: &str, lexemes: &[Lexeme], limits: &Limits) -> Result<(), Refused> {
    let refuse = |what: &'static str, instead: &'static str, lexeme: &Lexeme| {
        Err(Refused::new(
            RefusedKind::TooLarge,
            what,
            "it would take too long to check",
            instead,
        )
        .at(sql, lexeme.start, lexeme.end))
    };
    if let Some(lexeme) = lexemes.get(limits.tokens) {
        return refuse("too many tokens", "bind long lists as an array", lexeme);
    }
    let mut links: Vec<usize> = vec![0];
    for lexeme in lexemes {
        match lexeme.kind {
            Kind::Mark('(' | '[') => links.push(0),
            Kind::Mark(')' | ']') if links.len() > 1 => {
                links.pop();
            }
            _ if is_link(sql, lexeme) => {
                if let Some(links) = links.last_mut() {
                    // The parser goes down a level for each join; an operator is only one more link of the tree.
                    *links += if lexeme.is_word(sql, "join") { 5 } else { 1 };
                    if *links > limits.chain {
                        return refuse(
                            "a long chain of operators",
                            "use IN, or an array parameter with = ANY",
                            lexeme,
                        );
                    }
                }
            }
            // A comma ends a chain.
            Kind::Mark(',') => {
                if let Some(links) = links.last_mut() {
                    *links = 0;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_link(sql: &str, lexeme: &Lexeme) -> bool {
    // By length, because this is asked of every token.
    let words: &[&str] = match (lexeme.kind, lexeme.end - lexeme.start) {
        (Kind::Operator, _) => return true,
        (Kind::Word, 2) => &["at", "in", "is", "or"],
        (Kind::Word, 3) => &["and", "not"],
        (Kind::Word, 4) => &["case", "glob", "join", "like"],
        (Kind::Word, 5) => &["ilike", "match", "union"],
        (Kind::Word, 6) => &["except", "isnull", "regexp"],
        (Kind::Word, 7) => &["between", "collate", "notnull", "similar", "uescape"],
        (Kind::Word, 8) => &["operator", "overlaps"],
        (Kind::Word, 9) => &["intersect"],
        _ => return false,
    };
    words.iter().any(|word| lexeme.is_word(sql, word))
}
