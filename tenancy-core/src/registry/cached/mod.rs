//! `CachedRegistry`: a registry in front of a slower one, that forgets at the right moment.
//!
//! - `store` keeps answers: by id, by slug, by domain and by API key, and what is known to be absent; `index` is its table
//!   of tenants, made for few cache misses.
//! - `watch` keeps one `Liveness` for each tenant that anybody in the process still holds, cached or not.
//! - `clock` tells when an answer expires, without waiting for the processor.
//! - `flight` lets one caller ask for all who miss the same key.
//! - `builder` holds the settings.
//!
//! Why nothing stale survives: an answer is in force only while its epoch is the newest its `Liveness` knows. An event
//! raises that epoch in one place, and so drops the answers under every key at once, whenever and wherever they were
//! stored, without finding them. A load that began earlier meets the same epoch when it comes back.

mod builder;
mod clock;
mod flight;
mod index;
mod store;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

pub use builder::CachedRegistryBuilder;
use futures_core::future::BoxFuture;

use self::flight::{Flight, Flights};
use self::store::{Found, Store};
use self::watch::Watch;
use super::{Known, LookupKey, Resolved, TenantRegistry};
use crate::{Error, ErrorKind, Tenant, TenantId, TenantStatus};

/// How often a load is repeated because something newer was announced while it ran.
const ATTEMPTS: usize = 3;

type Answer = Result<Option<Arc<Tenant>>, Error>;

/// News about one tenant, as a registry pushes it: something about it changed, and this is its epoch and status now.
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever passes news on must pass on all of it"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryEvent {
    /// Whom it is about.
    pub tenant: TenantId,
    /// The epoch the tenant has now.
    pub epoch: u64,
    /// The status it has now.
    pub status: TenantStatus,
}

/// A registry that remembers the answers of another.
///
/// - **An answer is asked for once.** Callers who miss the same key at the same time wait for one look-up. If the one who
///   asks is cancelled, the next in line asks.
/// - **Absence is remembered too**, for a shorter time, and until the next event about anybody: it may have created what
///   was absent.
/// - **News bites at once.** [`apply`](Self::apply) drops the answers under all keys of a tenant together, and every context
///   made from any of them sees the new status at its next door. An answer that was on its way meanwhile is not kept, and
///   is asked for again before anyone gets it.
/// - **What ends by itself ends here too**: an API key that is over at some time is served to that time and not beyond, by
///   the clock of this machine.
/// - **An outage is an error**, given to all who wait and not remembered. It never becomes "no such tenant". What is in
///   the cache and has not expired is still served while the registry is down.
/// - **Work under way goes on** when a tenant changes, unless its status refuses, or it has moved: a
///   [`TenantContext`](crate::TenantContext) of before leads to the old place, so it is refused with
///   [`ErrorKind::Moved`] as soon as the new place is learned, which is at the first look-up after the event.
///
/// Epochs must only grow; a registry restored from an older backup has to raise them, or restart the service.
/// Share it in an [`Arc`], which is a registry as well.
///
/// # Example: a suspension pushed by the registry
/// ```
/// use std::sync::Arc;
/// use tenancy_core::{
///     Actor, CachedRegistry, InMemoryRegistry, RegistryEvent, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug,
///     TenantStatus,
/// };
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (id, acme) = (TenantId::parse("7")?, TenantSlug::parse("acme")?);
/// let inner = InMemoryRegistry::new();
/// inner.insert(Tenant::builder(id, acme).epoch(1).build()?)?;
/// let registry = Arc::new(CachedRegistry::builder(inner).capacity(50_000).build());
///
/// let cx = TenantContext::for_request(registry.by_slug(&acme).await?, Actor::user("u-1"))?;
/// assert!(cx.ensure_live().is_ok());
///
/// registry.apply(RegistryEvent { tenant: id, epoch: 2, status: TenantStatus::Suspended });
/// assert!(cx.ensure_live().unwrap_err().is_suspended());
/// assert!(registry.by_slug(&TenantSlug::parse("globex")?).await.unwrap_err().is_unknown_tenant());
/// # Ok::<(), tenancy_core::Error>(())
/// # }).unwrap();
/// ```
pub struct CachedRegistry<R> {
    inner: R,
    store: Store,
    watch: Watch,
    flights: Flights,
}

impl<R: TenantRegistry> CachedRegistry<R> {
    /// A cache with the default settings in front of `inner`.
    #[must_use]
    pub fn new(inner: R) -> Self {
        Self::builder(inner).build()
    }

