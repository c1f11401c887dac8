//! News between nodes: one channel, one task that listens, and what Redis could not be told while it was away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use deadpool_redis::redis::{Msg, cmd, pipe};
use futures_util::StreamExt;
use tenancy_core::TenantId;

use super::outdated::{News, Outdated, Unsent};
use super::remote::Remote;
use crate::{Error, Result};

/// How long to wait before the next attempt, and how often a silent connection is asked for a sign of life.
const PAUSE: Duration = Duration::from_millis(200);
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// Who has to forget what the news is about.
pub(super) trait Listener: Send + Sync + 'static {
    fn bus(&self) -> Option<&Bus>;
    fn forget(&self, tenant: TenantId, outdated: &Outdated);
    /// News may have been missed.
    fn forget_everything(&self);
}

/// One node's end of the channel.
#[derive(Debug)]
pub(super) struct Bus {
    pub(super) remote: Remote,
    is_listening: AtomicBool,
    unsent: Mutex<Unsent>,
}

impl Bus {
    pub(super) fn new(remote: Remote) -> Self {
        Self {
            remote,
            is_listening: AtomicBool::new(false),
            unsent: Mutex::default(),
        }
    }

    /// Whether news arrives, so that what is in memory may be believed, and Redis has been told all we know.
    pub(super) fn is_current(&self) -> bool {
        self.is_listening.load(Ordering::Acquire)
    }

    /// Whether something is left unsaid.
    pub(super) fn owes(&self) -> bool {
        !self.unsent().is_empty()
    }

    /// Tells Redis and the other nodes. What can't be said now is said when Redis is back, before anything is read from it.
    pub(super) async fn tell(&self, tenant: TenantId, outdated: Outdated) -> Result<()> {
        let guard = Promise {
            bus: self,
            tenant,
            outdated: Some(outdated.clone()),
        };
        self.say(tenant, &outdated).await?;
        guard.kept();
        Ok(())
    }

    /// As [`tell`](Self::tell), for a value that was stored already: only the other nodes' memory is outdated.
    pub(super) async fn announce(&self, tenant: TenantId, outdated: Outdated) -> Result<()> {
        let mut connection = self.remote.pool.shared_connection().await?;
        let news = self.news(tenant, outdated)?;
        let mut publish = cmd("PUBLISH");
        publish.arg(self.remote.channel()).arg(news);
        Ok(publish.exec_async(&mut connection).await?)
    }

    /// On the service's own connection: it also says what an operator or a request of before wanted said.
    async fn say(&self, tenant: TenantId, outdated: &Outdated) -> Result<()> {
        let doomed = self
            .remote
            .pool
            .prefix_of(tenant)
            .on(&self.remote.doomed(outdated));
        let news = self.news(tenant, outdated.clone())?;
        let mut connection = self.remote.pool.shared_connection().await?;
        let mut say = pipe();
        say.cmd("UNLINK").arg(doomed).ignore();
        say.cmd("PUBLISH")
            .arg(self.remote.channel())
            .arg(news)
            .ignore();
        Ok(say.exec_async(&mut connection).await?)
    }

    fn news(&self, tenant: TenantId, outdated: Outdated) -> Result<Vec<u8>> {
        let news = News {
            node: self.remote.node,
            tenant,
            outdated,
        };
        serde_json::to_vec(&news).map_err(|error| Error::Encode(error.into()))
    }

    fn unsent(&self) -> MutexGuard<'_, Unsent> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what was left unsaid.
    async fn catch_up(&self) -> Result<()> {
        loop {
            let Some((tenant, outdated)) = self.unsent().some() else {
                return Ok(());
            };
            self.say(tenant, &outdated).await?;
            self.unsent().sent(tenant, &outdated);
        }
    }

    fn heard(&self, listener: &dyn Listener, message: &Msg) {
        match serde_json::from_slice::<News>(message.get_payload_bytes()) {
            Ok(news) if news.node == self.remote.node => {}
            Ok(news) => listener.forget(news.tenant, &news.outdated),
            // From a program of another version, or from nobody we know: then everything may be outdated.
            Err(_) => listener.forget_everything(),
        }
    }
}

/// News that is noted as unsent if whoever sends it fails or is cancelled.
struct Promise<'b> {
    bus: &'b Bus,
    tenant: TenantId,
    outdated: Option<Outdated>,
}

impl Promise<'_> {
    fn kept(mut self) {
        self.outdated = None;
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if let Some(outdated) = self.outdated.take() {
            self.bus.unsent().add(self.tenant, outdated);
            // Until it is said, what others stored is not believed here; the listener says it.
            self.bus.is_listening.store(false, Ordering::Release);
        }
    }
}

/// Listens for as long as somebody holds the cache.
pub(super) fn listen(listener: Weak<dyn Listener>) {
    #[expect(
        clippy::disallowed_methods,
        reason = "hears news of all tenants and touches what it is told to; no tenant's work"
    )]
    let task = tokio::spawn(async move {
        while listener.strong_count() > 0 {
            if let Err(error) = session(&listener).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "no news from redis"
                );
            }
            if let Some(listener) = listener.upgrade() {
                if let Some(bus) = listener.bus() {
                    bus.is_listening.store(false, Ordering::Release);
                }
                listener.forget_everything();
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    drop(task);
}

/// From subscribing to the end of the connection, or until something was left unsaid.
async fn session(weak: &Weak<dyn Listener>) -> Result<()> {
    let subscription = {
        let Some(listener) = weak.upgrade() else {
            return Ok(());
        };
        let Some(bus) = listener.bus() else {
            return Ok(());
        };
        let subscribe = async {
            let client = bus.remote.pool.service_client();
            let mut subscription = client.get_async_pubsub().await?;
            subscription.subscribe(bus.remote.channel()).await?;
            Ok::<_, Error>(subscription)
        };
        let subscription = patiently(subscribe).await?;
        // In this order: from here on no news is missed, what was missed is forgotten, what we owe is said.
        listener.forget_everything();
        patiently(bus.catch_up()).await?;
        bus.is_listening.store(true, Ordering::Release);
        // Somebody may have failed in between; they have noted it before they said so.
        if bus.owes() {
            return Ok(());
        }
        subscription
    };
    let (mut sink, mut stream) = subscription.split();
    loop {
        let next = tokio::time::timeout(SIGN_OF_LIFE, stream.next()).await;
        let Some(listener) = weak.upgrade() else {
            return Ok(());
        };
        let Some(bus) = listener.bus() else {
            return Ok(());
        };
        if !bus.is_current() {
            return Ok(());
        }
        match next {
            Ok(Some(message)) => bus.heard(&*listener, &message),
            Ok(None) => return Ok(()),
            Err(_) => {
                patiently(async { Ok(sink.ping::<String>().await.map(drop)?) }).await?;
            }
        }
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(elapsed) => Err(Error::Unreachable(Arc::new(elapsed))),
    }
}
