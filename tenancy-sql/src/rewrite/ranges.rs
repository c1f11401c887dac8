//! The things that columns can be of, level by level: which of them still have their system columns and their row type after
//! the rewrite. What this gets wrong can't leak, for each table is confined whatever its columns are called; it would be an
//! error of the engine's, or on SQLite a silent NULL. So what can't be told is refused.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, Query, SelectItem,
    SetExpr, TableAlias, TableFactor, TableWithJoins,
};

use super::Rewriter;
use super::splice::Walk;
use crate::{Dialect, RefusedKind, Table, TableClass, names};

/// What a name in FROM holds.
#[derive(Clone)]
pub(super) enum Held<'a> {
    /// A table that is read itself.
    Itself(&'a Table),
    /// A tenant's table behind a derived one.
    Derived(&'a Table),
    /// What a function makes, whose row may be a plain value, and the folded names that its columns have been given.
    Made(Vec<String>),
    /// Anything else, which has no system columns and no row type to lose.
    Other,
}

/// One name that columns can be of, folded.
#[derive(Clone)]
pub(super) struct Range<'a> {
    pub(super) known_as: String,
    pub(super) held: Held<'a>,
}

/// The levels in sight, innermost last.
#[derive(Default)]
pub(super) struct Ranges<'a> {
    levels: Vec<Level<'a>>,
    closed: Vec<Range<'a>>,
}

struct Level<'a> {
    ranges: Vec<Range<'a>>,
    hidden: bool,
}

impl<'a> Ranges<'a> {
    pub(super) fn enter(&mut self, ranges: Vec<Range<'a>>) {
        self.levels.push(Level {
            ranges,
            hidden: false,
        });
    }

    pub(super) fn leave(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.closed = level.ranges;
        }
    }

    /// Enters the level again that was left last: ORDER BY stands outside of the SELECT it orders.
    pub(super) fn reenter(&mut self) {
        let closed = std::mem::take(&mut self.closed);
        self.enter(closed);
    }

    /// A subquery in FROM does not see what stands beside it.
    pub(super) fn hide(&mut self, hidden: bool) -> bool {
        self.levels
            .last_mut()
            .is_some_and(|level| std::mem::replace(&mut level.hidden, hidden))
    }

    fn in_sight(&self) -> impl Iterator<Item = &[Range<'a>]> {
        self.levels
            .iter()
            .rev()
            .filter(|level| !level.hidden)
            .map(|level| level.ranges.as_slice())
    }

    fn of(&self, name: &str) -> Option<&Range<'a>> {
        self.in_sight()
            .flatten()
            .find(|range| range.known_as == name)
    }

    /// Whether a system column is one of a tenant's table for sure.
    pub(super) fn is_of_tenants_table(&self, name: &str, qualifier: Option<&str>) -> bool {
        let is_own = |range: &Range<'_>| {
            matches!(range.held, Held::Itself(table)
                if table.class() == TableClass::Tenant && table.column(name).is_none())
        };
        match qualifier {
            Some(qualifier) => self.of(qualifier).is_some_and(is_own),
            None => matches!(self.in_sight().next(), Some([only]) if is_own(only)),
        }
    }

    /// Whether what is known by that name may be a plain value, so that `name.f` is `f(name)` unless it has such a column. Each
    /// that is known so counts, for inside of a join with an alias a name may be another's than outside.
    pub(super) fn may_be_a_value(&self, name: &str, column: &str) -> bool {
        let mut held = self
            .in_sight()
            .flatten()
            .filter(|range| range.known_as == name)
            .map(|range| &range.held)
            .peekable();
        held.peek().is_none()
            || held.any(|held| matches!(held, Held::Made(columns) if columns.iter().all(|known| known != column)))
    }

    /// Whether nothing that is known by that name lacks a column that some table has. A row of unknown columns fits no function of
    /// the migrations.
    pub(super) fn may_have_column(&self, name: &str, column: &str) -> bool {
        self.in_sight()
            .flatten()
            .filter(|range| range.known_as == name)
            .all(|range| match &range.held {
                Held::Itself(table) => table.column(column).is_some(),
                Held::Made(columns) => columns.iter().any(|known| known == column),
                Held::Derived(_) | Held::Other => true,
            })
    }

    /// Whether a system column reads what it would read without the rewrite.
    pub(super) fn has_system_column(
        &self,
        dialect: Dialect,
        name: &str,
        qualifier: Option<&str>,
    ) -> bool {
        let itself = |table: &Table| dialect == Dialect::Postgres || !table.without_rowid();
        if let Some(qualifier) = qualifier {
            return self.of(qualifier).is_some_and(|range| match range.held {
                Held::Itself(table) => table.column(name).is_some() || itself(table),
                Held::Derived(table) => table.column(name).is_some(),
                Held::Made(_) | Held::Other => true,
            });
        }
        let mut maybe = false;
        for ranges in self.in_sight() {
            let column = |range: &Range<'_>| match range.held {
                Held::Itself(table) | Held::Derived(table) => table.column(name).is_some(),
                Held::Made(_) | Held::Other => false,
            };
            if ranges.iter().any(column) {
                return true;
            }
            match ranges {
                [] => {}
                [only] => match &only.held {
                    Held::Itself(table) => return itself(table),
                    Held::Derived(_) => return false,
                    // It may have a column of that name; if not, the engine looks further out.
                    Held::Made(_) | Held::Other => maybe = true,
                },
                _ => return false,
            }
        }
        maybe
    }
}

