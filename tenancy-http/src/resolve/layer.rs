//! [`TenantLayer`]: what is configured once.

use std::sync::Arc;

use tenancy_core::{Error, ErrorKind, TenantRegistry};
use tower_layer::Layer;

use super::service::TenantService;
use super::sources::Sources;
use crate::host::BaseDomains;

/// Decides for every request whose it is, and runs the service below inside that tenant's context.
///
/// It looks only at what it was told to look at:
///
/// | method | the tenant is named by | and who asks is |
/// |---|---|---|
/// | [`subdomain_of`](Self::subdomain_of) | the one label below a base domain: `acme.crm.example.com` | nobody |
/// | [`custom_domains`](Self::custom_domains) | a verified domain of its own: `crm.acme.example` | nobody |
/// | [`path_prefix`](Self::path_prefix) | the path: `/t/acme/leads` | nobody |
/// | [`dangerously_trust_header`](Self::dangerously_trust_header) | a header that the caller writes | nobody |
/// | [`api_keys`](Self::api_keys) | an API key | a service |
/// | `tokens` (feature `jwt`) | a claim of a signed token | the token's subject |
/// | [`sessions`](Self::sessions) | a cookie that is bound to it | the session's user |
///
/// **All that are present must name the same tenant.** None of them goes before another: a token of one tenant on the host of
/// another is refused as absent before any handler runs, with an audit event ([`audit`](Self::audit)). A user must be a member
/// of the tenant ([`members`](Self::members)). `X-Forwarded-Host` counts only from proxies that were named
/// ([`behind`](Self::behind)).
///
/// | the request | the answer |
/// |---|---|
/// | names one tenant that is active or read-only | the inner service's, run inside the tenant's [`TenantContext`] |
/// | names an unknown, suspended, provisioning or offboarding tenant, a reserved or malformed slug | 404 |
/// | names two tenants, or one that its user is no member of | 404, the same bytes |
/// | is for a base domain itself and names no tenant otherwise, two labels below it, an IP literal or a foreign host | 404, the same bytes |
/// | brings a key or a token that proves nothing | 401, whatever host it is for |
/// | names no host, two hosts, or one that is malformed | 400 |
/// | comes while the registry is down | 503 with `Retry-After` |
///
/// The answers are [`Problem`](crate::Problem)s and name no tenant; the log does. Routes that are of no tenant (a health
/// check, the sign-up page) are added to the router *after* the layer, which then does not see them, or get the same layer
/// made [`central`](Self::central) or [`universal`](Self::universal).
///
/// What it does not guarantee: that the one who asks may see the tenant's data. The context's actor is anonymous unless a
/// credential said otherwise. Nor that all 404s take the same time: one that the registry's cache knows is quicker than one
/// that it must ask for.
///
/// The tenant's id is recorded in the field `tenant.id` of the current [`tracing`] span if it declares one, else in a span
/// `tenant` of the layer's own.
///
/// # Example: one tenant's host, and everything else
/// ```
/// use http::{Request, Response, StatusCode};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_http::TenantLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// registry.insert(Tenant::builder(TenantId::parse("42")?, TenantSlug::parse("acme")?).build()?)?;
///
/// let handler = service_fn(async |_: Request<()>| {
///     let context = TenantContext::current()?;
///     Ok::<_, tenancy_core::Error>(Response::new(format!("hello, {}", context.tenant().slug())))
/// });
/// let service = TenantLayer::new(registry).subdomain_of("crm.example.com").layer(handler);
///
/// let ask = |host: &str| Request::builder().header("host", host).body(()).unwrap();
/// let known = service.clone().oneshot(ask("acme.crm.example.com")).await?;
/// assert_eq!(known.status(), StatusCode::OK);
/// let unknown = service.clone().oneshot(ask("globex.crm.example.com")).await?;
/// assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
/// let foreign = service.clone().oneshot(ask("acme.crm.example.com.evil.org")).await?;
/// assert_eq!(foreign.status(), StatusCode::NOT_FOUND);
/// let broken = service.oneshot(ask("acme@crm.example.com")).await?;
/// assert_eq!(broken.status(), StatusCode::BAD_REQUEST);
/// # Ok(())
/// # }
/// ```
///
/// [`TenantContext`]: tenancy_core::TenantContext
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until a service is put below it"]
pub struct TenantLayer {
    rules: Arc<Rules>,
}

