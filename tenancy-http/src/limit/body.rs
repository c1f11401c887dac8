//! [`LimitBody`]: an answer's body that counts as a request under way until it is read, dropped or has failed.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::local::Permit;

pin_project! {
    /// The body of a [`LimitService`](super::LimitService)'s answer: the inner one, or a refusal.
    #[derive(Debug)]
    pub struct LimitBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProj]
    #[derive(Debug)]
    enum Content<B> {
        Inner { #[pin] body: B, permit: Permit },
        Refusal { bytes: Option<Vec<u8>> },
    }
}

impl<B> LimitBody<B> {
    pub(super) fn counted(body: B, permit: Permit) -> Self {
        Self {
            content: Content::Inner { body, permit },
        }
    }

    pub(super) fn refusal(bytes: Vec<u8>) -> Self {
        Self {
            content: Content::Refusal { bytes: Some(bytes) },
        }
    }
}

impl<B> Body for LimitBody<B>
where
    B: Body,
    B::Data: From<Vec<u8>>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().content.project() {
            ContentProj::Inner { body, .. } => body.poll_frame(cx),
            ContentProj::Refusal { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body, .. } => body.is_end_stream(),
            Content::Refusal { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body, .. } => body.size_hint(),
            Content::Refusal { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}
