//! Tables that stay as they are, with the tenant's predicate in WHERE. That is the same as a derived table wherever no outer
//! join can make up rows of the table, and it keeps what a derived table loses: system columns, the type of a whole row, and
//! that a primary key determines the other columns (which is in `group`).

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinOperator, Select, SelectItem, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::fragments::{and, plain_and};
use super::group::Wide;
use super::names::system_columns;
use super::ranges::Range;
use super::splice::Walk;
use crate::{Dialect, Table, TableClass, names};

/// Words behind FROM and WHERE.
const AFTER_WHERE: &[&str] = &[
    "group",
    "having",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "union",
    "intersect",
    "except",
    "returning",
];

/// Words that end GROUP BY.
const AFTER_GROUP: &[&str] = &[
    "having",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "union",
    "intersect",
    "except",
    "returning",
    "on",
];

/// A table that may be left in place, and the name its columns go by.
pub(super) struct Candidate<'a> {
    /// The token of its name.
    pub(super) at: usize,
    pub(super) known_as: Ident,
    pub(super) table: &'a Table,
    /// Whether it is all there is in FROM.
    pub(super) single: bool,
    /// Whether an outer join makes up rows of it, so that it can't be confined by WHERE.
    pub(super) filled: bool,
}

/// A table that is left in place.
pub(super) struct InPlace {
    pub(super) at: usize,
    known_as: Ident,
    /// Whether the statement groups by its key, which is to be completed.
    keyed: bool,
}

