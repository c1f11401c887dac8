//! What a star stands for: the columns of a query as far as the text and the catalogue tell, and whether the tenant column is
//! among them because of a star. Needed where rows are written; a star that is only read stays a star.

use sqlparser::ast::{
    Delete, Expr, FromTable, Ident, Insert, JoinConstraint, JoinOperator, ObjectName, Query,
    Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement, TableAlias,
    TableFactor, TableObject, TableWithJoins, Update,
};

use super::Rewriter;
use crate::names;

/// The columns that a star over something stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    /// These, by folded name, and the tenant column too, which is not among them here.
    Columns(Vec<String>),
    /// Columns that the statement itself says; no star brought the tenant column along.
    Plain,
    /// It can't be told.
    Unknown,
}

/// One thing in FROM, and what it is known as there.
pub(super) struct From {
    pub(super) known_as: Option<Ident>,
    pub(super) output: Output,
}

/// The things in FROM, in the order a star takes them.
pub(super) struct Froms {
    pub(super) items: Vec<From>,
    /// USING or NATURAL: a star takes some columns once and first.
    pub(super) merged: bool,
}

/// Functions whose columns are those of a table named by type.
const ROWS_OF_A_TYPE: &[&str] = &[
    "json_populate_record",
    "json_populate_recordset",
    "jsonb_populate_record",
    "jsonb_populate_recordset",
];

