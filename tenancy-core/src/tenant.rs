//! `Tenant`: what a registry knows about one tenant. Who may work for it is decided in `status` and `context`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::liveness::{EPOCH_END, Liveness, State};
use crate::{Error, ErrorKind, Operation, Placement, TenantId, TenantSlug, TenantStatus};

/// One tenant as a registry answered it: evidence that it exists, not permission to work for it.
///
/// Everything but the status is a snapshot of one [`epoch`](Self::epoch). The status is live: all values that one
/// [`CachedRegistry`](crate::CachedRegistry) or [`InMemoryRegistry`](crate::InMemoryRegistry) hands out for a tenant
/// share what the process last learned, so a suspension is seen by everyone who holds one, at once.
/// Two values are equal if they are the same tenant at the same epoch.
///
/// # Example: a suspended tenant admits nobody but its keepers
/// ```
/// use tenancy_core::{Operation, Placement, Tenant, TenantId, TenantSlug, TenantStatus};
///
/// let id = TenantId::parse("7")?;
/// let tenant = Tenant::builder(id, TenantSlug::parse("acme")?)
///     .name("Acme Corp.")
///     .placement(Placement::schema(&id))
///     .status(TenantStatus::Suspended)
///     .epoch(3)
///     .build()?;
/// assert!(tenant.ensure_admits(Operation::Request).unwrap_err().is_suspended());
/// assert!(tenant.ensure_admits(Operation::Maintenance).is_ok());
///
/// // The place of another tenant is refused.
/// let other = TenantId::parse("8")?;
/// assert!(Tenant::builder(other, TenantSlug::parse("globex")?).placement(Placement::schema(&id)).build().is_err());
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Clone)]
// In this order: what a look-up reads comes first, and so out of memory in one piece, beside the counts of an `Arc`.
#[repr(C)]
pub struct Tenant {
    live: Arc<Liveness>,
    epoch: u64,
    /// The move counter of `live` when this snapshot was current.
    moves: u8,
    slug: TenantSlug,
    plan_at: u32,
    placement: Placement,
    /// Name and plan, one behind the other: one allocation for both, as there may be a million of these.
    texts: Box<str>,
    extras: Option<Box<Extras>>,
}

/// What most tenants have none of.
#[derive(Clone, Default)]
struct Extras {
    settings: Map<String, Value>,
    /// Sorted, each once.
    features: Box<[Box<str>]>,
}

impl Tenant {
    /// Begins a tenant, active, in shared tables on the server `main`, at epoch 0. For implementers of registries.
    pub fn builder(id: TenantId, slug: TenantSlug) -> TenantBuilder {
        TenantBuilder {
            id,
            slug,
            name: None,
            status: TenantStatus::Active,
            placement: Placement::shared(),
            plan: None,
            settings: Map::new(),
            features: Vec::new(),
            epoch: 0,
        }
    }

    /// Who it is, for ever.
    #[must_use]
    pub fn id(&self) -> TenantId {
        *self.live.id()
    }

    /// What it is called outside, as of this epoch.
    #[must_use]
    pub fn slug(&self) -> &TenantSlug {
        &self.slug
    }

    /// What people call it; the slug if nobody said.
    #[must_use]
    pub fn name(&self) -> &str {
        self.texts
            .get(..self.plan_at as usize)
            .filter(|name| !name.is_empty())
            .unwrap_or(self.slug.as_str())
    }

    /// Where it is in its life, as this process last learned.
    #[must_use]
    #[inline]
    pub fn status(&self) -> TenantStatus {
        self.live.state().status
    }

    /// Where it lives, as of this epoch.
    #[must_use]
    pub fn placement(&self) -> &Placement {
        &self.placement
    }

    /// The plan it is on, if the service has plans.
    #[must_use]
    pub fn plan(&self) -> Option<&str> {
        self.texts
            .get(self.plan_at as usize..)
            .filter(|plan| !plan.is_empty())
    }

