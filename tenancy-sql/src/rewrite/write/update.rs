//! UPDATE, with FROM and RETURNING.

use sqlparser::ast::{SqliteOnConflict, Update, UpdateTableFromKind};
use sqlparser::tokenizer::Span;

use super::super::Rewriter;
use super::super::splice::Walk;

impl Rewriter<'_> {
    pub(in super::super) fn update(&mut self, update: &mut Update) -> Walk {
        let Update {
            update_token,
            optimizer_hints,
            table,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
        } = update;
        let span = update_token.0.span;
        self.here.set(span);
        if !optimizer_hints.is_empty()
            || output.is_some()
            || !order_by.is_empty()
            || limit.is_some()
        {
            return Err(self.unsupported(span, "a clause of another engine in UPDATE"));
        }
        let (start, end) = self.extent(span)?;
        let target = self.single_target(table)?;
        if let Some(or) = or {
            self.conflict_word(or, target.table, span)?;
        }
        let others = match from {
            Some(UpdateTableFromKind::AfterSet(items)) => self.ranges_of(items, &[]),
            _ => Vec::new(),
        };
        let ranges = target.ranges(self, others);
        self.ranges.enter(ranges);
        self.assignments(assignments)?;
        match from {
            None => {}
            Some(UpdateTableFromKind::AfterSet(items)) => {
                for item in items {
                    self.table_with_joins(item)?;
                }
            }
            Some(UpdateTableFromKind::BeforeSet(_)) => {
                return Err(self.unsupported(span, "FROM in front of SET"));
            }
        }
        self.option(selection.as_mut())?;
        if let Some(returning) = returning {
            self.select_items(returning)?;
        }
        self.ranges.leave();
        self.confine(selection, &target.known_as, start, end)
    }

    /// `OR IGNORE` and its like.
    pub(super) fn conflict_word(
        &mut self,
        or: &SqliteOnConflict,
        table: &crate::Table,
        span: Span,
    ) -> Walk {
        match or {
            SqliteOnConflict::Abort | SqliteOnConflict::Fail => Ok(()),
            SqliteOnConflict::Ignore | SqliteOnConflict::Replace => {
                self.keys_are_the_tenants(table, span)
            }
            SqliteOnConflict::Rollback => Err(self.refuse(
                span,
                crate::RefusedKind::Statement,
                "OR ROLLBACK",
                "it ends the transaction behind the pool's back",
                "leave it out and roll back in the program",
            )),
        }
    }
}