impl Rewriter<'_> {
    /// The columns of a query, read before it is rewritten.
    pub(super) fn output(&self, query: &Query) -> Output {
        let output = self.output_of(&query.body);
        // Names of expressions inside are not in sight yet.
        match (&query.with, output) {
            (Some(_), Output::Columns(_)) => Output::Unknown,
            (_, output) => output,
        }
    }

    fn output_of(&self, mut body: &SetExpr) -> Output {
        while let SetExpr::SetOperation { left, .. } = body {
            body = left;
        }
        match body {
            SetExpr::Select(select) => self.items(&select.projection, || self.froms(&select.from)),
            SetExpr::Query(query) => self.output(query),
            SetExpr::Values(_) => Output::Plain,
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.returned(statement),
            SetExpr::Table(_) | SetExpr::SetOperation { .. } => Output::Unknown,
        }
    }

    /// The columns of RETURNING; a star in it is told only where the target is alone.
    fn returned(&self, statement: &Statement) -> Output {
        let (items, target, alone) = match statement {
            Statement::Insert(Insert {
                returning: Some(items),
                table: TableObject::TableName(name),
                ..
            }) => (items, Some((name, None)), true),
            Statement::Update(Update {
                returning: Some(items),
                table,
                from,
                ..
            }) => (items, table_of(table), from.is_none()),
            Statement::Delete(Delete {
                returning: Some(items),
                from: FromTable::WithFromKeyword(from),
                using,
                ..
            }) => match from.as_slice() {
                [item] => (items, table_of(item), using.is_none()),
                _ => return Output::Unknown,
            },
            _ => return Output::Unknown,
        };
        self.items(items, || {
            let known = target.filter(|_| alone);
            let item = known.map_or(
                From {
                    known_as: None,
                    output: Output::Unknown,
                },
                |(name, alias)| self.table_columns(name, alias, true),
            );
            Froms {
                items: vec![item],
                merged: false,
            }
        })
    }

    fn items(&self, items: &[SelectItem], froms: impl FnOnce() -> Froms) -> Output {
        let is_star = |item: &SelectItem| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        if !items.iter().any(is_star) {
            return Output::Plain;
        }
        let froms = froms();
        let (mut columns, mut tenant) = (Vec::new(), false);
        for item in items {
            match item {
                SelectItem::Wildcard(_) if froms.merged => {
                    if froms.items.iter().any(From::brings_tenant) {
                        return Output::Unknown;
                    }
                }
                SelectItem::Wildcard(_) => {
                    for from in &froms.items {
                        match &from.output {
                            Output::Columns(more) => {
                                tenant |= true;
                                columns.extend(more.iter().cloned());
                            }
                            Output::Plain => columns.push(String::new()),
                            Output::Unknown => return Output::Unknown,
                        }
                    }
                }
                SelectItem::QualifiedWildcard(kind, _) => match self.starred(kind, &froms) {
                    Some(Output::Columns(more)) => {
                        tenant |= true;
                        columns.extend(more.iter().cloned());
                    }
                    Some(Output::Plain) => columns.push(String::new()),
                    Some(Output::Unknown) | None => return Output::Unknown,
                },
                SelectItem::UnnamedExpr(Expr::Identifier(name))
                | SelectItem::ExprWithAlias {
                    expr: _,
                    alias: name,
                } => columns.push(self.fold(name)),
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => columns.push(
                    parts
                        .last()
                        .map_or(String::new(), |column| self.fold(column)),
                ),
                SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAliases { .. } => {
                    columns.push(String::new());
                }
            }
        }
        if !tenant {
            return Output::Plain;
        }
        // Each must have a name of its own, and the tenant column none that the statement gave it.
        let own = |(at, column): (usize, &String)| {
            !column.is_empty()
                && column != self.catalog.tenant_column()
                && columns.iter().take(at).all(|before| before != column)
        };
        if columns.iter().enumerate().all(own) {
            Output::Columns(columns)
        } else {
            Output::Unknown
        }
    }

    /// What `x.*` stands for.
    pub(super) fn starred<'f>(
        &self,
        kind: &SelectItemQualifiedWildcardKind,
        froms: &'f Froms,
    ) -> Option<&'f Output> {
        let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
            return None;
        };
        let [name] = *self.parts(name).ok()?.as_slice() else {
            return None;
        };
        let mut named = froms.items.iter().filter(|from| {
            from.known_as
                .as_ref()
                .is_some_and(|known_as| self.fold(known_as) == self.fold(name))
        });
        match (named.next(), named.next()) {
            (Some(from), None) => Some(&from.output),
            _ => None,
        }
    }

    /// The columns of each thing in FROM.
    pub(super) fn froms(&self, from: &[TableWithJoins]) -> Froms {
        let mut froms = Froms {
            items: Vec::new(),
            merged: false,
        };
        for item in from {
            self.add_froms(item, &mut froms);
        }
        froms
    }

    fn add_froms(&self, item: &TableWithJoins, froms: &mut Froms) {
        self.add_from(&item.relation, froms);
        for join in &item.joins {
            let plain = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::Left(constraint)
                | JoinOperator::LeftOuter(constraint)
                | JoinOperator::Right(constraint)
                | JoinOperator::RightOuter(constraint)
                | JoinOperator::FullOuter(constraint)
                | JoinOperator::CrossJoin(constraint) => {
                    matches!(constraint, JoinConstraint::On(_) | JoinConstraint::None)
                }
                _ => false,
            };
            froms.merged |= !plain;
            self.add_from(&join.relation, froms);
        }
    }

    fn add_from(&self, factor: &TableFactor, froms: &mut Froms) {
        let named = |alias: &Option<TableAlias>| alias.as_ref().map(|alias| alias.name.clone());
        let renamed = |alias: &Option<TableAlias>, output: Output| match (alias, output) {
            (Some(alias), Output::Columns(_)) if !alias.columns.is_empty() => Output::Unknown,
            (_, output) => output,
        };
        let item = match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                ..
            } => self.table_columns(name, alias.as_ref(), false),
            TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
                From {
                    known_as: named(alias),
                    output: self.function_columns(name),
                }
            }
            TableFactor::Derived {
                subquery, alias, ..
            } => From {
                known_as: named(alias),
                output: renamed(alias, self.output(subquery)),
            },
            TableFactor::UNNEST { alias, .. }
            | TableFactor::JsonTable { alias, .. }
            | TableFactor::XmlTable { alias, .. } => From {
                known_as: named(alias),
                output: Output::Plain,
            },
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => return self.add_froms(table_with_joins, froms),
            _ => From {
                known_as: None,
                output: Output::Unknown,
            },
        };
        froms.items.push(item);
    }

    fn function_columns(&self, name: &ObjectName) -> Output {
        let folded = self
            .parts(name)
            .ok()
            .and_then(|parts| parts.last().map(|name| self.fold(name)));
        match folded {
            Some(name)
                if self.catalog.function(&name).is_none()
                    && !ROWS_OF_A_TYPE.contains(&name.as_str()) =>
            {
                Output::Plain
            }
            _ => Output::Unknown,
        }
    }

    /// The columns of a table, or of a common table expression in sight.
    fn table_columns(&self, name: &ObjectName, alias: Option<&TableAlias>, target: bool) -> From {
        let folded = match self.parts(name).as_deref() {
            Ok([name]) => Some((self.fold(name), false)),
            Ok([_, name]) => Some((self.fold(name), true)),
            _ => None,
        };
        let Some((folded, qualified)) = folded else {
            return From {
                known_as: None,
                output: Output::Unknown,
            };
        };
        let known_as = alias.map_or_else(|| names::written(&folded), |alias| alias.name.clone());
        let expression = (!qualified && !target)
            .then(|| self.scopes.output(&folded))
            .flatten();
        let output = match expression {
            Some(output) => output.clone(),
            None => self
                .catalog
                .table(&folded)
                .map_or(Output::Unknown, |table| {
                    let columns = table
                        .columns()
                        .iter()
                        .map(|column| column.name().to_owned())
                        .filter(|column| column != self.catalog.tenant_column());
                    Output::Columns(columns.collect())
                }),
        };
        let output = match (alias, output) {
            (Some(alias), Output::Columns(_)) if !alias.columns.is_empty() => Output::Unknown,
            (_, output) => output,
        };
        From {
            known_as: Some(known_as),
            output,
        }
    }

    /// The select items of a SELECT with each star written out. `None` if none of them brings the tenant column along; an
    /// error if that can't be told.
    pub(super) fn written_out(
        &self,
        select: &Select,
    ) -> Result<Option<Vec<Vec<SelectItem>>>, usize> {
        let is_star = |item: &SelectItem| {
            matches!(
                item,
                SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
            )
        };
        if !select.projection.iter().any(is_star) {
            return Ok(None);
        }
        let froms = self.froms(&select.from);
        let brings = froms.items.iter().any(From::brings_tenant);
        let mut written = Vec::with_capacity(select.projection.len());
        for (at, item) in select.projection.iter().enumerate() {
            written.push(match item {
                SelectItem::Wildcard(_) if !brings => vec![item.clone()],
                SelectItem::Wildcard(_) if froms.merged => return Err(at),
                SelectItem::Wildcard(_) => {
                    let mut items = Vec::new();
                    for from in &froms.items {
                        let known_as = from.known_as.as_ref().ok_or(at)?;
                        items.extend(columns_of(known_as, &from.output).ok_or(at)?);
                    }
                    items
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    match self.starred(kind, &froms).ok_or(at)? {
                        Output::Plain => vec![item.clone()],
                        output => {
                            let SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                                return Err(at);
                            };
                            let known_as = match self.parts(name).as_deref() {
                                Ok([name]) => (*name).clone(),
                                _ => return Err(at),
                            };
                            columns_of(&known_as, output).ok_or(at)?
                        }
                    }
                }
                _ => vec![item.clone()],
            });
        }
        Ok(Some(written))
    }
}

impl From {
    fn brings_tenant(&self) -> bool {
        self.output != Output::Plain
    }
}

/// The table that a write names.
fn table_of(item: &TableWithJoins) -> Option<(&ObjectName, Option<&TableAlias>)> {
    match &item.relation {
        TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } if item.joins.is_empty() => Some((name, alias.as_ref())),
        _ => None,
    }
}

fn columns_of(known_as: &Ident, output: &Output) -> Option<Vec<SelectItem>> {
    match output {
        Output::Columns(columns) => Some(
            columns
                .iter()
                .map(|column| {
                    SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![
                        known_as.clone(),
                        names::written(column),
                    ]))
                })
                .collect(),
        ),
        Output::Plain => Some(vec![SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(ObjectName(vec![
                sqlparser::ast::ObjectNamePart::Identifier(known_as.clone()),
            ])),
            sqlparser::ast::WildcardAdditionalOptions::default(),
        )]),
        Output::Unknown => None,
    }
}
