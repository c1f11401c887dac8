//! The original text with its tokens, and the ways to find a place in it. The parser says what there is; where it is comes
//! from here, and the verification tells if the two agree.

use sqlparser::tokenizer::Span;

use crate::lex::{Kind, Lexeme};
use crate::{Dialect, Refused, RefusedKind, names};

/// See the module.
pub(super) struct Source<'a> {
    pub(super) dialect: Dialect,
    pub(super) sql: &'a str,
    pub(super) lexemes: Vec<Lexeme>,
    /// For each opening parenthesis or bracket the index of its closing one.
    closing: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Pairs the parentheses. One that is unpaired, or nested deeper than `depth`, is refused.
    pub(super) fn new(
        dialect: Dialect,
        sql: &'a str,
        lexemes: Vec<Lexeme>,
        depth: usize,
    ) -> Result<Self, Refused> {
        let mut closing = vec![usize::MAX; lexemes.len()];
        let mut open: Vec<usize> = Vec::new();
        for (at, lexeme) in lexemes.iter().enumerate() {
            let refuse = |kind, met: &'static str, why: &'static str, instead: &'static str| {
                Err(Refused::new(kind, met, why, instead).at(sql, lexeme.start, lexeme.end))
            };
            match lexeme.kind {
                Kind::Mark('(' | '[') => {
                    open.push(at);
                    if open.len() > depth {
                        return refuse(
                            RefusedKind::TooLarge,
                            "deep nesting",
                            "a statement may nest parentheses 40 deep",
                            "take it apart with WITH",
                        );
                    }
                }
                Kind::Mark(mark @ (')' | ']')) => {
                    let opening = if mark == ')' { '(' } else { '[' };
                    let start = open
                        .pop()
                        .filter(|start| lexemes.get(*start).is_some_and(|it| it.is_mark(opening)));
                    match start.and_then(|start| closing.get_mut(start)) {
                        Some(slot) => *slot = at,
                        None => {
                            return refuse(
                                RefusedKind::Syntax,
                                "a closing bracket",
                                "nothing opens it",
                                "remove it",
                            );
                        }
                    }
                }
                _ => {}
            }
        }
        match open.pop().and_then(|at| lexemes.get(at)) {
            Some(lexeme) => Err(Refused::new(
                RefusedKind::Syntax,
                "an opening bracket",
                "nothing closes it",
                "close it",
            )
            .at(sql, lexeme.start, lexeme.end)),
            None => Ok(Self {
                dialect,
                sql,
                lexemes,
                closing,
            }),
        }
    }

    /// The index of the token that starts at that place of the parser's.
    pub(super) fn index(&self, span: Span) -> Option<usize> {
        let offset = usize::try_from(span.start.column).ok()?.checked_sub(1)?;
        self.lexemes
            .binary_search_by_key(&offset, |lexeme| lexeme.start)
            .ok()
    }

    pub(super) fn lexeme(&self, at: usize) -> Option<&Lexeme> {
        self.lexemes.get(at)
    }

    pub(super) fn is_word(&self, at: usize, word: &str) -> bool {
        self.lexeme(at)
            .is_some_and(|lexeme| lexeme.is_word(self.sql, word))
    }

    /// The folded name that is at a token, quoted or not.
    pub(super) fn name(&self, at: usize) -> Option<String> {
        let lexeme = self.lexeme(at)?;
        let text = lexeme.text(self.sql);
        match lexeme.kind {
            Kind::Word => Some(names::fold(self.dialect, text, None)),
            Kind::Quoted(quote) => {
                let inside = text.get(1..text.len().checked_sub(1)?)?;
                Some(names::fold(self.dialect, inside, Some(quote)))
            }
            _ => None,
        }
    }

    pub(super) fn is_mark(&self, at: usize, mark: char) -> bool {
        self.lexeme(at).is_some_and(|lexeme| lexeme.is_mark(mark))
    }

    /// The index of the bracket that closes the one at `at`.
    pub(super) fn close_of(&self, at: usize) -> Option<usize> {
        self.closing
            .get(at)
            .copied()
            .filter(|close| *close != usize::MAX)
    }

    /// The next token on the same level: past the whole group if there is a bracket at `at`.
    pub(super) fn step(&self, at: usize) -> usize {
        self.close_of(at).unwrap_or(at) + 1
    }

    /// Where the level ends that `at` is on: at a closing bracket, a `;`, or the end of the text.
    pub(super) fn level_end(&self, mut at: usize) -> usize {
        while let Some(lexeme) = self.lexeme(at) {
            if lexeme.is_mark(')') || lexeme.is_mark(']') || lexeme.is_mark(';') {
                break;
            }
            at = self.step(at);
        }
        at.min(self.lexemes.len())
    }

    /// The first token in `from..to`, on the level of `from`, that is one of those words.
    pub(super) fn find(&self, from: usize, to: usize, words: &[&str]) -> Option<usize> {
        let mut at = from;
        while at < to {
            if words.iter().any(|word| self.is_word(at, word)) {
                return Some(at);
            }
            at = self.step(at);
        }
        None
    }

    /// The byte where the token starts.
    pub(super) fn start(&self, at: usize) -> usize {
        self.lexeme(at)
            .map_or(self.sql.len(), |lexeme| lexeme.start)
    }

    /// The byte where the token before `at` ends.
    pub(super) fn end_before(&self, at: usize) -> usize {
        at.checked_sub(1)
            .and_then(|before| self.lexeme(before))
            .map_or(0, |lexeme| lexeme.end)
    }
}
