//! The tables of a live database, as whoever read them tells. Reading is the drivers' business, comparing is `drift`'s.

use std::collections::BTreeMap;

/// What a database holds, table by table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveTables {
    pub(super) tables: BTreeMap<Box<str>, LiveTable>,
}

impl LiveTables {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The table of that name, made if it was not met before.
    pub fn table(&mut self, name: &str) -> &mut LiveTable {
        self.tables.entry(name.into()).or_default()
    }
}

/// One table of a live database. Names are as the engine stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveTable {
    pub(super) columns: Vec<LiveColumn>,
    pub(super) primary_key: Vec<Box<str>>,
    pub(super) uniques: Vec<LiveUnique>,
    pub(super) references: Vec<LiveReference>,
    pub(super) triggers: Vec<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveColumn {
    pub(super) name: Box<str>,
    pub(super) type_name: Box<str>,
    pub(super) nullable: bool,
    pub(super) generated: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveUnique {
    pub(super) columns: Vec<Option<Box<str>>>,
    pub(super) partial: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveReference {
    pub(super) columns: Vec<Box<str>>,
    pub(super) to: Box<str>,
    pub(super) to_columns: Vec<Box<str>>,
}

impl LiveTable {
    /// Adds the next column, in the order of the table.
    pub fn column(&mut self, name: &str, type_name: &str, nullable: bool, generated: bool) {
        self.columns.push(LiveColumn {
            name: name.into(),
            type_name: type_name.into(),
            nullable,
            generated,
        });
    }

    /// Says what the primary key is.
    pub fn primary_key<S: AsRef<str>>(&mut self, columns: &[S]) {
        self.primary_key = boxed(columns);
    }

    /// Adds a unique key that is not the primary one; `None` for an expression. `partial` if it has a WHERE.
    pub fn unique<S: AsRef<str>>(&mut self, columns: &[Option<S>], partial: bool) {
        self.uniques.push(LiveUnique {
            columns: columns
                .iter()
                .map(|column| column.as_ref().map(|column| column.as_ref().into()))
                .collect(),
            partial,
        });
    }

    /// Adds a foreign key; no `to_columns` means the primary key.
    pub fn reference<S: AsRef<str>>(&mut self, columns: &[S], to: &str, to_columns: &[S]) {
        self.references.push(LiveReference {
            columns: boxed(columns),
            to: to.into(),
            to_columns: boxed(to_columns),
        });
    }

    /// Adds a trigger or rule.
    pub fn trigger(&mut self, name: &str) {
        self.triggers.push(name.into());
    }
}

fn boxed<S: AsRef<str>>(names: &[S]) -> Vec<Box<str>> {
    names.iter().map(|name| name.as_ref().into()).collect()
}
