//! The two databases the firewall speaks, and the type of the tenant column. Lexical and naming rules of a dialect live
//! in `lex` and `names`.

use std::fmt;
use std::str::FromStr;

/// The SQL dialect of a catalogue and of the statements checked against it.
///
/// Exhaustive on purpose: a new dialect must be thought about wherever one is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a new dialect has to break every match on it"
)]
pub enum Dialect {
    /// PostgreSQL 13 and later.
    Postgres,
    /// SQLite 3.35 and later.
    Sqlite,
}

impl Dialect {
    /// The name used in `tenancy.toml`: `postgres` or `sqlite`.
    ///
    /// ```
    /// assert_eq!(tenancy_sql::Dialect::Sqlite.as_str(), "sqlite");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "postgres" => Ok(Self::Postgres),
            "sqlite" => Ok(Self::Sqlite),
            _ => Err(UnknownDialect { met: text.into() }),
        }
    }
}

/// The error of parsing a [`Dialect`] from text that names neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown dialect `{met}`: write `postgres` or `sqlite`")]
pub struct UnknownDialect {
    met: Box<str>,
}

/// The declared type of the tenant column, the same in every tenant table.
///
/// It decides the cast of the tenant placeholder on PostgreSQL and how a driver binds the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    clippy::exhaustive_enums,
    reason = "drivers bind each of these differently"
)]
pub enum KeyType {
    /// `uuid` on PostgreSQL.
    Uuid,
    /// `smallint`, `integer` or `bigint`; `INTEGER` and the like on SQLite.
    Integer,
    /// `text` or `varchar`; `TEXT` on SQLite.
    Text,
    /// `bytea`; `BLOB` on SQLite.
    Blob,
}

impl KeyType {
    /// Reads a declared type; `None` if it can't be a tenant column's.
    pub(crate) fn of_declared(dialect: Dialect, declared: &str) -> Option<Self> {
        let declared = declared.to_ascii_lowercase();
        let base = declared.split('(').next().unwrap_or_default().trim();
        match (dialect, base) {
            (_, "uuid") if dialect == Dialect::Postgres => Some(Self::Uuid),
            (_, "smallint" | "integer" | "int" | "bigint" | "int2" | "int4" | "int8") => {
                Some(Self::Integer)
            }
            (_, "text" | "varchar" | "character varying") => Some(Self::Text),
            (Dialect::Postgres, "bytea") | (Dialect::Sqlite, "blob") => Some(Self::Blob),
            _ => None,
        }
    }

    /// The cast that pins the type of the tenant placeholder.
    pub(crate) fn cast(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::Sqlite, _) => "",
            (Dialect::Postgres, Self::Uuid) => "::uuid",
            (Dialect::Postgres, Self::Integer) => "::bigint",
            (Dialect::Postgres, Self::Text) => "::text",
            (Dialect::Postgres, Self::Blob) => "::bytea",
        }
    }
}
