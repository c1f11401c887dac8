//! The secret from which the passwords of login roles are derived.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Error, ErrorKind};

/// A secret of the deployment, from which each login role's password is derived.
///
/// A tenant with a database of its own logs in as a role of its own, so that a connection that was opened for one tenant
/// cannot be used for another's database. Storing a password per tenant would be one more thing to leak; deriving it keeps
/// one secret, held by the service, and none in the registry.
///
/// The password of role `r` is `HMAC-SHA256(secret, "tenancy role password\0" + r)` in hexadecimal
/// ([RFC 2104](https://www.rfc-editor.org/rfc/rfc2104)). Changing the secret means provisioning the roles again.
///
/// `Debug` never shows the secret.
///
/// # Example: a secret that is too short
/// ```
/// use tenancy_core::Secret;
/// assert!(Secret::new("0123456789abcdef0123456789abcdef").is_ok());
/// assert!(Secret::new("hunter2").is_err());
/// ```
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Fewest bytes that are accepted.
    pub const MIN_BYTES: usize = 16;

    /// Takes a secret.
    ///
    /// # Errors
    /// [`ErrorKind::ApiMisuse`] if it has fewer than [`Self::MIN_BYTES`] bytes.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = secret.as_ref();
        if bytes.len() < Self::MIN_BYTES {
            return Err(Error::new(
                ErrorKind::ApiMisuse,
                format!(
                    "the secret has {} bytes; give at least {} random ones",
                    bytes.len(),
                    Self::MIN_BYTES
                ),
            ));
        }
        Ok(Self(bytes.into()))
    }

    /// The password of a login role.
    #[must_use]
    pub fn password_for(&self, role: &str) -> String {
        // HMAC takes a key of any length; the other arm is unreachable, and an empty password never logs in.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(b"tenancy role password\0");
        mac.update(role.as_bytes());
        let mut hex = String::with_capacity(64);
        for byte in mac.finalize().into_bytes() {
            use fmt::Write as _;
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_stable_and_differ_by_role_and_secret() {
        let a = Secret::new("an example secret of the tests").unwrap();
        let b = Secret::new("another secret of the same tests").unwrap();
        assert_eq!(a.password_for("x"), a.password_for("x"));
        assert_eq!(a.password_for("x").len(), 64);
        assert_ne!(a.password_for("x"), a.password_for("y"));
        assert_ne!(a.password_for("x"), b.password_for("x"));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("an example secret of the tests").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
