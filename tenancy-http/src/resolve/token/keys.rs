//! [`TokenKey`]: a key and the one algorithm that it is for; [`KeySource`]: where keys come from.

use std::fmt;
use std::future::ready;
use std::sync::{Arc, PoisonError, RwLock};

use futures_core::future::BoxFuture;
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};
use tenancy_core::{Error, ErrorKind, TenantId};

/// The fewest bytes of a shared secret (RFC 7518, section 3.2, for HS256).
const SHORTEST_SECRET: usize = 32;

/// A key that signatures are checked with, and the one algorithm that it is for.
///
/// Algorithms are pinned by their keys, never by what a token says: a token that says otherwise is refused before its
/// signature is looked at.
#[derive(Clone)]
pub struct TokenKey {
    id: Box<str>,
    algorithm: Algorithm,
    key: DecodingKey,
    only_for: Option<TenantId>,
}

impl TokenKey {
    /// A key, by the `kid` that tokens name it with.
    ///
    /// # Errors
    /// `ApiMisuse` if the key is not one for this algorithm, or a shared secret of fewer than 32 bytes.
    ///
    /// # Example: a public key is no shared secret
    /// ```
    /// use jsonwebtoken::{Algorithm, DecodingKey};
    /// use tenancy_http::TokenKey;
    ///
    /// let public = DecodingKey::from_ed_der(&[7; 32]);
    /// assert!(TokenKey::new("k1", Algorithm::HS256, public.clone()).is_err());
    /// assert!(TokenKey::new("k1", Algorithm::EdDSA, public).is_ok());
    /// assert!(TokenKey::new("k2", Algorithm::HS256, DecodingKey::from_secret(b"too short")).is_err());
    /// ```
    pub fn new(
        id: impl Into<Box<str>>,
        algorithm: Algorithm,
        key: DecodingKey,
    ) -> Result<Self, Error> {
        let family = key.family();
        if !family.algorithms().contains(&algorithm) {
            return Err(misuse(
                "the key is not one for this algorithm; say the one that it was made for",
            ));
        }
        let is_short = |bytes: &[u8]| bytes.len() < SHORTEST_SECRET;
        if family == AlgorithmFamily::Hmac && key.try_get_as_bytes().map_or(true, is_short) {
            return Err(misuse("a shared secret needs at least 32 random bytes"));
        }
        Ok(Self {
            id: id.into(),
            algorithm,
            key,
            only_for: None,
        })
    }

    /// This key is one tenant's: what it signed is good for no other.
    #[must_use]
    pub fn only_for(mut self, tenant: TenantId) -> Self {
        self.only_for = Some(tenant);
        self
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.key
    }

    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.only_for
    }
}

fn misuse(message: &'static str) -> Error {
    Error::new(ErrorKind::ApiMisuse, message)
}

impl fmt::Debug for TokenKey {
    /// Not the key: it may be a shared secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("only_for", &self.only_for)
            .finish_non_exhaustive()
    }
}

/// Where an issuer's keys come from.
///
/// # Errors
/// "The keys can't be had just now" is a
/// [`ErrorKind::RegistryUnavailable`], and becomes a 503; `Ok(None)` says that the issuer has no such key, and becomes a 401.
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The key that a token names. A token without a name means the only key, and none if there are several.
    ///
    /// # Errors
    /// [`ErrorKind::RegistryUnavailable`] if that can't be known just now.
    fn key<'a>(
        &'a self,
        id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Arc<TokenKey>>, Error>>;
}

#[deny(clippy::missing_trait_methods)]
impl<K: KeySource + ?Sized> KeySource for Arc<K> {
    fn key<'a>(
        &'a self,
        id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Arc<TokenKey>>, Error>> {
        (**self).key(id)
    }
}

/// Keys that are in the program, or that it puts in. Clones share them.
///
/// To rotate: put the new key beside the old one, let the issuer sign with the new one, and take the old one out when the
/// last token that it signed has ended.
#[derive(Debug, Clone, Default)]
pub struct FixedKeys(Arc<RwLock<Vec<Arc<TokenKey>>>>);

impl FixedKeys {
    /// These keys.
    pub fn new(keys: impl IntoIterator<Item = TokenKey>) -> Self {
        let fixed = Self::default();
        fixed.replace(keys);
        fixed
    }

    /// These keys from now on, and no others.
    pub fn replace(&self, keys: impl IntoIterator<Item = TokenKey>) {
        let keys = keys.into_iter().map(Arc::new).collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// The key of an id among these; without an id the only one.
pub(super) fn find(keys: &[Arc<TokenKey>], id: Option<&str>) -> Option<Arc<TokenKey>> {
    match (id, keys) {
        (Some(id), _) => keys.iter().find(|key| key.id() == id).cloned(),
        (None, [only]) => Some(Arc::clone(only)),
        (None, _) => None,
    }
}

#[deny(clippy::missing_trait_methods)]
impl KeySource for FixedKeys {
    fn key<'a>(
        &'a self,
        id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Arc<TokenKey>>, Error>> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(Ok(find(&keys, id))))
    }
}
