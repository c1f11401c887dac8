//! `TenantCache`: values that are loaded once and kept, per tenant; in memory, or in memory in front of Redis.
//!
//! `key` is what a value is found under, `local` the memory of one tenant, `remote` what nodes share, `bus` the news between
//! them, `outdated` what news is about, `builder` the settings.

mod builder;
mod bus;
mod key;
mod local;
mod outdated;
mod remote;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tenancy_core::{TenantContext, TenantId};
use tokio::time::Instant;

pub use self::builder::{Outage, TenantCacheBuilder};
use self::bus::{Bus, Listener};
pub use self::key::CacheKey;
use self::local::{Entry, Flight, Local, Share};
use self::outdated::Outdated;
use self::remote::{Found, Permit};
use crate::redis_door::TenantRedis;
use crate::scope::context;
use crate::{Error, Result};

/// Values of one kind, loaded once and kept, for the current tenant. Cheap to clone.
///
/// Without Redis it lives in this process's memory. With [`redis`](TenantCacheBuilder::redis) all nodes share what one of
/// them loaded, memory stands in front, and an invalidation reaches every node.
///
/// - **Single flight.** Of those who want a value at the same time, one loads it; if that one is cancelled, the next does.
/// - **No old value comes back.** What began to load before an invalidation is given to those who waited, and not kept, on
///   this node or another.
/// - **A share for each tenant.** A tenant's values push out its own only. See [`per_tenant`](TenantCacheBuilder::per_tenant).
/// - **Negative answers** are kept too, for a shorter time: [`get_or_load_optional`](Self::get_or_load_optional).
///
/// # Isolation
/// The tenant is part of every place a value is kept in, and no text of a key can change that. Without a tenant, with another
/// one than the scope's, or with one that is suspended, every method refuses. A read-only tenant is served.
///
/// News travels in milliseconds, not at once: for that long another node may answer with the value of before. A node that
/// lost its connection to Redis does not believe its memory.
///
/// # Example: counted once, until something changes, and for one tenant
/// ```
/// use tenancy_cache::{CacheKey, Error, TenantCache};
/// # use std::sync::atomic::{AtomicU32, Ordering};
/// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
/// # let (acme, globex) = (open("acme")?, open("globex")?);
/// let counts = TenantCache::<u32>::builder("counts").build()?;
/// let open_leads = || CacheKey::new("open").tag("leads");
///
/// # let database = AtomicU32::new(0);
/// let load = async || Ok::<_, std::io::Error>(database.fetch_add(1, Ordering::Relaxed));
/// let (first, again) = acme.scope(async {
///     let first = counts.get_or_load(open_leads(), load).await?;
///     let again = counts.get_or_load(open_leads(), load).await?;
///     Ok::<_, Error>((first, again))
/// }).await??;
/// assert_eq!((first, again), (0, 0));
///
/// // Another tenant, the same key: another value. A write of leads outdates what depends on them, of this tenant.
/// assert_eq!(counts.for_tenant(&globex).get_or_load(open_leads(), load).await?, 1);
/// counts.for_tenant(&acme).invalidate_tag("leads").await?;
/// assert_eq!(counts.for_tenant(&acme).get_or_load(open_leads(), load).await?, 2);
/// assert_eq!(counts.for_tenant(&globex).get_or_load(open_leads(), load).await?, 1);
///
/// assert!(counts.get_or_load(open_leads(), load).await.is_err(), "of no tenant");
/// # Ok(()) }
/// ```
pub struct TenantCache<V> {
    inner: Arc<Inner<V>>,
    bound: Option<TenantContext>,
}

pub(crate) struct Inner<V> {
    tenants: moka::sync::Cache<TenantId, Arc<Local<V>>>,
    share: Share<V>,
    times: Times,
    outage: Outage,
    shared: Option<Shared<V>>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    ttl: Duration,
    negative_ttl: Duration,
    jitter: f64,
}

/// Redis, and how values get there: chosen with [`TenantCacheBuilder::redis`], where it is known that they can.
struct Shared<V> {
    bus: Bus,
    codec: builder::Codec<V>,
}

