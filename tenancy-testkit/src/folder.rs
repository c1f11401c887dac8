//! A folder for one test's files.

use std::path::{Path, PathBuf};

use crate::Error;

/// An empty folder that is removed, with all that is in it, when the value is dropped.
///
/// It is not removed when the process is killed; the system's own cleaning of its temporary folder does that.
///
/// # Example: two files that never meet
/// ```
/// use tenancy_testkit::TempFolder;
///
/// let one = TempFolder::new()?;
/// let two = TempFolder::new()?;
/// std::fs::write(one.join("shared.db"), "")?;
/// assert!(!two.join("shared.db").exists());
///
/// let gone = one.path().to_owned();
/// drop(one);
/// assert!(!gone.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TempFolder(tempfile::TempDir);

impl TempFolder {
    /// Makes a folder of a name that nobody else has, readable by this user only.
    ///
    /// # Errors
    /// [`Error::Io`] when the system's temporary folder can't be written.
    pub fn new() -> Result<Self, Error> {
        tempfile::Builder::new()
            .prefix("tenancy-")
            .tempdir()
            .map(Self)
            .map_err(Error::io("make a temporary folder"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of a file or folder inside.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }
}
