//! `Meter`: the accounts of all tenants, their limits, and counting a tenant's objects.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore};
use tenancy_core::{Tenant, TenantContext, TenantId};
use tokio::time::Instant;

use super::account::Answer;
use super::{Account, Limits, OBJECT, Reservation, Usage};
use crate::error::scrub;
use crate::{Error, Result};

/// How many accounts are kept before those of idle tenants are forgotten, to be counted again when they come back.
const ACCOUNTS: usize = 10_000;

type LimitsOf = Box<dyn Fn(&Tenant) -> Limits + Send + Sync>;

/// What tenants may store, and what they do.
pub(crate) struct Meter {
    limits: LimitsOf,
    every: Duration,
    accounts: RwLock<HashMap<TenantId, Arc<Account>>>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// A place whose objects are to be counted.
pub(crate) struct Place<'a, S> {
    pub(crate) cx: &'a TenantContext,
    pub(crate) store: &'a S,
    pub(crate) prefix: &'a Path,
}

impl Meter {
    pub(crate) fn new(limits: LimitsOf, every: Duration) -> Self {
        Self {
            limits,
            every,
            accounts: RwLock::default(),
        }
    }

    /// The account of a tenant.
    pub(crate) fn account(&self, tenant: TenantId) -> Arc<Account> {
        let known = self.accounts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.get(&tenant) {
            return Arc::clone(account);
        }
        drop(known);
        let mut accounts = self
            .accounts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= ACCOUNTS && !accounts.contains_key(&tenant) {
            // Held by nobody but the map, which nobody can read meanwhile.
            accounts.retain(|_, account| Arc::strong_count(account) > 1 || !account.is_idle());
        }
        Arc::clone(accounts.entry(tenant).or_default())
    }

    /// Room for a write; counts the tenant's objects first where the answer depends on it.
    pub(crate) async fn reserve<S: ObjectStore>(
        &self,
        place: Place<'_, S>,
        more: Usage,
    ) -> Result<Reservation> {
        let limits = (self.limits)(place.cx.tenant());
        self.ensure_fits(limits, more.bytes)?;
        let account = self.account(place.cx.tenant_id());
        let mut counted = false;
        loop {
            let seen = {
                let mut numbers = account.lock();
                match numbers.ask(more, limits, self.every) {
                    Answer::Held { counts } => {
                        drop(numbers);
                        return Ok(Reservation::new(account, more, counts));
                    }
                    Answer::Refused(error) => return Err(error),
                    // Counted just now, and others write meanwhile: enough was looked.
                    Answer::Count if counted => match numbers.refusal(more, limits) {
                        Some(error) => return Err(error),
                        None => numbers.counts,
                    },
                    Answer::Count => numbers.counts,
                }
            };
            self.count(&account, &place, seen).await?;
            counted = true;
            place.cx.ensure_live()?;
        }
    }

    /// Room for a write that replaces an object, if there is one at `whole`: asked for when there is none for both.
    pub(crate) async fn reserve_instead<S: ObjectStore>(
        &self,
        place: Place<'_, S>,
        whole: &Path,
        more: Usage,
    ) -> Result<Reservation> {
        let limits = (self.limits)(place.cx.tenant());
        let account = self.account(place.cx.tenant_id());
        let counts = account.lock().counts;
        let head = GetOptions::new().with_head(true);
        let old = match place.store.get_opts(whole, head).await {
            Ok(found) => Usage::new(found.meta.size, 1),
            Err(_) => Usage::default(),
        };
        let answer = account.lock().ask_instead(more, old, counts, limits);
        match answer {
            Answer::Held { counts } => Ok(Reservation::new(account, more, counts)),
            Answer::Refused(error) => Err(error),
            Answer::Count => Err(Error::Config("the tenant's objects were not counted")),
        }
    }

    /// Whether an object may be this large.
    pub(crate) fn ensure_object_fits(&self, tenant: &Tenant, bytes: u64) -> Result<()> {
        self.ensure_fits((self.limits)(tenant), bytes)
    }

    fn ensure_fits(&self, limits: Limits, bytes: u64) -> Result<()> {
        match limits.object_bytes {
            Some(limit) if bytes > limit => Err(Error::Quota {
                what: OBJECT,
                limit,
                needed: bytes,
            }),
            _ => Ok(()),
        }
    }

    /// What a tenant stores; counted if that is not certain.
    pub(crate) async fn usage<S: ObjectStore>(&self, place: Place<'_, S>) -> Result<Usage> {
        let account = self.account(place.cx.tenant_id());
        if let Some(usage) = account.exact(self.every) {
            return Ok(usage);
        }
        let seen = account.lock().counts;
        self.count(&account, &place, seen).await
    }

    /// Counts what a tenant stores, whatever is known.
    pub(crate) async fn recount<S: ObjectStore>(&self, place: Place<'_, S>) -> Result<Usage> {
        let account = self.account(place.cx.tenant_id());
        let seen = account.lock().counts;
        self.count(&account, &place, seen).await
    }

    /// Counts once, however many ask: whoever waited for another's count takes that one if it began after they asked.
    async fn count<S: ObjectStore>(
        &self,
        account: &Account,
        place: &Place<'_, S>,
        seen: u64,
    ) -> Result<Usage> {
        let _turn = account.counting.lock().await;
        // One count may have been under way when they asked; the one after it began later.
        if account.lock().counts > seen + 1
            && let Some(usage) = account.exact(self.every)
        {
            return Ok(usage);
        }
        let before = account.lock().before_count();
        let found = count(place.store, place.prefix).await?;
        account.lock().counted(found, before);
        Ok(found)
    }

    /// An upload that was granted has arrived.
    pub(crate) fn redeem(&self, tenant: TenantId, path: &Path, bytes: u64) {
        self.account(tenant)
            .lock()
            .redeem(path, Usage::new(bytes, 1));
    }

    /// An object has come into being that nothing was held for.
    pub(crate) fn add(&self, tenant: TenantId, bytes: u64) {
        self.account(tenant).lock().add(Usage::new(bytes, 1));
    }

    /// Room that an address keeps until it expires.
    pub(crate) fn grant(&self, reservation: Reservation, path: Path, lasts: Duration) {
        reservation.grant(path, Instant::now() + lasts);
    }
}

/// Lists and adds up what is below a prefix.
pub(crate) async fn count<S: ObjectStore>(store: &S, prefix: &Path) -> Result<Usage> {
    let add = |sum: Usage, meta: ObjectMeta| async move { Ok(sum.plus(Usage::new(meta.size, 1))) };
    store
        .list(Some(prefix))
        .try_fold(Usage::default(), add)
        .await
        .map_err(|error| scrub(error, "").into())
}