impl<V: Clone + Send + Sync + 'static> TenantCache<V> {
    /// A cache of this name: lower-case letters, digits, `-` and `_`. Caches of the same name share their values in Redis.
    pub fn builder(name: &'static str) -> TenantCacheBuilder<V> {
        TenantCacheBuilder::new(name)
    }

    /// The same cache for this tenant, outside of any scope and inside its own.
    #[must_use]
    pub fn for_tenant(&self, cx: &TenantContext) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            bound: Some(cx.clone()),
        }
    }

    /// The value of a key, loaded if it is not there.
    ///
    /// # Errors
    /// [`Error::Tenancy`] without a tenant, with the wrong one or a suspended one; [`Error::Load`] with what `load` answered,
    /// for everybody who waited; if Redis is away, as [`Outage`] says.
    pub async fn get_or_load<E>(
        &self,
        key: impl Into<CacheKey>,
        load: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<V>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let entry = self
            .entry(key.into(), async || load().await.map(Some))
            .await?;
        // Somebody else's load of the same key may have found that there is nothing.
        entry.value.clone().ok_or_else(absent)
    }

    /// The value of a key, loaded if it is not there; that there is none is kept as well.
    ///
    /// # Errors
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_optional<E>(
        &self,
        key: impl Into<CacheKey>,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Option<V>>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Ok(self.entry(key.into(), load).await?.value.clone())
    }

    /// Keeps a value that was just written, on this node and in Redis; other nodes forget theirs.
    ///
    /// # Errors
    /// As [`invalidate`](Self::invalidate).
    pub async fn put(&self, key: impl Into<CacheKey>, value: V) -> Result<()> {
        let key = key.into();
        let text = key.text();
        let cx = context(self.bound.as_ref())?;
        let keep = self.inner.keep_for(Some(&value));
        let entry = Arc::new(Entry {
            value: Some(value),
            expires: Instant::now() + keep,
            tags: key.tags().to_vec(),
        });
        let local = self.inner.local(cx.tenant_id());
        let Some(shared) = &self.inner.shared else {
            local.put(&text, entry);
            return Ok(());
        };
        // Whatever happens on the way, the value of before is not believed any more.
        let outdated = Outdated::Key(text.clone().into());
        local.drop_outdated(&outdated);
        let stored = async {
            let mut redis = self.connection(shared, &cx).await?;
            (shared.codec.put)(
                &shared.bus.remote,
                &mut redis,
                &text,
                &key,
                entry.value.as_ref(),
                keep,
            )
            .await?;
            shared.bus.announce(cx.tenant_id(), outdated.clone()).await
        };
        match stored.await {
            Ok(()) => {
                if shared.bus.is_current() {
                    local.put(&text, entry);
                }
                Ok(())
            }
            Err(_) => self.outdate(outdated).await,
        }
    }

    /// Outdates one key of the tenant, everywhere. Call it after the transaction that changed things was committed.
    ///
    /// # Errors
    /// [`Error::Tenancy`] without a tenant, with the wrong one or a suspended one. If Redis is away, as [`Outage`] says; in
    /// any case it is told once it is back, before this node reads from it again.
    pub async fn invalidate(&self, key: impl Into<CacheKey>) -> Result<()> {
        self.outdate(Outdated::Key(key.into().text().into())).await
    }

    /// Outdates every value of the tenant that has this tag, everywhere.
    ///
    /// # Errors
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_tag(&self, tag: impl fmt::Display) -> Result<()> {
        self.outdate(Outdated::Tag(key::tag_text(tag).into())).await
    }

    /// Outdates all of the tenant's values at once, everywhere.
    ///
    /// # Errors
    /// As [`invalidate`](Self::invalidate).
    pub async fn invalidate_all(&self) -> Result<()> {
        self.outdate(Outdated::All).await
    }

    async fn outdate(&self, outdated: Outdated) -> Result<()> {
        let cx = context(self.bound.as_ref())?;
        let tenant = cx.tenant_id();
        let local = self.inner.local(tenant);
        let Some(shared) = &self.inner.shared else {
            local.drop_outdated(&outdated);
            return Ok(());
        };
        // Before, so that being cancelled while Redis is told leaves nothing old here; after, for what was read meanwhile.
        local.drop_outdated(&outdated);
        let told = shared.bus.tell(tenant, outdated.clone()).await;
        local.drop_outdated(&outdated);
        match told {
            Err(error) if error.is_outage() && self.inner.outage == Outage::LoadThrough => Ok(()),
            told => told,
        }
    }

    async fn entry<E>(
        &self,
        key: CacheKey,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<Arc<Entry<V>>>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let cx = context(self.bound.as_ref())?;
        let text = key.text();
        let local = self.inner.local(cx.tenant_id());
        if self.inner.is_memory_current()
            && let Some(entry) = local.find(&text, key.tags())
        {
            return Ok(entry);
        }
        let waiting = Waiting {
            flight: local.join(&text, &key),
            local: &local,
            text: &text,
        };
        let flight = &waiting.flight;
        let entry = flight
            .cell
            .get_or_init(async || {
                let loaded = self.load(&cx, &text, &key, load).await;
                let keep = loaded.as_ref().ok().filter(|(_, may_keep)| *may_keep);
                local.land(&text, flight, keep.map(|(entry, _)| entry));
                loaded.map(|(entry, _)| entry)
            })
            .await
            .clone()?;
        // It may have taken long.
        cx.ensure_live()?;
        Ok(entry)
    }

    /// Out of Redis, or by `load`; and whether this node may keep it.
    async fn load<E>(
        &self,
        cx: &TenantContext,
        text: &str,
        key: &CacheKey,
        load: impl AsyncFnOnce() -> Result<Option<V>, E>,
    ) -> Result<(Arc<Entry<V>>, bool)>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut permit, mut is_certain) = (None, true);
        if let Some(shared) = &self.inner.shared {
            // News that arrives while we look counts against what we find.
            is_certain = shared.bus.is_current();
            match self.look(shared, cx, text, key).await {
                Ok(Some(Found::Value(value, left))) => {
                    let entry = self.inner.entry(value, key, Some(left));
                    return Ok((entry, is_certain && shared.bus.is_current()));
                }
                Ok(Some(Found::Nothing(found))) => permit = Some(found),
                Ok(None) => is_certain = false,
                Err(error) if error.is_outage() && self.inner.outage == Outage::LoadThrough => {
                    is_certain = false;
                }
                Err(error) => return Err(error),
            }
        }
        let value = load()
            .await
            .map_err(|error| Error::Load(error.into().into()))?;
        if let (Some(shared), Some(permit)) = (&self.inner.shared, permit) {
            let keep = self.inner.keep_for(value.as_ref());
            if let Err(error) = self
                .store(shared, cx, text, permit, value.as_ref(), keep)
                .await
            {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a value was loaded and could not be stored"
                );
            }
            is_certain &= shared.bus.is_current();
        }
        Ok((self.inner.entry(value, key, None), is_certain))
    }

    /// `None` while Redis has not been told everything: what lies there may be outdated by what we have not said.
    async fn look(
        &self,
        shared: &Shared<V>,
        cx: &TenantContext,
        text: &str,
        key: &CacheKey,
    ) -> Result<Option<Found<V>>> {
        if shared.bus.owes() {
            return match self.inner.outage {
                Outage::LoadThrough => Ok(None),
                Outage::Fail => Err(Error::Unreachable(Arc::new(std::io::Error::from(
                    std::io::ErrorKind::NotConnected,
                )))),
            };
        }
        let mut redis = self.connection(shared, cx).await?;
        let keep = self.inner.times.ttl.max(self.inner.times.negative_ttl);
        (shared.codec.find)(&shared.bus.remote, &mut redis, text, key, keep)
            .await
            .map(Some)
    }

    async fn store(
        &self,
        shared: &Shared<V>,
        cx: &TenantContext,
        text: &str,
        permit: Permit,
        value: Option<&V>,
        keep: Duration,
    ) -> Result<()> {
        let mut redis = self.connection(shared, cx).await?;
        (shared.codec.store)(&shared.bus.remote, &mut redis, text, permit, value, keep).await
    }

    async fn connection(&self, shared: &Shared<V>, cx: &TenantContext) -> Result<TenantRedis> {
        let redis = shared.bus.remote.pool.for_tenant(cx).get().await?;
        Ok(redis.for_cache())
    }
}

