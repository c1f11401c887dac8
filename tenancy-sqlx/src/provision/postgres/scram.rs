//! The SCRAM-SHA-256 verifier of a password, so that the password itself never appears in a statement or a log.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

/// What PostgreSQL itself uses (`scram_iterations`), and the least that RFC 7677 allows.
const ITERATIONS: u32 = 4096;

/// The text that `CREATE ROLE .. PASSWORD` takes in place of a password:
/// `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` ([RFC 5803](https://www.rfc-editor.org/rfc/rfc5803)).
///
/// The salt is derived from the password and the role: the same password gives the same verifier, and since passwords are
/// 256 random-looking bits there is nothing for a table of precomputed ones to hold.
pub(super) fn verifier(password: &str, role: &str) -> String {
    let salt = mac(password.as_bytes(), &[b"salt\0", role.as_bytes()]);
    let (salt, _) = salt.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    of_salt(password, salt)
}

fn of_salt(password: &str, salt: &[u8]) -> String {
    let salted = salted_password(password.as_bytes(), salt);
    let stored: [u8; 32] = Sha256::digest(mac(&salted, &[b"Client Key"])).into();
    let server = mac(&salted, &[b"Server Key"]);
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        base64(salt),
        base64(&stored),
        base64(&server)
    )
}

/// `Hi` of RFC 5802: PBKDF2 with one block.
fn salted_password(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut step = mac(password, &[salt, &1_u32.to_be_bytes()]);
    let mut result = step;
    for _ in 1..ITERATIONS {
        step = mac(password, &[&step]);
        for (all, one) in result.iter_mut().zip(step) {
            *all ^= one;
        }
    }
    result
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes a key of any length; the other arm is unreachable, and its verifier would let nobody in.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for position in 0..4 {
            if position <= chunk.len() {
                let index = bits >> (18 - 6 * position) & 63;
                let letter = ALPHABET.get(index as usize).copied().unwrap_or(b'=');
                text.push(char::from(letter));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        let check = |bytes: &str, expect: &str| assert_eq!(base64(bytes.as_bytes()), expect);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foob", "Zm9vYg==");
        check("fooba", "Zm9vYmE=");
        check("foobar", "Zm9vYmFy");
    }

    #[test]
    fn the_same_password_gives_the_same_verifier() {
        let verifier_of_a = verifier("password", "a");
        assert!(verifier_of_a.starts_with("SCRAM-SHA-256$4096:"));
        assert_eq!(verifier_of_a, verifier("password", "a"));
        assert_ne!(verifier_of_a, verifier("password", "b"));
        assert_ne!(verifier_of_a, verifier("Password", "a"));
    }

    #[test]
    fn the_example_of_rfc_7677() {
        // Password "pencil" and the salt of section 3; the proof there follows from these keys.
        let salt = [
            0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36,
            0xfa, 0x81,
        ];
        assert_eq!(base64(&salt), "W22ZaJ0SNY7soEsUEjb6gQ==");
        let salted = salted_password(b"pencil", &salt);
        let server = mac(&salted, &[b"Server Key"]);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        assert_eq!(
            base64(&mac(&server, &[message.as_bytes()])),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }
}
