//! `Scoped`: a future that runs as one tenant's work, checked at every poll.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::{TenantContext, ambient};
use crate::{Error, ErrorKind};

pin_project! {
    /// A future inside a tenant's scope; made by [`TenantContext::scope`].
    ///
    /// Resolves to what the future does, or to [`ErrorKind::WrongTenant`] if it is polled inside another tenant's scope.
    /// Once it has resolved, further polls give [`ErrorKind::ApiMisuse`].
    #[must_use = "a future does nothing until it is polled"]
    pub struct Scoped<F> {
        cx: Option<TenantContext>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _ = ambient::enter_whatever_is_current(this.cx, || this.future.set(None));
            }
        }
    }
}

impl<F> Scoped<F> {
    pub(super) fn new(cx: TenantContext, future: F) -> Self {
        Self {
            cx: Some(cx),
            future: Some(future),
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Result<F::Output, Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = ambient::enter(this.cx, || {
            let polled = this
                .future
                .as_mut()
                .as_pin_mut()
                .map(|future| future.poll(task));
            if matches!(polled, Some(Poll::Ready(_))) {
                this.future.set(None);
            }
            polled
        });
        match polled {
            Ok(Some(polled)) => polled.map(Ok),
            Ok(None) => Poll::Ready(Err(finished())),
            Err(refused) => Poll::Ready(Err(refused)),
        }
    }
}

#[cold]
fn finished() -> Error {
    Error::new(
        ErrorKind::ApiMisuse,
        "this future has finished; do not poll it again",
    )
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of a task: it begins with nothing around it, so there is nothing to check and no error to give.
    pub(super) struct Carried<F> {
        cx: Option<TenantContext>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Carried<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _ = ambient::enter_whatever_is_current(this.cx, || this.future.set(None));
            }
        }
    }
}

impl<F> Carried<F> {
    pub(super) fn new(cx: TenantContext, future: F) -> Self {
        Self {
            cx: Some(cx),
            future: Some(future),
        }
    }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let polled = ambient::enter_whatever_is_current(this.cx, || {
            let polled = this
                .future
                .as_mut()
                .as_pin_mut()
                .map_or(Poll::Pending, |future| future.poll(task));
            if polled.is_ready() {
                this.future.set(None);
            }
            polled
        });
        // Only a runtime driven inside the closure of `with_current` finds the slot borrowed: the task waits until that
        // closure is over, rather than run as somebody else.
        polled.unwrap_or_else(|_| {
            task.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