    /// What the service keeps about it, read as a type of the service's own.
    ///
    /// The settings are a JSON object that travels with the tenant, so this asks nobody. Fields that the type does not name
    /// are passed over; give those that a tenant may lack a `#[serde(default)]`.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] if the settings don't fit the type. The message leaves their values out: services keep secrets
    /// there.
    ///
    /// # Example: a theme with a default, and settings that don't fit
    /// ```
    /// use serde::Deserialize;
    /// use tenancy_core::{Tenant, TenantId, TenantSlug};
    ///
    /// #[derive(Deserialize)]
    /// #[serde(default)]
    /// struct Look { accent: String, seats: u32 }
    ///
    /// impl Default for Look {
    ///     fn default() -> Self { Self { accent: "indigo".to_owned(), seats: 5 } }
    /// }
    ///
    /// let tenant = |settings: serde_json::Value| {
    ///     let begin = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?);
    ///     begin.settings(settings.as_object().cloned().unwrap_or_default()).build()
    /// };
    /// let acme = tenant(serde_json::json!({ "accent": "teal", "other": true }))?;
    /// let look: Look = acme.settings()?;
    /// assert_eq!((look.accent.as_str(), look.seats), ("teal", 5));
    ///
    /// let wrong = tenant(serde_json::json!({ "seats": "many" }))?;
    /// assert!(wrong.settings::<Look>().is_err());
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(self.raw_settings()).map_err(|_| {
            Error::new(
                ErrorKind::Other,
                "the settings of this tenant don't fit the type they are read as; correct them in the registry",
            )
        })
    }

    /// What the service keeps about it, as the registry stored it.
    #[must_use]
    pub fn raw_settings(&self) -> &Map<String, Value> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.extras
            .as_deref()
            .map_or(&NONE, |extras| &extras.settings)
    }

    /// Whether a feature is switched on for this tenant. One that the registry does not name is off.
    ///
    /// Ask this instead of comparing ids or plans: who has what is then data in the registry, and changes without a release.
    ///
    /// # Example
    /// ```
    /// use tenancy_core::{Tenant, TenantId, TenantSlug};
    ///
    /// let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).features(["export"]).build()?;
    /// assert!(tenant.feature("export"));
    /// assert!(!tenant.feature("forecast"));
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    #[must_use]
    pub fn feature(&self, name: &str) -> bool {
        let is_named = |extras: &Extras| {
            extras
                .features
                .binary_search_by(|feature| (**feature).cmp(name))
                .is_ok()
        };
        self.extras.as_deref().is_some_and(is_named)
    }

    /// The features that are switched on for it, in the order of their names.
    pub fn features(&self) -> impl Iterator<Item = &str> {
        let extras = self.extras.as_deref();
        extras
            .into_iter()
            .flat_map(|extras| extras.features.iter().map(|feature| &**feature))
    }

    /// The registry's counter: it grows with every change of this tenant, and never shrinks.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Refuses work that the tenant's live status does not admit.
    ///
    /// Requests, jobs and tests are admitted while it is active or read-only, maintenance always.
    ///
    /// # Errors
    /// [`ErrorKind::Suspended`] if the status refuses; [`ErrorKind::Moved`] if the tenant has moved since this
    /// snapshot, whatever the work: its placement leads to the wrong place.
    #[inline]
    pub fn ensure_admits(&self, operation: Operation) -> Result<(), Error> {
        self.live.ensure_admits(operation, self.moves)
    }

    /// Whether it may only be read just now.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.status() == TenantStatus::ReadOnly
    }

    pub(crate) fn live(&self) -> &Arc<Liveness> {
        &self.live
    }

    /// Whether what this process knows is of a newer epoch, or of another place.
    pub(crate) fn is_superseded_by(&self, state: State) -> bool {
        state.epoch > self.epoch || state.moves != self.moves
    }

    /// Makes this snapshot share `live`, which must be of the same tenant. `None` if `live` knows something newer.
    pub(crate) fn adopt(self: &mut Arc<Self>, live: &Arc<Liveness>) -> Option<()> {
        let state = live.learn(self.epoch, self.status(), Some(&self.placement))?;
        if !Arc::ptr_eq(&self.live, live) || self.moves != state.moves {
            let own = Arc::make_mut(self);
            own.live = Arc::clone(live);
            own.moves = state.moves;
        }
        Some(())
    }

    /// The same tenant one epoch later with another status.
    pub(crate) fn with_status(&self, status: TenantStatus) -> Self {
        let mut next = self.clone();
        next.epoch = self.epoch.saturating_add(1);
        next.live.learn(next.epoch, status, Some(&next.placement));
        next
    }
}

