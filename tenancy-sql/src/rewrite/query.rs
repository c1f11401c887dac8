//! `Query`: WITH, set operations, VALUES, ORDER BY, LIMIT and locking clauses.

use sqlparser::ast::{
    Cte, Fetch, Ident, LimitClause, LockClause, Offset, OrderBy, OrderByExpr, OrderByKind,
    OrderByOptions, OrderBySort, Query, SetExpr, SetQuantifier, Statement, TableAlias,
    TableAliasColumnDef, Values, With,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::output::Output;
use super::splice::Walk;
use crate::{Dialect, RefusedKind};

impl Rewriter<'_> {
    pub(super) fn query(&mut self, query: &mut Query) -> Walk {
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        if for_clause.is_some()
            || settings.is_some()
            || format_clause.is_some()
            || !pipe_operators.is_empty()
        {
            return Err(self.unsupported(Span::empty(), "a clause of another engine"));
        }
        self.scopes.enter();
        if let Some(with) = with {
            self.with(with)?;
        }
        self.set_expr(body)?;
        let ordered = matches!(**body, SetExpr::Select(_));
        if ordered {
            self.ranges.reenter();
        }
        if let Some(order_by) = order_by {
            self.order_by(order_by)?;
        }
        match limit_clause {
            None => {}
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) => {
                self.option(limit.as_mut())?;
                if let Some(Offset { value, rows: _ }) = offset {
                    self.expr(value)?;
                }
                if !limit_by.is_empty() {
                    return Err(self.unsupported(Span::empty(), "LIMIT BY"));
                }
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.expr(offset)?;
                self.expr(limit)?;
            }
        }
        if let Some(Fetch {
            with_ties: _,
            percent: _,
            quantity,
        }) = fetch
        {
            self.option(quantity.as_mut())?;
        }
        for LockClause {
            lock_type: _,
            of,
            nonblock: _,
        } in locks
        {
            self.writes = true;
            if let Some(of) = of {
                // The name of something in FROM, which keeps its name when it is rewritten.
                let parts = self.parts(of)?;
                if let [schema, _, ..] = parts.as_slice() {
                    return Err(self.qualifier(schema));
                }
            }
        }
        if ordered {
            self.ranges.leave();
        }
        self.scopes.leave();
        Ok(())
    }

    fn with(&mut self, with: &mut With) -> Walk {
        let With {
            with_token: _,
            recursive,
            cte_tables,
        } = with;
        if *recursive {
            for Cte {
                alias,
                query: _,
                from: _,
                materialized: _,
                closing_paren_token: _,
            } in cte_tables.iter()
            {
                let name = self.cte_name(&alias.name)?;
                self.scopes.add(name, Output::Unknown);
            }
        }
        for Cte {
            alias,
            query,
            from,
            materialized: _,
            closing_paren_token: _,
        } in cte_tables
        {
            self.alias(alias)?;
            let name = self.cte_name(&alias.name)?;
            if let Some(from) = from {
                return Err(self.unsupported(from.span, "FROM in a common table expression"));
            }
            let output = match (self.output(query), alias.columns.is_empty()) {
                (Output::Columns(_), false) => Output::Unknown,
                (output, _) => output,
            };
            self.query(query)?;
            // Without RECURSIVE an expression sees only those before it.
            self.scopes.add(name, output);
        }
        Ok(())
    }

    pub(super) fn alias(&mut self, alias: &mut TableAlias) -> Walk {
        let TableAlias {
            explicit: _,
            name,
            columns,
            at,
        } = alias;
        self.not_reserved(name)?;
        for TableAliasColumnDef { name, data_type } in columns {
            self.label(name)?;
            if let Some(data_type) = data_type {
                self.data_type(data_type, name.span)?;
            }
        }
        match at {
            None => Ok(()),
            Some(at) => Err(self.unsupported(at.span, "AT in an alias")),
        }
    }

    /// A name given to a column or expression. Behind AS any word is one; without AS a reserved word is something else.
    pub(super) fn label(&self, name: &Ident) -> Walk {
        // PostgreSQL has no such alias: what stands before it is the type of a literal.
        if self.dialect == Dialect::Postgres && name.quote_style == Some('\'') {
            return Err(self.refuse(
                name.span,
                RefusedKind::Syntax,
                "a literal behind a name",
                "the name is that of a type, of whatever schema",
                "write '...'::type, or AS and a name",
            ));
        }
        let before = self
            .source
            .index(name.span)
            .and_then(|at| at.checked_sub(1));
        if before.is_some_and(|before| self.source.is_word(before, "as")) {
            return Ok(());
        }
        self.not_reserved(name)
    }

    fn set_expr(&mut self, mut body: &mut SetExpr) -> Walk {
        // A chain of set operations leans to the left; the walk must not be as deep as it is long.
        while let SetExpr::SetOperation {
            left,
            op: _,
            set_quantifier,
            right,
        } = body
        {
            match set_quantifier {
                SetQuantifier::All | SetQuantifier::Distinct | SetQuantifier::None => {}
                SetQuantifier::ByName
                | SetQuantifier::AllByName
                | SetQuantifier::DistinctByName => {
                    return Err(self.unsupported(Span::empty(), "a set operation by name"));
                }
            }
            self.set_expr(right)?;
            body = left;
        }
        match body {
            SetExpr::SetOperation {
                left: _,
                op: _,
                set_quantifier: _,
                right: _,
            } => Ok(()),
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::Values(values) => self.values(values),
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => match statement {
                Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_) => self.statement(statement),
                _ => Err(super::kinds::refused(self.source)),
            },
            // It holds the name as text without quotes, so what it names can't be told.
            SetExpr::Table(_) => Err(self.unsupported(Span::empty(), "TABLE")),
        }
    }

    pub(super) fn values(&mut self, values: &mut Values) -> Walk {
        let Values {
            explicit_row,
            value_keyword: _,
            rows,
        } = values;
        if *explicit_row {
            return Err(self.unsupported(Span::empty(), "VALUES ROW"));
        }
        for row in rows {
            self.exprs(&mut row.content)?;
        }
        Ok(())
    }

    pub(super) fn order_by(&mut self, order_by: &mut OrderBy) -> Walk {
        let OrderBy { kind, interpolate } = order_by;
        if interpolate.is_some() {
            return Err(self.unsupported(Span::empty(), "INTERPOLATE"));
        }
        match kind {
            OrderByKind::All(_) => Err(self.unsupported(Span::empty(), "ORDER BY ALL")),
            OrderByKind::Expressions(exprs) => self.order_by_exprs(exprs),
        }
    }

    pub(super) fn order_by_exprs(&mut self, exprs: &mut [OrderByExpr]) -> Walk {
        for OrderByExpr {
            expr,
            options:
                OrderByOptions {
                    sort,
                    nulls_first: _,
                },
            with_fill,
        } in exprs
        {
            if with_fill.is_some() {
                return Err(self.unsupported(Span::empty(), "WITH FILL"));
            }
            match sort {
                None | Some(OrderBySort::Asc | OrderBySort::Desc) => {}
                Some(OrderBySort::Using(operator)) => {
                    if let [schema, _, ..] = self.parts(operator)?.as_slice() {
                        return Err(self.qualifier(schema));
                    }
                }
            }
            self.expr(expr)?;
        }
        Ok(())
    }
}
