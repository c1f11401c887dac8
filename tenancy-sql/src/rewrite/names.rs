//! What a name in a statement stands for.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};
use sqlparser::tokenizer::Span;

use super::Rewriter;
use super::source::Source;
use super::splice::Walk;
use crate::catalog::Permission;
use crate::lex::Kind;
use crate::{Dialect, Refused, RefusedKind, Table, TableClass, functions, names};

/// What a relation in FROM is.
pub(super) enum Relation<'a> {
    /// A common table expression in sight.
    Cte,
    /// A table of tenants' rows.
    Tenant(&'a Table),
    /// A global table or a registered view.
    Open,
}

/// How a column is named.
#[derive(Clone, Copy)]
pub(super) enum Reference<'n> {
    /// Alone.
    Bare,
    /// Behind the name of what it is of.
    Of(&'n Ident),
    /// Behind an expression.
    Field,
    /// In a list of columns, or written to.
    Other,
}

/// The columns that a table has without having been given them.
pub(super) fn system_columns(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Postgres => POSTGRES_SYSTEM,
        Dialect::Sqlite => SQLITE_SYSTEM,
    }
}

/// Whether any token names one of them.
pub(super) fn names_system_columns(source: &Source<'_>) -> bool {
    let names = system_columns(source.dialect);
    source.lexemes.iter().any(|lexeme| {
        let text = lexeme.text(source.sql);
        let name = match lexeme.kind {
            Kind::Word => text,
            Kind::Quoted(_) => text
                .get(1..text.len().saturating_sub(1))
                .unwrap_or_default(),
            _ => return false,
        };
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    })
}

/// System columns of PostgreSQL.
const POSTGRES_SYSTEM: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];
/// The columns of what functions on the list make, and of `ROW(a, b, c)`.
const FIELDS: &[&str] = &[
    "f1",
    "f2",
    "f3",
    "key",
    "lexeme",
    "ordinality",
    "positions",
    "value",
    "weights",
];
/// The names of the row id in SQLite.
const SQLITE_SYSTEM: &[&str] = &["_rowid_", "oid", "rowid"];

impl<'a> Rewriter<'a> {
    pub(super) fn fold(&self, ident: &Ident) -> String {
        names::fold_ident(self.dialect, ident)
    }

