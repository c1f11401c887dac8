//! [`RequireTenant`], [`RequirePlan`] and [`RequireFeature`]: layers that let a request pass for some tenants only. Who the
//! tenant is was decided before, by [`TenantLayer`](crate::TenantLayer).

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tenancy_core::TenantContext;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Problem, TenantBody};

/// Lets requests pass that are in a tenant's context.
///
/// For routes that are never to run without one, wherever somebody moves them.
///
/// # Errors
/// 500 if no [`TenantLayer`](crate::TenantLayer) is around the route, and the log names it; 404 if the tenant was suspended
/// meanwhile.
///
/// # Example: a route that lost its layer
/// ```
/// use http::{Request, Response, StatusCode};
/// use tenancy_http::RequireTenant;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let handler = service_fn(async |_: Request<()>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
/// let answer = RequireTenant::new().layer(handler).oneshot(Request::new(())).await?;
/// assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequireTenant(());

/// Lets requests pass of tenants that are on one of some plans.
///
/// # Errors
/// 403 for tenants on other plans or on none; else as [`RequireTenant`].
#[derive(Debug, Clone)]
pub struct RequirePlan(Arc<[Box<str>]>);

/// Lets requests pass of tenants that have a feature switched on.
///
/// # Errors
/// 404 for others: what is not switched on is not there. Else as [`RequireTenant`].
#[derive(Debug, Clone)]
pub struct RequireFeature(Arc<str>);

impl RequireTenant {
    /// Any tenant.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

impl RequirePlan {
    /// Tenants on one of these plans.
    pub fn any_of(plans: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self(plans.into_iter().map(Into::into).collect())
    }
}

impl RequireFeature {
    /// Tenants with this feature.
    pub fn new(feature: impl Into<Arc<str>>) -> Self {
        Self(feature.into())
    }
}

/// What is required.
#[derive(Debug, Clone)]
enum Rule {
    Tenant,
    Plan(Arc<[Box<str>]>),
    Feature(Arc<str>),
}

impl Rule {
    fn name(&self) -> &'static str {
        match self {
            Self::Tenant => "RequireTenant",
            Self::Plan(_) => "RequirePlan",
            Self::Feature(_) => "RequireFeature",
        }
    }

    fn check(&self) -> Result<(), Problem> {
        let admitted = TenantContext::with_current(|context| {
            context.ensure_live()?;
            let tenant = context.tenant();
            Ok(match self {
                Self::Tenant => Ok(()),
                Self::Plan(plans) => {
                    let is_on = |plan: &str| plans.iter().any(|one| **one == *plan);
                    if tenant.plan().is_some_and(is_on) {
                        Ok(())
                    } else {
                        Err(Problem::new(StatusCode::FORBIDDEN)
                            .with_detail("this is not part of your plan"))
                    }
                }
                Self::Feature(feature) if tenant.feature(feature) => Ok(()),
                Self::Feature(_) => Err(Problem::not_found()),
            })
        });
        match admitted.and_then(|admitted| admitted) {
            Ok(verdict) => verdict,
            Err(error) if error.is_no_tenant() => {
                tracing::error!(
                    guard = self.name(),
                    "a guard found no tenant: put `TenantLayer` around the routes that it guards"
                );
                Err(Problem::misconfigured())
            }
            Err(error) => Err(Problem::from(error)),
        }
    }
}

impl<S> Layer<S> for RequireTenant {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded {
            inner,
            rule: Rule::Tenant,
        }
    }
}

impl<S> Layer<S> for RequirePlan {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded {
            inner,
            rule: Rule::Plan(Arc::clone(&self.0)),
        }
    }
}

impl<S> Layer<S> for RequireFeature {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guarded {
            inner,
            rule: Rule::Feature(Arc::clone(&self.0)),
        }
    }
}

/// A service behind one of the guards of this crate.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    inner: S,
    rule: Rule,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Guarded<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
    ResBody::Data: From<Vec<u8>>,
    ResBody::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<TenantBody<ResBody>>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.rule.check() {
            Ok(()) => GuardFuture {
                response: Some(self.inner.call(request)),
                problem: None,
            },
            Err(problem) => GuardFuture {
                response: None,
                problem: Some(problem),
            },
        }
    }
}

pin_project! {
    /// The future of [`Guarded`].
    #[derive(Debug)]
    pub struct GuardFuture<F> {
        #[pin]
        response: Option<F>,
        problem: Option<Problem>,
    }
}

impl<F, ResBody, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = Result<Response<TenantBody<ResBody>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(problem) = this.problem.take() {
            return Poll::Ready(Ok(TenantBody::of_problem(problem)));
        }
        match this.response.as_pin_mut() {
            Some(response) => {
                let answer = ready!(response.poll(cx));
                Poll::Ready(answer.map(|answer| answer.map(TenantBody::of_nobody)))
            }
            // Polled again after the refusal: there is nothing left, and never will be.
            None => Poll::Pending,
        }
    }
}
