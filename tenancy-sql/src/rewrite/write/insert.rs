//! INSERT: the tenant column is added to the list and its value to each row, each arm of a set operation.

use std::ops::Range;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Expr, Ident, Insert, ObjectName, ObjectNamePart, OnInsert, Parens, Query, Select, SelectItem,
    SetExpr, TableAliasWithoutColumns, TableObject, Values,
};
use sqlparser::tokenizer::Span;

use super::super::Rewriter;
use super::super::ranges::{self, Held};
use super::super::splice::Walk;
use super::Target;
use crate::lex::Kind;
use crate::{Dialect, Refused, RefusedKind, Table, names};

/// Words that end a select list.
const AFTER_LIST: &[&str] = &[
    "from",
    "where",
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
    "on",
    "into",
];

impl Rewriter<'_> {
    pub(in super::super) fn insert(&mut self, insert: &mut Insert) -> Walk {
        let Insert {
            insert_token,
            optimizer_hints,
            or,
            ignore,
            into,
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            priority,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        let span = insert_token.0.span;
        self.here.set(span);
        let foreign = !optimizer_hints.is_empty()
            || *ignore
            || !*into
            || *overwrite
            || !assignments.is_empty()
            || partitioned.is_some()
            || !after_columns.is_empty()
            || *has_table_keyword
            || output.is_some()
            || priority.is_some()
            || insert_alias.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || multi_table_insert_type.is_some()
            || !multi_table_into_clauses.is_empty()
            || !multi_table_when_clauses.is_empty()
            || multi_table_else_clause.is_some();
        if foreign {
            return Err(self.unsupported(span, "a clause of another engine in INSERT"));
        }
        let TableObject::TableName(name) = table else {
            return Err(self.unsupported(span, "an INSERT into something that is not a table"));
        };
        let (start, end) = self.extent(span)?;
        let last = self
            .parts(name)?
            .last()
            .and_then(|ident| self.source.index(ident.span));
        let Some(mut behind) = last.map(|last| last + 1) else {
            return Err(self.unsupported(span, "a relation at an unknown place"));
        };
        let table = self.written_table(name)?;
        let mut known_as = names::written(table.name());
        if let Some(TableAliasWithoutColumns { explicit, alias }) = table_alias {
            self.not_reserved(alias)?;
            known_as = alias.clone();
            behind += 1 + usize::from(*explicit);
        } else if self.dialect == Dialect::Sqlite && self.source.is_word(behind, "as") {
            // Left out for the parser, which knows no alias here.
            let reserved = self.source.lexeme(behind + 1).is_some_and(|lexeme| {
                lexeme.kind == Kind::Word
                    && names::is_reserved(self.dialect, lexeme.text(self.source.sql))
            });
            let Some(name) = self.source.name(behind + 1).filter(|_| !reserved) else {
                return Err(self.unsupported(span, "an alias at an unknown place"));
            };
            known_as = names::written(&name);
            behind += 2;
        }
        if let Some(or) = or {
            self.conflict_word(or, table, span)?;
        }
        if *replace_into || self.source.is_word(start, "replace") {
            self.keys_are_the_tenants(table, span)?;
        }
        columns
            .iter()
            .try_for_each(|column| self.written_column(column))?;
        if let Some(query) = source {
            self.expand_arms(&mut query.body)?;
        }
        let width = source.as_ref().map(|query| self.width(&query.body));
        self.columns(columns, table, behind, width)?;
        match source {
            None => self.default_values(source, behind)?,
            Some(query) => {
                self.arms(&mut query.body, end)?;
                self.query(query)?;
            }
        }
        let target = Target { table, known_as };
        let excluded = ranges::Range {
            known_as: "excluded".into(),
            held: Held::Derived(table),
        };
        let ranges = target.ranges(self, on.iter().map(|_| excluded.clone()).collect());
        self.ranges.enter(ranges);
        let mut start = start;
        for mut clause in std::mem::take(&mut self.conflicts) {
            let Range {
                start: from,
                end: to,
            } = clause.tokens;
            self.on_conflict(&mut clause.conflict, table, &target.known_as, from, to)?;
            start = to;
            self.walked_conflicts.push(clause);
        }
        match on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => {
                self.on_conflict(conflict, table, &target.known_as, start, end)?;
            }
            // ON DUPLICATE KEY UPDATE, and whatever a later parser knows.
            Some(_) => return Err(self.unsupported(span, "a conflict clause of another engine")),
        }
        if let Some(items) = returning {
            self.select_items(items)?;
        }
        self.ranges.leave();
        Ok(())
    }

    /// Adds the tenant column to the list of columns, or writes the list out of the catalogue.
    ///
    /// `width` is how many values each row has, if there are rows and it can be told.
    pub(super) fn columns(
        &mut self,
        columns: &mut Vec<ObjectName>,
        table: &Table,
        behind: usize,
        width: Option<Option<usize>>,
    ) -> Walk {
        let name = |ident: Ident| ObjectName(vec![ObjectNamePart::Identifier(ident)]);
        let tenant = self.fragments.column();
        let text = self.fragments.column_text();
        if !columns.is_empty() {
            let close = self
                .source
                .is_mark(behind, '(')
                .then(|| self.source.close_of(behind))
                .flatten();
            let Some(close) = close else {
                return Err(
                    self.unsupported(Span::empty(), "a list of columns at an unknown place")
                );
            };
            self.insert_at(self.source.end_before(close), format!(", {text}"));
            columns.push(name(tenant));
            return Ok(());
        }
        let Some(width) = width else {
            self.insert_at(self.source.end_before(behind), format!(" ({text})"));
            columns.push(name(tenant));
            return Ok(());
        };
        let open: Vec<Ident> = table
            .columns()
            .iter()
            .filter(|column| column.name() != self.catalog.tenant_column() && !column.generated())
            .map(|column| names::written(column.name()))
            .collect();
        let width = width.filter(|width| *width <= open.len() && *width > 0);
        // SQLite takes all columns or none; PostgreSQL the first few.
        let Some(width) =
            width.filter(|width| self.dialect == Dialect::Postgres || *width == open.len())
        else {
            return Err(self.refuse(
                Span::empty(),
                RefusedKind::Statement,
                "an INSERT without a list of columns",
                format!(
                    "which value belongs to which column of `{}` can't be told",
                    table.name()
                ),
                "list the columns, without the tenant's",
            ));
        };
        let mut list: Vec<Ident> = open.into_iter().take(width).collect();
        list.push(tenant);
        let text: Vec<String> = list.iter().map(names::text).collect();
        self.insert_at(
            self.source.end_before(behind),
            format!(" ({})", text.join(", ")),
        );
        columns.extend(list.into_iter().map(name));
        Ok(())
    }

    /// How many columns a source has, if that can be seen.
    fn width(&self, mut body: &SetExpr) -> Option<usize> {
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        match body {
            SetExpr::Select(select) => {
                let plain = |item: &SelectItem| {
                    matches!(item, SelectItem::UnnamedExpr(expr) if !matches!(expr, Expr::CompoundFieldAccess { .. }))
                        || matches!(item, SelectItem::ExprWithAlias { .. })
                };
                select
                    .projection
                    .iter()
                    .all(plain)
                    .then_some(select.projection.len())
            }
            SetExpr::Values(values) => values.rows.first().map(|row| row.content.len()),
            SetExpr::Query(query) => self.width(&query.body),
            _ => None,
        }
    }

    /// Adds the tenant to each row and each select list.
    fn arms(&mut self, mut body: &mut SetExpr, end: usize) -> Walk {
        while let SetExpr::SetOperation {
            left,
            op: _,
            set_quantifier: _,
            right,
        } = body
        {
            self.arms(right, end)?;
            body = left;
        }
        match body {
            SetExpr::Values(values) => self.rows(values),
            SetExpr::Select(select) => self.select_list(select, end),
            SetExpr::Query(query) => self.arms(&mut query.body, self.source.lexemes.len()),
            _ => Err(self.unsupported(Span::empty(), "a source of INSERT")),
        }
    }

    pub(super) fn rows(&mut self, values: &mut Values) -> Walk {
        for Parens {
            opening_token: _,
            content,
            closing_token,
        } in &mut values.rows
        {
            let close = self
                .source
                .index(closing_token.0.span)
                .filter(|close| self.source.is_mark(*close, ')'));
            let Some(close) = close else {
                return Err(self.unsupported(Span::empty(), "a row at an unknown place"));
            };
            self.insert_at(
                self.source.end_before(close),
                format!(", {}", self.fragments.value_text()),
            );
            content.push(self.fragments.value());
        }
        Ok(())
    }

    /// At the end of the list, so that ordinals in ORDER BY keep their meaning.
    fn select_list(&mut self, select: &mut Select, end: usize) -> Walk {
        let span = select.select_token.0.span;
        let place = self.source.index(span);
        let value = self.fragments.value_text();
        if let Some(at) = place
            && self.source.is_word(at, "table")
            && self.extend_table(at, &value)
        {
            select
                .projection
                .push(SelectItem::UnnamedExpr(self.fragments.value()));
            return Ok(());
        }
        let from = place.filter(|from| self.source.is_word(*from, "select"));
        let (Some(from), false) = (from, select.projection.is_empty()) else {
            return Err(self.unsupported(span, "an INSERT from an empty select list"));
        };
        let end = self.source.level_end(from).min(end.max(from));
        let mut at = from + 1;
        let place = loop {
            match self.source.find(at, end, AFTER_LIST) {
                // `IS DISTINCT FROM` is no FROM clause.
                Some(place)
                    if self.source.is_word(place, "from")
                        && self.source.is_word(place - 1, "distinct")
                        && (self.source.is_word(place.saturating_sub(2), "is")
                            || self.source.is_word(place.saturating_sub(2), "not")) =>
                {
                    at = place + 1;
                }
                place => break place.unwrap_or(end),
            }
        };
        self.insert_at(self.source.end_before(place), format!(", {value}"));
        select
            .projection
            .push(SelectItem::UnnamedExpr(self.fragments.value()));
        Ok(())
    }

    /// `DEFAULT VALUES` has no place for a value.
    fn default_values(&mut self, source: &mut Option<Box<Query>>, behind: usize) -> Walk {
        let text = format!("VALUES ({})", self.fragments.value_text());
        self.replace(
            self.source.start(behind),
            self.source.end_before(behind + 2),
            text,
        );
        let row = Parens {
            opening_token: AttachedToken::empty(),
            content: vec![self.fragments.value()],
            closing_token: AttachedToken::empty(),
        };
        let body = SetExpr::Values(Values {
            explicit_row: false,
            value_keyword: false,
            rows: vec![row],
        });
        *source = Some(Box::new(Query {
            with: None,
            body: Box::new(body),
            order_by: None,
            limit_clause: None,
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        }));
        Ok(())
    }

    /// Whether no key reaches over tenants, so that replacing or ignoring touches rows of one only.
    pub(super) fn keys_are_the_tenants(&self, table: &Table, span: Span) -> Result<(), Refused> {
        let tenant = self.catalog.tenant_column();
        let has = |columns: &[Box<str>]| columns.iter().any(|column| &**column == tenant);
        let primary = table.primary_key().is_empty() || has(table.primary_key());
        if primary && table.uniques().iter().all(|unique| has(unique.columns())) {
            return Ok(());
        }
        Err(self.refuse(
            span,
            RefusedKind::Conflict,
            "a conflict with any key",
            format!("a unique key of `{}` has no tenant column, so the row in the way may be another tenant's", table.name()),
            format!("let the unique keys start with `{tenant}`, or name the key in ON CONFLICT (...)"),
        ))
    }
}
