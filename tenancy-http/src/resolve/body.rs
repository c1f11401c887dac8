//! [`TenantBody`]: a response body that is polled inside the tenant's context.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tenancy_core::TenantContext;
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
    /// # Errors
    /// The inner body's own, boxed only when they happen. If something polls the body inside *another* tenant's scope the
    /// inner body is not polled, and the error is a [`tenancy_core::Error`] of kind `WrongTenant`.
    #[derive(Debug)]
    pub struct TenantBody<B> {
        #[pin]
        content: Content<B>,
    }

    impl<B> PinnedDrop for TenantBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let ContentProj::Tenant { mut body, context, .. } = this.project().content.project() {
                // Refused inside another tenant's scope: then the body is dropped as part of the whole, a moment later.
                let _refused = context.sync_scope(|| body.set(None));
            }
        }
    }
}

pin_project! {
    #[project = ContentProj]
    #[derive(Debug)]
    enum Content<B> {
        Tenant { #[pin] body: Option<B>, context: TenantContext, span: Span },
        Central { #[pin] body: B },
        Problem { bytes: Option<Vec<u8>> },
    }
}

impl<B> TenantBody<B> {
    pub(super) fn of_tenant(body: B, context: TenantContext, span: Span) -> Self {
        Self {
            content: Content::Tenant {
                body: Some(body),
                context,
                span,
            },
        }
    }

    pub(super) fn of_nobody(body: B) -> Self {
        Self {
            content: Content::Central { body },
        }
    }

    pub(super) fn of_problem(problem: Problem) -> Response<Self> {
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
                body,
                context,
                span,
            } => {
                let _entered = span.enter();
                let polled = context.sync_scope(|| match body.as_pin_mut() {
                    Some(body) => body.poll_frame(cx),
                    None => Poll::Ready(None),
                });
                match polled {
                    Ok(frame) => Poll::Ready(ready!(frame).map(|frame| frame.map_err(Into::into))),
                    Err(refused) => {
                        tracing::error!(error = %refused, "response body polled for another tenant");
                        Poll::Ready(Some(Err(refused.into())))
                    }
                }
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
                .map_or_else(SizeHint::default, Body::size_hint),
            Content::Central { body } => body.size_hint(),
            Content::Problem { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}
