//! Two tenants with the same keys, and the words that probes use.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tenancy_core::TenantContext;
use tenancy_sqlx::{Budget, TenantDb, TenantPool};
use tenancy_testkit::fixture::{FixtureDb, TwoTenants, Walls};

/// One cell of the matrix.
pub(crate) struct World<DB: FixtureDb> {
    pub(crate) tenants: TwoTenants<DB>,
    pub(crate) a: TenantContext,
    pub(crate) b: TenantContext,
}

impl<DB: FixtureDb> World<DB> {
    pub(crate) fn new(tenants: TwoTenants<DB>) -> Self {
        let a = TenantContext::for_test(tenants.a.clone());
        let b = TenantContext::for_test(tenants.b.clone());
        Self { tenants, a, b }
    }

    pub(crate) fn pool(&self) -> TenantPool<DB> {
        self.tenants.pool.clone()
    }

    /// Another pool over the same data.
    pub(crate) fn pool_of(&self, connections: usize) -> TenantPool<DB> {
        self.tenants.pool_with(Budget::new(connections)).unwrap()
    }

    /// Whether a row that names no tenant is the right one's: the firewall adds the column, or PostgreSQL's default does.
    /// SQLite can't be given a default afterwards, so there such a row is refused when the firewall is down.
    pub(crate) fn server_knows_the_tenant_column(&self) -> bool {
        self.firewall_stands() || DB::NAME == "PostgreSQL"
    }

    pub(crate) fn firewall_stands(&self) -> bool {
        self.tenants.walls != Walls::ServerOnly
    }
}

/// What the fixture calls things of this tenant: a row of anybody else has another name.
pub(crate) fn prefix(cx: &TenantContext) -> String {
    format!("{} ", cx.tenant().slug())
}

/// Polls a future until it has been pending `polls` times, then drops it. `None` if it was dropped.
pub(crate) async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut pending = 0;
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if pending == polls => Poll::Ready(None),
        Poll::Pending => {
            pending += 1;
            Poll::Pending
        }
    })
    .await
}

/// The next number of polls to try: every one at first; connecting has hundreds, of which a part must do.
pub(crate) fn more(polls: usize) -> usize {
    assert!(polls < 100_000, "it never finished");
    polls + 1 + polls / 16
}

/// Waits until nobody holds a slot: connections of cancelled users come back from a task of their own.
pub(crate) async fn at_rest<DB: TenantDb>(pool: &TenantPool<DB>) {
    for _ in 0..500 {
        let stats = pool.stats();
        if stats.free_slots == stats.max {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("connections were lost: {:?}", pool.stats());
}
