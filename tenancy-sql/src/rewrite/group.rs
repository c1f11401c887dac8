//! Grouping by a primary key. PostgreSQL lets the other columns of the table be selected then, but only of the table itself:
//! behind a derived table it forgets the key. So here the table stays and the predicate goes into WHERE, which is the same
//! wherever no outer join can make up rows of the table; and the key gets its tenant column.

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, Join, JoinOperator, Select, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::fragments::{and, plain_and};
use super::splice::Walk;
use crate::{Dialect, TableClass, names};

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

/// A table that is left in place: the token of its name, and the name its columns go by.
pub(super) struct InPlace {
    pub(super) at: usize,
    known_as: Ident,
}

impl Rewriter<'_> {
    /// The tables of a SELECT that are grouped by their primary key.
    pub(super) fn grouped_by_key(&self, select: &Select) -> Vec<InPlace> {
        let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else {
            return Vec::new();
        };
        if self.dialect != Dialect::Postgres || keys.is_empty() || !modifiers.is_empty() {
            return Vec::new();
        }
        // With grouping sets the tenant column would be one more dimension.
        let plain = |key: &Expr| {
            !matches!(
                key,
                Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) | Expr::Tuple(_)
            )
        };
        if !keys.iter().all(plain) {
            return Vec::new();
        }
        let single =
            matches!(select.from.as_slice(), [TableWithJoins { joins, .. }] if joins.is_empty());
        let mut tables = Vec::new();
        for TableWithJoins { relation, joins } in &select.from {
            if !joins.iter().any(fills_left) {
                tables.extend(self.keyed(relation, keys, single));
            }
            for (nth, join) in joins.iter().enumerate() {
                if !fills_right(join) && !joins.iter().skip(nth + 1).any(fills_left) {
                    tables.extend(self.keyed(&join.relation, keys, false));
                }
            }
        }
        tables
    }

    /// A plain tenant table all of whose key, but for the tenant column, is grouped by.
    fn keyed(&self, factor: &TableFactor, keys: &[Expr], single: bool) -> Option<InPlace> {
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
        let tenant = self.catalog.tenant_column();
        let mut rest = table
            .primary_key()
            .iter()
            .filter(|column| &***column != tenant)
            .peekable();
        if rest.peek().is_none() || !table.primary_key().iter().any(|column| &**column == tenant) {
            return None;
        }
        let grouped = |column: &str| {
            keys.iter().any(|key| match key {
                Expr::Identifier(ident) => single && self.fold(ident) == column,
                Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                    [table, name] => {
                        self.fold(table) == self.fold(&known_as) && self.fold(name) == column
                    }
                    _ => false,
                },
                _ => false,
            })
        };
        let all = rest.all(|column| grouped(column));
        all.then_some(())?;
        Some(InPlace {
            at: self.source.index(last.span)?,
            known_as,
        })
    }

    /// Whether the table whose name is at that token is left in place.
    pub(super) fn is_in_place(&self, at: usize) -> bool {
        self.in_place.contains(&at)
    }

    /// Confines the tables left in place, and completes their keys.
    pub(super) fn confine_in_place(&mut self, select: &mut Select, tables: &[InPlace]) -> Walk {
        if tables.is_empty() {
            return Ok(());
        }
        let span = select.select_token.0.span;
        let from = self
            .source
            .index(span)
            .ok_or_else(|| self.unsupported(span, "a SELECT at an unknown place"))?;
        let end = self.source.level_end(from);
        let group = self
            .source
            .find(from, end, &["group"])
            .filter(|group| self.source.is_word(group + 1, "by"));
        let Some(group) = group else {
            return Err(self.unsupported(Span::empty(), "GROUP BY at an unknown place"));
        };
        let predicates: Vec<String> = tables
            .iter()
            .map(|table| self.fragments.predicate_text(&table.known_as))
            .collect();
        self.conjoin(
            select.selection.is_some(),
            from,
            group,
            &predicates.join(" AND "),
        )?;
        let behind = self.source.find(group, end, AFTER_GROUP).unwrap_or(end);
        let mut condition = None;
        for InPlace { at: _, known_as } in tables {
            let predicate = self.fragments.predicate(known_as);
            condition = Some(match condition.take() {
                None => and(select.selection.take(), predicate),
                // Only the caller's own condition is put into parentheses.
                Some(before) => plain_and(before, predicate),
            });
            let column = Expr::CompoundIdentifier(vec![known_as.clone(), self.fragments.column()]);
            if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
                keys.push(column);
            }
            let text = format!(
                ", {}.{}",
                names::text(known_as),
                self.fragments.column_text()
            );
            self.insert_at(self.source.end_before(behind), text);
        }
        select.selection = condition;
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
