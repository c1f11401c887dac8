//! `Keeper`: the task that writes down how jobs ended, extends leases, and looks after what others left.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenancy_core::{LookupKey, Operation, TenantId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::WorkerCore;
use crate::Refusal;
use crate::store::{Claimed, Outcome, Settled};

/// How much is written down in one go.
const BATCH: usize = 500;

/// How long to wait when the database is away.
const AWAY: Duration = Duration::from_millis(500);

/// How long a worker that closes waits for a database that is away. What is not written down by then is run again by
/// somebody else when the lease ends.
const CLOSING: Duration = Duration::from_secs(10);

enum Message {
    Settled(Settled),
    Flush(oneshot::Sender<()>),
}

/// How to reach the keeper. It ends when the last of these is dropped, after it has written everything down.
#[derive(Clone)]
pub(super) struct KeeperHandle {
    messages: mpsc::UnboundedSender<Message>,
    hands: Hands,
}

/// The jobs whose leases are extended, and the attempt of each: from taking one out until its end is written down. A job that
/// the queue gave to this worker in an answer that got lost is not among them, so its lease ends.
#[derive(Clone, Default)]
struct Hands(Arc<Mutex<HashMap<String, i64>>>);

impl Hands {
    fn take(&self, claimed: &Claimed) {
        self.jobs().insert(claimed.job.id.clone(), claimed.attempt);
    }

    /// It may have been taken out again meanwhile: then that is another attempt.
    fn leave(&self, settled: &Settled) {
        let mut jobs = self.jobs();
        if jobs.get(&settled.id) == Some(&settled.attempt) {
            jobs.remove(&settled.id);
        }
    }

