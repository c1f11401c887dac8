//! `Uploads`: uploads that were begun part by part through this store and have not ended. They hold room, and erasing a
//! tenant aborts them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use tenancy_core::TenantId;

use crate::quota::Reservation;

/// How many are remembered; the ones that were begun first are forgotten first, and the store behind cleans them up.
const REMEMBERED: usize = 10_000;

pub(crate) type Abort = Box<dyn Fn() -> BoxFuture<'static, object_store::Result<()>> + Send + Sync>;

/// By sealed id.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<Table>);

#[derive(Default)]
struct Table {
    open: HashMap<String, Open>,
    begun: u64,
}

struct Open {
    tenant: TenantId,
    /// When it was begun, as a number.
    number: u64,
    object: Option<Reservation>,
    /// A part can be sent again; the last one counts.
    parts: HashMap<usize, Option<Reservation>>,
    /// `None` if it was begun elsewhere.
    abort: Option<Abort>,
}

/// What is known of an upload that ends.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Room of all of it.
    pub(crate) room: Option<Reservation>,
    /// How many parts were sent through here.
    pub(crate) known: usize,
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads")
            .field("open", &self.lock().open.len())
            .finish()
    }
}

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An upload was begun here.
    pub(crate) fn begin(
        &self,
        tenant: TenantId,
        id: &str,
        object: Option<Reservation>,
        abort: Abort,
    ) {
        let mut table = self.lock();
        drop(table.open(tenant, id));
        if let Some(open) = table.open.get_mut(id) {
            open.object = object;
            open.abort = Some(abort);
        }
    }

    /// A part was sent.
    pub(crate) fn add(&self, tenant: TenantId, id: &str, part: usize, room: Option<Reservation>) {
        let mut table = self.lock();
        drop(table.open(tenant, id));
        if let Some(open) = table.open.get_mut(id) {
            open.parts.insert(part, room);
        }
    }

    /// Bytes of the parts that were sent, but for one.
    pub(crate) fn bytes_without(&self, id: &str, part: usize) -> u64 {
        let table = self.lock();
        let parts = table.open.get(id).map(|open| &open.parts);
        parts
            .into_iter()
            .flatten()
            .fold(0, |sum: u64, (number, room)| match room {
                Some(room) if *number != part => sum.saturating_add(room.held().bytes),
                _ => sum,
            })
    }

    /// The upload ends, one way or the other.
    pub(crate) fn end(&self, id: &str) -> Parts {
        let Some(open) = self.lock().open.remove(id) else {
            return Parts {
                room: None,
                known: 0,
            };
        };
        let known = open.parts.len();
        let mut room = open.object;
        for part in open.parts.into_values().flatten() {
            match &mut room {
                Some(room) => room.absorb(part),
                None => room = Some(part),
            }
        }
        Parts { room, known }
    }

    /// Forgets a tenant's uploads, and says how each is aborted.
    pub(crate) fn take(&self, tenant: TenantId) -> Vec<Abort> {
        let mut table = self.lock();
        let taken = table.open.extract_if(|_, open| open.tenant == tenant);
        taken.filter_map(|(_, open)| open.abort).collect()
    }
}

impl Table {
    /// Makes sure that the upload is known; gives back the one that was forgotten for it.
    fn open(&mut self, tenant: TenantId, id: &str) -> Option<Open> {
        if self.open.contains_key(id) {
            return None;
        }
        let first = (self.open.len() >= REMEMBERED)
            .then(|| self.open.iter().min_by_key(|(_, open)| open.number))
            .flatten()
            .map(|(id, _)| id.clone());
        let forgotten = first.and_then(|id| self.open.remove(&id));
        self.begun += 1;
        self.open.insert(
            id.to_owned(),
            Open {
                tenant,
                number: self.begun,
                object: None,
                parts: HashMap::new(),
                abort: None,
            },
        );
        forgotten
    }
}
