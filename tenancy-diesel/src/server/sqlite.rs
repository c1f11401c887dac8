//! A folder of SQLite files that holds tenants.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A folder of SQLite files that holds tenants, as tenancy-sqlx's provisioning lays it out.
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
    /// Files in this folder.
    ///
    /// # Errors
    /// [`Error::Config`] if the path can't be made absolute. SQLite reads some relative paths as URLs.
    pub fn folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = std::path::absolute(folder).map_err(|error| {
            Error::Config(format!(
                "the folder of a SQLite server is not a path: {error}"
            ))
        })?;
        Ok(Self { folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}
