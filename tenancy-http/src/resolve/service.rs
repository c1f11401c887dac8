//! [`TenantService`]: reads what a request says about its tenant, without waiting for anything, and decides whom to ask.

use std::error::Error as StdError;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tenancy_core::{Known, TenantContext};
use tower_service::Service;

use super::admit::admit_known;
use super::body::TenantBody;
use super::claim::Named;
use super::future::{Admission, TenantFuture};
use super::identify::{admit, identify};
use super::layer::Rules;
use super::quick;
use super::read::read;
use super::sources::Reach;
use crate::Problem;

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

    /// The answer about the one place that names a tenant, if the registry has it at hand.
    fn at_hand(&self, (_, key): &Named) -> Option<Result<TenantContext, Problem>> {
        match self.rules.registry.peek(key) {
            Known::Tenant(tenant) => Some(admit_known(Some(tenant), key)),
            Known::Absent => Some(admit_known(None, key)),
            Known::Unsure => None,
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

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if self.is_quick
            && let Some(named) = quick::read(&self.rules.bases, &request)
            && let Some(at_hand) = self.at_hand(&named)
        {
            return match at_hand {
                Ok(context) => TenantFuture::started(&mut self.inner, request, context),
                Err(problem) => TenantFuture::answered(problem),
            };
        }
        let mut evidence = match read(&self.rules, &mut request) {
            Ok(evidence) => evidence,
            Err(problem) => return TenantFuture::answered(problem),
        };
        let reach = self.rules.sources.reach;
        let names_nobody = match reach {
            Reach::Central if !evidence.names_a_place() => true,
            Reach::Central => {
                tracing::info!("a tenant's address is no central one");
                return TenantFuture::answered(Problem::not_found());
            }
            Reach::Tenant | Reach::Universal => evidence.is_empty(),
        };
        if names_nobody {
            return if reach == Reach::Tenant {
                tracing::info!("the request names no tenant");
                TenantFuture::answered(Problem::not_found())
            } else {
                TenantFuture::central(self.inner.call(request))
            };
        }
        let sole = evidence.sole_place();
        match sole.as_ref().and_then(|named| self.at_hand(named)) {
            Some(Ok(context)) => return TenantFuture::started(&mut self.inner, request, context),
            Some(Err(problem)) => return TenantFuture::answered(problem),
            None => {}
        }
        // The service that was polled ready is the one to be called; the clone in its place is polled anew.
        let unready = self.inner.clone();
        let ready = mem::replace(&mut self.inner, unready);
        let rules = Arc::clone(&self.rules);
        let admission: Admission = match sole {
            Some(named) => Box::pin(admit(rules, named)),
            None => Box::pin(identify(rules, evidence)),
        };
        TenantFuture::waiting(admission, ready, request, reach == Reach::Universal)
    }
}
