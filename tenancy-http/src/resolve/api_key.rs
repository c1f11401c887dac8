//! [`ApiKeys`]: where a request presents an API key, and [`UsedKeys`]: which keys were used since somebody last asked.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use http::{HeaderMap, HeaderName};
use tenancy_core::ApiKeyHash;

use super::bearer::Bearer;
use crate::Problem;

/// No key that a machine drew is longer.
const LONGEST: usize = 256;
/// How many keys are remembered as used until they are drained; the use of more is not noted.
const REMEMBERED: usize = 65_536;

/// Identifies requests by an API key: `Authorization: Bearer tk_…`, or a header of its own.
///
/// The registry is asked for the SHA-256 of what was presented, so it holds no key that could be stolen from it, and an
/// attacker who measures how long a comparison takes learns about hashes that they can't choose. A key leads to one tenant;
/// on another tenant's host it is refused as absent.
///
/// | what is presented | the answer |
/// |---|---|
/// | a key of the tenant that the host names, or on a host that names none | the tenant's, as `Actor::service("key")` |
/// | a key of another tenant | 404, and an audit event |
/// | an unknown, revoked or expired key, two keys | 401 |
///
/// # Example: a key on a host that is nobody's
/// ```
/// use http::{Request, Response, StatusCode};
/// use tenancy_core::{ApiKeyHash, InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_http::{ApiKeys, TenantLayer};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// let id = TenantId::parse("42")?;
/// registry.insert(Tenant::builder(id, TenantSlug::parse("acme")?).build()?)?;
/// registry.add_api_key(&id, ApiKeyHash::of("tk_5b0c0d3e"))?;
///
/// let handler = service_fn(async |_: Request<()>| {
///     Ok::<_, tenancy_core::Error>(Response::new(TenantContext::current()?.tenant().slug().to_string()))
/// });
/// let service = TenantLayer::new(registry).api_keys(ApiKeys::new()).layer(handler);
///
/// let ask = |key: &str| Request::builder()
///     .header("host", "api.example.com").header("authorization", format!("Bearer {key}")).body(()).unwrap();
/// assert_eq!(service.clone().oneshot(ask("tk_5b0c0d3e")).await?.status(), StatusCode::OK);
/// assert_eq!(service.oneshot(ask("tk_5b0c0d3f")).await?.status(), StatusCode::UNAUTHORIZED);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ApiKeys {
    prefix: Box<str>,
    header: Option<HeaderName>,
    used: UsedKeys,
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiKeys {
    /// Keys that begin with `tk_`, as bearer tokens.
    #[must_use]
    pub fn new() -> Self {
        Self {
            prefix: "tk_".into(),
            header: None,
            used: UsedKeys::default(),
        }
    }

    /// Keys that begin with this. Bearer tokens that don't are left to [`TenantLayer`](crate::TenantLayer)'s other means.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Also takes keys from this header, such as `x-api-key`.
    #[must_use]
    pub fn with_header(mut self, header: HeaderName) -> Self {
        self.header = Some(header);
        self
    }

    /// The keys that were used: drain it now and then, and tell the registry.
    #[must_use]
    pub fn used(&self) -> UsedKeys {
        self.used.clone()
    }

    /// Whether a bearer credential is meant to be a key.
    pub(super) fn takes(&self, bearer: &Bearer<'_>) -> bool {
        bearer.text().starts_with(&*self.prefix)
    }

    /// The hash of the one key that a request presents.
    pub(super) fn read(
        &self,
        headers: &HeaderMap,
        bearer: Option<&Bearer<'_>>,
    ) -> Result<Option<ApiKeyHash>, Problem> {
        let bearer = bearer.filter(|bearer| self.takes(bearer)).map(Bearer::text);
        let mut own = self
            .header
            .iter()
            .flat_map(|name| headers.get_all(name).iter());
        let own = match (own.next(), own.next()) {
            (None, _) => None,
            (Some(value), None) => Some(value.to_str().map_err(|_| refused("not ascii"))?),
            (Some(_), Some(_)) => return Err(refused("more than one key")),
        };
        let presented = match (bearer, own) {
            (Some(bearer), Some(own)) if bearer != own => {
                return Err(refused("more than one key"));
            }
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) => return Ok(None),
        };
        if presented.len() > LONGEST || !presented.starts_with(&*self.prefix) {
            return Err(refused("not of the form of our keys"));
        }
        Ok(Some(ApiKeyHash::of(presented)))
    }

    pub(super) fn mark(&self, key: ApiKeyHash) {
        self.used.mark(key);
    }
}

/// The answer to a key that is none; why goes into the log, and nothing of the key.
pub(super) fn refused(reason: &'static str) -> Problem {
    tracing::info!(reason, "api key refused");
    Problem::unauthorized()
}

/// Which API keys were used, and when last. Clones share it.
///
/// Requests only write into memory here: what a registry would take a statement for happens when the application drains it,
/// for example once a minute. What was not drained is lost with the process.
#[derive(Debug, Clone, Default)]
pub struct UsedKeys(Arc<Mutex<HashMap<ApiKeyHash, SystemTime>>>);

impl UsedKeys {
    fn mark(&self, key: ApiKeyHash) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() < REMEMBERED || keys.contains_key(&key) {
            keys.insert(key, SystemTime::now());
        }
    }

    /// Takes what has been noted since the last time.
    #[must_use]
    pub fn drain(&self) -> Vec<(ApiKeyHash, SystemTime)> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *keys).into_iter().collect()
    }
}
