//! Passwords: hashed and checked with argon2id, off the threads that serve requests.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tenancy::spawn_blocking;

use crate::error::AppError;

/// The fewest characters of a password.
pub(super) const SHORTEST: usize = 12;
/// The most bytes: hashing is work, and strangers choose how much.
pub(super) const LONGEST: usize = 256;

/// Checked against when there is no such user, so that the answer takes the same time.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hashed("nobody has this password").ok());

fn hashed(password: &str) -> Result<String, AppError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| {
        tracing::error!(%error, "a password can't be hashed");
        AppError::Busy
    })
}

/// The hash of a password, with a salt of its own.
pub(crate) async fn hash(password: String) -> Result<String, AppError> {
    spawn_blocking(move || hashed(&password))
        .map_err(tenancy::sqlx::Error::from)?
        .await
        .map_err(|_| AppError::Busy)?
}

/// Whether a password is the one of a hash. Without a hash it never is, and takes as long to say so.
pub(super) async fn matches(password: String, hash: Option<String>) -> Result<bool, AppError> {
    let check = move || {
        // Made by whoever comes first, not by the first who is nobody.
        let nobody = NOBODY.clone();
        let is_somebody = hash.is_some();
        let hash = hash.or(nobody).unwrap_or_default();
        let parsed = PasswordHash::new(&hash);
        let right = parsed.is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        right && is_somebody
    };
    spawn_blocking(check)
        .map_err(tenancy::sqlx::Error::from)?
        .await
        .map_err(|_| AppError::Busy)
}
