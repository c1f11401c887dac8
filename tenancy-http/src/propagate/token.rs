//! The text between two services: `v1.{key}.{claim}.{signature}`, the last two in base64 for addresses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderName;
use serde::{Deserialize, Serialize};
use tenancy_core::{Actor, TenantId};
use uuid::Uuid;

use super::key::Key;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("tenancy-context");

/// Longer ones are not looked at.
const LONGEST: usize = 4_096;

/// What is claimed. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) tenant: TenantId,
    pub(super) actor: Actor,
    /// The host that it is meant for.
    pub(super) audience: Box<str>,
    pub(super) issued: u64,
    pub(super) expires: u64,
    /// Used once.
    pub(super) nonce: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<Box<str>>,
}

/// Writes and signs a claim; `None` if it is too long to be looked at.
pub(super) fn write(claim: &Claim, key: &Key) -> Option<String> {
    let json = serde_json::to_vec(claim).ok()?;
    let mut text = format!("v1.{}.{}", key.id(), URL_SAFE_NO_PAD.encode(json));
    let signature = key.sign(&text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    (text.len() <= LONGEST).then_some(text)
}

/// Reads a claim whose signature is right. Nothing of it is decoded before.
pub(super) fn read(text: &str, keys: &[Key]) -> Result<Claim, &'static str> {
    if text.len() > LONGEST {
        return Err("it is too long");
    }
    let (signed, signature) = text.rsplit_once('.').ok_or("it is malformed")?;
    let mut parts = signed.split('.');
    let (Some("v1"), Some(id), Some(claim), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it is malformed");
    };
    let key = keys.iter().find(|key| key.id() == id);
    let key = key.ok_or("it is signed with a key that is not known here")?;
    let signature = URL_SAFE_NO_PAD.decode(signature);
    let signature = signature.map_err(|_| "its signature is malformed")?;
    if !key.verify(signed, &signature) {
        return Err("its signature is wrong");
    }
    let json = URL_SAFE_NO_PAD.decode(claim);
    let json = json.map_err(|_| "its claim is malformed")?;
    serde_json::from_slice(&json).map_err(|_| "its claim can't be read")
}