impl<'a> Rewriter<'a> {
    /// The tables of a SELECT that have to stay in place, and the groups that have to name more columns.
    pub(super) fn tables_in_place(&self, select: &Select) -> (Vec<InPlace>, Vec<Wide<'a>>) {
        let Some(from) = self
            .source
            .index(select.select_token.0.span)
            .filter(|from| !self.within.contains(from))
        else {
            return <_>::default();
        };
        let ranges = self.ranges_of(&select.from, &[]);
        let mut rows = Vec::new();
        for item in &select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                self.rows_in(expr, &mut |name| rows.push(self.fold(name)), true);
            }
        }
        rows.retain(|name| ranges.iter().any(|range| range.known_as == *name));
        let ungrouped =
            matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
        if ungrouped && rows.is_empty() && !self.names_system_columns {
            return <_>::default();
        }
        let level = self.source.level_end(from);
        let end = self
            .source
            .find(from + 1, level, &["union", "intersect", "except"])
            .unwrap_or(level);
        let (mut tables, mut wide) = (Vec::new(), Vec::new());
        for candidate in self.candidates(&select.from, &ranges) {
            let leaned_on = self.grouped_by_key(select, &candidate, from, end);
            if candidate.filled {
                wide.extend(leaned_on.map(|leaned_on| Wide {
                    at: candidate.at,
                    known_as: candidate.known_as,
                    table: candidate.table,
                    leaned_on,
                }));
                continue;
            }
            let keyed = leaned_on.is_some();
            let name = self.fold(&candidate.known_as);
            let whole_row = rows.contains(&name) && candidate.table.column(&name).is_none();
            if keyed || whole_row || self.names_system_column(&candidate, from, end) {
                tables.push(InPlace {
                    at: candidate.at,
                    known_as: candidate.known_as,
                    keyed,
                });
            }
        }
        (tables, wide)
    }

    /// The tenant tables that a predicate in WHERE would confine, and those that an outer join fills.
    fn candidates(&self, from: &[TableWithJoins], ranges: &[Range<'_>]) -> Vec<Candidate<'a>> {
        let single = from.len() == 1;
        let mut found = Vec::new();
        for item in from {
            self.candidates_of(item, single, false, &mut found);
        }
        // The predicate names the table, so the name must be one thing's only.
        found.retain(|candidate| {
            let name = self.fold(&candidate.known_as);
            ranges.iter().filter(|range| range.known_as == name).count() == 1
        });
        found
    }

    /// `filled` is whether an outer join around it makes up rows of the item.
    fn candidates_of(
        &self,
        item: &TableWithJoins,
        single: bool,
        filled: bool,
        found: &mut Vec<Candidate<'a>>,
    ) {
        let TableWithJoins { relation, joins } = item;
        let factors = std::iter::once((relation, false, 0)).chain(
            joins
                .iter()
                .enumerate()
                .map(|(nth, join)| (&join.relation, fills_right(join), nth + 1)),
        );
        for (factor, fills_it, behind) in factors {
            let filled = filled || fills_it || joins.iter().skip(behind).any(fills_left);
            let single = single && joins.is_empty();
            match factor {
                // SQLite makes a subquery of it.
                TableFactor::NestedJoin {
                    table_with_joins,
                    alias: None,
                } if self.dialect == Dialect::Postgres => {
                    self.candidates_of(table_with_joins, single, filled, found);
                }
                _ => found.extend(self.candidate(factor, single, filled)),
            }
        }
    }

    fn candidate(&self, factor: &TableFactor, single: bool, filled: bool) -> Option<Candidate<'a>> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            sample: None,
            ..
        } = factor
        else {
            return None;
        };
        let parts = self.parts(name).ok()?;
        let last = parts.last()?;
        let folded = self.fold(last);
        if self.scopes.sees(&folded) {
            return None;
        }
        let table = self
            .catalog
            .table(&folded)
            .filter(|table| table.class() == TableClass::Tenant)?;
        let known_as = match alias {
            Some(alias) if alias.columns.is_empty() => alias.name.clone(),
            Some(_) => return None,
            None => names::written(table.name()),
        };
        Some(Candidate {
            at: self.source.index(last.span)?,
            known_as,
            table,
            single,
            filled,
        })
    }

    /// Whether a system column of the table is named between two tokens.
    fn names_system_column(&self, candidate: &Candidate<'_>, from: usize, to: usize) -> bool {
        if self.dialect == Dialect::Sqlite && candidate.table.without_rowid() {
            return false;
        }
        let known_as = self.fold(&candidate.known_as);
        (from..to).any(|at| {
            let Some(name) = self.source.name(at) else {
                return false;
            };
            if !system_columns(self.dialect).contains(&name.as_str())
                || candidate.table.column(&name).is_some()
                || self.source.is_mark(at + 1, '.')
                || self.source.is_mark(at + 1, '(')
            {
                return false;
            }
            let before = at.saturating_sub(1);
            if self.source.is_mark(before, '.') {
                self.source
                    .name(before.saturating_sub(1))
                    .is_some_and(|table| table == known_as)
            } else {
                candidate.single && !self.source.is_word(before, "as")
            }
        })
    }

    /// Whether the table whose name is at that token is left in place.
    pub(super) fn is_in_place(&self, at: usize) -> bool {
        self.in_place.contains(&at)
    }

    /// Confines the tables left in place, and completes the keys that are grouped by.
    pub(super) fn confine_in_place(&mut self, select: &mut Select, tables: &[InPlace]) -> Walk {
        let first = tables.iter().map(|table| table.at).min();
        let from = self.source.index(select.select_token.0.span);
        let (Some(first), Some(from)) = (first, from) else {
            return Ok(());
        };
        // The table may be in parentheses, but WHERE is not.
        let end = self.source.level_end(from);
        let mut behind = self.source.find(first, end, AFTER_WHERE).unwrap_or(end);
        // ON CONFLICT of an INSERT.
        let mut on = self.source.find(first, behind, &["on"]);
        while let Some(at) = on {
            if self.source.is_word(at + 1, "conflict") {
                behind = at;
                break;
            }
            on = self.source.find(at + 1, behind, &["on"]);
        }
        let predicates: Vec<String> = tables
            .iter()
            .map(|table| self.fragments.predicate_text(&table.known_as))
            .collect();
        self.conjoin(
            select.selection.is_some(),
            first,
            behind,
            &predicates.join(" AND "),
        )?;
        let mut condition = None;
        for InPlace {
            at,
            known_as,
            keyed,
        } in tables
        {
            let predicate = self.fragments.predicate(known_as);
            condition = Some(match condition.take() {
                None => and(select.selection.take(), predicate),
                // Only the caller's own condition is put into parentheses.
                Some(before) => plain_and(before, predicate),
            });
            if *keyed {
                let tenant = self.fragments.column();
                self.widen_group(select, known_as, [tenant], *at, end)?;
            }
        }
        select.selection = condition;
        Ok(())
    }

    /// Adds columns of a table to the GROUP BY behind a token of FROM.
    pub(super) fn widen_group(
        &mut self,
        select: &mut Select,
        known_as: &Ident,
        columns: impl IntoIterator<Item = Ident>,
        at: usize,
        end: usize,
    ) -> Walk {
        let GroupByExpr::Expressions(keys, _) = &mut select.group_by else {
            return Err(self.unsupported(Span::empty(), "GROUP BY ALL"));
        };
        let Some(group) = self.source.find(at, end, &["group"]) else {
            return Err(self.unsupported(Span::empty(), "GROUP BY at an unknown place"));
        };
        let behind = self.source.find(group, end, AFTER_GROUP).unwrap_or(end);
        let place = self.source.end_before(behind);
        for column in columns {
            let text = format!(", {}.{}", names::text(known_as), names::text(&column));
            self.insert_at(place, text);
            keys.push(Expr::CompoundIdentifier(vec![known_as.clone(), column]));
        }
        Ok(())
    }
}

/// Whether a join makes up rows of what is to its left.
fn fills_left(join: &Join) -> bool {
    !matches!(
        join.join_operator,
        JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::CrossJoin(_)
            | JoinOperator::Left(_)
            | JoinOperator::LeftOuter(_)
    )
}

/// Whether a join makes up rows of what is to its right.
fn fills_right(join: &Join) -> bool {
    !matches!(
        join.join_operator,
        JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::CrossJoin(_)
            | JoinOperator::Right(_)
            | JoinOperator::RightOuter(_)
    )
}
