//! `INSERT ... SELECT *`: the star would bring the tenant column of the table it stands for along, so it is written out
//! without it, by name.

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, Select, SelectItem, TableFactor, TableWithJoins,
};

use super::super::Rewriter;
use crate::names;

impl Rewriter<'_> {
    /// Replaces the stars of a select list by the columns they stand for. Leaves the list alone if one of them can't be
    /// told from the catalogue.
    pub(super) fn expand(&mut self, select: &mut Select) {
        let Some(sources) = self.sources(&select.from) else {
            return;
        };
        let mut items = Vec::with_capacity(select.projection.len());
        let mut edits = Vec::new();
        for item in &select.projection {
            let SelectItem::Wildcard(options) = item else {
                items.push(item.clone());
                continue;
            };
            let Some(at) = self.source.index(options.wildcard_token.0.span) else {
                return;
            };
            let columns: Vec<[Ident; 2]> = sources.iter().flatten().cloned().collect();
            let text: Vec<String> = columns
                .iter()
                .map(|[table, column]| format!("{}.{}", names::text(table), names::text(column)))
                .collect();
            edits.push((at, text.join(", ")));
            items.extend(
                columns
                    .into_iter()
                    .map(|parts| SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts.to_vec()))),
            );
        }
        for (at, text) in edits {
            self.replace(self.source.start(at), self.source.end_before(at + 1), text);
        }
        select.projection = items;
    }

    /// The columns, but the tenant's, of each table in FROM; `None` unless all are plain tables of the catalogue.
    fn sources(&self, from: &[TableWithJoins]) -> Option<Vec<Vec<[Ident; 2]>>> {
        let mut sources = Vec::new();
        for TableWithJoins { relation, joins } in from {
            sources.push(self.source_columns(relation)?);
            for join in joins {
                let constraint = match &join.join_operator {
                    JoinOperator::Join(constraint)
                    | JoinOperator::Inner(constraint)
                    | JoinOperator::Left(constraint)
                    | JoinOperator::LeftOuter(constraint)
                    | JoinOperator::CrossJoin(constraint) => constraint,
                    _ => return None,
                };
                // USING and NATURAL merge columns.
                if !matches!(constraint, JoinConstraint::On(_) | JoinConstraint::None) {
                    return None;
                }
                sources.push(self.source_columns(&join.relation)?);
            }
        }
        Some(sources)
    }

    fn source_columns(&self, factor: &TableFactor) -> Option<Vec<[Ident; 2]>> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
        else {
            return None;
        };
        let parts = self.parts(name).ok()?;
        let last = parts.last()?;
        let folded = self.fold(last);
        if parts.len() == 1 && self.scopes.sees(&folded) {
            return None;
        }
        let table = self.catalog.table(&folded)?;
        let known_as = match alias {
            Some(alias) if alias.columns.is_empty() => alias.name.clone(),
            Some(_) => return None,
            None => names::written(table.name()),
        };
        let columns = table
            .columns()
            .iter()
            .filter(|column| column.name() != self.catalog.tenant_column());
        Some(
            columns
                .map(|column| [known_as.clone(), names::written(column.name())])
                .collect(),
        )
    }
}
