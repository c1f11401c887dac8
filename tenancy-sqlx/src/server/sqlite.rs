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
}

impl SqliteServer {
    /// Files in this folder. Provisioning creates it.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
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
