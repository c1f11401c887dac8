//! ON CONFLICT: the key it names must be one of the tenant's own.

use sqlparser::ast::{ConflictTarget, DoUpdate, Ident, OnConflict, OnConflictAction};
use sqlparser::tokenizer::Span;

use super::super::Rewriter;
use super::super::splice::Walk;
use crate::catalog::normalise;
use crate::{RefusedKind, Table};

impl Rewriter<'_> {
    pub(super) fn on_conflict(
        &mut self,
        conflict: &mut OnConflict,
        table: &Table,
        known_as: &Ident,
        start: usize,
        end: usize,
    ) -> Walk {
        let OnConflict {
            conflict_target,
            action,
        } = conflict;
        let mut place = self.source.find(start, end, &["on"]);
        while let Some(at) = place.filter(|at| !self.source.is_word(at + 1, "conflict")) {
            place = self.source.find(at + 1, end, &["on"]);
        }
        let Some(place) = place else {
            return Err(self.unsupported(Span::empty(), "ON CONFLICT at an unknown place"));
        };
        let span = Span::empty();
        match conflict_target {
            Some(ConflictTarget::Columns(columns)) => {
                self.conflict_columns(columns, table, place + 2)?;
            }
            Some(ConflictTarget::OnConstraint(name)) => {
                let folded = match self.parts(name)?.as_slice() {
                    [name] => self.fold(name),
                    parts => {
                        return Err(parts.first().map_or_else(
                            || self.unsupported(span, "a constraint"),
                            |schema| self.qualifier(schema),
                        ));
                    }
                };
                self.conflict_constraint(&folded, table, place)?;
            }
            None => match action {
                OnConflictAction::DoNothing => self.keys_are_the_tenants(table, span)?,
                OnConflictAction::DoUpdate(_) => {
                    return Err(self.conflict(
                        place,
                        table,
                        "DO UPDATE without a key could mean any of them",
                    ));
                }
            },
        }
        if let OnConflictAction::DoUpdate(DoUpdate {
            assignments,
            selection,
        }) = action
        {
            self.assignments(assignments)?;
            self.option(selection.as_mut())?;
            let update = self.source.find(place, end, &["set"]).unwrap_or(place);
            self.confine(selection, known_as, update, end)?;
        }
        Ok(())
    }

    /// `ON CONFLICT (name)`: as if the tenant were alone, or with the tenant column in it.
    fn conflict_columns(&mut self, columns: &mut Vec<Ident>, table: &Table, open: usize) -> Walk {
        let Some(close) = self.source.close_of(open) else {
            return Err(self.unsupported(Span::empty(), "a key at an unknown place"));
        };
        let mut named = self.key_parts(open, close);
        let tenant = self.catalog.tenant_column().to_owned();
        let complete = named.contains(&tenant);
        if !complete {
            named.push(tenant);
        }
        let predicate = if self.source.is_word(close + 1, "where") {
            let end = self
                .source
                .find(close + 1, self.source.lexemes.len(), &["do"])
                .unwrap_or(close + 1);
            Some(normalise(
                self.source.sql,
                self.source.lexemes.get(close + 2..end).unwrap_or_default(),
            ))
        } else {
            None
        };
        let is_key = |key: &[Box<str>]| {
            key.len() == named.len()
                && key
                    .iter()
                    .all(|column| named.iter().any(|name| **name == **column))
        };
        let backed = (predicate.is_none() && is_key(table.primary_key()))
            || table.uniques().iter().any(|unique| {
                unique.predicate() == predicate.as_deref() && is_key(unique.columns())
            });
        if !backed {
            return Err(self.conflict(
                open,
                table,
                "no unique key of the tenant's has these columns",
            ));
        }
        if !complete {
            self.insert_at(
                self.source.start(open + 1),
                format!("{}, ", self.fragments.column_text()),
            );
            // A key of expressions is one stand-in for the parser, with and without the tenant column.
            let plain = columns.len() + 1 == named.len()
                && (open + 1..close).all(|at| !self.source.is_mark(at, '('));
            if plain {
                columns.insert(0, self.fragments.column());
            }
        }
        Ok(())
    }

    /// The parts of the key in the parentheses: folded names, and expressions as the catalogue writes them.
    fn key_parts(&self, open: usize, close: usize) -> Vec<String> {
        let mut parts = Vec::new();
        let mut start = open + 1;
        while start < close {
            let mut end = start;
            while end < close && !self.source.is_mark(end, ',') {
                end = self.source.step(end);
            }
            let lexemes = self.source.lexemes.get(start..end).unwrap_or_default();
            parts.push(match (lexemes, self.source.name(start)) {
                ([_], Some(name)) => name,
                (several, _) => normalise(self.source.sql, several),
            });
            start = end + 1;
        }
        parts
    }

    fn conflict_constraint(&self, name: &str, table: &Table, place: usize) -> Walk {
        let tenant = self.catalog.tenant_column();
        let key = if table.primary_key_name() == Some(name) {
            Some(table.primary_key())
        } else {
            let unique = table
                .uniques()
                .iter()
                .find(|unique| unique.is_constraint() && unique.name() == Some(name));
            unique.map(|unique| unique.columns())
        };
        match key {
            Some(key) if key.iter().any(|column| &**column == tenant) => Ok(()),
            Some(_) => Err(self.conflict(place, table, "that constraint has no tenant column, so the row in the way may be another tenant's")),
            None => Err(self.conflict(place, table, "there is no such unique constraint in the migrations")),
        }
    }

    fn conflict(&self, at: usize, table: &Table, why: &'static str) -> crate::Refused {
        let tenant = self.catalog.tenant_column();
        let keys = std::iter::once(table.primary_key())
            .chain(table.uniques().iter().map(|unique| unique.columns()))
            .filter(|key| key.iter().any(|column| &**column == tenant))
            .map(|key| {
                let rest: Vec<&str> = key
                    .iter()
                    .map(|column| &**column)
                    .filter(|column| *column != tenant)
                    .collect();
                format!("({})", rest.join(", "))
            })
            .collect::<Vec<_>>();
        let instead = if keys.is_empty() {
            format!("make a unique key that starts with `{tenant}`")
        } else {
            format!("name one of {}", keys.join(", "))
        };
        crate::Refused::new(
            RefusedKind::Conflict,
            format!("a conflict clause on `{}`", table.name()),
            why,
            instead,
        )
        .at(
            self.source.sql,
            self.source.start(at),
            self.source.end_before(at + 1),
        )
    }
}
