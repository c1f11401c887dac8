//! MERGE of PostgreSQL. Its ON says which rows of the target are met, so the predicate goes there; a row that is inserted gets
//! the tenant like any other. Rows of the target that no source row meets are for a MERGE of another tenant's, too: refused.

use sqlparser::ast::{
    Expr, Merge, MergeAction, MergeClause, MergeClauseKind, MergeInsertExpr, MergeInsertKind,
    MergeUpdateExpr, MergeUpdateKind, OutputClause,
};
use sqlparser::tokenizer::Span;

use super::super::Rewriter;
use super::super::fragments::and;
use super::super::splice::Walk;
use crate::{RefusedKind, Table};

impl Rewriter<'_> {
    pub(in super::super) fn merge(&mut self, merge: &mut Merge) -> Walk {
        let Merge {
            merge_token,
            optimizer_hints,
            into,
            table,
            source,
            on,
            clauses,
            output,
        } = merge;
        let span = merge_token.0.span;
        self.here.set(span);
        if !optimizer_hints.is_empty() || !*into {
            return Err(self.unsupported(span, "a clause of another engine in MERGE"));
        }
        match output {
            None => {}
            Some(
                OutputClause::Returning {
                    returning_token,
                    select_items: _,
                }
                | OutputClause::Output {
                    output_token: returning_token,
                    select_items: _,
                    into_table: _,
                },
            ) => {
                return Err(self.refuse(
                    returning_token.0.span,
                    RefusedKind::Statement,
                    "RETURNING of MERGE",
                    "it was not tried with a server that has it",
                    "read the rows with a SELECT in the same transaction, or write INSERT ... ON CONFLICT ... RETURNING",
                ));
            }
        }
        let target = self.single_factor(table)?;
        let mut others = Vec::new();
        self.add_range(source, &[], &mut others);
        self.table_factor(source)?;
        let ranges = target.ranges(self, others);
        self.ranges.enter(ranges);
        self.expr(on)?;
        self.confine_on(on, span, clauses, &target.known_as)?;
        for MergeClause {
            when_token,
            clause_kind,
            predicate,
            action,
        } in clauses
        {
            let span = when_token.0.span;
            self.here.set(span);
            match clause_kind {
                MergeClauseKind::Matched | MergeClauseKind::NotMatched => {}
                MergeClauseKind::NotMatchedByTarget => {
                    return Err(self.refuse(
                        span,
                        RefusedKind::Statement,
                        "WHEN NOT MATCHED BY TARGET",
                        "it was not tried with a server that has it",
                        "write WHEN NOT MATCHED, which is the same",
                    ));
                }
                MergeClauseKind::NotMatchedBySource => {
                    return Err(self.refuse(
                        span,
                        RefusedKind::Statement,
                        "WHEN NOT MATCHED BY SOURCE",
                        "the rows that no source row meets are those of all tenants",
                        "write UPDATE or DELETE with WHERE NOT EXISTS",
                    ));
                }
            }
            self.option(predicate.as_mut())?;
            self.merge_action(action, target.table)?;
        }
        self.ranges.leave();
        Ok(())
    }

    /// `ON (original) AND target.tenant_id = $n`: what it matches is the tenant's, and what it does not is inserted.
    fn confine_on(
        &mut self,
        on: &mut Box<Expr>,
        merge: Span,
        clauses: &[MergeClause],
        known_as: &sqlparser::ast::Ident,
    ) -> Walk {
        let when = clauses
            .first()
            .and_then(|clause| self.source.index(clause.when_token.0.span));
        let (start, end) = self.extent(merge)?;
        let Some((when, place)) = when
            .filter(|when| *when < end && self.source.is_word(*when, "when"))
            .and_then(|when| Some((when, self.source.find(start, when, &["on"])?)))
        else {
            return Err(self.unsupported(Span::empty(), "a MERGE without ON and WHEN"));
        };
        self.insert_at(self.source.start(place + 1), "(");
        let text = self.fragments.predicate_text(known_as);
        self.insert_at(self.source.end_before(when), format!(") AND {text}"));
        let original = std::mem::replace(&mut **on, self.fragments.value());
        **on = and(Some(original), self.fragments.predicate(known_as));
        Ok(())
    }

    fn merge_action(&mut self, action: &mut MergeAction, table: &Table) -> Walk {
        match action {
            MergeAction::Delete { delete_token: _ }
            | MergeAction::DoNothing {
                do_token: _,
                nothing_token: _,
            } => Ok(()),
            MergeAction::Update(MergeUpdateExpr {
                update_token,
                kind: MergeUpdateKind::Set(assignments),
                update_predicate: None,
                delete_predicate: None,
            }) => {
                self.here.set(update_token.0.span);
                self.assignments(assignments)
            }
            MergeAction::Insert(MergeInsertExpr {
                insert_token,
                columns,
                kind_token: _,
                kind: MergeInsertKind::Values(values),
                insert_predicate: None,
            }) => {
                let span = insert_token.0.span;
                self.here.set(span);
                let Some(at) = self.source.index(span) else {
                    return Err(self.unsupported(span, "an INSERT at an unknown place"));
                };
                columns
                    .iter()
                    .try_for_each(|column| self.written_column(column))?;
                let width = values.rows.first().map(|row| row.content.len());
                self.columns(columns, table, at + 1, Some(width))?;
                self.rows(values)?;
                self.values(values)
            }
            MergeAction::Update(MergeUpdateExpr { update_token, .. }) => {
                Err(self.unsupported(update_token.0.span, "an UPDATE of another engine"))
            }
            MergeAction::Insert(MergeInsertExpr { insert_token, .. }) => {
                Err(self.unsupported(insert_token.0.span, "an INSERT of another engine"))
            }
        }
    }
}
