//! [`TenantService`]: reads which slug a request is for, without waiting for anything.

use std::error::Error as StdError;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tenancy_core::TenantSlug;
use tower_service::Service;

use super::admit::admit;
use super::body::TenantBody;
use super::future::TenantFuture;
use super::layer::Rules;
use crate::Problem;
use crate::host::{self, Below};

/// What [`TenantLayer`](crate::TenantLayer) makes of the service below it. See there for what it answers.
#[derive(Debug, Clone)]
pub struct TenantService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> TenantService<S> {
    pub(super) fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
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
        match slug_of(&self.rules, &request) {
            Ok(slug) => {
                // The service that was polled ready is the one to be called; the clone in its place is polled anew.
                let unready = self.inner.clone();
                let ready = mem::replace(&mut self.inner, unready);
                let admission = admit(Arc::clone(&self.rules.registry), slug);
                TenantFuture::waiting(Box::pin(admission), ready, request)
            }
            Err(problem) => TenantFuture::answered(problem),
        }
    }
}

/// The slug that the request's host stands for. Every refusal is logged for operators with the reason that its answer leaves
/// out; what a client sent is logged only after it proved to be a host name, and never when it was malformed.
fn slug_of<B>(rules: &Rules, request: &Request<B>) -> Result<TenantSlug, Problem> {
    if let Err(mistake) = rules.ensure_configured() {
        tracing::error!(error = %mistake, "TenantLayer is misconfigured");
        return Err(Problem::misconfigured());
    }
    let host = host::host_of(request).map_err(|malformed| {
        tracing::info!(reason = %malformed, "malformed host");
        Problem::malformed_host()
    })?;
    let below = rules.bases.place(&host);
    let Below::Label(label) = below else {
        tracing::info!(%host, ?below, "no tenant's host");
        return Err(Problem::not_found());
    };
    TenantSlug::parse(label).map_err(|refused| {
        tracing::info!(%host, reason = %refused, "no tenant's host");
        Problem::not_found()
    })
}
