//! One `Liveness` for each tenant that anybody in the process still holds, so that news reach contexts whose tenant has
//! long left the cache.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::RegistryEvent;
use crate::liveness::Liveness;
use crate::{Tenant, TenantId};

const SHARDS: usize = 64;

#[derive(Debug)]
pub(super) struct Watch {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Shard {
    known: HashSet<ById>,
    /// At this size, those that nobody else holds are swept out.
    sweep_at: usize,
}

/// A liveness, found by its tenant's id.
#[derive(Debug)]
struct ById(Arc<Liveness>);

impl Borrow<TenantId> for ById {
    fn borrow(&self) -> &TenantId {
        self.0.id()
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Watch {
    /// Takes in news; the liveness is in the watch for as long as the caller keeps it.
    pub(super) fn learn(&self, event: RegistryEvent) -> Option<Arc<Liveness>> {
        let RegistryEvent {
            tenant,
            epoch,
            status,
        } = event;
        let live = self
            .shard(&tenant)?
            .find_or(&tenant, || Liveness::new(tenant, epoch, status, None));
        live.learn(epoch, status, None);
        Some(live)
    }

    /// Makes a tenant that was just loaded share what is known about it. False if something newer is known.
    pub(super) fn adopt(&self, tenant: &mut Arc<Tenant>) -> bool {
        let id = tenant.id();
        let Some(live) = self
            .shard(&id)
            .map(|mut shard| shard.find_or(&id, || Arc::clone(tenant.live())))
        else {
            return false;
        };
        tenant.adopt(&live).is_some()
    }

    fn shard(&self, id: &TenantId) -> Option<MutexGuard<'_, Shard>> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let index = self.hasher.hash_one(id) as usize % SHARDS;
        Some(
            self.shards
                .get(index)?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Shard {
    fn find_or(&mut self, id: &TenantId, new: impl FnOnce() -> Arc<Liveness>) -> Arc<Liveness> {
        if let Some(known) = self.known.get(id) {
            return Arc::clone(&known.0);
        }
        if self.known.len() >= self.sweep_at {
            self.known.retain(|known| Arc::strong_count(&known.0) > 1);
            self.sweep_at = (self.known.len() * 2).max(64);
            self.known.shrink_to(self.sweep_at);
        }
        let live = new();
        self.known.insert(ById(Arc::clone(&live)));
        live
    }
}
