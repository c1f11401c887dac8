//! `Seal`: ids that a store gives out, marked with whose they are. Some stores take any upload id for any path.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use object_store::path::Path;
use sha2::Sha256;
use tenancy_core::TenantId;
use uuid::Uuid;

use crate::{Error, Result};

/// Hexadecimal digits of the mark: 128 bits.
const DIGITS: usize = 32;

/// A secret under which ids are marked.
#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Of a secret that other processes have too.
    pub(crate) fn new(secret: &[u8]) -> Result<Self> {
        if secret.len() < 16 {
            return Err(Error::Config("the upload secret needs 16 bytes or more"));
        }
        Hmac::new_from_slice(secret)
            .map(Self)
            .map_err(|_| Error::Config("the upload secret can't be used"))
    }

    /// Of a secret that nobody else has.
    pub(crate) fn random() -> Result<Self> {
        let halves = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()];
        Self::new(halves.as_flattened())
    }

    /// The id, marked as one for this tenant and path.
    pub(crate) fn close(&self, tenant: TenantId, path: &Path, id: &str) -> String {
        format!("{}{id}", self.mark(tenant, path, id))
    }

    /// The id inside, if it was marked for this tenant and path.
    pub(crate) fn open<'a>(
        &self,
        tenant: TenantId,
        path: &Path,
        closed: &'a str,
    ) -> Result<&'a str> {
        let (mark, id) = closed
            .split_at_checked(DIGITS)
            .ok_or(Error::UnknownUpload)?;
        // Compared as marks of marks, so that the time says nothing about how much of one was guessed.
        let twice = |mark: &str| self.0.clone().chain_update(mark).finalize();
        if twice(&self.mark(tenant, path, id)) == twice(mark) {
            Ok(id)
        } else {
            Err(Error::UnknownUpload)
        }
    }

    fn mark(&self, tenant: TenantId, path: &Path, id: &str) -> String {
        let mac = self
            .0
            .clone()
            .chain_update(tenant.to_string())
            .chain_update([0])
            .chain_update(path.as_ref())
            .chain_update([0])
            .chain_update(id)
            .finalize()
            .into_bytes();
        let mut mark = hex(&mac);
        mark.truncate(DIGITS);
        mark
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;

    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_opens_for_its_tenant_and_path_only() {
        let seal = Seal::random().unwrap();
        let (one, two) = (TenantId::parse("1").unwrap(), TenantId::parse("2").unwrap());
        let (a, b) = (Path::from("a"), Path::from("b"));
        let closed = seal.close(one, &a, "upload-7");
        assert_eq!(seal.open(one, &a, &closed).unwrap(), "upload-7");
        for (tenant, path, id) in [
            (two, &a, closed.as_str()),
            (one, &b, &closed),
            (one, &a, "upload-7"),
            (one, &a, "0"),
            (one, &a, ""),
            (one, &a, &closed.replace("upload-7", "upload-8")),
            (one, &a, "ééééééééééééééééééééé"),
        ] {
            assert!(seal.open(tenant, path, id).is_err(), "{id}");
        }
        assert!(Seal::random().unwrap().open(one, &a, &closed).is_err());
        assert!(Seal::new(b"short").is_err());
    }
}
