//! Double entry: the spliced text must parse to exactly the tree the walk arrived at.

use sqlparser::ast::Statement;

use super::conflicts::Clause;
use super::{limits, parse};
use crate::{Dialect, Refused, RefusedKind};

pub(super) fn verify(
    dialect: Dialect,
    sql: &str,
    spliced: &str,
    expected: &Statement,
    conflicts: &[Clause],
) -> Result<(), Refused> {
    let parsed = parse::tokens(dialect, spliced, &limits::SPLICED)
        .and_then(|lexemes| parse::parse(dialect, spliced, lexemes, &limits::SPLICED))
        .map_err(|_| unverified(sql))?;
    let clauses = |clauses: &[Clause]| -> Vec<_> {
        let conflict = |clause: &Clause| clause.conflict.clone();
        clauses.iter().map(conflict).collect()
    };
    if parsed.statement == *expected
        && clauses(&parsed.conflicts) == clauses(conflicts)
        && parsed.shimmed.edits.is_empty()
    {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, spliced: &str, passes: bool) {
        let dialect = Dialect::Postgres;
        let lexemes = parse::tokens(dialect, expected, &limits::SPLICED).unwrap();
        let expected = parse::parse(dialect, expected, lexemes, &limits::SPLICED)
            .unwrap()
            .statement;
        let verified = verify(dialect, "original", spliced, &expected, &[]);
        assert_eq!(
            verified.map_err(|refused| refused.kind()),
            if passes {
                Ok(())
            } else {
                Err(RefusedKind::Unverified)
            },
            "{spliced}"
        );
    }

    #[test]
    fn only_what_was_meant_passes() {
        let meant = "DELETE FROM leads WHERE (id = 1) AND leads.tenant_id = $1";
        check(
            meant,
            "DELETE  FROM leads WHERE (id = 1) AND leads.tenant_id = $1 -- x",
            true,
        );
        check(
            meant,
            "DELETE FROM leads WHERE id = 1 AND leads.tenant_id = $1",
            false,
        );
        check(
            meant,
            "DELETE FROM leads WHERE (id = 1 OR true) AND leads.tenant_id = $1",
            false,
        );
        check(
            meant,
            "DELETE FROM leads WHERE (id = 1) AND leads.tenant_id = $2",
            false,
        );
        check(
            meant,
            "DELETE FROM leads WHERE (id = 1) --) AND leads.tenant_id = $1",
            false,
        );
        check(meant, "DELETE FROM leads; DELETE FROM leads", false);
        check(
            meant,
            "DELETE FROM ONLY leads WHERE (id = 1) AND leads.tenant_id = $1",
            false,
        );
        check(
            meant,
            "DELETE FROM \"leads\" WHERE (id = 1) AND leads.tenant_id = $1",
            false,
        );
    }
}
