//! [`LimitService`]: counts a request before it calls the service below.

use std::error::Error as StdError;
#[cfg(feature = "redis")]
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tenancy_core::TenantContext;
use tower_service::Service;

use super::body::LimitBody;
use super::future::{LimitFuture, Refusal, Ticket};
use super::layer::Rules;
use crate::Problem;
use crate::metric;

/// What [`LimitLayer`](super::LimitLayer) makes of the service below it. See there for what it answers.
#[derive(Debug, Clone)]
pub struct LimitService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> LimitService<S> {
    pub(super) fn new(inner: S, rules: Arc<Rules>) -> Self {
        Self { inner, rules }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for LimitService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    ResBody: Body,
    ResBody::Data: From<Vec<u8>>,
    ResBody::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Response = Response<LimitBody<ResBody>>;
    type Error = S::Error;
    type Future = LimitFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let context = match TenantContext::current() {
            Ok(context) => context,
            Err(error) => {
                tracing::error!(
                    %error,
                    "LimitLayer found no tenant: put it below TenantLayer, that is `.layer(LimitLayer::new(..))` first \
                     and `.layer(TenantLayer::new(..))` after it"
                );
                return LimitFuture::refused(Refusal::from(Problem::misconfigured()));
            }
        };
        let Some(entry) = self.rules.counts.of(context.tenant(), &self.rules.limits) else {
            return LimitFuture::refused(Refusal::from(Problem::misconfigured()));
        };
        let Some(permit) = entry.enter() else {
            metric::limited("at_once");
            tracing::info!("the tenant has as many requests at a time as it may have");
            return LimitFuture::refused(Refusal::from(Problem::busy()));
        };
        let ticket = Ticket {
            entry,
            permit,
            verdict: None,
        };
        #[cfg(feature = "redis")]
        if let Some((counts, outage)) = &self.rules.shared
            && ticket.entry.allowance.policies().next().is_some()
        {
            // The service that was polled ready is the one to be called; the clone in its place is polled anew.
            let unready = self.inner.clone();
            let ready = mem::replace(&mut self.inner, unready);
            let asked = counts.clone().take(context, Arc::clone(&ticket.entry));
            return LimitFuture::asking(Box::pin(asked), *outage, ticket, ready, request);
        }
        let verdict = ticket.entry.take();
        match ticket.judged(verdict) {
            Ok(ticket) => LimitFuture::running(self.inner.call(request), ticket),
            Err(refusal) => LimitFuture::refused(refusal),
        }
    }
}
