//! A table as the migrations leave it: columns and keys. How they are read is in `ddl`.

use crate::names;

/// Whose rows a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a new class has to break every match on it"
)]
pub enum TableClass {
    /// Each row belongs to one tenant, named by the tenant column.
    Tenant,
    /// Readable by every tenant, written only from the centre.
    Global,
    /// The control plane; no tenant's statement may name it.
    Central,
}

/// One table of the catalogue. Names are folded as the engine folds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub(crate) name: Box<str>,
    pub(crate) class: TableClass,
    pub(crate) columns: Vec<Column>,
    pub(crate) primary_key: Vec<Box<str>>,
    pub(crate) primary_key_name: Option<Box<str>>,
    pub(crate) uniques: Vec<UniqueKey>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) without_rowid: bool,
    pub(crate) partition_of: Option<Box<str>>,
    pub(crate) triggers: Vec<Box<str>>,
    pub(crate) origin: Box<str>,
}

impl Table {
    /// The folded name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name as a statement writes it: in quotes where it needs them.
    #[must_use]
    pub fn sql_name(&self) -> String {
        names::text(&names::written(&self.name))
    }

    /// Whose rows it holds.
    #[must_use]
    pub fn class(&self) -> TableClass {
        self.class
    }

    /// The columns, in the order of the table.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that folded name.
    #[must_use]
    pub fn column(&self, folded_name: &str) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| &*column.name == folded_name)
    }

    /// The columns of the primary key; empty if there is none.
    #[must_use]
    pub fn primary_key(&self) -> &[Box<str>] {
        &self.primary_key
    }

    /// The name of the primary key's constraint, if it has one.
    #[must_use]
    pub fn primary_key_name(&self) -> Option<&str> {
        self.primary_key_name.as_deref()
    }

    /// Unique constraints and unique indexes, without the primary key.
    #[must_use]
    pub fn uniques(&self) -> &[UniqueKey] {
        &self.uniques
    }

    /// Foreign keys out of this table.
    #[must_use]
    pub fn foreign_keys(&self) -> &[ForeignKey] {
        &self.foreign_keys
    }

    /// Indexes that are not unique.
    #[must_use]
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// SQLite: whether the table was declared `WITHOUT ROWID`.
    #[must_use]
    pub fn without_rowid(&self) -> bool {
        self.without_rowid
    }

    /// PostgreSQL: the partitioned table this one is a part of. Statements may not name parts.
    #[must_use]
    pub fn partition_of(&self) -> Option<&str> {
        self.partition_of.as_deref()
    }

    /// Triggers, and rules of PostgreSQL: code that runs when a row is written, which no statement shows.
    #[must_use]
    pub fn triggers(&self) -> &[Box<str>] {
        &self.triggers
    }

    /// The migration that created it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub(crate) name: Box<str>,
    pub(crate) type_name: Box<str>,
    pub(crate) nullable: bool,
    pub(crate) has_default: bool,
    pub(crate) generated: bool,
}

impl Column {
    /// The folded name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name as a statement writes it: in quotes where it needs them.
    #[must_use]
    pub fn sql_name(&self) -> String {
        names::text(&names::written(&self.name))
    }

    /// The declared type, lower case, as written; empty if none was (SQLite).
    #[must_use]
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Whether it may be NULL by its declaration.
    #[must_use]
    pub fn nullable(&self) -> bool {
        self.nullable
    }

    /// Whether an insert may leave it out because it has a default or is an identity.
    #[must_use]
    pub fn has_default(&self) -> bool {
        self.has_default
    }

    /// Whether it is computed and can't be written (`GENERATED ALWAYS AS (...)`).
    #[must_use]
    pub fn generated(&self) -> bool {
        self.generated
    }
}

/// A unique constraint or unique index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueKey {
    pub(crate) name: Option<Box<str>>,
    pub(crate) columns: Vec<Box<str>>,
    pub(crate) expressions: bool,
    pub(crate) predicate: Option<Box<str>>,
    pub(crate) constraint: bool,
}

impl UniqueKey {
    /// The name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The columns, in order; an expression is its text, with blanks normalised.
    #[must_use]
    pub fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    /// Whether one of [`columns`](Self::columns) is an expression.
    #[must_use]
    pub fn has_expressions(&self) -> bool {
        self.expressions
    }

    /// The predicate of a partial index, with blanks normalised.
    #[must_use]
    pub fn predicate(&self) -> Option<&str> {
        self.predicate.as_deref()
    }

    /// Whether it is a constraint (which `ON CONFLICT ON CONSTRAINT` can name) and not just an index.
    #[must_use]
    pub fn is_constraint(&self) -> bool {
        self.constraint
    }
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    pub(crate) name: Option<Box<str>>,
    pub(crate) columns: Vec<Box<str>>,
    pub(crate) references: Box<str>,
    pub(crate) referenced_columns: Vec<Box<str>>,
}

impl ForeignKey {
    /// The name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The referencing columns.
    #[must_use]
    pub fn columns(&self) -> &[Box<str>] {
        &self.columns
    }

    /// The table it points to.
    #[must_use]
    pub fn references(&self) -> &str {
        &self.references
    }

    /// The columns it points to; empty for the primary key.
    #[must_use]
    pub fn referenced_columns(&self) -> &[Box<str>] {
        &self.referenced_columns
    }
}

/// An index that is not unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub(crate) name: Option<Box<str>>,
    pub(crate) columns: Vec<Box<str>>,
}

impl Index {
    /// The name, if it was given one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The columns, in order; an expression is its text, with blanks normalised.
    #[must_use]
    pub fn columns(&self) -> &[Box<str>] {
        &self.columns
    }
}
