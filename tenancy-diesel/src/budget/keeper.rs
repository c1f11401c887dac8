//! The task that closes connections that idled too long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tenancy_core::budget::Ledger;

/// Starts the task when the first connection is asked for, and again if its runtime went away.
#[derive(Debug, Default)]
pub(crate) struct Keeper(Arc<AtomicBool>);

/// Tells when the task is gone, be it that its runtime was shut down.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Keeper {
    /// Makes sure that the task runs; it ends with the ledger.
    pub(crate) fn ensure<C: Send + 'static>(&self, book: &Arc<Ledger<C>>) {
        if self.0.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(Arc::clone(&self.0));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let weak: Weak<Ledger<C>> = Arc::downgrade(book);
        #[expect(
            clippy::disallowed_methods,
            reason = "the work is the pool's own and of no tenant"
        )]
        runtime.spawn(async move {
            let _running = running;
            while let Some(book) = weak.upgrade() {
                let tick = book.budget().reap_interval();
                let stale = book.take_stale();
                drop(book);
                if !stale.is_empty() {
                    // Saying goodbye blocks.
                    let _ = tokio::task::spawn_blocking(move || drop(stale)).await;
                }
                tokio::time::sleep(tick).await;
            }
        });
    }
}
