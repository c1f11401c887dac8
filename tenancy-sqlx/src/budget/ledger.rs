//! Which connections are open, which are idle, and for which placement.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use tenancy_core::{Placement, ServerName, Tenant};
use tenancy_sql::KeyType;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::lease::Lease;
use super::{Budget, BudgetStats, keeper};
use crate::db::{TenantDb, Walls, unreachable};
use crate::{Error, Result};

/// One open connection, counted while it lives.
pub(crate) struct Live<DB: TenantDb> {
    pub(super) conn: DB::Connection,
    pub(super) placement: Placement,
    opened: Instant,
    count: OpenCount,
}

impl<DB: TenantDb> Live<DB> {
    /// Closes the connection; it counts as open until that is done.
    pub(super) async fn close(self) {
        close::<DB>(self.conn).await;
    }
}

/// Counts a connection as open until dropped.
struct OpenCount(Arc<AtomicUsize>);

impl OpenCount {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for OpenCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) struct Idle<DB: TenantDb> {
    pub(super) live: Live<DB>,
    pub(super) since: Instant,
    /// A rollback is queued in it and has not been sent.
    pub(super) unsent: bool,
}

/// The connections of one pool.
pub(crate) struct Ledger<DB: TenantDb> {
    servers: HashMap<ServerName, DB::Server>,
    key_type: KeyType,
    pub(crate) walls: Walls,
    pub(super) budget: Budget,
    pub(super) slots: Arc<Semaphore>,
    open: Arc<AtomicUsize>,
    /// Least recently used first. A few dozen entries, so a scan beats an index.
    idle: Mutex<Vec<Idle<DB>>>,
    closed: AtomicBool,
    keeper_runs: AtomicBool,
    pub(super) unsent: Notify,
}

impl<DB: TenantDb> fmt::Debug for Ledger<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// What a caller with a slot does for a connection.
enum Choice<DB: TenantDb> {
    Reuse(Live<DB>),
    TakeOver(Live<DB>),
    Open(OpenCount, Option<DB::Connection>),
}

impl<DB: TenantDb> Ledger<DB> {
    pub(crate) fn new(
        servers: HashMap<ServerName, DB::Server>,
        key_type: KeyType,
        walls: Walls,
        budget: Budget,
    ) -> Arc<Self> {
        Arc::new(Self {
            servers,
            key_type,
            walls,
            slots: Arc::new(Semaphore::new(budget.max_connections)),
            budget,
            open: Arc::new(AtomicUsize::new(0)),
            idle: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
            keeper_runs: AtomicBool::new(false),
            unsent: Notify::new(),
        })
    }

    pub(crate) fn stats(&self) -> BudgetStats {
        BudgetStats {
            open: self.open.load(Ordering::Relaxed),
            idle: self.lock().len(),
            free_slots: self.slots.available_permits(),
            max: self.budget.max_connections,
        }
    }

