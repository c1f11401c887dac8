//! [`JobKeys`]: which keys sign jobs, and which are believed.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tenancy_core::Secret;

use crate::{Error, Refusal, Result};

/// The keys that jobs are signed with: one signs, several are believed.
///
/// # Guarantee
/// Whoever can write to the queue but has no key can't make a job that runs, nor change one's tenant, type, version, key,
/// payload, actor or id. Signatures are HMAC-SHA256 and are compared in constant time.
///
/// What it does not guarantee: that a job runs only once. Whoever can write to the queue can bring a job back that ran
/// before, unchanged, under its own tenant; jobs have to bear being run again anyway.
///
/// # Example: changing the key without losing what waits
/// ```
/// use tenancy_core::Secret;
/// use tenancy_jobs::JobKeys;
///
/// let old = Secret::new("thirty-two random bytes, in truth")?;
/// let new = Secret::new("thirty-two others, out of a vault")?;
/// // First everywhere: believe the new one. Then: sign with it. When the queue is empty of the old: forget the old.
/// let keys = JobKeys::new("2026-11", &new)?.believe("2026-05", &old)?;
/// # let _ = keys;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct JobKeys {
    /// The first one signs.
    keys: Vec<(String, Hmac<Sha256>)>,
}

impl fmt::Debug for JobKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.keys.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_tuple("JobKeys").field(&names).finish()
    }
}

impl JobKeys {
    /// Signs with this key, and believes it.
    ///
    /// # Errors
    /// [`Error::Config`] if the id is not 1 to 32 of `a-z`, `0-9` and `-`.
    pub fn new(id: &str, secret: &Secret) -> Result<Self> {
        Self { keys: Vec::new() }.believe(id, secret)
    }

    /// Believes this key, too.
    ///
    /// # Errors
    /// As [`Self::new`]; also if the id is there already.
    pub fn believe(mut self, id: &str, secret: &Secret) -> Result<Self> {
        let is_name = (1..=32).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name || self.keys.iter().any(|(known, _)| known == id) {
            return Err(Error::Config(
                "the id of a key is 1 to 32 of a-z, 0-9 and `-`, and each key has its own",
            ));
        }
        // No role is called like this, so what signs jobs is no role's password.
        let key = secret.password_for("jobs/envelopes");
        let mac = Hmac::new_from_slice(key.as_bytes())
            .map_err(|_| Error::Config("the secret can't be used"))?;
        self.keys.push((id.to_owned(), mac));
        Ok(self)
    }

    /// The id of the key that signs, and its mark on these parts.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> (String, Vec<u8>) {
        // `new` leaves no way to have none.
        self.keys
            .first()
            .map(|(id, mac)| (id.clone(), fed(mac, parts).finalize().into_bytes().to_vec()))
            .unwrap_or_default()
    }

    /// Refuses what no key of ours has signed.
    pub(crate) fn verify(&self, id: &str, mark: &[u8], parts: &[&[u8]]) -> Result<(), Refusal> {
        let (_, mac) = self
            .keys
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(Refusal::UnknownKey)?;
        // Compares in constant time.
        fed(mac, parts)
            .verify_slice(mark)
            .map_err(|_| Refusal::Forged)
    }
}

/// Each part with its length before it, so that none runs into the next.
fn fed(mac: &Hmac<Sha256>, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = mac.clone();
    mac.update(b"tenancy job 1");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(format!("{text} of the tests, long enough")).unwrap()
    }

    #[test]
    fn one_signs_and_several_are_believed() {
        let old = JobKeys::new("old", &secret("a")).unwrap();
        let new = JobKeys::new("new", &secret("b"))
            .unwrap()
            .believe("old", &secret("a"))
            .unwrap();
        let (id, mark) = old.sign(&[b"x", b"y"]);
        assert_eq!(new.verify(&id, &mark, &[b"x", b"y"]), Ok(()));
        let (id, mark) = new.sign(&[b"x", b"y"]);
        assert_eq!(id, "new");
        assert_eq!(
            old.verify(&id, &mark, &[b"x", b"y"]),
            Err(Refusal::UnknownKey)
        );
        // The right secret under another's name.
        assert_eq!(
            new.verify("old", &mark, &[b"x", b"y"]),
            Err(Refusal::Forged)
        );
    }

    #[test]
    fn parts_do_not_run_together() {
        let keys = JobKeys::new("k", &secret("a")).unwrap();
        let (id, mark) = keys.sign(&[b"ab", b"c"]);
        for wrong in [
            &[b"a".as_slice(), b"bc"][..],
            &[b"abc"],
            &[b"ab", b"c", b""],
            &[b"ab", b"C"],
        ] {
            assert_eq!(keys.verify(&id, &mark, wrong), Err(Refusal::Forged));
        }
        assert_eq!(
            keys.verify(&id, &mark[..31], &[b"ab", b"c"]),
            Err(Refusal::Forged)
        );
        assert_eq!(keys.verify(&id, &[], &[b"ab", b"c"]), Err(Refusal::Forged));
    }

    #[test]
    fn ids_are_names_and_secrets_stay_secret() {
        for wrong in ["", "A", "a b", "0123456789012345678901234567890123"] {
            assert!(JobKeys::new(wrong, &secret("a")).is_err(), "{wrong}");
        }
        let keys = JobKeys::new("k", &secret("a")).unwrap();
        assert!(keys.clone().believe("k", &secret("b")).is_err());
        assert_eq!(format!("{keys:?}"), r#"JobKeys(["k"])"#);
    }
}
