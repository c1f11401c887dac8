//! FROM: where a reference to a tenant table becomes a derived table.

use sqlparser::ast::{
    FunctionArg, Join, JoinConstraint, JoinOperator, JsonTableColumn, JsonTableNamedColumn,
    JsonTableNestedColumn, ObjectName, ObjectNamePart, TableAlias, TableFactor, TableFunctionArgs,
    TableSample, TableSampleKind, TableSampleQuantity, TableWithJoins, XmlNamespaceDefinition,
    XmlPassingArgument, XmlPassingClause, XmlTableColumn, XmlTableColumnOption,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::names::{Reference, Relation};
use super::splice::Walk;
use crate::{Table, names};

impl Rewriter<'_> {
    pub(super) fn table_with_joins(&mut self, item: &mut TableWithJoins) -> Walk {
        let TableWithJoins { relation, joins } = item;
        self.table_factor(relation)?;
        for Join {
            relation,
            global,
            join_operator,
        } in joins
        {
            if *global {
                return Err(self.unsupported(Span::empty(), "a global join"));
            }
            self.table_factor(relation)?;
            self.join(join_operator)?;
        }
        Ok(())
    }

    fn join(&mut self, operator: &mut JoinOperator) -> Walk {
        match operator {
            JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)
            | JoinOperator::CrossJoin(constraint) => match constraint {
                JoinConstraint::On(expr) => self.expr(expr),
                JoinConstraint::Using(columns) => {
                    for column in columns {
                        match self.parts(column)?.as_slice() {
                            [column] => self.column(column, Reference::Other)?,
                            parts => {
                                return Err(
                                    self.qualifier(parts.first().unwrap_or(&&names::written("")))
                                );
                            }
                        }
                    }
                    Ok(())
                }
                JoinConstraint::Natural | JoinConstraint::None => Ok(()),
            },
            JoinOperator::Semi(_)
            | JoinOperator::LeftSemi(_)
            | JoinOperator::RightSemi(_)
            | JoinOperator::Anti(_)
            | JoinOperator::LeftAnti(_)
            | JoinOperator::RightAnti(_)
            | JoinOperator::CrossApply
            | JoinOperator::OuterApply
            | JoinOperator::AsOf {
                match_condition: _,
                constraint: _,
            }
            | JoinOperator::StraightJoin(_)
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => {
                Err(self.unsupported(Span::empty(), "a join of another engine"))
            }
        }
    }

    pub(super) fn table_factor(&mut self, factor: &mut TableFactor) -> Walk {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                if !with_hints.is_empty()
                    || version.is_some()
                    || !partitions.is_empty()
                    || json_path.is_some()
                    || !index_hints.is_empty()
                {
                    return Err(self.unsupported(Span::empty(), "a table hint of another engine"));
                }
                if let Some(alias) = alias {
                    self.alias(alias)?;
                }
                match args {
                    Some(TableFunctionArgs { args, settings }) => {
                        if settings.is_some() || sample.is_some() {
                            return Err(
                                self.unsupported(Span::empty(), "an option of a table function")
                            );
                        }
                        self.table_function(name, args)
                    }
                    None if *with_ordinality => {
                        Err(self.unsupported(Span::empty(), "WITH ORDINALITY of a table"))
                    }
                    None => self.table(factor),
                }
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                if sample.is_some() {
                    return Err(self.unsupported(Span::empty(), "a sample of a derived table"));
                }
                self.optional_alias(alias.as_mut())?;
                let hidden = self.ranges.hide(!*lateral);
                self.query(subquery)?;
                self.ranges.hide(hidden);
                Ok(())
            }
            TableFactor::Function {
                lateral: _,
                name,
                args,
                with_ordinality: _,
                alias,
            } => {
                self.optional_alias(alias.as_mut())?;
                self.table_function(name, args)
            }
            TableFactor::UNNEST {
                alias,
                array_exprs,
                with_offset,
                with_offset_alias,
                with_ordinality: _,
            } => {
                if *with_offset || with_offset_alias.is_some() {
                    return Err(self.unsupported(Span::empty(), "WITH OFFSET"));
                }
                self.optional_alias(alias.as_mut())?;
                self.exprs(array_exprs)
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                self.optional_alias(alias.as_mut())?;
                self.table_with_joins(table_with_joins)
            }
            TableFactor::JsonTable {
                json_expr,
                json_path: _,
                columns,
                alias,
            } => {
                self.optional_alias(alias.as_mut())?;
                self.expr(json_expr)?;
                self.json_columns(columns)
            }
            TableFactor::XmlTable {
                namespaces,
                row_expression,
                passing: XmlPassingClause { arguments },
                columns,
                alias,
            } => {
                self.optional_alias(alias.as_mut())?;
                self.expr(row_expression)?;
                for XmlNamespaceDefinition { uri, name: _ } in namespaces {
                    self.expr(uri)?;
                }
                for XmlPassingArgument {
                    expr,
                    alias: _,
                    by_value: _,
                } in arguments
                {
                    self.expr(expr)?;
                }
                for XmlTableColumn { name, option } in columns {
                    match option {
                        XmlTableColumnOption::NamedInfo {
                            r#type,
                            path,
                            default,
                            nullable: _,
                        } => {
                            self.data_type(r#type, name.span)?;
                            self.option(path.as_mut())?;
                            self.option(default.as_mut())?;
                        }
                        XmlTableColumnOption::ForOrdinality => {}
                    }
                }
                Ok(())
            }
            TableFactor::TableFunction { expr: _, alias: _ }
            | TableFactor::OpenJsonTable {
                json_expr: _,
                json_path: _,
                columns: _,
                alias: _,
            }
            | TableFactor::Pivot {
                table: _,
                aggregate_functions: _,
                value_column: _,
                value_source: _,
                default_on_null: _,
                alias: _,
            }
            | TableFactor::Unpivot {
                table: _,
                value: _,
                name: _,
                columns: _,
                null_inclusion: _,
                alias: _,
            }
            | TableFactor::UnpivotExpr {
                expression: _,
                value_alias: _,
                attribute_alias: _,
            }
            | TableFactor::MatchRecognize {
                table: _,
                partition_by: _,
                order_by: _,
                measures: _,
                rows_per_match: _,
                after_match_skip: _,
                pattern: _,
                symbols: _,
                alias: _,
            }
            | TableFactor::SemanticView {
                name: _,
                dimensions: _,
                metrics: _,
                facts: _,
                where_clause: _,
                alias: _,
            } => Err(self.unsupported(Span::empty(), "a relation of another engine")),
        }
    }

    fn optional_alias(&mut self, alias: Option<&mut TableAlias>) -> Walk {
        alias.map_or(Ok(()), |alias| self.alias(alias))
    }

    fn table_function(&mut self, name: &ObjectName, args: &mut [FunctionArg]) -> Walk {
        self.function_name(name)?;
        args.iter_mut().try_for_each(|arg| self.function_arg(arg))
    }

    fn json_columns(&mut self, columns: &mut [JsonTableColumn]) -> Walk {
        for column in columns {
            match column {
                JsonTableColumn::Named(JsonTableNamedColumn {
                    name,
                    r#type,
                    path: _,
                    exists: _,
                    on_empty: _,
                    on_error: _,
                }) => {
                    self.data_type(r#type, name.span)?;
                }
                JsonTableColumn::ForOrdinality(_) => {}
                JsonTableColumn::Nested(JsonTableNestedColumn { path: _, columns }) => {
                    self.json_columns(columns)?;
                }
            }
        }
        Ok(())
    }

    /// A name in FROM that is not a call.
    fn table(&mut self, factor: &mut TableFactor) -> Walk {
        let TableFactor::Table {
            name,
            alias,
            sample,
            ..
        } = factor
        else {
            return Ok(());
        };
        let parts = self.parts(name)?;
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Err(self.unsupported(Span::empty(), "a relation without a name"));
        };
        let (Some(from), Some(to)) = (self.source.index(first.span), self.source.index(last.span))
        else {
            return Err(self.unsupported(first.span, "a relation at an unknown place"));
        };
        if let Some(sample) = sample {
            self.sample(sample)?;
        }
        match self.relation(&parts)? {
            Relation::Cte => Ok(()),
            Relation::Open => {
                if self.only.contains(&to) && self.catalog.has_parts(&self.fold(last)) {
                    return Err(self.only_of_parts(last.span));
                }
                // The tables of a tenant with a schema of its own are not in the default one.
                if from < to {
                    let last = (*last).clone();
                    self.replace(self.source.start(from), self.source.start(to), "");
                    *name = ObjectName(vec![ObjectNamePart::Identifier(last)]);
                }
                Ok(())
            }
            Relation::Tenant(table) => {
                if self.only.contains(&to) && self.catalog.has_parts(table.name()) {
                    return Err(self.only_of_parts(last.span));
                }
                if self.is_in_place(to) {
                    self.binds_tenant = true;
                    if from < to {
                        let last = (*last).clone();
                        self.replace(self.source.start(from), self.source.start(to), "");
                        *name = ObjectName(vec![ObjectNamePart::Identifier(last)]);
                    }
                    return Ok(());
                }
                let (alias, sample) = (alias.take(), sample.take());
                *factor = self.derive(table, from, to, alias, sample)?;
                Ok(())
            }
        }
    }

    pub(super) fn only_of_parts(&self, span: Span) -> crate::Refused {
        self.unsupported(span, "ONLY of a table with parts")
    }

    /// The derived table that stands for a tenant table, whose name is at the tokens `from..=to`.
    fn derive(
        &mut self,
        table: &Table,
        from: usize,
        to: usize,
        alias: Option<TableAlias>,
        sample: Option<TableSampleKind>,
    ) -> Result<TableFactor, crate::Refused> {
        let written = names::written(table.name());
        // TABLESAMPLE and INDEXED BY belong to the base table, so they move into the derived one.
        let behind = self.behind_alias(to + 1, alias.is_some());
        let modifier = match self.modifier(behind) {
            Some(end) => {
                let (start, end) = (self.source.end_before(behind), self.source.end_before(end));
                let text = self
                    .source
                    .sql
                    .get(start..end)
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                self.replace(start, end, "");
                text
            }
            None if sample.is_some() => return Err(self.unsupported(Span::empty(), "TABLESAMPLE")),
            None => String::new(),
        };
        let subquery = self.fragments.derived(&written, sample);
        let mut text = self.fragments.derived_text(&written, &modifier);
        let alias = alias.unwrap_or_else(|| {
            text.push_str(" AS ");
            text.push_str(&names::text(&written));
            TableAlias {
                explicit: true,
                name: written.clone(),
                columns: Vec::new(),
                at: None,
            }
        });
        self.replace(
            self.source.start(from),
            self.source.end_before(to + 1),
            text,
        );
        self.binds_tenant = true;
        Ok(TableFactor::Derived {
            lateral: false,
            subquery: Box::new(subquery),
            alias: Some(alias),
            sample: None,
        })
    }

    /// The first token behind an alias that starts at `at`: `[AS] name [(columns)]`.
    fn behind_alias(&self, mut at: usize, has_alias: bool) -> usize {
        if has_alias {
            at += usize::from(self.source.is_word(at, "as")) + 1;
            if self.source.is_mark(at, '(') {
                at = self.source.step(at);
            }
        }
        at
    }

    /// Where a TABLESAMPLE or INDEXED BY at `at` ends, if there is one.
    fn modifier(&self, at: usize) -> Option<usize> {
        let source = self.source;
        if source.is_word(at, "tablesample") {
            let mut end = source.step(at + 2);
            if source.is_word(end, "repeatable") {
                end = source.step(end + 1);
            }
            return Some(end);
        }
        if source.is_word(at, "indexed") && source.is_word(at + 1, "by") {
            return Some(at + 3);
        }
        (source.is_word(at, "not") && source.is_word(at + 1, "indexed")).then_some(at + 2)
    }

    fn sample(&mut self, sample: &mut TableSampleKind) -> Walk {
        let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) =
            sample;
        let TableSample {
            modifier: _,
            name: _,
            quantity,
            seed: _,
            bucket,
            offset,
        } = &mut **sample;
        if bucket.is_some() || offset.is_some() {
            return Err(self.unsupported(Span::empty(), "a sample of another engine"));
        }
        match quantity {
            None => Ok(()),
            // It is moved as text, so nothing inside may be rewritten.
            Some(TableSampleQuantity {
                parenthesized: _,
                value: sqlparser::ast::Expr::Value(_),
                unit: None,
            }) => Ok(()),
            Some(_) => Err(self.unsupported(Span::empty(), "a computed TABLESAMPLE")),
        }
    }
}
