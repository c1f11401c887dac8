//! `Scoped`: a future that runs as one tenant's work, checked at every poll.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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
            if this.future.is_some()
                && let Ok(_entered) = ambient::enter_whatever_is_current(this.cx)
            {
                this.future.set(None);
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

    /// Inlined whatever the compiler thinks, or a future is copied once more, which takes longer than all else here.
    #[inline(always)]
    pub(super) fn begin<A>(
        cx: TenantContext,
        input: A,
        make: impl FnOnce(A) -> F,
    ) -> Result<Self, Error> {
        let mut cx = Some(cx);
        let future = {
            let _entered = ambient::enter(&mut cx)?;
            make(input)
        };
        Ok(Self {
            cx,
            future: Some(future),
        })
    }

    /// Hands the context on to what goes on when the future has finished, such as the body of a response. `None` before, and
    /// the second time.
    pub fn take_context(self: Pin<&mut Self>) -> Option<TenantContext> {
        let this = self.project();
        if this.future.is_some() {
            return None;
        }
        this.cx.take()
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Result<F::Output, Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _entered = match ambient::enter(this.cx) {
            Ok(entered) => entered,
            Err(refused) => return Poll::Ready(Err(refused)),
        };
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(finished()));
        };
        let polled = ready!(future.poll(task));
        this.future.set(None);
        Poll::Ready(Ok(polled))
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
            if this.future.is_some()
                && let Ok(_entered) = ambient::enter_whatever_is_current(this.cx)
            {
                this.future.set(None);
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
        // Only a runtime driven inside the closure of `with_current` finds the slot borrowed: the task waits until that
        // closure is over, rather than run as somebody else.
        let Ok(_entered) = ambient::enter_whatever_is_current(this.cx) else {
            task.waker().wake_by_ref();
            return Poll::Pending;
        };
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let polled = ready!(future.poll(task));
        this.future.set(None);
        Poll::Ready(polled)
    }
}
