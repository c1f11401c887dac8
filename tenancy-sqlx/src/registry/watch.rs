//! Carries changes of the registry into caches: by push where the database can or somebody else does, by polling everywhere.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::{Either, select};
use tenancy_core::{
    CachedRegistry, Error as CoreError, RegistryEvent, TenantId, TenantRegistry, TenantStatus,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::SqlRegistry;
use super::row::parsed;
use super::store::Hints;
use crate::{Result, TenantDb};

/// Changes are read in pages of this size, so that an import of many tenants does not fill the memory.
const PAGE: i64 = 1000;

/// Keeps a cache up to date until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it stops"]
pub struct RegistryWatch {
    task: JoinHandle<()>,
    nudge: Arc<Notify>,
}

impl RegistryWatch {
    /// Looks for changes now instead of at the next poll: for news that came some other way, such as by Redis
    /// (`tenancy_cache::RegistryNews`) where the database's own don't get through.
    ///
    /// Nothing is taken from the news but that there is some, so it need not be believed, may come twice, and costs one
    /// statement however much of it comes at once.
    pub fn look_now(&self) {
        self.nudge.notify_one();
    }
}

impl Drop for RegistryWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<DB: TenantDb> SqlRegistry<DB> {
    /// Tells `cache` of every change of a tenant: at once where the database announces it (PostgreSQL), at the latest after
    /// `interval`.
    ///
    /// Start it before serving requests. What the cache knew before is forgotten, so that no change falls between. While the
    /// registry does not answer the cache goes on with what it has, and the outage is logged; changes made meanwhile are read
    /// as soon as it answers again.
    ///
    /// # Errors
    /// `RegistryUnavailable` if the registry can't be asked how far it is.
    ///
    /// # Example: a suspension reaches a cache
    /// ```
    /// use std::{sync::Arc, time::Duration};
    /// use tenancy_core::CachedRegistry;
    /// use tenancy_sqlx::SqlRegistry;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir().join(format!("tenancy-doc-watch-{}", std::process::id()));
    /// let registry = SqlRegistry::<sqlx::Sqlite>::new(&folder);
    /// // Without its tables there is nothing to watch.
    /// let cache = Arc::new(CachedRegistry::new(registry.clone()));
    /// assert!(registry.watch(&cache, Duration::from_secs(5)).await.is_err());
    ///
    /// registry.migrate().await?;
    /// let watch = registry.watch(&cache, Duration::from_secs(5)).await?;
    /// // .. serve ..
    /// drop(watch);
    /// # registry.close().await;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(()) }
    /// ```
    pub async fn watch<R: TenantRegistry>(
        &self,
        cache: &Arc<CachedRegistry<R>>,
        interval: Duration,
    ) -> Result<RegistryWatch> {
        let mut rows = self
            .fetch("SELECT epoch FROM tenancy.registry", vec![])
            .await?;
        let epoch = match rows.first_mut() {
            Some(row) => row.int("epoch").map_err(CoreError::from)?,
            None => 0,
        };
        cache.forget_all();
        let watcher = Watcher {
            registry: self.clone(),
            cache: Arc::downgrade(cache),
            epoch,
            interval,
            nudge: Arc::default(),
        };
        let nudge = Arc::clone(&watcher.nudge);
        #[expect(
            clippy::disallowed_methods,
            reason = "watches on behalf of all tenants, inside none"
        )]
        let task = tokio::spawn(watcher.run());
        Ok(RegistryWatch { task, nudge })
    }

    /// Changes after `epoch`, oldest first.
    async fn changes_after(&self, epoch: i64) -> Result<Vec<RegistryEvent>> {
        let mut rows = self
            .fetch(
                "SELECT id, epoch, status FROM tenancy.tenants WHERE epoch > $1 ORDER BY epoch LIMIT $2",
                vec![epoch.into(), PAGE.into()],
            )
            .await?;
        let events = rows.iter_mut().map(|row| {
            Ok(RegistryEvent {
                tenant: parsed("id", row.text("id")?, TenantId::parse)?,
                epoch: row.int("epoch")?.unsigned_abs(),
                status: parsed("status", row.text("status")?, TenantStatus::parse)?,
            })
        });
        let events: Result<_, super::RowError> = events.collect();
        Ok(events.map_err(CoreError::from)?)
    }
}

struct Watcher<DB, R> {
    registry: SqlRegistry<DB>,
    cache: Weak<CachedRegistry<R>>,
    epoch: i64,
    interval: Duration,
    nudge: Arc<Notify>,
}

impl<DB: TenantDb, R: TenantRegistry> Watcher<DB, R> {
    /// Ends when nobody holds the cache any more.
    async fn run(mut self) {
        let mut hints: Option<Box<dyn Hints>> = None;
        loop {
            if hints.is_none() {
                // Listen first and read then, or a change between the two would wait for the next poll.
                hints = match self.registry.store().hints().await {
                    Ok(hints) => hints,
                    Err(error) => {
                        tracing::warn!(%error, "the registry's announcements can't be heard; polling goes on");
                        None
                    }
                };
            }
            match self.catch_up().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "the registry can't be polled; caches keep what they know");
                }
            }
            let heard = {
                let nudged = pin!(self.nudge.notified());
                let hinted = async {
                    match &mut hints {
                        Some(hints) => hints.next().await,
                        None => std::future::pending().await,
                    }
                };
                let hinted = pin!(hinted);
                match tokio::time::timeout(self.interval, select(hinted, nudged)).await {
                    Ok(Either::Left((hint, _))) => hint,
                    Ok(Either::Right(_)) | Err(_) => Ok(()),
                }
            };
            if let Err(error) = heard {
                tracing::warn!(%error, "the registry's announcements stopped; listening again");
                hints = None;
                tokio::time::sleep(self.interval.min(Duration::from_secs(1))).await;
            }
        }
    }

    /// Applies all there is; `false` if the cache is gone.
    async fn catch_up(&mut self) -> Result<bool> {
        loop {
            let events = self.registry.changes_after(self.epoch).await?;
            let Some(cache) = self.cache.upgrade() else {
                return Ok(false);
            };
            let Some(last) = events.last() else {
                return Ok(true);
            };
            self.epoch = last.epoch.cast_signed();
            for event in events {
                cache.apply(event);
            }
        }
    }
}
