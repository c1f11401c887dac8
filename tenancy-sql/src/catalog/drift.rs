//! The catalogue, which is read from migrations, against the tables that are there. The firewall goes by the catalogue: where the
//! two differ, it may write out columns that are gone, or trust a key that nobody made.

use std::collections::BTreeSet;
use std::fmt;

use super::live::{LiveTable, LiveTables};
use super::types::canonical;
use super::{Catalog, Table, TableClass};
use crate::Dialect;

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DriftKind {
    /// A table of the migrations is not there.
    MissingTable,
    /// A table with a tenant column is there that no migration made. No statement reaches it.
    UnknownTable,
    /// A column of the migrations is not there.
    MissingColumn,
    /// A column is there that no migration made.
    UnknownColumn,
    /// The columns are in another order, which INSERT without a list goes by.
    ColumnOrder,
    /// A column is of another type.
    ColumnType,
    /// A column is nullable, or generated, on one side only.
    ColumnRule,
    /// The tenant column may be NULL or is of another type: rows may belong to nobody.
    TenantColumn,
    /// The primary key or a unique key differs.
    Key,
    /// A foreign key differs.
    Reference,
    /// A trigger or rule is on one side only.
    Trigger,
}

/// One difference between the migrations and a live database, with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    kind: DriftKind,
    table: Box<str>,
    message: String,
}

impl Drift {
    /// What differs.
    #[must_use]
    pub fn kind(&self) -> DriftKind {
        self.kind
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Names of ours in a tenant's own place, which no migration of the service makes.
const OURS: &str = "tenancy_";

impl Catalog {
    /// What differs between the migrations and the tables that are there. Empty if they agree.
    ///
    /// Partitions are looked at through their parent. Tables without the tenant column that no migration made are nobody's
    /// business here.
    ///
    /// # Example: a column that somebody added by hand
    /// ```
    /// use tenancy_sql::{Catalog, Dialect, DriftKind, LiveTables};
    ///
    /// let catalog = Catalog::builder(Dialect::Postgres)
    ///     .migration("1", "CREATE TABLE leads (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id))")
    ///     .build()?;
    /// let mut live = LiveTables::new();
    /// let leads = live.table("leads");
    /// leads.column("tenant_id", "uuid", false, false);
    /// leads.column("id", "integer", false, false);
    /// leads.primary_key(&["tenant_id", "id"]);
    /// assert!(catalog.drift(&live).is_empty());
    ///
    /// live.table("leads").column("note", "text", true, false);
    /// let drift = catalog.drift(&live);
    /// assert_eq!(drift[0].kind(), DriftKind::UnknownColumn);
    /// # Ok::<(), tenancy_sql::CatalogError>(())
    /// ```
    #[must_use]
    pub fn drift(&self, live: &LiveTables) -> Vec<Drift> {
        let mut found = Found {
            catalog: self,
            drift: Vec::new(),
        };
        for table in self.tables().filter(|table| table.partition_of().is_none()) {
            match live.tables.get(table.name()) {
                Some(there) => found.table(table, there),
                None => found.add(
                    DriftKind::MissingTable,
                    table.name(),
                    "is not there",
                    "apply the migrations",
                ),
            }
        }
        for (name, there) in &live.tables {
            let tenants = there
                .columns
                .iter()
                .any(|column| *column.name == *self.tenant_column());
            if tenants
                && self.table(name).is_none()
                && !name.trim_start_matches('_').starts_with(OURS)
            {
                found.add(
                    DriftKind::UnknownTable,
                    name,
                    "has the tenant column and is in no migration",
                    "write one that creates it, or drop it",
                );
            }
        }
        found.drift
    }
}

struct Found<'a> {
    catalog: &'a Catalog,
    drift: Vec<Drift>,
}

impl Found<'_> {
    fn add(&mut self, kind: DriftKind, table: &str, what: &str, instead: &str) {
        self.drift.push(Drift {
            kind,
            table: table.into(),
            message: format!("`{table}` {what}: {instead}"),
        });
    }

