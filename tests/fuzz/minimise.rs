//! Makes a failing statement smaller: tokens are taken out, many at first, as long as what is left fails too.

use super::{
    arena::{Arena, Outcome},
    text::Statement,
};
use crate::oracle::engine::Engine;

/// How many smaller statements are tried.
const TRIES: usize = 1_500;

/// A smaller statement that fails in the same way.
pub(super) async fn minimise<E: Engine>(arena: &mut Arena<E>, failing: &Statement) -> Statement {
    let mut best = failing.clone();
    let mut tries = 0;
    let plain = with_plain_gaps(&best);
    if fails(arena, &plain).await {
        best = plain;
    }
    let mut length = best.tokens.len() / 2;
    while length > 0 && tries < TRIES {
        let mut at = 0;
        let mut found = false;
        while at + length <= best.tokens.len() && tries < TRIES {
            let smaller = without(&best, at, length);
            tries += 1;
            if orders(&smaller) == orders(&best) && fails(arena, &smaller).await {
                best = smaller;
                found = true;
            } else {
                at += 1;
            }
        }
        if !found || length > best.tokens.len() {
            length = (length - 1).min(best.tokens.len() / 2);
        }
    }
    best
}

/// How much of it says what the order is and what is cut off: without, a failure would mean nothing.
fn orders(statement: &Statement) -> usize {
    let words = ["ORDER", "LIMIT", "FETCH", "OFFSET"];
    statement
        .tokens
        .iter()
        .filter(|token| words.contains(&token.as_str()))
        .count()
}

async fn fails<E: Engine>(arena: &mut Arena<E>, statement: &Statement) -> bool {
    matches!(arena.run(statement).await, Ok(Outcome::Wrong(_)))
}

fn with_plain_gaps(statement: &Statement) -> Statement {
    let mut plain = statement.clone();
    for gap in &mut plain.gaps {
        *gap = " ".to_owned();
    }
    plain
}

fn without(statement: &Statement, at: usize, length: usize) -> Statement {
    let mut smaller = statement.clone();
    smaller.tokens.drain(at..at + length);
    smaller.gaps.drain(at..at + length);
    // Only numbered values can go: what is left must count from one.
    let last = smaller
        .tokens
        .iter()
        .filter_map(|token| token.strip_prefix(['$', '?'])?.parse::<usize>().ok())
        .max();
    if let Some(last) =
        last.or_else(|| (!smaller.tokens.iter().any(|token| token == "?")).then_some(0))
    {
        smaller.binds.truncate(last);
    }
    smaller
}
