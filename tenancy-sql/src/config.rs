//! `tenancy.toml`, parsed. Reading the file is the caller's business.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::Dialect;

/// The settings of a `tenancy.toml`.
///
/// # Example: a service on both databases
/// ```
/// use tenancy_sql::{Config, Dialect};
///
/// let config = Config::parse(r#"
///     [tenancy]
///     dialect = ["postgres", "sqlite"]
///     migrations = { postgres = "migrations/postgres", sqlite = "migrations/sqlite" }
///     tenant_column = "tenant_id"
///     global = ["countries"]
/// "#)?;
/// assert_eq!(config.migrations(Dialect::Sqlite), Some("migrations/sqlite"));
///
/// // An unknown key is refused, not ignored.
/// let error = Config::parse("[tenancy]\nglobals = []").unwrap_err();
/// assert!(error.to_string().contains("unknown field `globals`"), "{error}");
/// # Ok::<(), tenancy_sql::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    dialects: Vec<Dialect>,
    migrations: BTreeMap<&'static str, String>,
    tenant_column: String,
    global: Vec<String>,
    central: Vec<String>,
    views: Vec<String>,
    functions: Vec<String>,
    pure_functions: Vec<String>,
    operators: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tenancy: Section,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    dialect: Option<OneOrMany>,
    migrations: Option<Migrations>,
    tenant_column: Option<String>,
    #[serde(default)]
    global: Vec<String>,
    #[serde(default)]
    central: Vec<String>,
    #[serde(default)]
    views: Vec<String>,
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    pure_functions: Vec<String>,
    #[serde(default)]
    operators: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Migrations {
    One(String),
    PerDialect(BTreeMap<String, String>),
}

impl Config {
    /// Parses the text of a `tenancy.toml`.
    ///
    /// # Errors
    /// [`ConfigError`] when the text is not TOML, a key is unknown (the known ones are listed), a value has the wrong type,
    /// a dialect is unknown, or a name is empty.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let File { tenancy } =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(text, &error))?;
        let Section {
            dialect,
            migrations,
            tenant_column,
            global,
            central,
            views,
            functions,
            pure_functions,
            operators,
        } = tenancy;
        let names = match dialect {
            None => vec!["postgres".to_owned()],
            Some(OneOrMany::One(name)) => vec![name],
            Some(OneOrMany::Many(names)) => names,
        };
        let mut dialects = Vec::new();
        for name in &names {
            dialects.push(
                name.parse::<Dialect>()
                    .map_err(|error| ConfigError::new(format!("`dialect`: {error}")))?,
            );
        }
        if dialects.is_empty() {
            return Err(ConfigError::new(
                "`dialect` is an empty list: write \"postgres\", \"sqlite\" or both".into(),
            ));
        }
        let mut folders = BTreeMap::new();
        match migrations {
            None => folders.extend(
                dialects
                    .iter()
                    .map(|dialect| (dialect.as_str(), "migrations".to_owned())),
            ),
            Some(Migrations::One(folder)) => {
                folders.extend(
                    dialects
                        .iter()
                        .map(|dialect| (dialect.as_str(), folder.clone())),
                );
            }
            Some(Migrations::PerDialect(map)) => {
                for (name, folder) in map {
                    let dialect: Dialect = name
                        .parse()
                        .map_err(|error| ConfigError::new(format!("`migrations`: {error}")))?;
                    folders.insert(dialect.as_str(), folder);
                }
            }
        }
        let tenant_column = tenant_column.unwrap_or_else(|| "tenant_id".to_owned());
        let lists = [
            &global,
            &central,
            &views,
            &functions,
            &pure_functions,
            &operators,
        ];
        if tenant_column.is_empty() || lists.into_iter().flatten().any(String::is_empty) {
            return Err(ConfigError::new(
                "an empty name in `[tenancy]`: remove it or write the name".into(),
            ));
        }
        if let Some(name) = global.iter().find(|name| central.contains(name)) {
            return Err(ConfigError::new(format!(
                "table `{name}` is both in `global` and in `central`: keep one"
            )));
        }
        Ok(Self {
            dialects,
            migrations: folders,
            tenant_column,
            global,
            central,
            views,
            functions,
            pure_functions,
            operators,
        })
    }

    /// The dialects of the service, in the order written; `postgres` if none is.
    #[must_use]
    pub fn dialects(&self) -> &[Dialect] {
        &self.dialects
    }

    /// The folder of a dialect's migrations, relative to the `tenancy.toml`.
    #[must_use]
    pub fn migrations(&self, dialect: Dialect) -> Option<&str> {
        self.migrations.get(dialect.as_str()).map(String::as_str)
    }

    /// The name of the tenant column; `tenant_id` if it is not set.
    #[must_use]
    pub fn tenant_column(&self) -> &str {
        &self.tenant_column
    }

    /// Tables that every tenant may read and only the centre writes.
    #[must_use]
    pub fn global(&self) -> &[String] {
        &self.global
    }

    /// Tables of the control plane, which no tenant ever sees.
    #[must_use]
    pub fn central(&self) -> &[String] {
        &self.central
    }

    /// Views that tenants may read because their author promises that they are confined to the tenant.
    #[must_use]
    pub fn views(&self) -> &[String] {
        &self.views
    }

    /// Functions allowed beyond the built-in list. A statement that calls one counts as a write.
    #[must_use]
    pub fn functions(&self) -> &[String] {
        &self.functions
    }

    /// Functions allowed beyond the built-in list that change nothing. On PostgreSQL also fields of types of your own, for
    /// `(x).f` calls a function `f` if `x` has no such field.
    #[must_use]
    pub fn pure_functions(&self) -> &[String] {
        &self.pure_functions
    }

    /// Operators allowed beyond the built-in list, such as those of an extension.
    #[must_use]
    pub fn operators(&self) -> &[String] {
        &self.operators
    }
}

/// Why a `tenancy.toml` was not understood, with the line when it is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tenancy.toml{}: {message}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct ConfigError {
    line: Option<usize>,
    message: String,
}

impl ConfigError {
    fn new(message: String) -> Self {
        Self {
            line: None,
            message,
        }
    }

    fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        Self {
            line,
            message: error.message().replace('\n', " "),
        }
    }

    /// The line of the mistake, counted from 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, part: &str) {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn defaults() {
        let config = Config::parse("[tenancy]").unwrap();
        assert_eq!(config.dialects(), [Dialect::Postgres]);
        assert_eq!(config.migrations(Dialect::Postgres), Some("migrations"));
        assert_eq!(config.tenant_column(), "tenant_id");
    }

    #[test]
    fn malformed() {
        refused("", "missing field `tenancy`");
        refused("[tenancy", "line 1");
        refused("[tenancy]\n\nglobal = 3", "line 3");
        refused("[tenancy]\ndialect = \"mysql\"", "unknown dialect `mysql`");
        refused("[tenancy]\ndialect = []", "empty list");
        refused("[tenancy]\nglobal = [\"\"]", "empty name");
        refused("[tenancy]\nglobal = [\"a\"]\ncentral = [\"a\"]", "both");
        refused("[tenancy]\nglobl = []", "expected one of `dialect`");
        refused(
            "[tenancy]\nmigrations = { mysql = \"m\" }",
            "unknown dialect",
        );
    }
}
