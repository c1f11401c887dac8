//! [`TenantFuture`]: waits for the registry, then runs the inner service inside the tenant's context.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tenancy_core::{Scoped, Tenant, TenantContext};
use tower_service::Service;
use tracing::Span;
use tracing::level_filters::LevelFilter;

use super::body::TenantBody;
use crate::Problem;

/// The registry's answer, judged. Boxed because the registry's own future is.
///
/// `None` if the request turned out to name no tenant.
pub(super) type Admission =
    Pin<Box<dyn Future<Output = Result<Option<TenantContext>, Problem>> + Send>>;

pin_project! {
    /// The future of [`TenantService`](crate::TenantService).
    ///
    /// May be dropped at any point: the registry's answer is then not used, the inner service's future is dropped with it, and
    /// no context outlives it.
    pub struct TenantFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        Waiting {
            admission: Admission,
            call: Option<(S, Request<ReqBody>)>,
            passes_without: bool,
        },
        Central {
            #[pin]
            response: S::Future,
        },
        Running {
            #[pin]
            response: Scoped<S::Future>,
            span: Span,
        },
        Answered {
            problem: Option<Problem>,
        },
    }
}

impl<S, ReqBody> TenantFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    /// Waits for the admission; `passes_without` says whether a request of no tenant is served or absent.
    pub(super) fn waiting(
        admission: Admission,
        inner: S,
        request: Request<ReqBody>,
        passes_without: bool,
    ) -> Self {
        Self {
            state: State::Waiting {
                admission,
                call: Some((inner, request)),
                passes_without,
            },
        }
    }

    /// A request of no tenant that is served.
    pub(super) fn central(response: S::Future) -> Self {
        Self {
            state: State::Central { response },
        }
    }

    /// For an answer that the registry had at hand.
    ///
    /// Inlined whatever the compiler thinks, or the inner future is copied twice more, which takes longer than all else here.
    #[inline(always)]
    pub(super) fn started(
        inner: &mut S,
        request: Request<ReqBody>,
        context: TenantContext,
    ) -> Self {
        let span = span_of(context.tenant());
        let begun = {
            let _entered = span.enter();
            // Inside the scope too: services may read the context before they return a future.
            context.begin(request, |request| inner.call(request))
        };
        match begun {
            Ok(response) => Self {
                state: State::Running { response, span },
            },
            Err(refused) => Self::answered(refused.into()),
        }
    }

    pub(super) fn answered(problem: Problem) -> Self {
        Self {
            state: State::Answered {
                problem: Some(problem),
            },
        }
    }
}

impl<S, ReqBody, ResBody> Future for TenantFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
    ResBody::Data: From<Vec<u8>>,
    ResBody::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = Result<Response<TenantBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Waiting {
                    admission,
                    call,
                    passes_without,
                } => {
                    let admitted = ready!(admission.as_mut().poll(cx));
                    // Polled again after it was ready: there is nothing left to call, and never will be.
                    let Some((mut inner, request)) = call.take() else {
                        return Poll::Pending;
                    };
                    match admitted {
                        Ok(Some(context)) => Self::started(&mut inner, request, context),
                        Ok(None) if *passes_without => Self::central(inner.call(request)),
                        Ok(None) => Self::answered(Problem::not_found()),
                        Err(problem) => Self::answered(problem),
                    }
                }
                StateProj::Central { response } => {
                    let answer = ready!(response.poll(cx));
                    return Poll::Ready(answer.map(|answer| answer.map(TenantBody::of_nobody)));
                }
                StateProj::Running { mut response, span } => {
                    let _entered = span.enter();
                    return Poll::Ready(match ready!(response.as_mut().poll(cx)) {
                        Ok(answer) => answer.map(|answer| {
                            let context = response.take_context();
                            answer.map(|body| TenantBody::of_tenant(body, context, span.clone()))
                        }),
                        Err(refused) => Ok(TenantBody::of_problem(Problem::from(refused))),
                    });
                }
                StateProj::Answered { problem } => {
                    return match problem.take() {
                        Some(problem) => Poll::Ready(Ok(TenantBody::of_problem(problem))),
                        None => Poll::Pending,
                    };
                }
            };
            state.set(next.state);
        }
    }
}

/// The span that carries `tenant.id` on everything below: the request's own if it declares the field, else a new one.
fn span_of(tenant: &Tenant) -> Span {
    // Nobody listens.
    if LevelFilter::current() == LevelFilter::OFF {
        return Span::none();
    }
    let current = Span::current();
    if current.has_field("tenant.id") {
        current.record("tenant.id", tracing::field::display(tenant.id()));
        current
    } else {
        tracing::info_span!("tenant", tenant.id = %tenant.id())
    }
}

impl<S, ReqBody> fmt::Debug for TenantFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "waiting for the registry",
            State::Central { .. } => "running for no tenant",
            State::Running { .. } => "running inside the context",
            State::Answered { .. } => "answered without a tenant",
        };
        f.debug_tuple("TenantFuture").field(&state).finish()
    }
}
