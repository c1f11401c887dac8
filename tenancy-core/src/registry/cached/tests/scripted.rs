//! The registry behind the cache: it answers what a test told it to, when the test lets it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::{id, keys, slug};
use crate::Placement;
use crate::registry::cached::*;

/// Answers what it was told to, from the moment a look-up begins, after it has passed the gate.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) answers: Mutex<HashMap<LookupKey, Arc<Tenant>>>,
    pub(super) down: AtomicBool,
    pub(super) asked: AtomicUsize,
    pub(super) gate: Semaphore,
}

/// Wide open: more look-ups than any test makes.
pub(super) const OPEN: usize = 1_000_000;

impl TenantRegistry for Scripted {
    fn lookup<'a>(&'a self, key: &'a LookupKey) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let down = self.down.load(Ordering::Relaxed);
            let answer = self.answers.lock().unwrap().get(key).cloned();
            self.gate.acquire().await.unwrap().forget();
            if down {
                Err(Error::new(ErrorKind::Other, "connection refused"))
            } else {
                Ok(answer)
            }
        })
    }
}

impl Scripted {
    /// From now on tenant `n` is like this, under all its keys.
    pub(super) fn tell(&self, n: u32, epoch: u64, status: TenantStatus) {
        self.tell_placed(n, epoch, status, Placement::shared());
    }

    pub(super) fn tell_placed(
        &self,
        n: u32,
        epoch: u64,
        status: TenantStatus,
        placement: Placement,
    ) {
        let tenant = Tenant::builder(id(n), slug(n))
            .epoch(epoch)
            .status(status)
            .placement(placement)
            .build();
        let tenant = Arc::new(tenant.unwrap());
        self.answers
            .lock()
            .unwrap()
            .extend(keys(n).map(|key| (key, Arc::clone(&tenant))));
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn shut_gate(&self) {
        self.gate.forget_permits(OPEN);
    }

    pub(super) fn open_gate(&self) {
        self.gate.add_permits(OPEN / 2);
    }
}