    fn table(&mut self, table: &Table, there: &LiveTable) {
        self.columns(table, there);
        self.keys(table, there);
        self.references(table, there);
        let live: BTreeSet<&str> = there.triggers.iter().map(|name| &**name).collect();
        let known: BTreeSet<&str> = table.triggers().iter().map(|name| &**name).collect();
        for name in live
            .difference(&known)
            .filter(|name| !name.starts_with(OURS))
        {
            self.add(
                DriftKind::Trigger,
                table.name(),
                &format!("has the trigger or rule `{name}`, which no migration makes"),
                "look at what it does, then write a migration or drop it",
            );
        }
        for name in known.difference(&live) {
            self.add(
                DriftKind::Trigger,
                table.name(),
                &format!("lacks the trigger or rule `{name}` of the migrations"),
                "apply the migrations",
            );
        }
    }

    fn columns(&mut self, table: &Table, there: &LiveTable) {
        let name = table.name();
        let dialect = self.catalog.dialect();
        for column in table.columns() {
            let Some(live) = there
                .columns
                .iter()
                .find(|live| *live.name == *column.name())
            else {
                self.add(
                    DriftKind::MissingColumn,
                    name,
                    &format!("lacks the column `{}` of the migrations", column.name()),
                    "apply the migrations",
                );
                continue;
            };
            let is_tenant = table.class() == TableClass::Tenant
                && column.name() == self.catalog.tenant_column();
            let (known, is) = (
                canonical(dialect, column.type_name()),
                canonical(dialect, &live.type_name),
            );
            if known != is {
                let kind = if is_tenant {
                    DriftKind::TenantColumn
                } else {
                    DriftKind::ColumnType
                };
                self.add(
                    kind,
                    name,
                    &format!(
                        "has `{}` of type {is}, the migrations {known}",
                        column.name()
                    ),
                    "write a migration that changes one into the other",
                );
            }
            // A key makes its columns NOT NULL on PostgreSQL; SQLite says of a key's column what was declared.
            let keyed = table
                .primary_key()
                .iter()
                .any(|key| **key == *column.name());
            let nullable = column.nullable() && !keyed;
            if is_tenant && live.nullable {
                self.add(
                    DriftKind::TenantColumn,
                    name,
                    &format!("has a tenant column `{}` that may be NULL", column.name()),
                    "make it NOT NULL",
                );
            } else if nullable != live.nullable && !(keyed && dialect == Dialect::Sqlite) {
                let (is, not) = if live.nullable {
                    ("may be NULL", "NOT NULL")
                } else {
                    ("is NOT NULL", "nullable")
                };
                self.add(
                    DriftKind::ColumnRule,
                    name,
                    &format!(
                        "has `{}`, which {is} and in the migrations is {not}",
                        column.name()
                    ),
                    "write a migration that changes one into the other",
                );
            }
            if column.generated() != live.generated {
                self.add(
                    DriftKind::ColumnRule,
                    name,
                    &format!(
                        "has `{}`, which is generated on one side only",
                        column.name()
                    ),
                    "write a migration that changes one into the other",
                );
            }
        }
        let known = |column: &&str| table.column(column).is_some();
        let live: Vec<&str> = there.columns.iter().map(|column| &*column.name).collect();
        for column in live.iter().filter(|column| !known(column)) {
            self.add(
                DriftKind::UnknownColumn,
                name,
                &format!("has a column `{column}` that no migration makes"),
                "write a migration that adds it, or drop it",
            );
        }
        let order: Vec<&str> = table
            .columns()
            .iter()
            .map(super::Column::name)
            .filter(|column| live.contains(column))
            .collect();
        if live.into_iter().filter(known).ne(order) {
            self.add(
                DriftKind::ColumnOrder,
                name,
                "has its columns in another order than the migrations make them",
                "list the columns in every INSERT, or make the table anew",
            );
        }
    }

