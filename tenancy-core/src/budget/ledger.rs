//! Which connections are open, which are idle, and for which placement.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use super::share::{Share, Shares};
use super::{Budget, BudgetStats};
use crate::{Placement, TenantId};

/// Why there is no connection for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BudgetError {
    /// Every connection of the budget was busy for longer than the acquire timeout.
    Exhausted {
        /// Connections the budget allows.
        max: usize,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The tenant itself used as many connections as it may for longer than the acquire timeout. Others were not in its way.
    TenantExhausted {
        /// Connections that one tenant may use at once.
        per_tenant: usize,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The pool was closed.
    Closed,
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { max, waited } => write!(
                f,
                "all {max} connections of the budget were busy for {waited:?}; shorten transactions or raise `Budget::new`"
            ),
            Self::TenantExhausted { per_tenant, waited } => write!(
                f,
                "this tenant used its {per_tenant} connections for {waited:?}; shorten its transactions or raise `Budget::per_tenant`"
            ),
            Self::Closed => f.write_str("the pool is closed"),
        }
    }
}

impl std::error::Error for BudgetError {}

/// The right to use one connection. Dropping it gives it to the next in line.
///
/// In this order: where no slot is held, no tenant's place is.
#[derive(Debug)]
pub struct Slot {
    /// The tenant's place, where the budget limits each tenant.
    _of_tenant: Option<Share>,
    _of_budget: OwnedSemaphorePermit,
}

/// One open connection, counted while it lives.
///
/// Whoever drops it has closed the connection, or lets its drop do so.
#[derive(Debug)]
pub struct Live<C> {
    /// The connection.
    pub conn: C,
    placement: Placement,
    opened: Instant,
    opening: Opening,
}

impl<C> Live<C> {
    /// Counts a connection that was opened for a placement.
    pub fn new(conn: C, placement: Placement, opening: Opening) -> Self {
        Self {
            conn,
            placement,
            opened: Instant::now(),
            opening,
        }
    }

    /// The placement it serves.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// Notes that the connection was turned to another placement.
    pub fn turned_to(&mut self, placement: Placement) {
        self.placement = placement;
    }

    /// Takes the connection out; it counts as open until what is returned beside it is dropped or used for another.
    pub fn into_parts(self) -> (C, Opening) {
        (self.conn, self.opening)
    }
}

/// Counts a connection as open until dropped.
#[derive(Debug)]
pub struct Opening(Arc<AtomicUsize>);

impl Opening {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a caller with a slot does for a connection.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a fourth way to a connection has to be thought about by every driver"
)]
pub enum Choice<C> {
    /// This one serves the placement already.
    Reuse(Live<C>),
    /// This one can be turned to the placement.
    TakeOver(Live<C>),
    /// Open one; close the other first, if there is one.
    Open(Opening, Option<C>),
}

struct Idle<C> {
    live: Live<C>,
    since: Instant,
    /// Something is queued in it that has not been sent.
    unsent: bool,
}

/// The connections of one pool.
pub struct Ledger<C> {
    budget: Budget,
    slots: Arc<Semaphore>,
    /// `None` if a tenant may use the whole budget.
    shares: Option<Arc<Shares>>,
    open: Arc<AtomicUsize>,
    /// Least recently used first. A few dozen entries, so a scan beats an index.
    idle: Mutex<Vec<Idle<C>>>,
    closed: AtomicBool,
}

impl<C> fmt::Debug for Ledger<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<C> Ledger<C> {
    /// An empty book for a budget.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(budget.max_connections)),
            shares: budget.tenant_limit().map(Shares::new),
            budget,
            open: Arc::new(AtomicUsize::new(0)),
            idle: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// The budget it keeps to.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// How the budget is used now.
    #[must_use]
    pub fn stats(&self) -> BudgetStats {
        BudgetStats {
            open: self.open.load(Ordering::Relaxed),
            idle: self.lock().len(),
            free_slots: self.slots.available_permits(),
            tenants: self.shares.as_ref().map_or(0, |shares| shares.tenants()),
            max: self.budget.max_connections,
        }
    }

    /// Waits for a slot for a tenant, first come, first served.
    ///
    /// Where the budget limits each tenant, a caller whose tenant is at that limit waits for its own tenant first, and is in
    /// nobody else's way meanwhile. Dropping the future at any await gives back what it holds.
    ///
    /// # Errors
    /// [`BudgetError::Exhausted`] or [`BudgetError::TenantExhausted`] after the acquire timeout, [`BudgetError::Closed`].
    pub async fn slot(&self, tenant: TenantId) -> Result<Slot, BudgetError> {
        let Some(shares) = &self.shares else {
            let of_budget = match self.free_slot()? {
                Some(slot) => slot,
                None => tokio::time::timeout(self.budget.acquire_timeout, self.next_slot())
                    .await
                    .unwrap_or(Err(self.exhausted()))?,
            };
            return Ok(Slot {
                _of_tenant: None,
                _of_budget: of_budget,
            });
        };
        let until = tokio::time::Instant::now() + self.budget.acquire_timeout;
        let share = Arc::clone(shares).place(tenant);
        let share = tokio::time::timeout_at(until, share)
            .await
            .map_err(|_elapsed| BudgetError::TenantExhausted {
                per_tenant: self.budget.per_tenant,
                waited: self.budget.acquire_timeout,
            })?;
        let of_budget = match self.free_slot()? {
            Some(slot) => slot,
            None => tokio::time::timeout_at(until, self.next_slot())
                .await
                .unwrap_or(Err(self.exhausted()))?,
        };
        Ok(Slot {
            _of_tenant: Some(share),
            _of_budget: of_budget,
        })
    }

