//! [`Sender`]: to whom the tenant is told, and what is put on a request.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use tenancy_core::{Error, ErrorKind, TenantContext};
use uuid::Uuid;

use super::key::Key;
use super::token::{self, Claim, HEADER};

/// How long a claim is good for, unless said otherwise: longer than a request is on its way, shorter than a day at work.
const LIFETIME: Duration = Duration::from_secs(30);
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Puts the current tenant, signed, on requests to the services that are on its list. Cheap to clone.
///
/// | the request goes to | without a tenant | with one |
/// |---|---|---|
/// | a host on the list | refused, nothing is sent | carries the claim |
/// | any other host | goes as it is, without `baggage` | goes without tenant, without `baggage` |
///
/// A claim that somebody else put on the request is taken off in any case. The trace is in the claim too: `traceparent` as
/// the request carries it, or as [`traceparent`](Self::traceparent) says.
///
/// # Example: one host on the list
/// ```
/// use std::sync::Arc;
/// use http::{HeaderMap, Uri};
/// use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_http::propagate::{HEADER, Key, Sender, Verifier};
///
/// let key = Key::new("2026-11", "0123456789abcdef0123456789abcdef")?;
/// let sender = Sender::new(key.clone()).to_host("billing.internal:8443");
/// let verifier = Verifier::new("billing.internal:8443").key(key);
/// # let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?;
/// # let cx = TenantContext::for_request(Arc::new(tenant), Actor::user("u-1"))?;
/// let put = |address: &'static str| {
///     let mut headers = HeaderMap::new();
///     sender.put(&Uri::from_static(address), &mut headers).map(|()| headers)
/// };
///
/// let carried = cx.sync_scope(|| put("https://billing.internal:8443/invoices"))??;
/// let claim = verifier.verify(&carried)?.ok_or("nothing was claimed")?;
/// assert_eq!((claim.tenant(), claim.actor()), (cx.tenant_id(), cx.actor()));
///
/// // Elsewhere nobody is told, and without a tenant the service is not asked.
/// assert!(!cx.sync_scope(|| put("https://example.org/"))??.contains_key(HEADER));
/// assert!(put("https://billing.internal:8443/").unwrap_err().is_no_tenant());
/// // The same claim a second time is no claim.
/// assert!(verifier.verify(&carried).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Sender {
    key: Key,
    hosts: Arc<HashSet<Box<str>>>,
    lifetime: Duration,
    traceparent: Option<fn() -> Option<String>>,
}

impl Sender {
    /// Signs with this key, and tells nobody yet.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self {
            key,
            hosts: Arc::default(),
            lifetime: LIFETIME,
            traceparent: None,
        }
    }

    /// Tells this host, written as in an address: with its port, unless that is the scheme's own. Compared whole: the
    /// hosts below it are others.
    #[must_use]
    pub fn to_host(mut self, host: &str) -> Self {
        Arc::make_mut(&mut self.hosts).insert(host.to_ascii_lowercase().into());
        self
    }

    /// How long a claim is good for; 30 seconds unless said otherwise, and at most what receivers accept.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Where the `traceparent` of the current work is found, if the request does not carry one already.
    #[must_use]
    pub fn traceparent(mut self, current: fn() -> Option<String>) -> Self {
        self.traceparent = Some(current);
        self
    }

    /// Puts on a request to `address` what it shall carry, and takes off what it shall not.
    ///
    /// # Errors
    /// For a host on the list: `NoTenant` outside every scope, `Suspended` or `Moved` if the context may no longer work.
    pub fn put(&self, address: &Uri, headers: &mut HeaderMap) -> Result<(), Error> {
        headers.remove(HEADER);
        let Some(audience) = self.listed(address) else {
            headers.remove(BAGGAGE);
            return Ok(());
        };
        if let (false, Some(current)) = (headers.contains_key(TRACEPARENT), self.traceparent)
            && let Some(value) = current().and_then(|text| HeaderValue::try_from(text).ok())
        {
            headers.insert(TRACEPARENT, value);
        }
        let traceparent = headers
            .get(TRACEPARENT)
            .and_then(|value| value.to_str().ok());
        let claim = TenantContext::with_current(|cx| {
            cx.ensure_live()?;
            let issued = now();
            Ok::<_, Error>(Claim {
                tenant: cx.tenant_id(),
                actor: cx.actor().clone(),
                audience: audience.into(),
                issued,
                expires: issued.saturating_add(self.lifetime.as_secs().max(1)),
                nonce: Uuid::new_v4(),
                traceparent: traceparent.map(Into::into),
            })
        })??;
        let value = token::write(&claim, &self.key).and_then(|text| {
            let mut value = HeaderValue::try_from(text).ok()?;
            // Kept out of logs and of HTTP/2's tables.
            value.set_sensitive(true);
            Some(value)
        });
        let value = value.ok_or_else(|| {
            Error::new(
                ErrorKind::ApiMisuse,
                "the context is too long for a header; give actors shorter ids",
            )
        })?;
        headers.insert(HEADER, value);
        Ok(())
    }

    /// The host of an address, if it is on the list, as it is there.
    fn listed(&self, address: &Uri) -> Option<&str> {
        let host = address.host()?.to_ascii_lowercase();
        let own = match address.scheme_str() {
            Some("https") => Some(443),
            Some("http") => Some(80),
            _ => None,
        };
        let host = match address.port_u16() {
            Some(port) if Some(port) != own => format!("{host}:{port}"),
            _ => host,
        };
        self.hosts.get(&*host).map(|host| &**host)
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("key", &self.key)
            .field("hosts", &self.hosts)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}