impl PartialEq for Tenant {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id() && self.epoch == other.epoch
    }
}

impl Eq for Tenant {}

impl Hash for Tenant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
        self.epoch.hash(state);
    }
}

impl fmt::Debug for Tenant {
    /// Leaves the settings out: services keep secrets there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant")
            .field("id", &self.id())
            .field("slug", &self.slug)
            .field("status", &self.status())
            .field("placement", &self.placement)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Tenant`] out of what a registry stored.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct TenantBuilder {
    id: TenantId,
    slug: TenantSlug,
    name: Option<Box<str>>,
    status: TenantStatus,
    placement: Placement,
    plan: Option<Box<str>>,
    settings: Map<String, Value>,
    features: Vec<Box<str>>,
    epoch: u64,
}

impl TenantBuilder {
    /// What people call it.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where it is in its life.
    pub fn status(mut self, status: TenantStatus) -> Self {
        self.status = status;
        self
    }

    /// Where it lives.
    pub fn placement(mut self, placement: Placement) -> Self {
        self.placement = placement;
        self
    }

    /// The plan it is on.
    pub fn plan(mut self, plan: impl Into<Box<str>>) -> Self {
        self.plan = Some(plan.into());
        self
    }

    /// What the service keeps about it.
    pub fn settings(mut self, settings: Map<String, Value>) -> Self {
        self.settings = settings;
        self
    }

    /// The features that are switched on for it; all others are off.
    pub fn features(mut self, names: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        self.features = names.into_iter().map(Into::into).collect();
        self
    }

    /// The registry's counter of changes to this tenant. It must grow with every change, the status included.
    pub fn epoch(mut self, epoch: u64) -> Self {
        self.epoch = epoch;
        self
    }

    /// The tenant.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPlacement`] if the placement has the name of another tenant's schema or database;
    /// [`ErrorKind::ApiMisuse`] if the epoch is 2^53 or more.
    pub fn build(self) -> Result<Tenant, Error> {
        let Self {
            id,
            slug,
            name,
            status,
            placement,
            plan,
            settings,
            mut features,
            epoch,
        } = self;
        features.sort_unstable();
        features.dedup();
        let has_extras = !(settings.is_empty() && features.is_empty());
        if !placement.is_for(&id) {
            return Err(Error::new(
                ErrorKind::InvalidPlacement,
                "this placement is under the name of another tenant; correct the registry before anyone works for this one",
            ));
        }
        if epoch >= EPOCH_END {
            return Err(Error::new(
                ErrorKind::ApiMisuse,
                "the epoch of a tenant is less than 2^53; count changes or take microseconds",
            ));
        }
        let (name, plan) = (name.unwrap_or_default(), plan.unwrap_or_default());
        let plan_at = u32::try_from(name.len()).map_err(|_| {
            Error::new(
                ErrorKind::ApiMisuse,
                "the name of a tenant is shorter than 4 GiB",
            )
        })?;
        Ok(Tenant {
            live: Liveness::new(id, epoch, status, Some(placement.clone())),
            moves: 0,
            epoch,
            slug,
            placement,
            texts: [name, plan].concat().into(),
            plan_at,
            extras: has_extras.then(|| {
                Box::new(Extras {
                    settings,
                    features: features.into(),
                })
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(epoch: u64, status: TenantStatus) -> Arc<Tenant> {
        let slug = TenantSlug::parse("acme").unwrap();
        Arc::new(
            Tenant::builder(TenantId::parse("7").unwrap(), slug)
                .status(status)
                .epoch(epoch)
                .build()
                .unwrap(),
        )
    }

    #[test]
    fn equality_is_tenant_and_epoch() {
        assert_eq!(
            tenant(1, TenantStatus::Active),
            tenant(1, TenantStatus::Active)
        );
        assert_ne!(
            tenant(1, TenantStatus::Active),
            tenant(2, TenantStatus::Active)
        );
    }

    #[test]
    fn news_reach_everyone_who_shares_the_liveness() {
        let old = tenant(1, TenantStatus::Active);
        let mut new = tenant(2, TenantStatus::Suspended);
        new.adopt(old.live()).unwrap();
        assert!(
            old.ensure_admits(Operation::Request)
                .unwrap_err()
                .is_suspended()
        );
        let superseded = |tenant: &Tenant| tenant.is_superseded_by(tenant.live().state());
        assert!(superseded(&old) && !superseded(&new));
        assert!(
            tenant(1, TenantStatus::Active).adopt(old.live()).is_none(),
            "older than what is known"
        );
    }

    #[test]
    fn refuses_a_foreign_place_and_an_epoch_out_of_range() {
        let check = |build: TenantBuilder, expect: Option<ErrorKind>| {
            assert_eq!(build.build().err().map(|e| e.kind()), expect);
        };
        let (seven, eight) = (TenantId::parse("7").unwrap(), TenantId::parse("8").unwrap());
        let begin = || Tenant::builder(seven, TenantSlug::parse("acme").unwrap());
        check(begin().placement(Placement::database(&seven)), None);
        check(
            begin().placement(Placement::database(&eight)),
            Some(ErrorKind::InvalidPlacement),
        );
        check(begin().epoch(EPOCH_END), Some(ErrorKind::ApiMisuse));
        check(begin().epoch(EPOCH_END - 1), None);
    }

    /// A million of them are cached in 400 MB: an allocation more, or a wide field, is a decision.
    #[test]
    fn is_small() {
        assert!(size_of::<Tenant>() <= 120, "{}", size_of::<Tenant>());
        assert!(size_of::<Liveness>() <= 72, "{}", size_of::<Liveness>());
    }

    #[test]
    fn name_and_plan_are_told_apart() {
        let check = |name: &str, plan: &str, expect: (&str, Option<&str>)| {
            let begin = Tenant::builder(
                TenantId::parse("7").unwrap(),
                TenantSlug::parse("acme").unwrap(),
            );
            let tenant = begin.name(name).plan(plan).build().unwrap();
            assert_eq!((tenant.name(), tenant.plan()), expect);
        };
        check("Acmé", "gold", ("Acmé", Some("gold")));
        check("", "gold", ("acme", Some("gold")));
        check("Acmé", "", ("Acmé", None));
        check("", "", ("acme", None));
    }

    #[test]
    fn features_are_on_only_by_name() {
        let begin = Tenant::builder(
            TenantId::parse("7").unwrap(),
            TenantSlug::parse("acme").unwrap(),
        );
        let tenant = begin.features(["b", "a", "b"]).build().unwrap();
        assert_eq!(tenant.features().collect::<Vec<_>>(), ["a", "b"]);
        let check = |name: &str, expect: bool| assert_eq!(tenant.feature(name), expect, "{name}");
        check("a", true);
        check("b", true);
        check("A", false);
        check("ab", false);
        check("", false);
        assert!(tenant.raw_settings().is_empty());
    }

    #[test]
    fn debug_keeps_settings_to_itself() {
        let mut settings = Map::new();
        settings.insert("token".into(), "secret".into());
        let tenant = Tenant::builder(
            TenantId::parse("7").unwrap(),
            TenantSlug::parse("acme").unwrap(),
        )
        .settings(settings)
        .build()
        .unwrap();
        assert!(!format!("{tenant:?}").contains("secret"));
        assert_eq!(tenant.raw_settings().len(), 1);
        let wrong = tenant.settings::<std::collections::HashMap<String, u8>>();
        let wrong = wrong.unwrap_err();
        assert!(
            !format!("{wrong:?} {wrong}").contains("secret"),
            "{wrong:?}"
        );
        assert_eq!(tenant.name(), "acme");
    }
}
