//! The tokens that the CRM gives to its users' programs: short-lived, for one tenant, checked by the layer like anybody's.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
use serde::Serialize;
use tenancy::http::{FixedKeys, Issuer, TokenKey, Tokens};
use tenancy::{Error, ErrorKind, TenantContext};

const ISSUER: &str = "crm";
const AUDIENCE: &str = "crm-api";
const KEY: &str = "1";

/// How long a token is good for.
pub(super) const LIFETIME: Duration = Duration::from_secs(900);

/// Signs tokens, and says how they are verified.
#[derive(Clone)]
pub struct Signer {
    signing: EncodingKey,
    keys: FixedKeys,
}

/// What a token says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'static str,
    sub: &'a str,
    tenant: String,
    exp: u64,
}

impl Signer {
    /// Signs with this secret.
    ///
    /// # Errors
    /// `ApiMisuse` if it has fewer than 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, Error> {
        let key = TokenKey::new(KEY, Algorithm::HS256, DecodingKey::from_secret(secret))?;
        Ok(Self {
            signing: EncodingKey::from_secret(secret),
            keys: FixedKeys::new([key]),
        })
    }

    /// What the layer believes.
    pub fn tokens(&self) -> Tokens {
        Tokens::new([Issuer::new(ISSUER, AUDIENCE, self.keys.clone()).tenant_id_claim("tenant")])
    }

    /// A token of the current user, for the current tenant.
    ///
    /// # Errors
    /// `NoTenant` outside of a request; `Forbidden` if nobody, or no user, is signed in.
    pub fn sign(&self) -> Result<String, Error> {
        let context = TenantContext::current()?;
        let actor = context.actor();
        let (tenancy::ActorKind::User, Some(user)) = (actor.kind(), actor.id()) else {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "tokens are for users; sign in first",
            ));
        };
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user,
            tenant: context.tenant_id().to_string(),
            exp: get_current_timestamp() + LIFETIME.as_secs(),
        };
        let header = Header {
            kid: Some(KEY.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        encode(&header, &claims, &self.signing).map_err(|error| {
            Error::new(ErrorKind::Other, "the token can't be signed").with_source(error)
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(..)")
    }
}