/// Functions to which a row is as good as another with the same columns.
const ANY_ROW: &[&str] = &[
    "concat",
    "concat_ws",
    "count",
    "format",
    "json_agg",
    "json_array",
    "json_build_array",
    "json_build_object",
    "json_object",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_object_agg",
    "num_nonnulls",
    "num_nulls",
    "row_to_json",
    "to_json",
    "to_jsonb",
];

impl<'a> Rewriter<'a> {
    /// The ranges of FROM. `in_place` are the tables that stay as they are, by index of the token.
    pub(super) fn ranges_of(&self, from: &[TableWithJoins], in_place: &[usize]) -> Vec<Range<'a>> {
        let mut ranges = Vec::new();
        for TableWithJoins { relation, joins } in from {
            self.add_range(relation, in_place, &mut ranges);
            for join in joins {
                self.add_range(&join.relation, in_place, &mut ranges);
            }
        }
        ranges
    }

    pub(super) fn add_range(
        &self,
        factor: &TableFactor,
        in_place: &[usize],
        ranges: &mut Vec<Range<'a>>,
    ) {
        let other = |alias: &Option<TableAlias>| Range {
            known_as: alias
                .as_ref()
                .map_or(String::new(), |alias| self.fold(&alias.name)),
            held: Held::Other,
        };
        let made = |alias: &Option<TableAlias>, name: String| {
            let alias_name = alias.as_ref().map(|alias| self.fold(&alias.name));
            let known_as = alias_name.unwrap_or_else(|| name.clone());
            let given = alias.iter().flat_map(|alias| &alias.columns);
            let mut columns: Vec<String> = given.map(|column| self.fold(&column.name)).collect();
            columns.extend([name, known_as.clone()]);
            Range {
                known_as,
                held: Held::Made(columns),
            }
        };
        let range = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => {
                let last = self.last_name(name);
                let held = match self.catalog.table(&last) {
                    _ if name.0.len() == 1 && self.scopes.sees(&last) => Held::Other,
                    Some(table) if table.class() == TableClass::Tenant => {
                        let at = name
                            .0
                            .last()
                            .and_then(|part| part.as_ident())
                            .and_then(|ident| self.source.index(ident.span));
                        if at.is_some_and(|at| in_place.contains(&at)) {
                            Held::Itself(table)
                        } else {
                            Held::Derived(table)
                        }
                    }
                    Some(table) => Held::Itself(table),
                    None => Held::Other,
                };
                Range {
                    known_as: alias.as_ref().map_or(last, |alias| self.fold(&alias.name)),
                    held,
                }
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => {
                ranges.extend(self.ranges_of(std::slice::from_ref(table_with_joins), in_place));
                return;
            }
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                made(alias, self.last_name(name))
            }
            TableFactor::UNNEST { alias, .. } => made(alias, "unnest".into()),
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let inside = self.ranges_of(std::slice::from_ref(table_with_joins), in_place);
                let made = |range: &Range<'_>| matches!(range.held, Held::Made(_));
                ranges.extend(inside.into_iter().filter(made));
                other(alias)
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::JsonTable { alias, .. }
            | TableFactor::XmlTable { alias, .. } => other(alias),
            _ => other(&None),
        };
        ranges.push(range);
    }

    fn last_name(&self, name: &ObjectName) -> String {
        name.0
            .last()
            .and_then(|part| part.as_ident())
            .map_or(String::new(), |ident| self.fold(ident))
    }

    /// Refuses a whole row in an answer whose type would be another one than the table's.
    pub(super) fn rows_keep_their_type(&self, expr: &Expr) -> Walk {
        let mut rows = Vec::new();
        self.rows_in(expr, &mut |name| rows.push(name.clone()), false);
        for ident in rows {
            let name = self.fold(&ident);
            let Some(Range {
                held: Held::Derived(table),
                ..
            }) = self.ranges.of(&name)
            else {
                continue;
            };
            if table.column(&name).is_none() {
                return Err(self.refuse(
                    ident.span,
                    RefusedKind::Type,
                    format!("a whole row of `{}`", table.name()),
                    "behind an outer join it would lose the type of the table",
                    format!(
                        "list its columns, or write to_jsonb({})",
                        names::text(&ident)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// The bare names that are the value of an expression, or a part of it that its type shows. With `nested` also those in
    /// subqueries.
    pub(super) fn rows_in(
        &self,
        expr: &Expr,
        found: &mut impl FnMut(&sqlparser::ast::Ident),
        nested: bool,
    ) {
        if self.dialect != Dialect::Postgres {
            return;
        }
        match expr {
            Expr::Identifier(ident) => found(ident),
            Expr::Nested(expr) => self.rows_in(expr, found, nested),
            Expr::Tuple(exprs) => {
                for expr in exprs {
                    self.rows_in(expr, found, nested);
                }
            }
            Expr::Array(array) => {
                for expr in &array.elem {
                    self.rows_in(expr, found, nested);
                }
            }
            Expr::Case {
                conditions,
                else_result,
                ..
            } => {
                for when in conditions {
                    self.rows_in(&when.result, found, nested);
                }
                if let Some(expr) = else_result {
                    self.rows_in(expr, found, nested);
                }
            }
            Expr::Subquery(query) if nested => self.rows_in_query(query, found),
            Expr::Function(Function { name, args, .. }) => {
                let name = self.last_name(name);
                if ANY_ROW.binary_search(&name.as_str()).is_ok()
                    || self.catalog.function(&name).is_some()
                {
                    return;
                }
                match args {
                    FunctionArguments::Subquery(query) if nested => {
                        self.rows_in_query(query, found);
                    }
                    FunctionArguments::List(list) => {
                        for arg in &list.args {
                            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))
                            | FunctionArg::Named {
                                arg: FunctionArgExpr::Expr(expr),
                                ..
                            } = arg
                            {
                                self.rows_in(expr, found, nested);
                            }
                        }
                    }
                    FunctionArguments::None | FunctionArguments::Subquery(_) => {}
                }
            }
            _ => {}
        }
    }

    fn rows_in_query(&self, query: &Query, found: &mut impl FnMut(&sqlparser::ast::Ident)) {
        let mut body = &*query.body;
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        match body {
            SetExpr::Select(select) => {
                for item in &select.projection {
                    if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } =
                        item
                    {
                        self.rows_in(expr, found, true);
                    }
                }
            }
            SetExpr::Query(query) => self.rows_in_query(query, found),
            _ => {}
        }
    }
}