    fn keys(&mut self, table: &Table, there: &LiveTable) {
        let name = table.name();
        if *table.primary_key() != *there.primary_key {
            self.add(
                DriftKind::Key,
                name,
                &format!(
                    "has the primary key ({}), the migrations ({})",
                    there.primary_key.join(", "),
                    table.primary_key().join(", ")
                ),
                "write a migration that changes one into the other",
            );
        }
        // Expressions are spelt differently on each side, so they count by number.
        type Key<'k> = (BTreeSet<&'k str>, usize, bool);
        let known: BTreeSet<Key<'_>> = table
            .uniques()
            .iter()
            .map(|unique| {
                let is_column = |text: &str| table.column(text).is_some();
                let plain: BTreeSet<&str> = unique
                    .columns()
                    .iter()
                    .map(|column| &**column)
                    .filter(|text| is_column(text))
                    .collect();
                let others = unique
                    .columns()
                    .iter()
                    .filter(|text| !is_column(text))
                    .count();
                (plain, others, unique.predicate().is_some())
            })
            .collect();
        let live: BTreeSet<Key<'_>> = there
            .uniques
            .iter()
            .map(|unique| {
                let plain = unique.columns.iter().flatten().map(|column| &**column);
                let others = unique
                    .columns
                    .iter()
                    .filter(|column| column.is_none())
                    .count();
                (plain.collect(), others, unique.partial)
            })
            .collect();
        let text = |(plain, others, partial): &Key<'_>| {
            let mut parts: Vec<&str> = plain.iter().copied().collect();
            parts.extend(std::iter::repeat_n("an expression", *others));
            let partial = if *partial { " of some rows" } else { "" };
            format!("({}){partial}", parts.join(", "))
        };
        for key in known.difference(&live) {
            self.add(
                DriftKind::Key,
                name,
                &format!("lacks the unique key {} of the migrations", text(key)),
                "apply the migrations",
            );
        }
        for key in live.difference(&known) {
            self.add(
                DriftKind::Key,
                name,
                &format!("has a unique key {} that no migration makes", text(key)),
                "write a migration that makes it, or drop it",
            );
        }
    }

    fn references(&mut self, table: &Table, there: &LiveTable) {
        let primary = |to: &str| {
            self.catalog
                .table(to)
                .map_or(Vec::new(), |to| to.primary_key().to_vec())
        };
        let complete = |to: &str, columns: &[Box<str>]| match columns {
            [] => primary(to),
            columns => columns.to_vec(),
        };
        type Reference = (Vec<(Box<str>, Box<str>)>, Box<str>);
        let pairs = |from: &[Box<str>], to: Vec<Box<str>>| {
            let mut pairs: Vec<_> = from.iter().cloned().zip(to).collect();
            pairs.sort_unstable();
            pairs
        };
        let known: BTreeSet<Reference> = table
            .foreign_keys()
            .iter()
            .map(|key| {
                let to = complete(key.references(), key.referenced_columns());
                (pairs(key.columns(), to), key.references().into())
            })
            .collect();
        let live: BTreeSet<Reference> = there
            .references
            .iter()
            .map(|key| {
                let to = complete(&key.to, &key.to_columns);
                (pairs(&key.columns, to), key.to.clone())
            })
            .collect();
        let text = |(pairs, to): &Reference| {
            let from: Vec<&str> = pairs.iter().map(|(from, _)| &**from).collect();
            let columns: Vec<&str> = pairs.iter().map(|(_, to)| &**to).collect();
            format!("({}) to `{to}` ({})", from.join(", "), columns.join(", "))
        };
        let missing: Vec<String> = known.difference(&live).map(text).collect();
        let unknown: Vec<String> = live.difference(&known).map(text).collect();
        for key in missing {
            self.add(
                DriftKind::Reference,
                table.name(),
                &format!("lacks the foreign key {key} of the migrations"),
                "apply the migrations",
            );
        }
        for key in unknown {
            self.add(
                DriftKind::Reference,
                table.name(),
                &format!("has a foreign key {key} that no migration makes"),
                "write a migration that makes it, or drop it",
            );
        }
    }
}