    /// Begins a cache in front of `inner`.
    pub fn builder(inner: R) -> CachedRegistryBuilder<R> {
        CachedRegistryBuilder::new(inner)
    }

    /// The registry behind the cache.
    #[must_use]
    pub fn inner(&self) -> &R {
        &self.inner
    }

    /// Takes in news. What is older than what is known changes nothing, so news may come twice, late or out of order.
    pub fn apply(&self, event: RegistryEvent) {
        self.flights.announce(|| self.watch.learn(event));
    }

    /// Forgets every answer, for when news may have been missed. Contexts under way go on as they are until the next
    /// look-up of their tenant finds something newer.
    pub fn forget_all(&self) {
        self.flights.announce_everything();
        self.store.clear();
    }

    async fn load(&self, key: &LookupKey) -> Answer {
        let ticket = self.flights.join(key);
        let mut turn = ticket.flight().turn().await;
        if let Some(answer) = &*turn {
            return answer.clone();
        }
        // Nobody has asked, or whoever did was cancelled.
        let answer = self.ask(key, ticket.flight()).await;
        *turn = Some(answer.clone());
        ticket.land();
        answer
    }

    async fn ask(&self, key: &LookupKey, flight: &Flight) -> Answer {
        let mut answer = Ok(None);
        for _ in 0..ATTEMPTS {
            let began = self.flights.begin(flight);
            match self.inner.lookup_until(key).await.map_err(unavailable)? {
                Some(Resolved { mut tenant, until }) => {
                    ensure_answers(key, &tenant)?;
                    if self.watch.adopt(&mut tenant) {
                        self.store.keep(key, &tenant, until, &began);
                        return Ok(Some(tenant));
                    }
                    answer = Err(outdated());
                }
                None => {
                    self.store.keep_absent(key, &began);
                    if self.flights.is_now(&began) {
                        return Ok(None);
                    }
                    // What was announced meanwhile may be the very tenant; if it goes on and on, absent it is.
                    answer = Ok(None);
                }
            }
        }
        answer
    }
}

impl<R: TenantRegistry> TenantRegistry for CachedRegistry<R> {
    fn lookup<'a>(&'a self, key: &'a LookupKey) -> BoxFuture<'a, Answer> {
        match self.store.find(key, self.flights.now()) {
            Found::Tenant(tenant) => Box::pin(std::future::ready(Ok(Some(tenant)))),
            Found::Absent => Box::pin(std::future::ready(Ok(None))),
            Found::Nothing => Box::pin(self.load(key)),
        }
    }

    /// Another cache in front of this one keeps no API keys: when they end is not remembered here.
    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, Error>> {
        let until = matches!(key, LookupKey::ApiKey(_)).then(SystemTime::now);
        Box::pin(async move {
            let tenant = self.lookup(key).await?;
            Ok(tenant.map(|tenant| Resolved { tenant, until }))
        })
    }

    fn peek(&self, key: &LookupKey) -> Known {
        match self.store.find(key, self.flights.now()) {
            Found::Tenant(tenant) => Known::Tenant(tenant),
            Found::Absent => Known::Absent,
            Found::Nothing => Known::Unsure,
        }
    }

    /// Unsure of absent ones, which are kept by their slugs.
    fn peek_slug(&self, label: &[u8]) -> Known {
        let found = self.store.find_slug(label);
        found.map_or(Known::Unsure, Known::Tenant)
    }
}

/// Whatever kept the registry from answering, it is not an answer.
fn unavailable(error: Error) -> Error {
    if error.is_registry_unavailable() {
        return error;
    }
    Error::new(
        ErrorKind::RegistryUnavailable,
        "the registry could not answer; try again later",
    )
    .with_source(error)
}

fn outdated() -> Error {
    Error::new(
        ErrorKind::RegistryUnavailable,
        "the registry answers an older state than it announced; read from its primary, or try again later",
    )
}

/// A registry that mixes up its rows must not have them cached under another tenant's key.
fn ensure_answers(key: &LookupKey, tenant: &Tenant) -> Result<(), Error> {
    let right = match key {
        LookupKey::Id(id) => *id == tenant.id(),
        LookupKey::Slug(slug) => slug == tenant.slug(),
        LookupKey::Domain(_) | LookupKey::ApiKey(_) => true,
    };
    if right {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::WrongTenant,
        "the registry answered with another tenant than it was asked for; correct its `lookup`",
    ))
}

impl<R: fmt::Debug> fmt::Debug for CachedRegistry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedRegistry")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
