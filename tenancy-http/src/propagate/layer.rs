//! [`PropagateLayer`]: a [`Sender`] around a client that is a tower service.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Request;
use pin_project_lite::pin_project;
use tenancy_core::Error;
use tower_layer::Layer;
use tower_service::Service;

use super::sender::Sender;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Puts the current tenant on every request of a client, as its [`Sender`] says.
///
/// It belongs *inside* whatever follows redirects or repeats requests, so that every hop is judged by its own host and has a
/// claim of its own.
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until a service is put below it"]
pub struct PropagateLayer {
    sender: Sender,
}

impl PropagateLayer {
    /// A layer for this sender.
    pub fn new(sender: Sender) -> Self {
        Self { sender }
    }
}

impl<S> Layer<S> for PropagateLayer {
    type Service = PropagateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        PropagateService {
            inner,
            sender: self.sender.clone(),
        }
    }
}

/// What [`PropagateLayer`] makes of a client.
#[derive(Debug, Clone)]
pub struct PropagateService<S> {
    inner: S,
    sender: Sender,
}

impl<S, B> Service<Request<B>> for PropagateService<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = PropagateFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let sent = match self.sender.put(&parts.uri, &mut parts.headers) {
            Ok(()) => Sent::Off {
                answer: self.inner.call(Request::from_parts(parts, body)),
            },
            Err(refused) => Sent::Refused {
                error: Some(refused),
            },
        };
        PropagateFuture { sent }
    }
}

pin_project! {
    /// The future of [`PropagateService`]: the client's answer, or why nothing was sent.
    pub struct PropagateFuture<F> {
        #[pin]
        sent: Sent<F>,
    }
}

pin_project! {
    #[project = SentProj]
    enum Sent<F> {
        Off { #[pin] answer: F },
        Refused { error: Option<Error> },
    }
}

impl<F, T, E> Future for PropagateFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().sent.project() {
            SentProj::Off { answer } => answer.poll(cx).map_err(Into::into),
            SentProj::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error.into())),
                None => Poll::Pending,
            },
        }
    }
}

impl<F> fmt::Debug for PropagateFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PropagateFuture").finish_non_exhaustive()
    }
}
