//! `INSERT ... SELECT *`: the star would bring the tenant column of the table it stands for along, so it is written out
//! without it, by name. What a star stands for is found in `output`.

use sqlparser::ast::{
    Expr, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins,
};
use sqlparser::tokenizer::Span;

use super::super::Rewriter;
use super::super::splice::Walk;
use crate::{RefusedKind, names};

/// The list of the longer way to write `TABLE leads` and `x IN leads`.
const STAR_OF_A_SHIM: &str = "SELECT * FROM";

impl Rewriter<'_> {
    /// Writes out the stars of each select list.
    pub(super) fn expand_arms(&mut self, mut body: &mut SetExpr) -> Walk {
        while let SetExpr::SetOperation {
            left,
            op: _,
            set_quantifier: _,
            right,
        } = body
        {
            self.expand_arms(right)?;
            body = left;
        }
        match body {
            SetExpr::Select(select) => self.expand(select),
            SetExpr::Query(query) => self.expand_arms(&mut query.body),
            _ => Ok(()),
        }
    }

    /// Replaces the stars of a select list that stand for the tenant column too by the other columns.
    pub(in super::super) fn expand(&mut self, select: &mut Select) -> Walk {
        let written = match self.written_out(select) {
            Ok(None) => return Ok(()),
            Ok(Some(written)) => written,
            Err(at) => {
                self.relations(&select.from)?;
                let span = select
                    .projection
                    .get(at)
                    .and_then(|item| self.star(item))
                    .map_or(Span::empty(), |(_, _, span)| span);
                return Err(self.star_refused(span));
            }
        };
        let mut items = Vec::with_capacity(written.len());
        for (item, written) in select.projection.iter().zip(written) {
            if written.as_slice() != std::slice::from_ref(item) {
                let Some((from, to, _)) = self.star(item) else {
                    return Err(self.star_refused(Span::empty()));
                };
                let text: Vec<String> = written.iter().map(text).collect();
                self.replace_star(from, to, &text.join(", "));
            }
            items.extend(written);
        }
        select.projection = items;
        Ok(())
    }

    /// Refuses what may not be read at all, which says more than that its columns can't be told.
    fn relations(&self, from: &[TableWithJoins]) -> Walk {
        for TableWithJoins { relation, joins } in from {
            let joined = joins.iter().map(|join| &join.relation);
            for factor in std::iter::once(relation).chain(joined) {
                if let TableFactor::Table {
                    name, args: None, ..
                } = factor
                {
                    self.relation(&self.parts(name)?)?;
                }
            }
        }
        Ok(())
    }

    fn star_refused(&self, span: Span) -> crate::Refused {
        self.refuse(
            span,
            RefusedKind::Statement,
            "a star whose columns can't be told",
            "it may bring the tenant column along, which would be one value too many",
            "list the columns, without the tenant's",
        )
    }

    /// The first and the last token of a star, and its place.
    fn star(&self, item: &SelectItem) -> Option<(usize, usize, Span)> {
        match item {
            SelectItem::Wildcard(options) => {
                let span = options.wildcard_token.0.span;
                let at = self.source.index(span)?;
                Some((at, at, span))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let span = self.parts(name).ok()?.first()?.span;
                let at = self.source.index(span)?;
                let is_star = self.source.is_mark(at + 1, '.')
                    && self
                        .source
                        .lexeme(at + 2)
                        .is_some_and(|star| star.text(self.source.sql) == "*");
                is_star.then_some((at, at + 2, span))
            }
            _ => None,
        }
    }

    fn replace_star(&mut self, from: usize, to: usize, text: &str) {
        let start = self.source.start(from);
        let shimmed = |edit: &&mut super::super::splice::Edit| {
            edit.start == start && edit.text.contains(STAR_OF_A_SHIM)
        };
        match self.edits.iter_mut().find(shimmed) {
            Some(edit) => edit.text = edit.text.replacen('*', text, 1),
            None => self.replace(start, self.source.end_before(to + 1), text),
        }
    }

    /// Adds a value to the list of a `TABLE leads` whose star has been written out. False if it is none.
    pub(super) fn extend_table(&mut self, at: usize, value: &str) -> bool {
        let start = self.source.start(at);
        let edit = self.edits.iter_mut().find(|edit| {
            edit.start == start && edit.text.starts_with("SELECT ") && edit.text.ends_with(" FROM")
        });
        let Some(edit) = edit else {
            return false;
        };
        let list = edit.text.trim_end_matches(" FROM");
        edit.text = format!("{list}, {value} FROM");
        true
    }
}

/// The text of an item that a star was written out to.
fn text(item: &SelectItem) -> String {
    match item {
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
            parts.iter().map(names::text).collect::<Vec<_>>().join(".")
        }
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            let parts: Vec<String> = name
                .0
                .iter()
                .filter_map(|part| part.as_ident().map(names::text))
                .collect();
            format!("{}.*", parts.join("."))
        }
        _ => String::new(),
    }
}
