//! The task that keeps idle connections in order: it sends queued rollbacks and closes what idled too long.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::Connection as _;

use super::Ledger;
use super::ledger::close_live;
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
    let tick = ledger.book.budget().reap_interval();
    // Made here, so that it also tells of a task that was dropped before it ran.
    let stopped = Stopped(weak.clone());
    #[expect(
        clippy::disallowed_methods,
        reason = "the work is the pool's own and of no tenant"
    )]
    runtime.spawn(async move {
        let _stopped = stopped;
        let mut reap_at = Instant::now() + tick;
        loop {
            let Some(unsent) = wait(&weak, reap_at).await else {
                return;
            };
            let Some(ledger) = weak.upgrade() else {
                return;
            };
            if unsent {
                send_rollbacks(&ledger).await;
            } else {
                reap(&ledger).await;
                reap_at = Instant::now() + tick;
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

/// Waits for something to do without keeping the ledger alive: `Some(true)` for rollbacks, `Some(false)` once it is time to
/// reap. Steady traffic queues rollbacks all the time, so that time is not counted from the last of them.
async fn wait<DB: TenantDb>(weak: &Weak<Ledger<DB>>, reap_at: Instant) -> Option<bool> {
    loop {
        // A strong reference for a short step at most, so that a dropped pool is gone soon.
        let ledger = weak.upgrade()?;
        let left = reap_at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(false);
        }
        let step = Duration::from_millis(250).min(left);
        if tokio::time::timeout(step, ledger.unsent.notified())
            .await
            .is_ok()
        {
            drop(ledger);
            tokio::time::sleep(UNSENT_AT_MOST).await;
            return Some(true);
        }
    }
}

/// All at once: each holds a slot meanwhile, and one that does not answer must not make the others wait.
async fn send_rollbacks<DB: TenantDb>(ledger: &Ledger<DB>) {
    let taken = ledger.book.take_unsent(UNSENT_AT_MOST);
    let sending = taken.into_iter().map(|(mut live, slot)| async move {
        // sqlx writes what is queued before it asks for the sign of life.
        let sent = tokio::time::timeout(Duration::from_secs(5), live.conn.raw.ping()).await;
        match sent {
            Ok(Ok(())) => ledger.give_back(live, false),
            _ => drop(live),
        }
        drop(slot);
    });
    join_all(sending).await;
    if ledger.book.has_unsent() {
        ledger.unsent.notify_one();
    }
}

async fn reap<DB: TenantDb>(ledger: &Ledger<DB>) {
    let closing = ledger
        .book
        .take_stale()
        .into_iter()
        .map(|(live, slot)| async move {
            close_live::<DB>(live).await;
            drop(slot);
        });
    join_all(closing).await;
}
