//! The secret of the deployment on PostgreSQL: login roles get their passwords from it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rand::RngExt as _;

/// Reads the secret from `secret` in this folder, or makes one there that only we may read.
///
/// # Errors
/// What the file system says. A secret that is there is never replaced: the tenants' roles could not log in any more.
pub fn read_or_make(folder: &Path) -> io::Result<String> {
    let path = folder.join("secret");
    fs::create_dir_all(folder)?;
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
    {
        Ok(mut file) => {
            let random: [u8; 32] = rand::rng().random();
            let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
            file.write_all(secret.as_bytes())?;
            file.sync_all()?;
            Ok(secret)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(&path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once() {
        let folder = tenancy_testkit::TempFolder::new().unwrap();
        let folder = folder.join("data");
        let made = read_or_make(&folder).unwrap();
        assert_eq!(made.len(), 64);
        assert_eq!(read_or_make(&folder).unwrap(), made);
    }
}
