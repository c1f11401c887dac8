//! INSERT, UPDATE, DELETE and MERGE: what is written belongs to the tenant because only the framework writes the tenant column.

mod conflict;
mod delete;
mod insert;
mod merge;
mod update;
mod wildcard;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Expr, Ident, ObjectName, ObjectNamePart, TableFactor,
    TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::fragments::and;
use super::names::Reference;
use super::ranges::{Held, Range};
use super::splice::{Edit, Walk};
use crate::{Refused, RefusedKind, Table, names};

/// The table a statement changes, and the name its columns go by inside the statement.
struct Target<'a> {
    table: &'a Table,
    known_as: Ident,
}

impl<'a> Target<'a> {
    /// The target, and what else a write can see, as what columns can be of.
    fn ranges(&self, rewriter: &Rewriter<'a>, others: Vec<Range<'a>>) -> Vec<Range<'a>> {
        let mut ranges = vec![Range {
            known_as: rewriter.fold(&self.known_as),
            held: Held::Itself(self.table),
        }];
        ranges.extend(others);
        ranges
    }
}

impl<'a> Rewriter<'a> {
    /// The single table that UPDATE or DELETE names.
    fn single_target(&mut self, item: &mut TableWithJoins) -> Result<Target<'a>, Refused> {
        let TableWithJoins { relation, joins } = item;
        if !joins.is_empty() {
            return Err(self.unsupported(Span::empty(), "a join as the target of a write"));
        }
        self.single_factor(relation)
    }

    /// The table that is written to, with its alias.
    fn single_factor(&mut self, relation: &mut TableFactor) -> Result<Target<'a>, Refused> {
        let TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } = relation
        else {
            return Err(self.unsupported(Span::empty(), "a write to something that is not a table"));
        };
        if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
            return Err(self.unsupported(Span::empty(), "a table hint of another engine"));
        }
        let known_as = match alias {
            Some(alias) => {
                self.alias(alias)?;
                if let Some(column) = alias.columns.first() {
                    return Err(self.unsupported(
                        column.name.span,
                        "names for the columns of a written table",
                    ));
                }
                Some(alias.name.clone())
            }
            None => None,
        };
        let table = self.written_table(name)?;
        Ok(Target {
            table,
            known_as: known_as.unwrap_or_else(|| names::written(table.name())),
        })
    }

    /// Resolves the target's name and takes its schema off.
    fn written_table(&mut self, name: &mut ObjectName) -> Result<&'a Table, Refused> {
        let parts: Vec<Ident> = self.parts(name)?.into_iter().cloned().collect();
        let table = self.target(&parts.iter().collect::<Vec<_>>())?;
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
            return Err(self.unsupported(Span::empty(), "a relation without a name"));
        };
        let (Some(from), Some(to)) = (self.source.index(first.span), self.source.index(last.span))
        else {
            return Err(self.unsupported(first.span, "a relation at an unknown place"));
        };
        // Noted even where there is no schema to take off: a pool may have to put one there.
        self.edits.push(Edit {
            start: self.source.start(from),
            end: self.source.start(to),
            text: String::new(),
            target: true,
        });
        if parts.len() > 1 {
            *name = ObjectName(vec![ObjectNamePart::Identifier(last.clone())]);
        }
        if let Some(last) = parts.last()
            && self
                .source
                .index(last.span)
                .is_some_and(|at| self.only.contains(&at))
            && self.catalog.has_parts(table.name())
        {
            return Err(self.only_of_parts(last.span));
        }
        self.writes = true;
        self.binds_tenant = true;
        Ok(table)
    }

    /// What SET assigns to: never the tenant column, and never a system column.
    fn assignments(&mut self, assignments: &mut [Assignment]) -> Walk {
        for Assignment { target, value } in assignments {
            match target {
                AssignmentTarget::ColumnName(name) => self.written_column(name)?,
                AssignmentTarget::Tuple(names) => {
                    names
                        .iter()
                        .try_for_each(|name| self.written_column(name))?;
                }
            }
            self.expr(value)?;
        }
        Ok(())
    }

    /// A column that a statement writes. Every part is looked at: `SET lead.tenant_id`, `SET tenant_id.x`.
    fn written_column(&self, name: &ObjectName) -> Walk {
        for part in self.parts(name)? {
            if self.fold(part) == self.catalog.tenant_column() {
                return Err(self.refuse(
                    part.span,
                    RefusedKind::TenantColumn,
                    format!(
                        "a write to the tenant column `{}`",
                        self.catalog.tenant_column()
                    ),
                    "only the framework says whose a row is",
                    "leave it out: it is filled in",
                ));
            }
            self.column(part, Reference::Other)?;
        }
        Ok(())
    }

    /// Confines the target: `WHERE (original) AND target.tenant_id = $n`. The statement's own tokens are `from..to`.
    fn confine(
        &mut self,
        selection: &mut Option<Expr>,
        known_as: &Ident,
        from: usize,
        to: usize,
    ) -> Walk {
        let text = self.fragments.predicate_text(known_as);
        self.conjoin(selection.is_some(), from, to, &text)?;
        *selection = Some(and(selection.take(), self.fragments.predicate(known_as)));
        Ok(())
    }

    /// Puts a predicate into the WHERE on the level of `from`, or makes one in front of RETURNING.
    pub(super) fn conjoin(
        &mut self,
        has_where: bool,
        from: usize,
        to: usize,
        predicate: &str,
    ) -> Walk {
        let end = self.source.find(from, to, &["returning"]).unwrap_or(to);
        let place = self.source.find(from, end, &["where"]);
        match (has_where, place) {
            (true, Some(place)) => {
                self.insert_at(self.source.start(place + 1), "(");
                self.insert_at(self.source.end_before(end), format!(") AND {predicate}"));
                Ok(())
            }
            (false, None) => {
                self.insert_at(self.source.end_before(end), format!(" WHERE {predicate}"));
                Ok(())
            }
            _ => Err(self.unsupported(Span::empty(), "a WHERE at an unknown place")),
        }
    }

    /// The tokens from the keyword of a statement to the end of its level.
    fn extent(&self, keyword: Span) -> Result<(usize, usize), Refused> {
        let from = self
            .source
            .index(keyword)
            .ok_or_else(|| self.unsupported(keyword, "a statement at an unknown place"))?;
        Ok((from, self.source.level_end(from)))
    }
}
