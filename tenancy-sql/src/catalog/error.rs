//! Why a catalogue could not be built.

use std::fmt;

/// What kind of thing stopped the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CatalogErrorKind {
    /// The text of a migration can't be cut into tokens and statements.
    Malformed,
    /// A statement about tables was not understood, so what it does to the catalogue is unknown.
    NotUnderstood,
    /// A statement names a table, column or constraint that no earlier migration made.
    Missing,
    /// A name is taken already.
    Duplicate,
    /// A table has no tenant column and is declared neither global nor central.
    Unclassified,
    /// A table's tenant column can't be one: nullable, of an unknown type, or of another type than elsewhere.
    TenantColumn,
    /// A migration file has no version in its name, or that of another one.
    FileName,
    /// A declaration of the settings names a table or view that no migration makes.
    Declaration,
}

/// Why a catalogue could not be built: which migration, where in it, what was met and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError {
    kind: CatalogErrorKind,
    file: Option<Box<str>>,
    line: Option<usize>,
    column: Option<usize>,
    message: String,
}

impl CatalogError {
    pub(crate) fn new(kind: CatalogErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            file: None,
            line: None,
            column: None,
            message: message.into(),
        }
    }

    pub(crate) fn in_file(mut self, file: &str) -> Self {
        self.file.get_or_insert_with(|| file.into());
        self
    }

    pub(crate) fn at(mut self, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        self.line = Some(before.matches('\n').count() + 1);
        self.column = Some(before.get(start..).unwrap_or_default().chars().count() + 1);
        self
    }

    /// What kind of thing it was.
    #[must_use]
    pub fn kind(&self) -> CatalogErrorKind {
        self.kind
    }

    /// The migration, by the name it was given.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line in the migration, from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The column in the line, in characters, from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.column
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for CatalogError {}
