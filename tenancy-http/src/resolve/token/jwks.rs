//! [`FetchedKeys`]: an issuer's JWKS, fetched by whatever the program fetches with, and fetched again when it must be.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tenancy_core::{Error, ErrorKind};
use tokio::sync::Mutex;

use super::keys::{KeySource, TokenKey, find};

type BoxError = Box<dyn StdError + Send + Sync>;
type Fetch = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<u8>, BoxError>> + Send + Sync>;

/// Keys of a JWKS document that is fetched over the network.
///
/// - It is fetched when a key is first needed, again when it is older than its age (ten minutes), and at once when a token
///   names a key that it does not have: that is how issuers rotate. A stranger who sends tokens with made-up names causes at
///   most one fetch in thirty seconds.
/// - One fetch at a time; who needs it waits for it.
/// - If fetching fails the keys at hand are used until they are six times as old as they should be; then tokens get a 503.
/// - Keys of other algorithms than those given here, for encryption, or shared secrets (nobody publishes one) are left out.
///
/// # Example: an issuer rotates its key
/// ```
/// use std::sync::{Arc, Mutex};
/// use jsonwebtoken::Algorithm;
/// use tenancy_http::{FetchedKeys, KeySource};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = |kid: &str| format!(r#"{{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"{kid}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}"#);
/// let published = Arc::new(Mutex::new(format!(r#"{{"keys":[{}]}}"#, key("2026-10"))));
///
/// let there = Arc::clone(&published);
/// let keys = FetchedKeys::new([Algorithm::EdDSA], move || {
///     let document = there.lock().map(|text| text.clone().into_bytes()).map_err(|e| e.to_string().into());
///     async move { document } // here: an HTTP request with a timeout
/// })
/// .with_pause(std::time::Duration::ZERO);
/// assert!(keys.key(Some("2026-10")).await?.is_some());
/// assert!(keys.key(Some("2026-11")).await?.is_none());
///
/// *published.lock().map_err(|e| e.to_string())? = format!(r#"{{"keys":[{}]}}"#, key("2026-11"));
/// assert!(keys.key(Some("2026-11")).await?.is_some());
/// assert!(keys.key(Some("2026-10")).await?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct FetchedKeys {
    fetch: Fetch,
    algorithms: Box<[Algorithm]>,
    age: Duration,
    pause: Duration,
    known: RwLock<Known>,
    /// When the last fetch began; held while one is under way.
    last: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    keys: Arc<[Arc<TokenKey>]>,
    since: Option<Instant>,
}

/// How many times its age a document may have when it can't be fetched again.
const STALE: u32 = 6;

impl FetchedKeys {
    /// Keys for these algorithms, out of the JWKS document that `fetch` brings. It must have a timeout of its own.
    pub fn new<F, Answer>(algorithms: impl IntoIterator<Item = Algorithm>, fetch: F) -> Self
    where
        F: Fn() -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Vec<u8>, BoxError>> + Send + 'static,
    {
        Self {
            fetch: Arc::new(move || Box::pin(fetch())),
            algorithms: algorithms.into_iter().collect(),
            age: Duration::from_secs(600),
            pause: Duration::from_secs(30),
            known: RwLock::default(),
            last: Mutex::new(None),
        }
    }

    /// How old a document may be before it is fetched again.
    #[must_use]
    pub fn with_age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// The least time between two fetches.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    fn known(&self) -> Known {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_younger(&self, known: &Known, age: Duration) -> bool {
        known.since.is_some_and(|since| since.elapsed() <= age)
    }

    async fn find(&self, id: Option<&str>) -> Result<Option<Arc<TokenKey>>, Error> {
        let fresh = || {
            let known = self.known();
            let found = find(&known.keys, id);
            found.filter(|_| self.is_younger(&known, self.age))
        };
        if let Some(key) = fresh() {
            return Ok(Some(key));
        }
        let mut last = self.last.lock().await;
        // Somebody may have fetched while we waited.
        if let Some(key) = fresh() {
            return Ok(Some(key));
        }
        if last.is_none_or(|last| last.elapsed() >= self.pause) {
            *last = Some(Instant::now());
            match (self.fetch)()
                .await
                .and_then(|document| self.read(&document))
            {
                Ok(keys) => {
                    *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known {
                        keys,
                        since: Some(Instant::now()),
                    };
                }
                Err(error) => {
                    tracing::warn!(%error, "the keys of an issuer of tokens can't be fetched");
                }
            }
        }
        let known = self.known();
        if self.is_younger(&known, self.age.saturating_mul(STALE)) {
            return Ok(find(&known.keys, id));
        }
        Err(Error::new(
            ErrorKind::RegistryUnavailable,
            "the keys of an issuer of tokens can't be had just now",
        ))
    }

    /// The keys of a document that are of use. One that can't be read is no reason to lose the others.
    fn read(&self, document: &[u8]) -> Result<Arc<[Arc<TokenKey>]>, BoxError> {
        #[derive(serde::Deserialize)]
        struct Document {
            keys: Vec<serde_json::Value>,
        }
        let document: Document = serde_json::from_slice(document)?;
        Ok(document
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
            .filter_map(|key| self.usable(&key))
            .map(Arc::new)
            .collect())
    }

    fn usable(&self, key: &Jwk) -> Option<TokenKey> {
        let signs = matches!(
            key.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        );
        if !signs || matches!(key.algorithm, AlgorithmParameters::OctetKey(_)) {
            return None;
        }
        let decoding = DecodingKey::from_jwk(key).ok()?;
        let family = decoding.family();
        let algorithm = match key.common.key_algorithm {
            Some(named) => named.to_string().parse().ok()?,
            // A key that does not say gets our only algorithm of its kind, and none if there are two.
            None => {
                let mut ours = self
                    .algorithms
                    .iter()
                    .filter(|algorithm| family.algorithms().contains(algorithm));
                match (ours.next(), ours.next()) {
                    (Some(only), None) => *only,
                    _ => return None,
                }
            }
        };
        if !self.algorithms.contains(&algorithm) {
            return None;
        }
        TokenKey::new(key.common.key_id.as_deref()?, algorithm, decoding).ok()
    }
}

#[deny(clippy::missing_trait_methods)]
impl KeySource for FetchedKeys {
    fn key<'a>(
        &'a self,
        id: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Arc<TokenKey>>, Error>> {
        Box::pin(self.find(id))
    }
}

impl fmt::Debug for FetchedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchedKeys")
            .field("algorithms", &self.algorithms)
            .field("age", &self.age)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}
