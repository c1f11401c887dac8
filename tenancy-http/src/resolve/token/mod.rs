//! Signed tokens (JWT): who issued it, is the signature that of a key of theirs, is it for us and for now, whose tenant.
//!
//! | file | holds |
//! |---|---|
//! | here | [`Tokens`]: the issuers, and the check of one token |
//! | `issuer` | [`Issuer`]: one of them: its audience, its keys, how it names tenants |
//! | `keys` | [`TokenKey`] and [`KeySource`]; [`FixedKeys`] |
//! | `jwks` | [`FetchedKeys`]: a JWKS that is fetched and fetched again |

mod issuer;
mod jwks;
mod keys;

use jsonwebtoken::{Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tenancy_core::{Actor, LookupKey};

pub use issuer::Issuer;
pub use jwks::FetchedKeys;
pub use keys::{FixedKeys, KeySource, TokenKey};

use crate::Problem;

/// Longer tokens are refused unread.
const LONGEST: usize = 8 * 1024;

/// Identifies users and services by a signed token: `Authorization: Bearer eyJ…`.
///
/// A token is believed only if all of this holds, and is a 401 otherwise, whatever the reason and the host:
/// - its `iss` is an [`Issuer`] that was configured, its `aud` the one that this issuer was configured with;
/// - its signature is right by a key *of this issuer* with the token's `kid`, and its `alg` is the one algorithm of that key.
///   `none` does not exist, and a public key can't be used as a shared secret: an algorithm belongs to its key;
/// - `exp` is there and not over, `nbf` (if it is there) has come, each with the issuer's leeway;
/// - `sub` says who it is about, and a tenant is named;
/// - it asks for nothing that we don't know (`crit`), and is not longer than 8 KiB.
///
/// Nothing in a token says where its keys are: `jku`, `x5u` and `jwk` are not read.
///
/// # Cryptography
/// `jsonwebtoken` needs exactly one of its features `rust_crypto` and `aws_lc_rs`, chosen by the program. With none or both,
/// its first use panics, and it says so.
///
/// # Example: a token for one tenant, on the hosts of two
/// ```
/// use http::{Request, Response, StatusCode};
/// use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_http::{FixedKeys, Issuer, TenantLayer, TokenKey, Tokens};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// for (id, slug) in [("1", "acme"), ("2", "globex")] {
///     registry.insert(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?)?;
/// }
/// let secret = b"a secret of at least thirty-two bytes";
/// let keys = FixedKeys::new([TokenKey::new("k1", Algorithm::HS256, DecodingKey::from_secret(secret))?]);
/// let issuer = Issuer::new("https://id.example.com", "crm", keys).tenant_id_claim("tenant");
///
/// let whoami = service_fn(async |_: Request<()>| {
///     Ok::<_, tenancy_core::Error>(Response::new(TenantContext::current()?.actor().to_string()))
/// });
/// let service = TenantLayer::new(registry)
///     .subdomain_of("example.com")
///     .tokens(Tokens::new([issuer]))
///     .members_vouched_for() // the issuer gives out tokens to members only
///     .layer(whoami);
///
/// let token = |seconds: i64| {
///     let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
///     let exp = get_current_timestamp() as i64 + seconds;
///     let claims = serde_json::json!({ "iss": "https://id.example.com", "aud": "crm", "sub": "ada", "tenant": "1", "exp": exp });
///     encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
/// };
/// let ask = |host: &str, token: String| Request::builder()
///     .header("host", host).header("authorization", format!("Bearer {token}")).body(()).unwrap();
/// assert_eq!(service.clone().oneshot(ask("acme.example.com", token(60))).await?.status(), StatusCode::OK);
/// assert_eq!(service.clone().oneshot(ask("globex.example.com", token(60))).await?.status(), StatusCode::NOT_FOUND);
/// assert_eq!(service.oneshot(ask("acme.example.com", token(-3600))).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    issuers: Vec<Issuer>,
}

/// The one thing that is read before the signature was checked: whose keys to check it with.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Tokens {
    /// Tokens of these issuers.
    pub fn new(issuers: impl IntoIterator<Item = Issuer>) -> Self {
        Self {
            issuers: issuers.into_iter().collect(),
        }
    }

    /// Verifies a token: the tenants that it names, which must turn out to be one, and whom it is about.
    pub(super) async fn verify(&self, token: &str) -> Result<(Vec<LookupKey>, Actor), Problem> {
        if token.len() > LONGEST {
            return Err(refused("too long"));
        }
        let header = decode_header(token).map_err(|_| refused("not a signed token"))?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(refused("the header asks for what we don't do"));
        }
        let unverified: Unverified =
            dangerous::insecure_decode_claims(token).map_err(|_| refused("names no issuer"))?;
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.name() == unverified.iss)
            .ok_or_else(|| refused("an unknown issuer"))?;
        let key = issuer.keys().key(header.kid.as_deref()).await;
        let key = key
            .map_err(|error| Problem::reported(&error, None))?
            .ok_or_else(|| refused("no such key"))?;
        if header.alg != key.algorithm() {
            return Err(refused("not the algorithm of its key"));
        }
        let mut validation = Validation::new(key.algorithm());
        validation.set_issuer(&[issuer.name()]);
        validation.set_audience(&[issuer.audience()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = issuer.leeway().as_secs();
        let claims = decode::<Map<String, Value>>(token, key.decoding(), &validation)
            .map_err(|error| {
                tracing::info!(%error, "token refused");
                Problem::unauthorized()
            })?
            .claims;
        let tenants = issuer.tenants(&claims, &key).map_err(refused)?;
        let actor = issuer
            .actor(&claims)
            .ok_or_else(|| refused("about nobody"))?;
        Ok((tenants, actor))
    }
}

/// The answer to a token that proves nothing; why goes into the log, and nothing of the token.
fn refused(reason: &'static str) -> Problem {
    tracing::info!(reason, "token refused");
    Problem::unauthorized()
}