/// Takes an abandoned flight off the list.
struct Waiting<'l, V: Clone + Send + Sync + 'static> {
    flight: Arc<Flight<V>>,
    local: &'l Local<V>,
    text: &'l str,
}

impl<V: Clone + Send + Sync + 'static> Drop for Waiting<'_, V> {
    fn drop(&mut self) {
        self.local.leave(self.text, &self.flight);
    }
}

impl<V: Clone + Send + Sync + 'static> Inner<V> {
    fn local(&self, tenant: TenantId) -> Arc<Local<V>> {
        self.tenants
            .get_with(tenant, || Arc::new(Local::new(self.share)))
    }

    /// Whether what is in memory may be believed.
    fn is_memory_current(&self) -> bool {
        self.shared
            .as_ref()
            .is_none_or(|shared| shared.bus.is_current())
    }

    /// How long to keep a value: less than was said by up to the jitter, so that what was loaded together isn't loaded
    /// together again.
    fn keep_for(&self, value: Option<&V>) -> Duration {
        let Times {
            ttl,
            negative_ttl,
            jitter,
        } = self.times;
        let keep = if value.is_some() { ttl } else { negative_ttl };
        keep.mul_f64(1.0 - jitter * rand::rng().random_range(0.0..=1.0))
    }

    fn entry(&self, value: Option<V>, key: &CacheKey, left: Option<Duration>) -> Arc<Entry<V>> {
        let keep = self.keep_for(value.as_ref());
        Arc::new(Entry {
            expires: Instant::now() + left.map_or(keep, |left| keep.min(left)),
            value,
            tags: key.tags().to_vec(),
        })
    }
}

impl<V: Clone + Send + Sync + 'static> Listener for Inner<V> {
    fn bus(&self) -> Option<&Bus> {
        self.shared.as_ref().map(|shared| &shared.bus)
    }

    fn forget(&self, tenant: TenantId, outdated: &Outdated) {
        if let Some(local) = self.tenants.get(&tenant) {
            local.drop_outdated(outdated);
        }
    }

    fn forget_everything(&self) {
        for (_, local) in &self.tenants {
            local.drop_outdated(&Outdated::All);
        }
    }
}

#[cold]
fn absent() -> Error {
    Error::Config(
        "the same key was loaded as one that may be absent; use `get_or_load_optional` for it everywhere",
    )
}

impl<V> Clone for TenantCache<V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            bound: self.bound.clone(),
        }
    }
}

impl<V> fmt::Debug for TenantCache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantCache")
            .field("tenant", &self.bound.as_ref().map(TenantContext::tenant_id))
            .field("tenants", &self.inner.tenants.entry_count())
            .field("shared", &self.inner.shared.is_some())
            .finish_non_exhaustive()
    }
}
