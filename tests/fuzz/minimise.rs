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

/// The statement without these tokens, and without the values that only they named.
fn without(statement: &Statement, at: usize, length: usize) -> Statement {
    let mut smaller = statement.clone();
    let mut bare = 0;
    // For each token the value it stands for, if it does.
    let named: Vec<Option<usize>> = smaller
        .tokens
        .iter()
        .map(|token| {
            if token == "?" {
                bare += 1;
                return Some(bare - 1);
            }
            let number = token.strip_prefix(['$', '?'])?.parse::<usize>().ok()?;
            number.checked_sub(1)
        })
        .collect();
    let left: Vec<Option<usize>> = named
        .into_iter()
        .enumerate()
        .filter_map(|(place, value)| (!(at..at + length).contains(&place)).then_some(value))
        .collect();
    smaller.tokens.drain(at..at + length);
    smaller.gaps.drain(at..at + length);
    let mut used: Vec<usize> = left.iter().copied().flatten().collect();
    used.sort_unstable();
    used.dedup();
    for (token, value) in smaller.tokens.iter_mut().zip(&left) {
        let Some(number) = value.and_then(|value| used.iter().position(|it| *it == value)) else {
            continue;
        };
        if token != "?" {
            let sign = if token.starts_with('$') { '$' } else { '?' };
            *token = format!("{sign}{}", number + 1);
        }
    }
    smaller.binds = used
        .into_iter()
        .filter_map(|value| statement.binds.get(value).cloned())
        .collect();
    smaller
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::engine::Bind;

    fn check(tokens: &str, at: usize, length: usize, expected: &str, values: &[i64]) {
        let tokens: Vec<String> = tokens.split(' ').map(str::to_owned).collect();
        let values_before = tokens
            .iter()
            .filter(|token| token.starts_with(['$', '?']))
            .collect::<std::collections::HashSet<_>>()
            .len()
            .max(tokens.iter().filter(|token| *token == "?").count());
        let statement = Statement {
            gaps: vec![" ".to_owned(); tokens.len() + 1],
            tokens,
            binds: (0..values_before)
                .map(|value| Bind::Int(i64::try_from(value).unwrap()))
                .collect(),
            is_ordered: false,
            writes: false,
        };
        let smaller = without(&statement, at, length);
        assert_eq!(smaller.tokens.join(" "), expected);
        let values: Vec<Bind> = values.iter().copied().map(Bind::Int).collect();
        assert_eq!(smaller.binds, values);
    }

    #[test]
    fn values_go_with_their_placeholders() {
        check("a ? b ? c ?", 1, 1, "a b ? c ?", &[1, 2]);
        check("a ? b ? c ?", 2, 2, "a ? c ?", &[0, 2]);
        check("a $1 b $2 c $1 d $3", 3, 1, "a $1 b c $1 d $2", &[0, 2]);
        check("a $1 b $2 c $1", 1, 1, "a b $2 c $1", &[0, 1]);
        check("?1 ?2 ?3", 0, 2, "?1", &[2]);
        check("a b", 0, 1, "b", &[]);
    }
}