    fn full(&self) -> Vec<String> {
        self.jobs().keys().cloned().collect()
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeeperHandle {
    /// The duty to say how a job ended.
    pub(super) fn hold(&self, claimed: &Claimed) -> Held {
        self.hands.take(claimed);
        Held {
            keeper: self.clone(),
            id: Some(claimed.job.id.clone()),
            attempt: claimed.attempt,
            is_last: claimed.attempt >= claimed.job.max_attempts,
            has_begun: false,
        }
    }

    /// Answers when all that was said so far is written down.
    pub(super) fn flush(&self) -> oneshot::Receiver<()> {
        let (done, answer) = oneshot::channel();
        // A keeper that is gone drops the sender, which is an answer too.
        let _ = self.messages.send(Message::Flush(done));
        answer
    }
}

/// A job in hands: it is said how it ended, or dropping it says that it did not.
pub(crate) struct Held {
    keeper: KeeperHandle,
    id: Option<String>,
    attempt: i64,
    pub(super) is_last: bool,
    pub(super) has_begun: bool,
}

impl Held {
    /// Says how it ended.
    pub(super) fn settle(mut self, outcome: Outcome) {
        self.send(outcome);
    }

    fn send(&mut self, outcome: Outcome) {
        if let Some(id) = self.id.take() {
            let attempt = self.attempt;
            let _ = self.keeper.messages.send(Message::Settled(Settled {
                id,
                attempt,
                outcome,
            }));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let error = || "its worker was stopped in the middle".to_owned();
        self.send(match (self.has_begun, self.is_last) {
            (false, _) => Outcome::Back {
                delay: Duration::ZERO,
            },
            (true, false) => Outcome::Again {
                delay: Duration::ZERO,
                error: error(),
            },
            (true, true) => Outcome::Dead { error: error() },
        });
    }
}

pub(super) struct Keeper {
    core: Arc<WorkerCore>,
    messages: mpsc::UnboundedReceiver<Message>,
    hands: Hands,
    unwritten: Vec<Settled>,
    waiting: Vec<(oneshot::Sender<()>, Instant)>,
}

impl Keeper {
    #[expect(
        clippy::disallowed_methods,
        reason = "leases and outcomes are of no tenant"
    )]
    pub(super) fn start(core: &Arc<WorkerCore>) -> KeeperHandle {
        let (into, messages) = mpsc::unbounded_channel();
        let hands = Hands::default();
        let keeper = Self {
            core: Arc::clone(core),
            messages,
            hands: hands.clone(),
            unwritten: Vec::new(),
            waiting: Vec::new(),
        };
        tokio::spawn(keeper.run());
        KeeperHandle {
            messages: into,
            hands,
        }
    }

    async fn run(mut self) {
        let settings = self.core.settings.clone();
        let mut beat = interval(settings.lease / 3);
        let mut notice = interval(settings.notice);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        notice.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut write_at = Instant::now();
        loop {
            let has_unwritten = !self.unwritten.is_empty();
            tokio::select! {
                biased;
                () = sleep_until(write_at), if has_unwritten => {
                    if !self.write().await {
                        write_at = Instant::now() + AWAY;
                    }
                }
                message = self.messages.recv() => match message {
                    Some(message) => {
                        self.note(message);
                        while self.unwritten.len() < BATCH && let Ok(more) = self.messages.try_recv() {
                            self.note(more);
                        }
                    }
                    None => return self.end().await,
                },
                _ = beat.tick() => self.beat().await,
                _ = notice.tick() => self.notice().await,
            }
            self.answer();
        }
    }

    fn note(&mut self, message: Message) {
        match message {
            Message::Settled(settled) => self.unwritten.push(settled),
            Message::Flush(done) => self.waiting.push((done, Instant::now() + CLOSING)),
        }
    }

    /// Whether it could be written down.
    async fn write(&mut self) -> bool {
        let part = self.unwritten.len().min(BATCH);
        let Some(first) = self.unwritten.get(..part) else {
            return true;
        };
        match self.core.queue.store.settle(&self.core.id, first).await {
            Ok(()) => {
                first.iter().for_each(|settled| self.hands.leave(settled));
                self.unwritten.drain(..part);
                // A tenant at its limit may have room now.
                self.core.queue.ring();
                true
            }
            Err(error) => {
                tracing::warn!(%error, jobs = self.unwritten.len(), "how jobs ended can't be written down; trying again");
                false
            }
        }
    }

    /// Tells those who wait for everything to be written down.
    fn answer(&mut self) {
        let (all, now) = (self.unwritten.is_empty(), Instant::now());
        self.waiting.retain(|(_, until)| !all && now < *until);
    }

    /// The last handle is gone, and with it the last job.
    async fn end(mut self) {
        let until = Instant::now() + CLOSING;
        while !self.unwritten.is_empty() && Instant::now() < until {
            if !self.write().await {
                tokio::time::sleep(AWAY).await;
            }
        }
    }

    /// Extends this worker's leases, and takes those that others no longer extend.
    async fn beat(&self) {
        let (store, settings) = (&self.core.queue.store, &self.core.settings);
        let jobs = self.hands.full();
        let extended = match jobs.as_slice() {
            [] => Ok(()),
            jobs => {
                store
                    .extend(&settings.queue, &self.core.id, jobs, settings.lease)
                    .await
            }
        };
        if let Err(error) = extended {
            tracing::warn!(%error, "leases can't be extended; others may run the same jobs");
        }
        match store.recover(&settings.queue).await {
            Ok(0) => {}
            Ok(jobs) => {
                tracing::warn!(jobs, queue = %settings.queue, "jobs of a worker that stopped were put back");
                self.core.queue.ring();
            }
            Err(error) => tracing::warn!(%error, "jobs of workers that stopped can't be put back"),
        }
    }

    /// Lets the jobs of tenants go that were resumed, and buries those of tenants that are gone.
    async fn notice(&self) {
        let store = &self.core.queue.store;
        let parked = match store.paused().await {
            Ok(parked) => parked,
            Err(error) => {
                tracing::warn!(%error, "parked jobs can't be looked at");
                return;
            }
        };
        for text in parked {
            let done = match self.is_there(&text).await {
                Some(Presence::Open) => store.pause(None, &text, false).await,
                Some(Presence::Gone) => {
                    let error = Refusal::UnknownTenant.to_string();
                    match store.bury(&text, &error).await {
                        Ok(_) => store.pause(None, &text, false).await,
                        Err(error) => Err(error),
                    }
                }
                Some(Presence::Closed) | None => continue,
            };
            match done {
                Ok(()) => self.core.queue.ring(),
                Err(error) => tracing::warn!(%error, "parked jobs can't be let go"),
            }
        }
    }

    /// What is known of a parked tenant; `None` if that can't be known just now.
    async fn is_there(&self, text: &str) -> Option<Presence> {
        let Ok(id) = TenantId::parse(text) else {
            return Some(Presence::Gone);
        };
        match self.core.registry.lookup(&LookupKey::Id(id)).await {
            Ok(None) => Some(Presence::Gone),
            Ok(Some(tenant)) if tenant.ensure_admits(Operation::Job).is_ok() => {
                Some(Presence::Open)
            }
            Ok(Some(_)) => Some(Presence::Closed),
            Err(_) => None,
        }
    }
}

enum Presence {
    Open,
    Closed,
    Gone,
}