    /// The parts of a name, none of which may be computed.
    pub(super) fn parts<'n>(&self, name: &'n ObjectName) -> Result<Vec<&'n Ident>, Refused> {
        let ObjectName(parts) = name;
        parts
            .iter()
            .map(|part| match part {
                ObjectNamePart::Identifier(ident) => Ok(ident),
                ObjectNamePart::Function(function) => {
                    Err(self.unsupported(function.name.span, "a computed name"))
                }
            })
            .collect()
    }

    /// Whether a folded name is the schema every unqualified name is looked up in.
    fn is_default_schema(&self, folded: &str) -> bool {
        match self.dialect {
            Dialect::Postgres => folded == "public",
            Dialect::Sqlite => folded == "main",
        }
    }

    pub(super) fn qualifier(&self, ident: &Ident) -> Refused {
        let default = match self.dialect {
            Dialect::Postgres => "public",
            Dialect::Sqlite => "main",
        };
        self.refuse(
            ident.span,
            RefusedKind::Qualifier,
            format!("qualifier `{}`", ident.value),
            format!("a tenant's tables have no schema in front of them, or `{default}`"),
            "leave the qualifier out",
        )
    }

    /// Takes a leading `public.` off a name, in the text and in the tree.
    pub(super) fn unqualify(&mut self, parts: &mut Vec<Ident>) -> Walk {
        let [schema, next, ..] = parts.as_slice() else {
            return Ok(());
        };
        if !self.is_default_schema(&self.fold(schema)) {
            return Err(self.qualifier(schema));
        }
        let (Some(from), Some(to)) = (self.source.index(schema.span), self.source.index(next.span))
        else {
            return Err(self.qualifier(schema));
        };
        self.replace(self.source.start(from), self.source.start(to), "");
        parts.remove(0);
        Ok(())
    }

    /// A word that the engine never takes for a name was not read as the engine reads it.
    pub(super) fn not_reserved(&self, ident: &Ident) -> Walk {
        if ident.quote_style.is_none() && names::is_reserved(self.dialect, &ident.value) {
            return Err(self.refuse(
                ident.span,
                RefusedKind::Syntax,
                format!("`{}` as a name", ident.value),
                "it is a reserved word, so the engine reads something else here",
                "quote it if it is a name",
            ));
        }
        Ok(())
    }

    /// What a relation in FROM is. Its name is one part, or two with the default schema; a qualified name is never a
    /// common table expression.
    pub(super) fn relation(&self, parts: &[&Ident]) -> Result<Relation<'a>, Refused> {
        let (name, qualified) = match parts {
            [name] => (*name, false),
            [schema, name] if self.is_default_schema(&self.fold(schema)) => (*name, true),
            [schema, ..] => return Err(self.qualifier(schema)),
            [] => return Err(self.unsupported(Span::empty(), "a relation without a name")),
        };
        self.not_reserved(name)?;
        let folded = self.fold(name);
        if !qualified && self.scopes.sees(&folded) {
            return Ok(Relation::Cte);
        }
        self.relations.borrow_mut().push(folded.clone());
        if let Some(table) = self.catalog.table(&folded) {
            return match table.class() {
                TableClass::Tenant if table.partition_of().is_some() => Err(self.part(name, table)),
                TableClass::Tenant => Ok(Relation::Tenant(table)),
                TableClass::Global => Ok(Relation::Open),
                TableClass::Central => Err(self.unknown(name)),
            };
        }
        match self.catalog.view(&folded) {
            Some(true) => Ok(Relation::Open),
            Some(false) => Err(self.refuse(
                name.span,
                RefusedKind::Relation,
                format!("view `{folded}`"),
                "it may show rows of every tenant",
                "select from its tables, or add it to `views` in tenancy.toml if it is confined to the tenant by itself",
            )),
            None => Err(self.unknown(name)),
        }
    }

    /// The table a statement writes to: always a table, whatever common table expressions there are.
    pub(super) fn target(&self, parts: &[&Ident]) -> Result<&'a Table, Refused> {
        let name = match parts {
            [name] => *name,
            [schema, name] if self.is_default_schema(&self.fold(schema)) => *name,
            [schema, ..] => return Err(self.qualifier(schema)),
            [] => return Err(self.unsupported(Span::empty(), "a relation without a name")),
        };
        self.not_reserved(name)?;
        let folded = self.fold(name);
        self.relations.borrow_mut().push(folded.clone());
        match self.catalog.table(&folded) {
            Some(table)
                if table.class() == TableClass::Tenant && table.partition_of().is_some() =>
            {
                Err(self.part(name, table))
            }
            Some(table) if table.class() == TableClass::Tenant => Ok(table),
            Some(table) if table.class() == TableClass::Global => Err(self.refuse(
                name.span,
                RefusedKind::Relation,
                format!("a write to the global table `{folded}`"),
                "every tenant reads it, so no tenant may write it",
                "write it from the centre",
            )),
            Some(_) => Err(self.unknown(name)),
            None if self.catalog.view(&folded).is_some() => Err(self.refuse(
                name.span,
                RefusedKind::Relation,
                format!("a write to the view `{folded}`"),
                "what it writes can't be seen from here",
                "write to its table",
            )),
            None => Err(self.unknown(name)),
        }
    }

    fn part(&self, name: &Ident, table: &Table) -> Refused {
        self.refuse(
            name.span,
            RefusedKind::Relation,
            format!("partition `{}`", table.name()),
            "parts have no policies of their own",
            format!(
                "name the whole table, `{}`",
                table.partition_of().unwrap_or_default()
            ),
        )
    }

    fn unknown(&self, name: &Ident) -> Refused {
        self.refuse(
            name.span,
            RefusedKind::Relation,
            format!("relation `{}`", name.value),
            "it is not a table of tenants in the migrations, nor a global one",
            "check the name, or create the table in a migration",
        )
    }

    /// A common table expression must not hide a table: the engines disagree on who sees which.
    pub(super) fn cte_name(&self, name: &Ident) -> Result<String, Refused> {
        self.not_reserved(name)?;
        let folded = self.fold(name);
        if self.catalog.table(&folded).is_some() || self.catalog.view(&folded).is_some() {
            return Err(self.refuse(
                name.span,
                RefusedKind::Relation,
                format!("a common table expression named like the table `{folded}`"),
                "which of the two a name means depends on the engine and on the place",
                "give it another name",
            ));
        }
        Ok(folded)
    }

    /// Whether a name behind an expression is known to call nothing, or a function that may be called.
    fn is_harmless(&self, folded: &str) -> bool {
        FIELDS.contains(&folded)
            || functions::permission(self.catalog, folded) == Some(Permission::Pure)
    }

    /// A column: no system column that the rewrite would lose, and no function in the notation of a column.
    pub(super) fn column(&self, ident: &Ident, reference: Reference<'_>) -> Walk {
        if ident.span != Span::empty() {
            self.here.set(ident.span);
        }
        let folded = self.fold(ident);
        let is_column = || {
            self.catalog
                .tables()
                .any(|table| table.column(&folded).is_some())
        };
        if system_columns(self.dialect).contains(&folded.as_str()) {
            let kept = match reference {
                Reference::Bare => self.ranges.has_system_column(self.dialect, &folded, None),
                Reference::Of(table) => {
                    self.ranges
                        .has_system_column(self.dialect, &folded, Some(&self.fold(table)))
                }
                Reference::Field | Reference::Other => is_column(),
            };
            if !kept {
                return Err(self.refuse(
                    ident.span,
                    RefusedKind::SystemColumn,
                    format!("system column `{folded}`"),
                    "it is gone behind the tenant's predicate, or which table's it is can't be told",
                    "write the name of the table in front of it, keep the table out of outer joins, or use the primary key",
                ));
            }
        }
        // PostgreSQL reads `row.f` as `f(row)` when there is no such column, and `('...'::text).f` as `f('...')`, whatever `f` is.
        let created = self.catalog.creates_routine(&folded);
        let calls = match reference {
            _ if self.dialect != Dialect::Postgres => false,
            Reference::Field => created || !(is_column() || self.is_harmless(&folded)),
            Reference::Of(table) if is_column() => {
                created && !self.ranges.may_have_column(&self.fold(table), &folded)
            }
            Reference::Of(table) => {
                created
                    || (self.ranges.may_be_a_value(&self.fold(table), &folded)
                        && !self.is_harmless(&folded))
            }
            Reference::Bare | Reference::Other => false,
        };
        if calls {
            return Err(self.refuse(
                ident.span,
                RefusedKind::Function,
                format!("function `{folded}` in the notation of a column"),
                "what it reads can't be seen from here",
                "call it as a function, or list a field of that name or a function that changes nothing in `pure_functions` of tenancy.toml",
            ));
        }
        Ok(())
    }
}