/// What the layer shares with its services.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) registry: Arc<dyn TenantRegistry>,
    pub(super) bases: BaseDomains,
    /// What else in a request names a tenant.
    pub(super) sources: Sources,
    /// The first mistake in the configuration. While there is one no request gets past the layer.
    mistake: Option<String>,
}

impl TenantLayer {
    /// A layer that asks this registry. It answers every request with 500 until it is told how requests name tenants, for
    /// example with [`subdomain_of`](Self::subdomain_of).
    ///
    /// Each request asks the registry once for everything in it that names a tenant: put a [`CachedRegistry`](tenancy_core::CachedRegistry) in front of one that does
    /// I/O.
    pub fn new(registry: impl TenantRegistry) -> Self {
        Self {
            rules: Arc::new(Rules {
                registry: Arc::new(registry),
                bases: BaseDomains::default(),
                sources: Sources::default(),
                mistake: None,
            }),
        }
    }

    /// Takes the one label below `domain` as a tenant's slug. May be called for several domains; if one lies below another
    /// the deepest that matches decides, and is itself no tenant's host.
    ///
    /// A domain is written without scheme, port or leading dot. A malformed one is a mistake in the program: it is logged at
    /// once, and the layer answers every request with 500, since a host that was meant to match must not be passed over.
    /// [`ensure_configured`](Self::ensure_configured) turns it into an error at start-up.
    pub fn subdomain_of(mut self, domain: impl AsRef<str>) -> Self {
        let domain = domain.as_ref();
        let rules = self.rules_mut();
        if let Err(reason) = rules.bases.insert(domain) {
            rules.mistaken(format!(
                "`{}` is no base domain: {reason}; write it like `crm.example.com`",
                domain.escape_debug()
            ));
        }
        self
    }

    #[cfg(test)]
    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules)
    }

    pub(super) fn rules_mut(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.rules)
    }

    /// Checks the configuration, so that a service can refuse to start instead of answering with 500.
    ///
    /// # Errors
    /// `ApiMisuse` if a base domain or another setting is malformed, if nothing names a tenant, or if nobody decides about the
    /// membership of users that sessions or tokens authenticate; the message says which.
    ///
    /// # Example: refuse to start
    /// ```
    /// use tenancy_core::InMemoryRegistry;
    /// use tenancy_http::TenantLayer;
    ///
    /// let layer = TenantLayer::new(InMemoryRegistry::new());
    /// assert!(layer.ensure_configured().is_err());
    /// assert!(layer.clone().subdomain_of("http://example.com").ensure_configured().is_err());
    /// assert!(layer.subdomain_of("example.com").ensure_configured().is_ok());
    /// ```
    pub fn ensure_configured(&self) -> Result<(), Error> {
        self.rules.ensure_configured()
    }
}

impl Rules {
    pub(super) fn ensure_configured(&self) -> Result<(), Error> {
        if let Some(mistake) = &self.mistake {
            return Err(Error::new(ErrorKind::ApiMisuse, mistake.clone()));
        }
        match self.sources.missing(!self.bases.is_empty()) {
            Some(missing) => Err(Error::new(ErrorKind::ApiMisuse, missing)),
            None => Ok(()),
        }
    }

    /// Notes a mistake in the configuration.
    pub(super) fn mistaken(&mut self, mistake: String) {
        tracing::error!(%mistake, "TenantLayer is misconfigured");
        self.mistake.get_or_insert(mistake);
    }
}

impl<S> Layer<S> for TenantLayer {
    type Service = TenantService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TenantService::new(inner, Arc::clone(&self.rules))
    }
}
