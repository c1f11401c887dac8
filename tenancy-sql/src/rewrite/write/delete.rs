//! DELETE, with USING and RETURNING.

use sqlparser::ast::{Delete, FromTable};

use super::super::Rewriter;
use super::super::splice::Walk;

impl Rewriter<'_> {
    pub(in super::super) fn delete(&mut self, delete: &mut Delete) -> Walk {
        let Delete {
            delete_token,
            optimizer_hints,
            tables,
            from,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
        } = delete;
        let span = delete_token.0.span;
        self.here.set(span);
        if !optimizer_hints.is_empty()
            || !tables.is_empty()
            || output.is_some()
            || !order_by.is_empty()
            || limit.is_some()
        {
            return Err(self.unsupported(span, "a clause of another engine in DELETE"));
        }
        let (start, end) = self.extent(span)?;
        let FromTable::WithFromKeyword(items) = from else {
            return Err(self.unsupported(span, "DELETE without FROM"));
        };
        let [item] = items.as_mut_slice() else {
            return Err(self.unsupported(span, "DELETE from several tables"));
        };
        let target = self.single_target(item)?;
        let others = self.ranges_of(using.as_deref().unwrap_or_default(), &[]);
        let ranges = target.ranges(self, others);
        self.ranges.enter(ranges);
        for item in using.iter_mut().flatten() {
            self.table_with_joins(item)?;
        }
        self.option(selection.as_mut())?;
        if let Some(returning) = returning {
            self.select_items(returning)?;
        }
        self.ranges.leave();
        self.confine(selection, &target.known_as, start, end)
    }
}
