//! Grouping by a primary key. PostgreSQL lets the other columns of the table be selected then, but only of the table itself:
//! behind a derived table it forgets the key. So where a statement leans on that, the table stays in place, and the key gets
//! its tenant column. Where an outer join makes up rows of the table, so that it can't stay, the columns are grouped by as
//! well: the key determines them, so the groups are the same.

use sqlparser::ast::{Expr, GroupByExpr, Ident, Select, SelectItem, Value};

use super::Rewriter;
use super::in_place::Candidate;
use super::splice::Walk;
use crate::{Dialect, RefusedKind, Table, names};

/// A table behind an outer join whose columns have to be grouped by.
pub(super) struct Wide<'a> {
    /// The token of its name.
    pub(super) at: usize,
    pub(super) known_as: Ident,
    pub(super) table: &'a Table,
    pub(super) leaned_on: LeanedOn,
}

/// What a statement names of a table that it does not group by, outside of aggregates.
#[derive(Default)]
pub(super) struct LeanedOn {
    /// Folded, each once.
    columns: Vec<Box<str>>,
    whole_row: bool,
}

/// Types without an order and a hash, which nothing can be grouped by.
const UNGROUPED: &[&str] = &[
    "box", "circle", "json", "line", "lseg", "path", "point", "polygon", "xml",
];

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
    /// What a SELECT leans on that groups by the primary key of the table, as the tenant knows it. Its tokens are `from..end`.
    pub(super) fn grouped_by_key(
        &self,
        select: &Select,
        candidate: &Candidate<'_>,
        from: usize,
        end: usize,
    ) -> Option<LeanedOn> {
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return None;
        };
        if self.dialect != Dialect::Postgres || keys.is_empty() || !modifiers.is_empty() {
            return None;
        }
        // With grouping sets the tenant column would be one more dimension.
        let plain = |key: &Expr| {
            !matches!(
                key,
                Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) | Expr::Tuple(_)
            )
        };
        if !keys.iter().all(plain) {
            return None;
        }
        let tenant = self.catalog.tenant_column();
        let primary = candidate.table.primary_key();
        let mut rest = primary
            .iter()
            .filter(|column| &***column != tenant)
            .peekable();
        if rest.peek().is_none() || !primary.iter().any(|column| &**column == tenant) {
            return None;
        }
        let known_as = self.fold(&candidate.known_as);
        let grouped: Vec<String> = keys
            .iter()
            .filter_map(|key| match self.spelled_out(select, key) {
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
        let (_, behind) = groups.filter(|_| has_key)?;
        let mut found = LeanedOn::default();
        self.lean(candidate, &grouped, from..candidate.at, &mut found);
        self.lean(candidate, &grouped, behind..end, &mut found);
        (found.whole_row || !found.columns.is_empty()).then_some(found)
    }

    /// `GROUP BY 1` and `GROUP BY alias` as what stands in the list for it.
    fn spelled_out<'s>(&self, select: &'s Select, key: &'s Expr) -> &'s Expr {
        let item = match key {
            Expr::Value(value) => match &value.value {
                Value::Number(number, false) => number
                    .parse::<usize>()
                    .ok()
                    .and_then(|nth| select.projection.get(..nth)?.split_last())
                    // Before a star nobody knows which it is.
                    .filter(|(_, before)| !before.iter().any(is_star))
                    .map(|(item, _)| item),
                _ => None,
            },
            Expr::Identifier(ident) => select.projection.iter().find(|item| {
                matches!(item, SelectItem::ExprWithAlias { alias, .. } if self.fold(alias) == self.fold(ident))
            }),
            _ => None,
        };
        match item {
            Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, alias: _ }) => {
                expr
            }
            _ => key,
        }
    }

    /// Adds what is leaned on of tables behind an outer join to GROUP BY.
    pub(super) fn widen_groups(&mut self, select: &mut Select, wide: &[Wide<'_>]) -> Walk {
        let Some(from) = self
            .source
            .index(select.select_token.0.span)
            .filter(|_| !wide.is_empty())
        else {
            return Ok(());
        };
        let end = self.source.level_end(from);
        for Wide {
            at,
            known_as,
            table,
            leaned_on: LeanedOn { columns, whole_row },
        } in wide
        {
            let refuse = |met: String, why| {
                let instead = "read it outside, of a query that has the groups";
                Err(self.refuse(known_as.span, RefusedKind::Type, met, why, instead))
            };
            if *whole_row {
                let met = format!("a row of `{}` in a group of its key", table.name());
                return refuse(met, "behind an outer join it is no row of the table");
            }
            for column in columns.iter().filter_map(|name| table.column(name)) {
                let declared = column.type_name().to_ascii_lowercase();
                let base = declared.split(['(', ' ']).next().unwrap_or_default();
                if UNGROUPED.contains(&base) {
                    let met = format!(
                        "`{}` in a group of the key of `{}`",
                        column.name(),
                        table.name()
                    );
                    return refuse(
                        met,
                        "behind an outer join it has to be grouped by, and its type can't be",
                    );
                }
            }
            let columns = columns.iter().map(|name| names::written(name));
            self.widen_group(select, known_as, columns, *at, end)?;
        }
        Ok(())
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

    /// Finds what is named of the table outside of aggregates and is not grouped by. Rather once too often.
    fn lean(
        &self,
        candidate: &Candidate<'_>,
        grouped: &[String],
        tokens: std::ops::Range<usize>,
        found: &mut LeanedOn,
    ) {
        let known_as = self.fold(&candidate.known_as);
        let mut add = |name: &str| {
            let is_new = !found.columns.iter().any(|column| **column == *name)
                && !grouped.iter().any(|column| column == name);
            if is_new {
                found.columns.push(name.into());
            }
        };
        let mut at = tokens.start;
        while at < tokens.end {
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
                let before = at.saturating_sub(1);
                if self.source.is_word(before, "as") {
                    // The name of a result.
                } else if candidate.table.column(&name).is_some() && !of_another {
                    add(&name);
                } else if name == known_as
                    && !self.source.is_mark(at + 1, '.')
                    && !self.source.is_mark(before, '.')
                {
                    found.whole_row = true;
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
                candidate
                    .table
                    .columns()
                    .iter()
                    .for_each(|column| add(column.name()));
            }
            at += 1;
        }
    }
}

fn is_star(item: &SelectItem) -> bool {
    matches!(
        item,
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(_, _)
    )
}
