//! `Feeder`: the task that takes jobs out of the queue, never more than can begin at once.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::keeper::KeeperHandle;
use super::{Delivery, WorkerCore};
use crate::store::{Claim, StoreError};

/// How much is taken out in one go.
const BATCH: usize = 50;

/// How long a busy worker waits for more of its hands to come free.
const GATHER: Duration = Duration::from_millis(1);

/// How long to wait when the database is away, the first time and at most.
const AWAY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

pub(super) struct Feeder {
    pub(super) core: Arc<WorkerCore>,
    pub(super) keeper: KeeperHandle,
    pub(super) room: Arc<Semaphore>,
    pub(super) into: mpsc::UnboundedSender<Delivery>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Feeder {
    pub(super) async fn run(mut self) {
        let mut news = self.core.queue.news();
        let mut away = AWAY.0;
        let mut is_open = false;
        loop {
            let Some(permits) = self.permits().await else {
                return;
            };
            news.mark_unchanged();
            let wanted = permits.len();
            let taken = self.take(permits, &mut is_open).await;
            if *self.stopped.borrow() {
                return;
            }
            let wait = match taken {
                Ok(taken) if taken == wanted => {
                    away = AWAY.0;
                    continue;
                }
                Ok(_) => {
                    away = AWAY.0;
                    self.core.settings.poll
                }
                Err(error) => {
                    tracing::warn!(%error, queue = %self.core.settings.queue, "no jobs can be taken out; trying again");
                    let wait = away;
                    away = (away * 2).min(AWAY.1);
                    wait
                }
            };
            let wait = wait.mul_f64(rand::rng().random_range(0.8..1.2));
            tokio::select! {
                biased;
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
                _ = news.changed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Room for one job, waited for, and for as many more as there is; `None` when it is time to stop.
    async fn permits(&mut self) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            biased;
            // Said, or nobody there any more to say it.
            _ = self.stopped.wait_for(|stopped| *stopped) => return None,
            first = Arc::clone(&self.room).acquire_owned() => first.ok()?,
        };
        if self.room.available_permits() == 0 {
            // All hands are busy and one has just come free: others are about to, and one taking out serves them all.
            tokio::time::sleep(GATHER).await;
        }
        let mut permits = vec![first];
        while permits.len() < BATCH
            && let Ok(more) = Arc::clone(&self.room).try_acquire_owned()
        {
            permits.push(more);
        }
        Some(permits)
    }

    /// Takes out and hands over; answers how many.
    async fn take(
        &self,
        permits: Vec<OwnedSemaphorePermit>,
        is_open: &mut bool,
    ) -> Result<usize, StoreError> {
        let store = &self.core.queue.store;
        let settings = &self.core.settings;
        if !*is_open {
            store.open_queue(&settings.queue).await?;
            *is_open = true;
        }
        let claimed = store
            .claim(&Claim {
                queue: &settings.queue,
                worker: &self.core.id,
                most: i64::try_from(permits.len()).unwrap_or(1),
                lease: settings.lease,
            })
            .await?;
        let taken = claimed.len();
        for (claimed, permit) in claimed.into_iter().zip(permits) {
            let held = self.keeper.hold(&claimed);
            // A receiver that is gone drops it, which puts it back.
            let _ = self.into.send(Delivery {
                claimed,
                held: Some((held, permit)),
                opened: None,
            });
        }
        Ok(taken)
    }
}
