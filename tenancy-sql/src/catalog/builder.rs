//! Collects migrations and settings, then checks that every table is classified and every tenant column fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ddl::Draft;
use super::{
    Catalog, CatalogError, CatalogErrorKind, Inner, Permission, Table, TableClass, files,
    fingerprint,
};
use crate::{Config, Dialect, KeyType, names};

/// Builds a [`Catalog`] from migrations in the order they are applied.
///
/// # Example: a table that two migrations shape
/// ```
/// use tenancy_sql::{Catalog, Dialect};
///
/// let catalog = Catalog::builder(Dialect::Sqlite)
///     .migration("0001_notes.sql", "CREATE TABLE notes (tenant_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant_id, id))")
///     .migration("0002_body.up.sql", "ALTER TABLE notes ADD COLUMN body TEXT")
///     .migration("0002_body.down.sql", "ALTER TABLE notes DROP COLUMN body") // not applied
///     .build()?;
/// assert!(catalog.table("notes").is_some_and(|notes| notes.column("body").is_some()));
/// # Ok::<(), tenancy_sql::CatalogError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CatalogBuilder {
    dialect: Dialect,
    tenant_column: String,
    global: Vec<String>,
    central: Vec<String>,
    views: Vec<String>,
    functions: Vec<String>,
    pure_functions: Vec<String>,
    operators: Vec<String>,
    migrations: Vec<(String, String)>,
    misnamed: Option<CatalogError>,
}

impl CatalogBuilder {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            tenant_column: "tenant_id".into(),
            global: Vec::new(),
            central: Vec::new(),
            views: Vec::new(),
            functions: Vec::new(),
            pure_functions: Vec::new(),
            operators: Vec::new(),
            migrations: Vec::new(),
            misnamed: None,
        }
    }

    /// Names the tenant column; `tenant_id` unless this is called.
    #[must_use]
    pub fn tenant_column(mut self, name: impl Into<String>) -> Self {
        self.tenant_column = name.into();
        self
    }

    /// Declares tables that every tenant may read and only the centre writes.
    #[must_use]
    pub fn global<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.global.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Declares tables of the control plane, which no tenant sees.
    #[must_use]
    pub fn central<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.central.extend(tables.into_iter().map(Into::into));
        self
    }

    /// Takes over everything a `tenancy.toml` declares, in addition to what was declared here.
    #[must_use]
    pub fn config(mut self, config: &Config) -> Self {
        self.tenant_column = config.tenant_column().to_owned();
        self.views.extend_from_slice(config.views());
        self.functions.extend_from_slice(config.functions());
        self.pure_functions
            .extend_from_slice(config.pure_functions());
        self.operators.extend_from_slice(config.operators());
        self.global(config.global()).central(config.central())
    }

    /// Adds the text of the next migration. `name` is for error messages; one that ends in `.down.sql` is left out.
    #[must_use]
    pub fn migration(mut self, name: impl Into<String>, sql: impl Into<String>) -> Self {
        let name = name.into();
        if !name.ends_with(files::DOWN) {
            self.migrations.push((name, sql.into()));
        }
        self
    }

    /// Adds the files of a migration folder, given as (file name, text) in any order.
    ///
    /// They are applied by version, the number before the first underscore, as sqlx does: `2_b.sql` before `10_a.sql`.
    /// A name that ends in `.down.sql` and one that does not end in `.sql` are left out. Of a path, only the last part
    /// counts. A name without a version, and two files of one version, are refused by [`build`](Self::build).
    ///
    /// # Example: a folder in the order the disk gives it
    /// ```
    /// use tenancy_sql::{Catalog, CatalogErrorKind, Dialect};
    ///
    /// let folder = [
    ///     ("10_body.up.sql", "ALTER TABLE notes ADD COLUMN body TEXT"),
    ///     ("10_body.down.sql", "ALTER TABLE notes DROP COLUMN body"),
    ///     ("2_notes.sql", "CREATE TABLE notes (tenant_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant_id, id))"),
    ///     ("README.md", "how to write one"),
    /// ];
    /// let catalog = Catalog::builder(Dialect::Sqlite).migrations(folder).build()?;
    /// assert!(catalog.table("notes").is_some_and(|notes| notes.column("body").is_some()));
    ///
    /// let error = Catalog::builder(Dialect::Sqlite).migrations([("1_a.sql", ""), ("1_b.sql", "")]).build().unwrap_err();
    /// assert_eq!(error.kind(), CatalogErrorKind::FileName);
    /// # Ok::<(), tenancy_sql::CatalogError>(())
    /// ```
    #[must_use]
    pub fn migrations<N: Into<String>, S: Into<String>>(
        mut self,
        folder: impl IntoIterator<Item = (N, S)>,
    ) -> Self {
        let folder = folder
            .into_iter()
            .map(|(name, sql)| (name.into(), sql.into()))
            .collect();
        match files::applied(folder) {
            Ok(applied) => self.migrations.extend(applied),
            Err(error) => self.misnamed = self.misnamed.or(Some(error)),
        }
        self
    }

    /// Reads the migrations and classifies the tables.
    ///
    /// # Errors
    /// [`CatalogError`], with file and position where there is one: a file that is misnamed, text that is not SQL, a table statement that is not
    /// understood, a table nobody classified, a tenant column that can't be one, a declaration of something that is not
    /// there.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        if let Some(error) = self.misnamed {
            return Err(error);
        }
        let mut draft = Draft::default();
        for (file, sql) in &self.migrations {
            draft.apply(self.dialect, file, sql)?;
        }
        let tenant_column = names::fold(self.dialect, &self.tenant_column, None);
        let classes = self.classes(&draft)?;
        let mut key_type = None;
        for (name, table) in &mut draft.tables {
            table.class = classify(table, classes.get(name).copied(), &tenant_column)?;
            if table.class == TableClass::Tenant && table.partition_of.is_none() {
                check_tenant_column(self.dialect, table, &tenant_column, &mut key_type)?;
            }
        }
        let mut views: BTreeMap<Box<str>, bool> =
            draft.views.into_iter().map(|view| (view, false)).collect();
        for name in &self.views {
            let folded = names::fold(self.dialect, name, None);
            match views.get_mut(folded.as_str()).or(None) {
                Some(registered) => *registered = true,
                None => return Err(undeclared("views", name, "view")),
            }
        }
        let mut functions = BTreeMap::new();
        for (list, permission) in [
            (&self.functions, Permission::Call),
            (&self.pure_functions, Permission::Pure),
        ] {
            functions.extend(
                list.iter()
                    .map(|name| (names::fold(self.dialect, name, None).into(), permission)),
            );
        }
        let mut inner = Inner {
            dialect: self.dialect,
            tenant_column: tenant_column.into(),
            key_type: key_type.map_or(KeyType::Uuid, |(key_type, _)| key_type),
            tables: draft.tables,
            parents: draft.parents,
            views,
            functions,
            operators: self.operators.into_iter().map(Into::into).collect(),
            routines: draft.routines,
            fingerprint: 0,
        };
        inner.fingerprint = fingerprint::of(&inner);
        Ok(Catalog {
            inner: Arc::new(inner),
        })
    }

    /// The declared class of each declared table.
    fn classes(&self, draft: &Draft) -> Result<BTreeMap<Box<str>, TableClass>, CatalogError> {
        let mut classes: BTreeMap<Box<str>, TableClass> = BTreeMap::new();
        for (list, key, class) in [
            (&self.global, "global", TableClass::Global),
            (&self.central, "central", TableClass::Central),
        ] {
            for name in list {
                let folded = names::fold(self.dialect, name, None);
                let found = [name.as_str(), folded.as_str()]
                    .into_iter()
                    .find(|name| draft.tables.contains_key(*name));
                let Some(found) = found else {
                    return Err(undeclared(key, name, "table"));
                };
                if classes
                    .insert(found.into(), class)
                    .is_some_and(|before| before != class)
                {
                    return Err(CatalogError::new(
                        CatalogErrorKind::Declaration,
                        format!("table `{name}` is declared both global and central: keep one"),
                    ));
                }
            }
        }
        Ok(classes)
    }
}

