//! `ScopedStream`: a stream that runs as one tenant's work, checked at every poll, also long after the scope has ended.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{TenantContext, ambient};
use crate::Error;

pin_project! {
    /// A stream inside a tenant's scope; made by [`StreamInTenant`](super::StreamInTenant).
    ///
    /// It carries its context, so a response body may be polled after the handler that made it has returned. Polled inside
    /// another tenant's scope it gives one [`ErrorKind::WrongTenant`](crate::ErrorKind::WrongTenant), does not touch the
    /// stream inside, and then ends.
    #[must_use = "a stream does nothing until it is polled"]
    pub struct ScopedStream<S> {
        cx: Option<TenantContext>,
        #[pin]
        stream: Option<S>,
    }

    impl<S> PinnedDrop for ScopedStream<S> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.stream.is_some()
                && let Ok(_entered) = ambient::enter_whatever_is_current(this.cx)
            {
                this.stream.set(None);
            }
        }
    }
}

impl<S> ScopedStream<S> {
    pub(super) fn new(cx: TenantContext, stream: S) -> Self {
        Self {
            cx: Some(cx),
            stream: Some(stream),
        }
    }
}

impl<S: Stream> Stream for ScopedStream<S> {
    type Item = Result<S::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let refused = match ambient::enter(this.cx) {
            Ok(_entered) => {
                let Some(stream) = this.stream.as_mut().as_pin_mut() else {
                    return Poll::Ready(None);
                };
                let item = ready!(stream.poll_next(task));
                if item.is_none() {
                    this.stream.set(None);
                }
                return Poll::Ready(item.map(Ok));
            }
            Err(_) if this.stream.is_none() => return Poll::Ready(None),
            Err(refused) => refused,
        };
        // Dropped as its own tenant, and gone: a reader that goes on after an error comes to an end.
        if let Ok(_entered) = ambient::enter_whatever_is_current(this.cx) {
            this.stream.as_mut().set(None);
        }
        this.stream.set(None);
        Poll::Ready(Some(Err(refused)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.stream {
            // One more than the stream has: the refusal.
            Some(stream) => (
                0,
                stream.size_hint().1.and_then(|upper| upper.checked_add(1)),
            ),
            None => (0, Some(0)),
        }
    }
}

impl<S> fmt::Debug for ScopedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedStream")
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}
