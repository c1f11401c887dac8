//! The task that keeps idle connections in order: it sends queued rollbacks and closes what idled too long.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use sqlx::Connection as _;

use super::Ledger;
use super::ledger::close;
use crate::db::TenantDb;

/// How long a queued rollback may wait for a next user to carry it to the server.
const UNSENT_AT_MOST: Duration = Duration::from_millis(5);

/// Starts the task; it ends with the ledger or its runtime.
pub(super) fn start<DB: TenantDb>(ledger: &Arc<Ledger<DB>>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        ledger.keeper_stopped();
        return;
    };
    let weak = Arc::downgrade(ledger);
    let tick =
        (ledger.budget.idle_timeout / 2).clamp(Duration::from_millis(50), Duration::from_secs(30));
    #[expect(
        clippy::disallowed_methods,
        reason = "the work is the pool's own and of no tenant"
    )]
    runtime.spawn(async move {
        let _stopped = Stopped(weak.clone());
        loop {
            let Some(unsent) = wait(&weak, tick).await else {
                return;
            };
            let Some(ledger) = weak.upgrade() else {
                return;
            };
            if unsent {
                send_rollbacks(&ledger).await;
            } else {
                reap(&ledger).await;
            }
        }
    });
}

/// Tells the ledger when the task is gone, be it that its runtime was shut down.
struct Stopped<DB: TenantDb>(Weak<Ledger<DB>>);

impl<DB: TenantDb> Drop for Stopped<DB> {
    fn drop(&mut self) {
        if let Some(ledger) = self.0.upgrade() {
            ledger.keeper_stopped();
        }
    }
}

/// Waits for something to do without keeping the ledger alive: `Some(true)` for rollbacks, `Some(false)` for a tick.
async fn wait<DB: TenantDb>(weak: &Weak<Ledger<DB>>, tick: Duration) -> Option<bool> {
    // A strong reference for at most one short tick, so that a dropped pool is gone soon.
    let deadline = Instant::now() + tick;
    while Instant::now() < deadline {
        let ledger = weak.upgrade()?;
        let step = Duration::from_millis(250).min(tick);
        if tokio::time::timeout(step, ledger.unsent.notified())
            .await
            .is_ok()
        {
            drop(ledger);
            tokio::time::sleep(UNSENT_AT_MOST).await;
            return Some(true);
        }
    }
    Some(false)
}

async fn send_rollbacks<DB: TenantDb>(ledger: &Ledger<DB>) {
    let due = Instant::now();
    let taken = ledger.take_idle(|it| it.unsent && due.duration_since(it.since) >= UNSENT_AT_MOST);
    for (mut live, slot) in taken {
        // sqlx writes what is queued before it asks for the sign of life.
        let sent = tokio::time::timeout(Duration::from_secs(5), live.conn.ping()).await;
        if matches!(sent, Ok(Ok(()))) {
            ledger.give_back(live, false);
        }
        drop(slot);
    }
    if ledger.has_unsent() {
        ledger.unsent.notify_one();
    }
}

async fn reap<DB: TenantDb>(ledger: &Ledger<DB>) {
    let now = Instant::now();
    let taken = ledger.take_idle(|it| {
        now.duration_since(it.since) >= ledger.budget.idle_timeout
            || !ledger.is_young(&it.live, now)
    });
    for (live, slot) in taken {
        close::<DB>(live.conn).await;
        drop(slot);
    }
}