/// The catalogue of a `tenancy.toml` and migrations, for the macro that read both while the program was compiled.
///
/// # Errors
/// [`CatalogError`], as [`CatalogBuilder::build`].
pub fn from_files(
    dialect: Dialect,
    toml: &str,
    migrations: &[(&str, &str)],
) -> Result<Catalog, CatalogError> {
    let config = Config::parse(toml)
        .map_err(|error| CatalogError::new(CatalogErrorKind::Declaration, error.to_string()))?;
    let builder = Catalog::builder(dialect).config(&config);
    builder.migrations(migrations.iter().copied()).build()
}

fn undeclared(key: &str, name: &str, what: &str) -> CatalogError {
    CatalogError::new(
        CatalogErrorKind::Declaration,
        format!(
            "`{key}` names `{name}`, but no migration makes such a {what}: correct the name or remove it"
        ),
    )
}

fn classify(
    table: &Table,
    declared: Option<TableClass>,
    tenant_column: &str,
) -> Result<TableClass, CatalogError> {
    let has_column = table.column(tenant_column).is_some();
    match declared {
        Some(TableClass::Global) if has_column => Err(CatalogError::new(
            CatalogErrorKind::TenantColumn,
            format!(
                "table `{}` is declared global but has the tenant column `{tenant_column}`: drop the column or the declaration",
                table.name
            ),
        )
        .in_file(&table.origin)),
        Some(class) => Ok(class),
        None if has_column => Ok(TableClass::Tenant),
        None => Err(CatalogError::new(
            CatalogErrorKind::Unclassified,
            format!(
                "table `{}` has no column `{tenant_column}`: add it (and let the primary key start with it), or declare the table in \
                 tenancy.toml, as `global` if every tenant may read it or as `central` if none may",
                table.name
            ),
        )
        .in_file(&table.origin)),
    }
}

fn check_tenant_column(
    dialect: Dialect,
    table: &Table,
    tenant_column: &str,
    seen: &mut Option<(KeyType, Box<str>)>,
) -> Result<(), CatalogError> {
    let error = |message: String| {
        Err(CatalogError::new(CatalogErrorKind::TenantColumn, message).in_file(&table.origin))
    };
    let Some(column) = table.column(tenant_column) else {
        return Ok(());
    };
    if column.nullable {
        return error(format!(
            "`{}.{tenant_column}` may be NULL, and a row without a tenant belongs to nobody: add NOT NULL",
            table.name
        ));
    }
    if column.generated {
        return error(format!(
            "`{}.{tenant_column}` is generated: make it a plain column",
            table.name
        ));
    }
    let Some(key_type) = KeyType::of_declared(dialect, &column.type_name) else {
        return error(format!(
            "`{}.{tenant_column}` is of type `{}`: use {}",
            table.name,
            column.type_name,
            match dialect {
                Dialect::Postgres => "uuid, bigint or text",
                Dialect::Sqlite => "TEXT, INTEGER or BLOB",
            }
        ));
    };
    match seen {
        Some((before, first)) if *before != key_type => error(format!(
            "`{}.{tenant_column}` is of another type than `{first}.{tenant_column}`: the tenant column has one type everywhere",
            table.name
        )),
        Some(_) => Ok(()),
        None => {
            *seen = Some((key_type, table.name.clone()));
            Ok(())
        }
    }
}
