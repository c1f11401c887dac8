//! [`Key`]: a secret that two services share, and the name by which they know which.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tenancy_core::{Error, ErrorKind};

/// Fewest bytes of a secret: as many as the signature has.
const MIN_BYTES: usize = 32;

/// A named secret.
///
/// To replace one, give receivers the new one beside the old ([`Verifier::key`](super::Verifier::key) takes several), then give
/// it to senders, and take the old one from receivers a minute later. `Debug` shows the name alone.
///
/// # Example: refused
/// ```
/// use tenancy_http::propagate::Key;
///
/// assert!(Key::new("2026-11", "0123456789abcdef0123456789abcdef").is_ok());
/// assert!(Key::new("2026-11", "hunter2").is_err());
/// assert!(Key::new("a.b", "0123456789abcdef0123456789abcdef").is_err());
/// ```
#[derive(Clone)]
pub struct Key {
    id: Box<str>,
    mac: Hmac<Sha256>,
}

impl Key {
    /// A secret of 32 bytes or more and its name, 1 to 32 of letters, digits, `_` and `-`.
    ///
    /// # Errors
    /// `ApiMisuse` for a name or secret of another form.
    pub fn new(id: &str, secret: impl AsRef<[u8]>) -> Result<Self, Error> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if !(1..=32).contains(&id.len()) || !id.bytes().all(is_plain) {
            return Err(misuse(
                "the name of a key is 1 to 32 letters, digits, `_` or `-`",
            ));
        }
        let secret = secret.as_ref();
        if secret.len() < MIN_BYTES {
            return Err(misuse(
                "the secret of a key has at least 32 bytes; draw them at random",
            ));
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| misuse("the secret is no key"))?;
        Ok(Self { id: id.into(), mac })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, text: &str) -> Vec<u8> {
        let mac = self.mac.clone().chain_update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// In a time that does not depend on where two signatures differ.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        let mac = self.mac.clone().chain_update(text.as_bytes());
        mac.verify_slice(signature).is_ok()
    }
}

fn misuse(why: &'static str) -> Error {
    Error::new(ErrorKind::ApiMisuse, why)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
