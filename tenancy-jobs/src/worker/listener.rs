//! `Listener`: the task that hears of jobs which other processes sent, and rings for them.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tokio::sync::watch;

use super::WorkerCore;
use crate::store::StoreError;

/// How long to wait before listening again, the first time and at most. The feeder polls meanwhile.
const AWAY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

pub(super) struct Listener {
    pub(super) core: Arc<WorkerCore>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Listener {
    pub(super) async fn run(mut self) {
        let mut stopped = self.stopped.clone();
        tokio::select! {
            // Said, or nobody there any more to say it.
            _ = stopped.wait_for(|stopped| *stopped) => {}
            () = self.listen() => {}
        }
    }

    /// Ends only where the database tells nothing.
    async fn listen(&mut self) {
        let mut away = AWAY.0;
        loop {
            match self.session(&mut away).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(%error, "other processes can't be heard; polling goes on");
                }
            }
            let wait = away.mul_f64(rand::rng().random_range(0.8..1.2));
            tokio::time::sleep(wait).await;
            away = (away * 2).min(AWAY.1);
        }
    }

    async fn session(&self, away: &mut Duration) -> Result<(), StoreError> {
        let Some(mut hints) = self.core.queue.store.hints().await? else {
            return Ok(());
        };
        *away = AWAY.0;
        // Whatever was said before we listened.
        self.core.queue.ring();
        loop {
            if hints.next().await? == self.core.settings.queue {
                self.core.queue.ring();
            }
        }
    }
}
