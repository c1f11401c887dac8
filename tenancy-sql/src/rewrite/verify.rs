//! Double entry: the spliced text must parse to exactly the tree the walk arrived at.

use sqlparser::ast::Statement;

use super::{limits, parse};
use crate::{Dialect, Refused, RefusedKind};

pub(super) fn verify(
    dialect: Dialect,
    sql: &str,
    spliced: &str,
    expected: &Statement,
) -> Result<(), Refused> {
    let parsed = parse::tokens(dialect, spliced, &limits::SPLICED)
        .and_then(|lexemes| parse::parse(dialect, spliced, lexemes, &limits::SPLICED))
        .map_err(|_| unverified(sql))?;
    if parsed.statement == *expected && parsed.shimmed.edits.is_empty() {
        Ok(())
    } else {
        Err(unverified(sql))
    }
}

pub(super) fn unverified(sql: &str) -> Refused {
    Refused::new(
        RefusedKind::Unverified,
        "a form that can't be rewritten for sure",
        "the rewritten text does not read as it was meant",
        "write it in a plainer way, and please report it",
    )
    .at(sql, 0, sql.len())
}
