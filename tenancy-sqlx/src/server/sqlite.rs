//! A folder of SQLite files that holds tenants.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tenancy_core::{Placement, session};

/// A folder of SQLite files that holds tenants.
///
/// | file | holds |
/// |---|---|
/// | `shared.db` | the tenants in shared tables |
/// | `schemas/<name>.db` | one tenant with a schema of its own, attached to a connection that is otherwise empty |
/// | `databases/<name>.db` | one tenant with a database of its own |
///
/// Paths are made from a tenant's derived name ([`tenancy_core::TenantId::schema_name`]), never from text of a user, and a
/// file that is a symbolic link is not opened.
#[derive(Clone, Debug)]
pub struct SqliteServer {
    folder: PathBuf,
    #[cfg(feature = "sqlite-wall")]
    engine_wall: bool,
    #[cfg(feature = "sqlite-wall")]
    trusted_triggers: Vec<String>,
}

impl SqliteServer {
    /// Files in this folder. Provisioning creates it.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            #[cfg(feature = "sqlite-wall")]
            engine_wall: false,
            #[cfg(feature = "sqlite-wall")]
            trusted_triggers: Vec::new(),
        }
    }

    /// Makes SQLite's engine the second wall of shared tables; off unless told.
    ///
    /// Each connection to `shared.db` then sees temporary views in place of the tables, and an authorizer and triggers keep
    /// what it reads and writes to the tenant that holds it: see [`tenancy_sqlite_wall`] for how, what it does not stop, and
    /// what is lost with it. Tenants with a file of their own don't need it and don't get it.
    ///
    /// A statement that the wall stops is an error of the driver (`SQLITE_AUTH`), is logged as one, and costs the connection.
    /// On such a connection a statement can't be described, and a write can't be prepared by hand; the driver prepares all it
    /// runs, as ever.
    ///
    /// # Example
    /// ```
    /// use tenancy_sqlx::SqliteServer;
    ///
    /// let server = SqliteServer::folder("data").engine_wall(true);
    /// assert!(format!("{server:?}").contains("engine_wall: true"));
    /// ```
    #[cfg(feature = "sqlite-wall")]
    #[must_use]
    pub fn engine_wall(mut self, stands: bool) -> Self {
        self.engine_wall = stands;
        self
    }

    /// Trusts a trigger in the file of shared tables to read the rows of all tenants, behind the engine's wall.
    ///
    /// A statement that fires a trigger nobody trusts is refused. What a trusted one writes is still checked row by row.
    #[cfg(feature = "sqlite-wall")]
    #[must_use]
    pub fn trust_trigger(mut self, name: impl Into<String>) -> Self {
        self.trusted_triggers.push(name.into());
        self
    }

    #[cfg(feature = "sqlite-wall")]
    pub(crate) fn has_engine_wall(&self) -> bool {
        self.engine_wall
    }

    #[cfg(feature = "sqlite-wall")]
    pub(crate) fn trusted_triggers(&self) -> &[String] {
        &self.trusted_triggers
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The file in which a placement's rows are.
    pub(crate) fn file_of(&self, placement: &Placement) -> PathBuf {
        session::sqlite_file(&self.folder, placement)
    }

    /// How a file is opened, by requests and by provisioning alike.
    ///
    /// Write-ahead logging lets readers and one writer work side by side; `recursive_triggers` makes the pins see rows that
    /// `REPLACE` removes; `trusted_schema` off keeps functions out of a file's own schema.
    pub(crate) fn options(file: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .pragma("recursive_triggers", "ON")
            .pragma("trusted_schema", "OFF")
    }
}
