//! Grouping by a primary key. PostgreSQL lets the other columns of the table be selected then, but only of the table itself:
//! behind a derived table it forgets the key. So where a statement leans on that, the table stays in place, and the key gets
//! its tenant column.

use sqlparser::ast::{Expr, GroupByExpr, Select};

use super::Rewriter;
use super::in_place::Candidate;
use crate::Dialect;

/// Aggregates, in whose arguments any column may stand.
const AGGREGATES: &[&str] = &[
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bool_and",
    "bool_or",
    "count",
    "every",
    "json_agg",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "max",
    "min",
    "mode",
    "percentile_cont",
    "percentile_disc",
    "stddev",
    "string_agg",
    "sum",
    "variance",
];

impl Rewriter<'_> {
    /// Whether a SELECT groups by the primary key of the table, as the tenant knows it, and leans on that. Its tokens are
    /// `from..end`.
    pub(super) fn is_grouped_by_key(
        &self,
        select: &Select,
        candidate: &Candidate<'_>,
        from: usize,
        end: usize,
    ) -> bool {
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return false;
        };
        if self.dialect != Dialect::Postgres || keys.is_empty() || !modifiers.is_empty() {
            return false;
        }
        // With grouping sets the tenant column would be one more dimension.
        let plain = |key: &Expr| {
            !matches!(
                key,
                Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) | Expr::Tuple(_)
            )
        };
        if !keys.iter().all(plain) {
            return false;
        }
        let tenant = self.catalog.tenant_column();
        let primary = candidate.table.primary_key();
        let mut rest = primary
            .iter()
            .filter(|column| &***column != tenant)
            .peekable();
        if rest.peek().is_none() || !primary.iter().any(|column| &**column == tenant) {
            return false;
        }
        let known_as = self.fold(&candidate.known_as);
        let grouped: Vec<String> = keys
            .iter()
            .filter_map(|key| match key {
                Expr::Identifier(ident) => candidate.single.then(|| self.fold(ident)),
                Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                    [table, name] if self.fold(table) == known_as => Some(self.fold(name)),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let has_key = rest.all(|column| grouped.iter().any(|name| **name == **column));
        let groups = self
            .source
            .find(candidate.at, end, &["group"])
            .map(|group| (group, self.behind_group(group, end)));
        let Some((_, behind)) = groups.filter(|_| has_key) else {
            return false;
        };
        self.leans(candidate, &known_as, &grouped, from, candidate.at)
            || self.leans(candidate, &known_as, &grouped, behind, end)
    }

    /// Where the list of GROUP BY ends.
    fn behind_group(&self, group: usize, end: usize) -> usize {
        self.source
            .find(
                group,
                end,
                &[
                    "having", "window", "order", "limit", "offset", "fetch", "for",
                ],
            )
            .unwrap_or(end)
    }

    /// Whether a column of the table that is not grouped by is named outside of an aggregate. Rather once too often.
    fn leans(
        &self,
        candidate: &Candidate<'_>,
        known_as: &str,
        grouped: &[String],
        from: usize,
        to: usize,
    ) -> bool {
        let mut at = from;
        while at < to {
            if let Some(name) = self.source.name(at) {
                if AGGREGATES.binary_search(&name.as_str()).is_ok()
                    && self.source.is_mark(at + 1, '(')
                {
                    let behind = self.source.step(at + 1);
                    if !["over", "filter", "within"]
                        .iter()
                        .any(|word| self.source.is_word(behind, word))
                    {
                        at = behind;
                        continue;
                    }
                }
                let of_another = self.source.is_mark(at.saturating_sub(1), '.')
                    && self
                        .source
                        .name(at.saturating_sub(2))
                        .is_some_and(|table| table != known_as);
                let column = candidate.table.column(&name).is_some()
                    && !grouped.contains(&name)
                    && !of_another;
                let whole_row = name == known_as && !self.source.is_mark(at + 1, '.');
                if column || whole_row {
                    return true;
                }
            }
            let star = self.source.lexeme(at).is_some_and(|lexeme| {
                lexeme.text(self.source.sql) == "*" && !self.source.is_mark(at + 1, '(')
            });
            let before = at.saturating_sub(1);
            if star
                && (self.source.is_mark(before, '.')
                    || self.source.is_mark(before, ',')
                    || ["select", "distinct", "all"]
                        .iter()
                        .any(|word| self.source.is_word(before, word)))
            {
                return true;
            }
            at += 1;
        }
        false
    }
}
