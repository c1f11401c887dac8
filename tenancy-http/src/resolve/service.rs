//! [`TenantService`]: decides about a request, and has it run for the tenant that it is for.

use std::error::Error as StdError;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::TenantBody;
use super::decision::Decision;
use super::future::TenantFuture;
use super::layer::Rules;
use super::quick;

/// What [`TenantLayer`](crate::TenantLayer) makes of the service below it. See there for what it answers.
#[derive(Debug, Clone)]
pub struct TenantService<S> {
    inner: S,
    rules: Arc<Rules>,
    /// Whether the short way may be tried.
    is_quick: bool,
}

impl<S> TenantService<S> {
    pub(super) fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self {
            inner,
            is_quick: quick::is_enough(&rules),
            rules,
        }
    }

    /// The long way.
    fn decide<ReqBody>(&mut self, mut request: Request<ReqBody>) -> TenantFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>> + Clone,
    {
        match Decision::about(&self.rules, &mut request) {
            Decision::Admitted(context) => TenantFuture::started(&mut self.inner, request, context),
            Decision::Central => TenantFuture::central(self.inner.call(request)),
            Decision::Refused(problem) => TenantFuture::answered(problem),
            Decision::Waiting {
                admission,
                passes_without,
            } => {
                // The service that was polled ready is the one to be called; the clone in its place is polled anew.
                let unready = self.inner.clone();
                let ready = mem::replace(&mut self.inner, unready);
                TenantFuture::waiting(admission, ready, request, passes_without)
            }
        }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for TenantService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body,
    ResBody::Data: From<Vec<u8>>,
    ResBody::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<TenantBody<ResBody>>;
    type Error = S::Error;
    type Future = TenantFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.is_quick
            && let Some(context) = quick::admit(&self.rules, &request)
        {
            return TenantFuture::started(&mut self.inner, request, context);
        }
        self.decide(request)
    }
}
