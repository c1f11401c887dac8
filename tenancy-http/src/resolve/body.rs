//! [`TenantBody`]: a response body that is polled inside the tenant's context.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tenancy_core::{Ended, Error, TenantContext};
use tracing::Span;

use crate::Problem;

type BoxError = Box<dyn StdError + Send + Sync>;

pin_project! {
    /// The body of a [`TenantService`](crate::TenantService)'s answer.
    ///
    /// A handler returns before its streamed body is read; whoever writes the answer to the socket polls the body later, and
    /// outside of any scope. This wrapper enters the tenant's context for each poll, up to the last byte, so that a stream of
    /// rows still knows whose rows it reads. It is dropped inside the context too, wherever it has got to.
    ///
    /// A stream ends with the tenant's admission: when this process learns that the tenant was suspended, offboarded or moved,
    /// the next poll is an error, and a stream that waits is woken for it. What was there at the first poll goes out, so an
    /// answer that needed no waiting arrives whole.
    ///
    /// # Errors
    /// The inner body's own, boxed only when they happen. A [`tenancy_core::Error`] of kind `Suspended` or `Moved` when the
    /// stream was ended; the client sees a connection that breaks off, and not an answer that seems complete. If something polls the body inside *another* tenant's scope the
    /// inner body is not polled, and the error is a [`tenancy_core::Error`] of kind `WrongTenant`.
    #[derive(Debug)]
    pub struct TenantBody<B> {
        #[pin]
        content: Content<B>,
    }

    impl<B> PinnedDrop for TenantBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let ContentProj::Tenant { mut body, context, .. } = this.project().content.project()
                && body.is_some()
            {
                // Refused inside another tenant's scope: then the body is dropped as part of the whole, a moment later.
                let _refused = TenantContext::sync_scope_from(context, || body.set(None));
            }
        }
    }
}

pin_project! {
    #[project = ContentProj]
    #[derive(Debug)]
    enum Content<B> {
        Tenant { #[pin] body: Option<B>, context: Option<TenantContext>, span: Span, watch: Watch },
        Central { #[pin] body: B },
        Problem { bytes: Option<Vec<u8>> },
    }
}

/// Whether a body is a stream, and who wakes it when its tenant is no longer admitted.
#[derive(Debug, Default)]
enum Watch {
    /// Not polled yet.
    #[default]
    Fresh,
    /// Polled before; it has not waited since.
    Stream,
    /// It waits.
    Waiting(Pin<Box<Ended>>),
}

impl Watch {
    /// Has the task woken when that changes; refuses if it just did.
    fn wait(&mut self, context: Option<&TenantContext>, cx: &mut Context<'_>) -> Result<(), Error> {
        if let (Self::Fresh | Self::Stream, Some(context)) = (&*self, context) {
            *self = Self::Waiting(Box::pin(context.ended()));
        }
        match self {
            Self::Waiting(ended) => match ended.as_mut().poll(cx) {
                Poll::Ready(refused) => Err(refused),
                Poll::Pending => Ok(()),
            },
            Self::Fresh | Self::Stream => Ok(()),
        }
    }
}

impl<B> TenantBody<B> {
    /// A body that nobody is the owner of is never polled.
    pub(super) fn of_tenant(body: B, context: Option<TenantContext>, span: Span) -> Self {
        Self {
            content: Content::Tenant {
                body: Some(body),
                context,
                span,
                watch: Watch::default(),
            },
        }
    }

    pub(crate) fn of_nobody(body: B) -> Self {
        Self {
            content: Content::Central { body },
        }
    }

    pub(crate) fn of_problem(problem: Problem) -> Response<Self> {
        Response::<Vec<u8>>::from(problem).map(|bytes| Self {
            content: Content::Problem { bytes: Some(bytes) },
        })
    }
}

impl<B> Body for TenantBody<B>
where
    B: Body,
    B::Data: From<Vec<u8>>,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().content.project() {
            ContentProj::Tenant {
                mut body,
                context,
                span,
                watch,
            } => {
                // Over: nothing of the tenant's runs any more.
                if body.is_none() {
                    return Poll::Ready(None);
                }
                let _entered = span.enter();
                let live = match watch {
                    Watch::Fresh => {
                        *watch = Watch::Stream;
                        Ok(())
                    }
                    // One that has nothing more to say ends as it would have.
                    _ if body.as_ref().as_pin_ref().is_none_or(|b| b.is_end_stream()) => Ok(()),
                    Watch::Stream | Watch::Waiting(_) => match context {
                        Some(context) => context.ensure_live(),
                        None => Ok(()),
                    },
                };
                let polled = live.and_then(|()| {
                    TenantContext::sync_scope_from(context, || {
                        let Some(inner) = body.as_mut().as_pin_mut() else {
                            return Poll::Ready(None);
                        };
                        let frame = ready!(inner.poll_frame(cx));
                        // Nobody asks again after the last frame: it goes here, and not in a scope of its own.
                        if body.as_ref().as_pin_ref().is_none_or(|b| b.is_end_stream()) {
                            body.set(None);
                        }
                        Poll::Ready(frame)
                    })
                });
                let refused = match polled {
                    Ok(Poll::Ready(frame)) => {
                        return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
                    }
                    Ok(Poll::Pending) => match watch.wait(context.as_ref(), cx) {
                        Ok(()) => return Poll::Pending,
                        Err(refused) => refused,
                    },
                    Err(refused) => refused,
                };
                if refused.is_wrong_tenant() {
                    tracing::error!(error = %refused, "response body polled for another tenant");
                } else {
                    tracing::info!(reason = %refused, "a streamed answer was ended");
                    let _refused = TenantContext::sync_scope_from(context, || body.set(None));
                }
                Poll::Ready(Some(Err(refused.into())))
            }
            ContentProj::Central { body } => body
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            ContentProj::Problem { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Tenant { body, .. } => body.as_ref().is_none_or(Body::is_end_stream),
            Content::Central { body } => body.is_end_stream(),
            Content::Problem { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Tenant { body, .. } => body
                .as_ref()
                .map_or_else(|| SizeHint::with_exact(0), Body::size_hint),
            Content::Central { body } => body.size_hint(),
            Content::Problem { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}
