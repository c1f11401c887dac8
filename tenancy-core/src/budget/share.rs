//! How many slots one tenant holds, where a budget limits that.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::TenantId;

/// The tenants that hold a slot or wait for their turn; nobody else is remembered.
pub(super) struct Shares {
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Line, RandomState>>,
}

/// One tenant's places, and how many callers hold or await one.
struct Line {
    places: Arc<Semaphore>,
    callers: usize,
}

impl Shares {
    pub(super) fn new(per_tenant: usize) -> Arc<Self> {
        Arc::new(Self {
            per_tenant,
            tenants: Mutex::default(),
        })
    }

    /// Tenants that hold or await a place.
    pub(super) fn tenants(&self) -> usize {
        self.lock().len()
    }

    /// Waits for one of the tenant's places, first come, first served among its callers. Dropping the future gives the turn
    /// to the next.
    pub(super) async fn place(self: Arc<Self>, tenant: TenantId) -> Share {
        let (caller, places) = Caller::enter(self, tenant);
        let place = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => Some(place),
            // Nobody closes the semaphore, so this is always a permit.
            Err(_) => places.acquire_owned().await.ok(),
        };
        Share {
            _place: place,
            _caller: caller,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Line, RandomState>> {
        // The counts are consistent at every point where a thread could have panicked.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of the tenant's places. In this order: whoever is counted out last takes the tenant's line away, and the place goes
/// back to it before.
pub(super) struct Share {
    _place: Option<OwnedSemaphorePermit>,
    _caller: Caller,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").finish_non_exhaustive()
    }
}

/// Counts a caller of a tenant until dropped.
struct Caller {
    shares: Arc<Shares>,
    tenant: TenantId,
}

impl Caller {
    fn enter(shares: Arc<Shares>, tenant: TenantId) -> (Self, Arc<Semaphore>) {
        let places = {
            let mut tenants = shares.lock();
            let line = tenants.entry(tenant).or_insert_with(|| Line {
                places: Arc::new(Semaphore::new(shares.per_tenant)),
                callers: 0,
            });
            line.callers += 1;
            Arc::clone(&line.places)
        };
        (Self { shares, tenant }, places)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        if let Entry::Occupied(mut line) = self.shares.lock().entry(self.tenant) {
            line.get_mut().callers -= 1;
            if line.get().callers == 0 {
                line.remove();
            }
        }
    }
}
