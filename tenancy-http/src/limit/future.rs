//! [`LimitFuture`]: waits for the counts where they are elsewhere, then runs the inner service.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::LimitBody;
use super::count::Verdict;
use super::headers;
use super::layer::Outage;
use super::local::{Entry, Permit};
use crate::Problem;
use crate::metric;

/// What shared counts say.
pub(super) type Asked = Pin<Box<dyn Future<Output = Result<Verdict, Unanswered>> + Send>>;

/// Why there is no verdict.
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "without shared counts there always is one")
)]
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The counts are away; what that means is configured.
    Away(Problem),
    /// The tenant may not ask: it was suspended meanwhile. No outage, whatever is configured for one.
    Refused(Problem),
}

/// A request that has its place among those at a time.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) entry: Arc<Entry>,
    pub(super) permit: Permit,
    /// Where the tenant stands, if somebody counted.
    pub(super) verdict: Option<Verdict>,
}

/// A refusal, and where the tenant stands.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: Problem,
    standing: Option<(Arc<Entry>, Verdict)>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            standing: None,
        }
    }
}

impl Ticket {
    /// Takes what counting came to into account.
    pub(super) fn judged(mut self, verdict: Verdict) -> Result<Self, Refusal> {
        let Some(refused) = verdict.refused else {
            self.verdict = Some(verdict);
            return Ok(self);
        };
        let is_rate = refused.policy == 0 && self.entry.allowance.rate_policy().is_some();
        metric::limited(if is_rate { "rate" } else { "quota" });
        let name = self.entry.allowance.policies().nth(refused.policy);
        let policy = name.map(|(name, _)| name).unwrap_or_default();
        tracing::info!(policy, "the tenant is at its limit");
        Err(Refusal {
            problem: Problem::too_many().with_retry_after(refused.wait),
            standing: Some((self.entry, verdict)),
        })
    }
}

impl Refusal {
    fn answer<B>(self) -> Response<LimitBody<B>> {
        let mut response = Response::<Vec<u8>>::from(self.problem).map(LimitBody::refusal);
        if let Some((entry, verdict)) = self.standing {
            headers::add(response.headers_mut(), &entry.allowance, &verdict);
        }
        response
    }
}

pin_project! {
    /// The future of [`LimitService`](super::LimitService).
    ///
    /// May be dropped at any point: its place among the requests at a time is free again then. What was counted stays counted.
    pub struct LimitFuture<S, ReqBody>
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
        Asking {
            asked: Asked,
            outage: Outage,
            call: Option<(Ticket, S, Request<ReqBody>)>,
        },
        Running {
            #[pin]
            response: S::Future,
            ticket: Option<Ticket>,
        },
        Refused {
            refusal: Option<Refusal>,
        },
    }
}

impl<S, ReqBody> LimitFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    #[cfg(feature = "redis")]
    pub(super) fn asking(
        asked: Asked,
        outage: Outage,
        ticket: Ticket,
        inner: S,
        request: Request<ReqBody>,
    ) -> Self {
        let call = Some((ticket, inner, request));
        Self {
            state: State::Asking {
                asked,
                outage,
                call,
            },
        }
    }

    pub(super) fn running(response: S::Future, ticket: Ticket) -> Self {
        Self {
            state: State::Running {
                response,
                ticket: Some(ticket),
            },
        }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            state: State::Refused {
                refusal: Some(refusal),
            },
        }
    }
}

impl<S, ReqBody, ResBody> Future for LimitFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Body,
    ResBody::Data: From<Vec<u8>>,
    ResBody::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Output = Result<Response<LimitBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::Asking {
                    asked,
                    outage,
                    call,
                } => {
                    let answer = ready!(asked.as_mut().poll(cx));
                    // Polled again after it was ready: there is nothing left to call, and never will be.
                    let Some((ticket, mut inner, request)) = call.take() else {
                        return Poll::Pending;
                    };
                    let judged = match (answer, *outage) {
                        (Ok(verdict), _) => ticket.judged(verdict),
                        (Err(Unanswered::Refused(problem)), _) => Err(Refusal::from(problem)),
                        (Err(Unanswered::Away(_)), Outage::Open) => {
                            metric::limit_outage("open");
                            Ok(ticket)
                        }
                        (Err(Unanswered::Away(away)), Outage::Closed) => {
                            metric::limit_outage("closed");
                            Err(Refusal::from(away))
                        }
                    };
                    match judged {
                        Ok(ticket) => State::Running {
                            response: inner.call(request),
                            ticket: Some(ticket),
                        },
                        Err(refusal) => State::Refused {
                            refusal: Some(refusal),
                        },
                    }
                }
                StateProj::Running { response, ticket } => {
                    let answer = ready!(response.poll(cx));
                    let Some(ticket) = ticket.take() else {
                        return Poll::Pending;
                    };
                    return Poll::Ready(answer.map(|mut answer| {
                        if let Some(verdict) = &ticket.verdict {
                            headers::add(answer.headers_mut(), &ticket.entry.allowance, verdict);
                        }
                        answer.map(|body| LimitBody::counted(body, ticket.permit))
                    }));
                }
                StateProj::Refused { refusal } => {
                    return match refusal.take() {
                        Some(refusal) => Poll::Ready(Ok(refusal.answer())),
                        None => Poll::Pending,
                    };
                }
            };
            state.set(next);
        }
    }
}

impl<S, ReqBody> fmt::Debug for LimitFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Asking { .. } => "waiting for the counts",
            State::Running { .. } => "running",
            State::Refused { .. } => "refused",
        };
        f.debug_tuple("LimitFuture").field(&state).finish()
    }
}
