//! Two tenants with the same keys, and the words that probes use.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tenancy_core::{Isolation, TenantContext};
use tenancy_diesel::{BudgetStats, TenantPool};
use tenancy_testkit::fixture::{TwoTenants, Walls};

use crate::places::{self, Driver};

/// One cell of the matrix.
pub(crate) struct World<C: Driver> {
    pub(crate) tenants: TwoTenants<C::Sqlx>,
    pub(crate) a: TenantContext,
    pub(crate) b: TenantContext,
}

impl<C: Driver> World<C> {
    pub(crate) async fn new(isolation: Isolation, walls: Walls) -> Self {
        let tenants = C::fixture(isolation, walls).await;
        let a = TenantContext::for_test(tenants.a.clone());
        let b = TenantContext::for_test(tenants.b.clone());
        Self { tenants, a, b }
    }

    /// A pool over the tenants.
    pub(crate) fn pool_of(&self, connections: usize) -> TenantPool<C> {
        places::pool(&self.tenants, connections)
    }

    /// Whether a row that names no tenant is the right one's: the firewall adds the column, or PostgreSQL's default does.
    /// SQLite can't be given a default afterwards, so there such a row is refused when the firewall is down.
    pub(crate) fn server_knows_the_tenant_column(&self) -> bool {
        self.firewall_stands() || C::NAME == "PostgreSQL"
    }

    pub(crate) fn firewall_stands(&self) -> bool {
        self.tenants.walls != Walls::ServerOnly
    }
}

/// What the fixture calls things of this tenant: a row of anybody else has another name.
pub(crate) fn prefix(cx: &TenantContext) -> String {
    format!("{} ", cx.tenant().slug())
}

/// The id of a tenant as it is stored in the tenant column.
pub(crate) fn id_bytes(cx: &TenantContext) -> Vec<u8> {
    match cx.tenant_id().repr() {
        tenancy_core::IdRepr::Uuid(id) => id.as_bytes().to_vec(),
        other => panic!("the fixture's tenants have UUIDs, not {other:?}"),
    }
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

/// Waits until nobody holds a slot: work whose caller is gone runs to its end.
pub(crate) async fn at_rest(stats: impl Fn() -> BudgetStats) {
    for _ in 0..500 {
        let now = stats();
        if now.free_slots == now.max {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("connections were lost: {:?}", stats());
}