    /// A connection for a tenant's placement, new or used.
    ///
    /// Dropping the future at any await gives back what it holds.
    ///
    /// # Errors
    /// [`Error::BudgetExhausted`], [`Error::UnknownServer`], [`Error::Unreachable`], [`Error::WrongPin`],
    /// [`Error::Closed`].
    pub(crate) async fn acquire(self: &Arc<Self>, tenant: &Tenant) -> Result<Lease<DB>> {
        let placement = tenant.placement();
        let Some(server) = self.servers.get(placement.server()) else {
            return Err(Error::UnknownServer(placement.server().to_string()));
        };
        let slot = self.slot().await?;
        self.ensure_keeper();
        match self.choose(placement)? {
            Choice::Reuse(live) => Ok(Lease::new(Arc::clone(self), live, slot, true)),
            Choice::TakeOver(mut live) => {
                let turned = DB::take_over(
                    &mut live.conn,
                    server,
                    placement,
                    tenant.id(),
                    self.key_type,
                )
                .await;
                match turned {
                    Ok(()) => {
                        live.placement = placement.clone();
                        Ok(Lease::new(Arc::clone(self), live, slot, true))
                    }
                    Err(error @ Error::WrongPin { .. }) => Err(error),
                    Err(error) => {
                        tracing::debug!(error = %error, "a connection could not change its placement; opening another");
                        let Live { conn, count, .. } = live;
                        drop(conn);
                        self.open(server, tenant, slot, count).await
                    }
                }
            }
            Choice::Open(count, evicted) => {
                if let Some(evicted) = evicted {
                    close::<DB>(evicted).await;
                }
                self.open(server, tenant, slot, count).await
            }
        }
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit> {
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => return Ok(slot),
            Err(TryAcquireError::Closed) => return Err(Error::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let waited = self.budget.acquire_timeout;
        let waiting = Arc::clone(&self.slots).acquire_owned();
        match tokio::time::timeout(waited, waiting).await {
            Ok(slot) => slot.map_err(|_closed| Error::Closed),
            Err(_elapsed) => Err(Error::BudgetExhausted {
                max: self.budget.max_connections,
                waited,
            }),
        }
    }

    fn choose(&self, placement: &Placement) -> Result<Choice<DB>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        let now = Instant::now();
        let mut idle = self.lock();
        while let Some(at) = idle.iter().rposition(|it| it.live.placement == *placement) {
            let live = idle.remove(at).live;
            if self.is_young(&live, now) {
                return Ok(Choice::Reuse(live));
            }
        }
        // Only callers with a slot open connections, and this runs under the lock, so the limit holds.
        if self.open.load(Ordering::Relaxed) < self.budget.max_connections {
            return Ok(Choice::Open(OpenCount::new(&self.open), None));
        }
        let turnable = idle
            .iter()
            .position(|it| DB::can_take_over(&it.live.placement, placement));
        if let Some(at) = turnable {
            let live = idle.remove(at).live;
            if self.is_young(&live, now) {
                return Ok(Choice::TakeOver(live));
            }
            return Ok(Choice::Open(live.count, Some(live.conn)));
        }
        if idle.is_empty() {
            // Connections that are being put into a known state hold their slots, so this is not reached; if it were,
            // refusing is right.
            return Err(Error::BudgetExhausted {
                max: self.budget.max_connections,
                waited: Duration::ZERO,
            });
        }
        let Live { conn, count, .. } = idle.remove(0).live;
        Ok(Choice::Open(count, Some(conn)))
    }

    async fn open(
        self: &Arc<Self>,
        server: &DB::Server,
        tenant: &Tenant,
        // In this order: parameters are dropped from the last to the first, and a slot must not be free before its connection
        // has stopped counting.
        slot: OwnedSemaphorePermit,
        count: OpenCount,
    ) -> Result<Lease<DB>> {
        let placement = tenant.placement();
        let connecting = DB::connect(
            server,
            placement,
            tenant.id(),
            self.key_type,
            self.walls.server,
        );
        // A server that takes connections and says nothing must not hold a slot that other servers could use.
        let conn = tokio::time::timeout(self.budget.connect_timeout, connecting)
            .await
            .map_err(|_elapsed| {
                let silence = std::io::Error::from(std::io::ErrorKind::TimedOut);
                unreachable(placement, sqlx::Error::Io(silence))
            })??;
        let live = Live {
            conn,
            placement: placement.clone(),
            opened: Instant::now(),
            count,
        };
        Ok(Lease::new(Arc::clone(self), live, slot, false))
    }

    /// Takes a connection back.
    pub(super) fn give_back(&self, live: Live<DB>, unsent: bool) {
        let now = Instant::now();
        if self.closed.load(Ordering::Acquire) || !self.is_young(&live, now) {
            return;
        }
        self.lock().push(Idle {
            live,
            since: now,
            unsent,
        });
        if unsent {
            self.unsent.notify_one();
        }
    }

    /// Takes the idle connections that a test picks, each with a slot, as far as there are free ones.
    pub(super) fn take_idle(
        &self,
        mut pick: impl FnMut(&Idle<DB>) -> bool,
    ) -> Vec<(Live<DB>, OwnedSemaphorePermit)> {
        let mut idle = self.lock();
        let mut taken = Vec::new();
        let mut at = 0;
        while at < idle.len() {
            if idle.get(at).is_some_and(&mut pick) {
                let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                    break;
                };
                taken.push((idle.remove(at).live, slot));
            } else {
                at += 1;
            }
        }
        taken
    }

    pub(super) fn has_unsent(&self) -> bool {
        self.lock().iter().any(|it| it.unsent)
    }

    pub(super) fn is_young(&self, live: &Live<DB>, now: Instant) -> bool {
        now.duration_since(live.opened) < self.budget.max_lifetime
    }

    fn ensure_keeper(self: &Arc<Self>) {
        if !self.keeper_runs.swap(true, Ordering::AcqRel) {
            keeper::start(self);
        }
    }

    /// The keeper's runtime went away; the next caller starts another.
    pub(super) fn keeper_stopped(&self) {
        self.keeper_runs.store(false, Ordering::Release);
    }

    /// Refuses new callers, waits for those that are busy, closes all connections.
    pub(crate) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.budget.max_connections).unwrap_or(u32::MAX);
        let _all_back = self.slots.acquire_many(all).await;
        self.slots.close();
        let idle = std::mem::take(&mut *self.lock());
        for it in idle {
            it.live.close().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle<DB>>> {
        // The list is consistent at every point where a thread could have panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says goodbye to the server, but not for long.
async fn close<DB: TenantDb>(conn: DB::Connection) {
    let _ = tokio::time::timeout(Duration::from_secs(1), conn.close()).await;
}
