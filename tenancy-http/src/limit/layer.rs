//! [`LimitLayer`]: what is configured once.

use std::sync::Arc;

use tower_layer::Layer;

use super::allowance::Limits;
use super::local::Counts;
#[cfg(feature = "redis")]
use super::redis::SharedCounts;
use super::service::LimitService;

/// What becomes of requests while the shared counts can't be reached.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever shares counts must decide between them"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// They pass, counted by nobody. Each is counted in the metric `tenancy_limit_outages_total`.
    Open,
    /// They are answered with 503 and `Retry-After`, and counted in the same metric.
    Closed,
}

/// Refuses what is more than a tenant may use. Goes below [`TenantLayer`](crate::TenantLayer), which says whose a request is.
///
/// | the request | the answer |
/// |---|---|
/// | is within its tenant's [`Allowance`](super::Allowance) | the inner service's, with `RateLimit-Policy` and `RateLimit` |
/// | is one more than the tenant may have at a time | 429 with `Retry-After: 1` |
/// | is more than a rate or quota allows | 429 with `Retry-After` and both fields |
/// | comes while the shared counts are away | as [`Outage`] says |
/// | comes with no tenant | 500: the layer is in the wrong place, and the log says where it belongs |
///
/// Refused requests cost no other tenant anything: nothing below the layer is called, no lock of another tenant is waited
/// for, and what is refused by one policy is counted by none. Requests at a time are counted to the last byte of the answer,
/// whether it is read, dropped or fails.
///
/// The fields are those of draft-ietf-httpapi-ratelimit-headers-10.
///
/// What it does not guarantee: without shared counts each node counts for itself, so that `n` nodes together let `n` times as
/// much pass. Requests at a time are counted by each node in any case.
///
/// # Example: three requests an hour, and the fourth
/// ```
/// use http::{Request, Response, StatusCode};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
/// use tenancy_http::TenantLayer;
/// use tenancy_http::limit::{Allowance, LimitLayer, Limits};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// for (id, slug) in [("1", "acme"), ("2", "globex")] {
///     registry.insert(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?)?;
/// }
/// let limits = Limits::new(Allowance::unlimited().rate(3, 3600));
/// let service = ServiceBuilder::new()
///     .layer(TenantLayer::new(registry).subdomain_of("example.com"))
///     .layer(LimitLayer::new(limits))
///     .service(service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(String::new()))));
///
/// let ask = |host: &str| service.clone().oneshot(Request::builder().header("host", host).body(()).unwrap());
/// for left in ["2", "1", "0"] {
///     let answer = ask("acme.example.com").await?;
///     assert!(answer.headers()["ratelimit"].to_str()?.starts_with(&format!("\"rate\";r={left};t=")));
/// }
/// let refused = ask("acme.example.com").await?;
/// assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
/// assert!(refused.headers().contains_key("retry-after"));
/// assert_eq!(ask("globex.example.com").await?.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until a service is put below it"]
pub struct LimitLayer {
    rules: Arc<Rules>,
}

/// What the layer shares with its services.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) limits: Limits,
    pub(super) counts: Counts,
    #[cfg(feature = "redis")]
    pub(super) shared: Option<(SharedCounts, Outage)>,
}

impl LimitLayer {
    /// A layer that counts in this process. Clones, and the services made of them, share the counts.
    pub fn new(limits: Limits) -> Self {
        Self {
            rules: Arc::new(Rules {
                limits,
                counts: Counts::default(),
                #[cfg(feature = "redis")]
                shared: None,
            }),
        }
    }

    /// A layer whose rates and quotas are counted in Redis, by all nodes together: one round trip a request, atomic.
    #[cfg(feature = "redis")]
    pub fn shared(limits: Limits, counts: SharedCounts, outage: Outage) -> Self {
        Self {
            rules: Arc::new(Rules {
                limits,
                counts: Counts::default(),
                shared: Some((counts, outage)),
            }),
        }
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = LimitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitService::new(inner, Arc::clone(&self.rules))
    }
}
