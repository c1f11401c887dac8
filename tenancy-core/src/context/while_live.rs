//! Work that is ended from outside: when the tenant is suspended, offboarded or moved, not when it next asks.
//!
//! Doors ask [`TenantContext::ensure_live`] by themselves. This is for what may wait a long time between two doors: an open
//! stream, a WebSocket, a worker of jobs.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::sync::futures::OwnedNotified;

use super::{Scoped, TenantContext};
use crate::{Error, ErrorKind};

pin_project! {
    /// Resolves when the tenant no longer admits a context's work, with the reason; made by [`TenantContext::ended`].
    #[must_use = "a future does nothing until it is polled"]
    pub struct Ended {
        cx: TenantContext,
        #[pin]
        change: Option<OwnedNotified>,
    }
}

impl Ended {
    pub(super) fn new(cx: TenantContext) -> Self {
        Self { cx, change: None }
    }
}

impl Future for Ended {
    type Output = Error;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Error> {
        let mut this = self.project();
        loop {
            // Wait first and look then, or a change between the two would not be noticed.
            if this.change.is_none() {
                let changes = this.cx.tenant().live().changes();
                this.change.set(Some(changes.notified_owned()));
            }
            let changed = match this.change.as_mut().as_pin_mut() {
                Some(change) => change.poll(task),
                None => Poll::Pending,
            };
            if let Err(refused) = this.cx.ensure_live() {
                return Poll::Ready(refused);
            }
            ready!(changed);
            this.change.set(None);
        }
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// A future inside a tenant's scope that ends with its admission; made by [`TenantContext::while_live`].
    #[must_use = "a future does nothing until it is polled"]
    pub struct WhileLive<F> {
        #[pin]
        work: Option<Scoped<F>>,
        #[pin]
        ended: Ended,
    }
}

impl<F> WhileLive<F> {
    pub(super) fn new(work: Scoped<F>, ended: Ended) -> Self {
        Self {
            work: Some(work),
            ended,
        }
    }
}

impl<F: Future> Future for WhileLive<F> {
    type Output = Result<F::Output, Error>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(finished()));
        };
        let done = match this.ended.poll(task) {
            Poll::Ready(refused) => Err(refused),
            Poll::Pending => ready!(work.poll(task)),
        };
        this.work.set(None);
        Poll::Ready(done)
    }
}

#[cold]
fn finished() -> Error {
    Error::new(
        ErrorKind::ApiMisuse,
        "this future has finished; do not poll it again",
    )
}

impl<F> fmt::Debug for WhileLive<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhileLive")
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tasks that bring their context with them"
)]
mod tests {
    use std::future::pending;
    use std::sync::{Arc, Mutex};
    use std::task::Waker;

    use super::*;
    use crate::{
        Actor, CachedRegistry, InMemoryRegistry, Placement, RegistryEvent, RegistryExt, Tenant,
        TenantId, TenantSlug, TenantStatus,
    };

    fn id() -> TenantId {
        TenantId::parse("7").unwrap()
    }

    fn build(epoch: u64) -> crate::TenantBuilder {
        Tenant::builder(id(), TenantSlug::parse("acme").unwrap()).epoch(epoch)
    }

    fn registry() -> InMemoryRegistry {
        let registry = InMemoryRegistry::new();
        registry.insert(build(1).build().unwrap()).unwrap();
        registry
    }

    async fn context(registry: &impl crate::TenantRegistry) -> TenantContext {
        let tenant = registry.by_id(&id()).await.unwrap();
        TenantContext::for_request(tenant, Actor::user("u")).unwrap()
    }

    /// Says as whose work it was dropped.
    struct Dropped(Arc<Mutex<Option<TenantId>>>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let seen = TenantContext::with_current(TenantContext::tenant_id).ok();
            *self.0.lock().unwrap() = seen;
        }
    }

    #[tokio::test]
    async fn a_suspension_wakes_what_waits_and_drops_it_as_its_tenant() {
        let registry = registry();
        let cx = context(&registry).await;
        let seen = Arc::new(Mutex::new(None));
        let held = Dropped(Arc::clone(&seen));
        let task = tokio::spawn(cx.while_live(async move {
            let _held = held;
            pending::<()>().await;
        }));
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        registry.set_status(&id(), TenantStatus::ReadOnly).unwrap();
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "it may still read");
        registry.set_status(&id(), TenantStatus::Suspended).unwrap();
        assert!(task.await.unwrap().unwrap_err().is_suspended());
        assert_eq!(*seen.lock().unwrap(), Some(id()));
    }

    #[tokio::test]
    async fn news_of_another_node_end_all_who_wait() {
        let cache = CachedRegistry::new(registry());
        let cx = context(&cache).await;
        let waiting: Vec<_> = (0..10).map(|_| tokio::spawn(cx.ended())).collect();
        tokio::task::yield_now().await;
        cache.apply(RegistryEvent {
            tenant: id(),
            epoch: 2,
            status: TenantStatus::Offboarding,
        });
        for task in waiting {
            assert!(task.await.unwrap().is_suspended());
        }
        assert!(cx.ended().await.is_suspended(), "those who come late too");
    }

    #[tokio::test]
    async fn a_move_ends_it_and_maintenance_goes_on_through_a_suspension() {
        let registry = registry();
        let tenant = registry.by_id(&id()).await.unwrap();
        let keeper =
            TenantContext::for_maintenance(tenant, Actor::user("op"), "moving it away").unwrap();
        let task = tokio::spawn(keeper.ended());
        registry.set_status(&id(), TenantStatus::Suspended).unwrap();
        tokio::task::yield_now().await;
        assert!(!task.is_finished());
        let moved = build(9).placement(Placement::schema(&id()));
        registry.replace(moved.build().unwrap()).unwrap();
        assert_eq!(task.await.unwrap().kind(), ErrorKind::Moved);
    }

    #[tokio::test]
    async fn work_that_is_done_is_done() {
        let registry = registry();
        let cx = context(&registry).await;
        let mut work = Box::pin(cx.while_live(async { TenantContext::current().unwrap() }));
        assert_eq!(work.as_mut().await.unwrap().tenant_id(), id());
        let again = work.as_mut().await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::ApiMisuse);
        registry.set_status(&id(), TenantStatus::Suspended).unwrap();
        let never = cx.while_live(async { unreachable!("it was suspended before it began") });
        assert!(never.await.unwrap_err().is_suspended());
    }

    #[tokio::test]
    async fn another_tenants_scope_refuses_it() {
        let registry = registry();
        let cx = context(&registry).await;
        let other = Tenant::builder(
            TenantId::parse("8").unwrap(),
            TenantSlug::parse("globex").unwrap(),
        );
        let other = Arc::new(other.build().unwrap());
        let other = TenantContext::for_request(other, Actor::user("u")).unwrap();
        let work = cx.while_live(async { unreachable!("it is not this tenant's") });
        assert!(
            other
                .scope(work)
                .await
                .unwrap()
                .unwrap_err()
                .is_wrong_tenant()
        );
    }

    /// Cancelled at its first wait: nothing is left registered, and the next one works.
    #[tokio::test]
    async fn a_cancelled_wait_leaves_nothing_behind() {
        let registry = registry();
        let cx = context(&registry).await;
        let mut first = Box::pin(cx.ended());
        let mut task = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut task).is_pending());
        drop(first);
        let second = tokio::spawn(cx.ended());
        tokio::task::yield_now().await;
        registry.set_status(&id(), TenantStatus::Suspended).unwrap();
        assert!(second.await.unwrap().is_suspended());
    }
}
