//! [`MetricsLayer`]: counts and times the requests of each tenant.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Request, Response, StatusCode};
use metrics::{Label, counter, describe_counter, describe_histogram, histogram};
use pin_project_lite::pin_project;
use tenancy_core::{Tenant, TenantContext};
use tower_layer::Layer;
use tower_service::Service;

use super::labels::{Chosen, Labels};
use super::latency::Latencies;

const REQUESTS: &str = "tenancy_http_requests_total";
const SECONDS: &str = "tenancy_http_request_seconds";

/// Counts the requests of tenants, through the facade of the crate `metrics`, and keeps their latencies in memory.
///
/// Goes below [`TenantLayer`](crate::TenantLayer). A request that has no tenant passes uncounted; those that the layer above
/// refuses don't get here.
///
/// | metric | labels |
/// |---|---|
/// | `tenancy_http_requests_total` | `status` (`2xx`, `4xx`, …; `dropped` if the client went away), and what [`Labels`] say |
/// | `tenancy_http_request_seconds`, a histogram | what [`Labels`] say |
///
/// The time is until the head of the answer is there.
///
/// # Example: a series for each plan, and quantiles of one tenant
/// ```
/// use http::{Request, Response};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
/// use tenancy_http::TenantLayer;
/// use tenancy_http::observe::{Labels, Latencies, MetricsLayer};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (registry, id) = (InMemoryRegistry::new(), TenantId::parse("1")?);
/// registry.insert(Tenant::builder(id, TenantSlug::parse("acme")?).plan("gold").build()?)?;
/// let latencies = Latencies::of_the_last(1_000);
/// let service = ServiceBuilder::new()
///     .layer(TenantLayer::new(registry).subdomain_of("example.com"))
///     .layer(MetricsLayer::new(Labels::Plan).latencies(latencies.clone()))
///     .service(service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(String::new()))));
/// service.oneshot(Request::builder().header("host", "acme.example.com").body(())?).await?;
///
/// assert_eq!(latencies.quantiles(&id).ok_or("it was seen")?.count, 1);
/// assert!(latencies.quantiles(&TenantId::parse("2")?).is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until a service is put below it"]
pub struct MetricsLayer {
    rules: Arc<Chosen>,
    latencies: Option<Latencies>,
}

impl MetricsLayer {
    /// A layer whose labels say so much.
    pub fn new(labels: Labels) -> Self {
        describe_counter!(
            REQUESTS,
            "requests of tenants, by the class of their status"
        );
        describe_histogram!(SECONDS, "seconds until the head of an answer to a tenant");
        Self {
            rules: Arc::new(Chosen::new(labels)),
            latencies: None,
        }
    }

    /// Keeps latencies here too.
    pub fn latencies(mut self, latencies: Latencies) -> Self {
        self.latencies = Some(latencies);
        self
    }
}

impl<S> Layer<S> for MetricsLayer {
    type Service = MetricsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MetricsService {
            inner,
            rules: Arc::clone(&self.rules),
            latencies: self.latencies.clone(),
        }
    }
}

/// What [`MetricsLayer`] makes of the service below it.
#[derive(Debug, Clone)]
pub struct MetricsService<S> {
    inner: S,
    rules: Arc<Chosen>,
    latencies: Option<Latencies>,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for MetricsService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MetricsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let timer = TenantContext::current().ok().map(|context| Timer {
            tenant: Arc::clone(context.tenant()),
            begun: Instant::now(),
            rules: Arc::clone(&self.rules),
            latencies: self.latencies.clone(),
        });
        MetricsFuture {
            answer: self.inner.call(request),
            timer,
        }
    }
}

/// A request that is under way.
struct Timer {
    tenant: Arc<Tenant>,
    begun: Instant,
    rules: Arc<Chosen>,
    latencies: Option<Latencies>,
}

impl Timer {
    fn stop(self, status: &'static str) {
        let took = self.begun.elapsed();
        let mut labels = Vec::with_capacity(2);
        if let Some((name, value)) = self.rules.label(&self.tenant) {
            labels.push(Label::new(name, value));
        }
        histogram!(SECONDS, labels.clone()).record(took.as_secs_f64());
        labels.push(Label::new("status", status));
        counter!(REQUESTS, labels).increment(1);
        if let Some(latencies) = &self.latencies {
            latencies.note(self.tenant.id(), took);
        }
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

pin_project! {
    /// The future of [`MetricsService`]. Dropped before it has answered, it is counted as `dropped`.
    pub struct MetricsFuture<F> {
        #[pin]
        answer: F,
        timer: Option<Timer>,
    }

    impl<F> PinnedDrop for MetricsFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(timer) = this.project().timer.take() {
                timer.stop("dropped");
            }
        }
    }
}

impl<F, B, E> Future for MetricsFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        if let Some(timer) = this.timer.take() {
            timer.stop(
                answer
                    .as_ref()
                    .map_or("5xx", |answer| class(answer.status())),
            );
        }
        Poll::Ready(answer)
    }
}

impl<F> fmt::Debug for MetricsFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsFuture").finish_non_exhaustive()
    }
}