    /// A slot that nobody holds and nobody waits for.
    fn free_slot(&self) -> Result<Option<OwnedSemaphorePermit>, BudgetError> {
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => Ok(Some(slot)),
            Err(TryAcquireError::Closed) => Err(BudgetError::Closed),
            Err(TryAcquireError::NoPermits) => Ok(None),
        }
    }

    async fn next_slot(&self) -> Result<OwnedSemaphorePermit, BudgetError> {
        Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_closed| BudgetError::Closed)
    }

    fn exhausted(&self) -> BudgetError {
        BudgetError::Exhausted {
            max: self.budget.max_connections,
            waited: self.budget.acquire_timeout,
        }
    }

    /// Says where the connection for a slot comes from. The slot proves that the caller holds one.
    ///
    /// # Errors
    /// [`BudgetError::Closed`]; [`BudgetError::Exhausted`] if connections are in use that hold no slot.
    pub fn choose(
        &self,
        _slot: &Slot,
        placement: &Placement,
        can_take_over: impl Fn(&Placement, &Placement) -> bool,
    ) -> Result<Choice<C>, BudgetError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(BudgetError::Closed);
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
            return Ok(Choice::Open(Opening::new(&self.open), None));
        }
        let turnable = idle
            .iter()
            .position(|it| can_take_over(&it.live.placement, placement));
        if let Some(at) = turnable {
            let live = idle.remove(at).live;
            if self.is_young(&live, now) {
                return Ok(Choice::TakeOver(live));
            }
            let (conn, opening) = live.into_parts();
            return Ok(Choice::Open(opening, Some(conn)));
        }
        if idle.is_empty() {
            // Connections that are being put into a known state hold their slots, so this is not reached; if it were,
            // refusing is right.
            return Err(BudgetError::Exhausted {
                max: self.budget.max_connections,
                waited: Duration::ZERO,
            });
        }
        let (conn, opening) = idle.remove(0).live.into_parts();
        Ok(Choice::Open(opening, Some(conn)))
    }

    /// Takes a connection back; `unsent` if something is queued in it. A closed pool and an old connection drop it.
    pub fn give_back(&self, live: Live<C>, unsent: bool) {
        let now = Instant::now();
        if self.closed.load(Ordering::Acquire) || !self.is_young(&live, now) {
            return;
        }
        self.lock().push(Idle {
            live,
            since: now,
            unsent,
        });
    }

    /// Takes the idle connections in which something has been queued for this long, each with a slot, as far as there are
    /// free ones.
    pub fn take_unsent(&self, longer_than: Duration) -> Vec<(Live<C>, Slot)> {
        let now = Instant::now();
        self.take_idle(|it| it.unsent && now.duration_since(it.since) >= longer_than)
    }

    /// Takes the idle connections whose time is over, each with a slot, as far as there are free ones.
    pub fn take_stale(&self) -> Vec<(Live<C>, Slot)> {
        let now = Instant::now();
        self.take_idle(|it| {
            now.duration_since(it.since) >= self.budget.idle_timeout
                || !self.is_young(&it.live, now)
        })
    }

    fn take_idle(&self, mut pick: impl FnMut(&Idle<C>) -> bool) -> Vec<(Live<C>, Slot)> {
        let mut idle = self.lock();
        let mut taken = Vec::new();
        let mut at = 0;
        while at < idle.len() {
            if idle.get(at).is_some_and(&mut pick) {
                let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                    break;
                };
                let slot = Slot {
                    _of_tenant: None,
                    _of_budget: slot,
                };
                taken.push((idle.remove(at).live, slot));
            } else {
                at += 1;
            }
        }
        taken
    }

    /// Whether anything is queued in an idle connection.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.lock().iter().any(|it| it.unsent)
    }

    fn is_young(&self, live: &Live<C>, now: Instant) -> bool {
        now.duration_since(live.opened) < self.budget.max_lifetime
    }

    /// Refuses new callers, waits for those that are busy, and hands out what is to be closed.
    pub async fn close(&self) -> Vec<Live<C>> {
        self.closed.store(true, Ordering::Release);
        let all = u32::try_from(self.budget.max_connections).unwrap_or(u32::MAX);
        let _all_back = self.slots.acquire_many(all).await;
        self.slots.close();
        let idle = std::mem::take(&mut *self.lock());
        idle.into_iter().map(|it| it.live).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        // The list is consistent at every point where a thread could have panicked.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
