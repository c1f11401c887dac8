//! The table catalogue: what the migrations create, and whose it is. Reading DDL is in `ddl`, the types of what was read
//! in `table`; statements are none of its business.

mod builder;
mod ddl;
mod drift;
mod error;
mod files;
mod fingerprint;
mod live;
mod table;
#[cfg(test)]
mod tests;
mod types;
mod weakness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use builder::CatalogBuilder;
pub use builder::from_files;
pub(crate) use ddl::normalise;
pub use drift::{Drift, DriftKind};
pub use error::{CatalogError, CatalogErrorKind};
pub use live::{LiveTable, LiveTables};
pub use table::{Column, ForeignKey, Index, Table, TableClass, UniqueKey};
pub use weakness::{Weakness, WeaknessKind};

use crate::{Dialect, KeyType};

/// Every table a statement may name, with its class, columns and keys. Cheap to clone.
///
/// A relation that is not in the catalogue does not exist for the firewall: views that were not registered, system
/// catalogues and temporary tables are refused because nobody listed them, not because they were recognised.
///
/// # Example: a table nobody classified
/// ```
/// use tenancy_sql::{Catalog, CatalogErrorKind, Dialect, TableClass};
///
/// let ddl = "CREATE TABLE leads (tenant_id uuid NOT NULL, id uuid, PRIMARY KEY (tenant_id, id));
///            CREATE TABLE countries (code text PRIMARY KEY);";
/// let catalog = Catalog::builder(Dialect::Postgres).global(["countries"]).migration("0001.sql", ddl).build()?;
/// assert_eq!(catalog.table("leads").map(|table| table.class()), Some(TableClass::Tenant));
///
/// let error = Catalog::builder(Dialect::Postgres).migration("0001.sql", ddl).build().unwrap_err();
/// assert_eq!(error.kind(), CatalogErrorKind::Unclassified);
/// # Ok::<(), tenancy_sql::CatalogError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dialect: Dialect,
    tenant_column: Box<str>,
    key_type: KeyType,
    tables: BTreeMap<Box<str>, Table>,
    views: BTreeMap<Box<str>, bool>,
    functions: BTreeMap<Box<str>, Permission>,
    operators: Vec<Box<str>>,
    routines: BTreeSet<Box<str>>,
    parents: BTreeSet<Box<str>>,
    fingerprint: u128,
}

/// What the service declared about a function of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// May be called; the statement counts as a write.
    Call,
    /// May be called and changes nothing.
    Pure,
}

impl Catalog {
    /// Starts an empty catalogue for one dialect.
    #[must_use]
    pub fn builder(dialect: Dialect) -> CatalogBuilder {
        CatalogBuilder::new(dialect)
    }

    /// The dialect of the migrations, and so of the statements checked against this catalogue.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.inner.dialect
    }

    /// The name of the tenant column, folded.
    #[must_use]
    pub fn tenant_column(&self) -> &str {
        &self.inner.tenant_column
    }

    /// The type of the tenant column, the same in every tenant table; [`KeyType::Uuid`] while there is none.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.inner.key_type
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.inner.tables.values()
    }

    /// The table of that folded name.
    #[must_use]
    pub fn table(&self, folded_name: &str) -> Option<&Table> {
        self.inner.tables.get(folded_name)
    }

    /// The registered views, by folded name: those that statements may read.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        let registered = self
            .inner
            .views
            .iter()
            .filter(|(_, registered)| **registered);
        registered.map(|(name, _)| &**name)
    }

    /// A number that is another one for a catalogue over which a statement might become something else.
    #[doc(hidden)]
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.inner.fingerprint
    }

    /// Whether a view of that folded name was created, and whether it is registered.
    pub(crate) fn view(&self, folded_name: &str) -> Option<bool> {
        self.inner.views.get(folded_name).copied()
    }

    /// What was declared about a function, by folded name.
    pub(crate) fn function(&self, folded_name: &str) -> Option<Permission> {
        self.inner.functions.get(folded_name).copied()
    }

    /// Whether the migrations create a function of that folded name.
    pub(crate) fn creates_routine(&self, folded_name: &str) -> bool {
        self.inner
            .routines
            .iter()
            .any(|name| **name == *folded_name)
    }

    /// Whether a table has parts or heirs, which `ONLY` would leave out.
    pub(crate) fn has_parts(&self, folded_name: &str) -> bool {
        self.inner.parents.contains(folded_name)
    }

    /// Whether an operator was declared beyond the built-in list.
    pub(crate) fn operator(&self, text: &str) -> bool {
        self.inner
            .operators
            .iter()
            .any(|operator| **operator == *text)
    }
}
