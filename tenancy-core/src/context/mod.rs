//! `TenantContext`: who works, for which tenant, at what. Scopes, streams and tasks that carry it are in the files beside.
//!
//! `ambient` holds the current one for a thread while something is polled; nothing outside this folder touches it.

mod ambient;
mod in_tenant;
mod join_set;
mod scope;
mod spawn;
mod stream;
mod while_live;

use std::fmt;
use std::sync::Arc;

pub use in_tenant::{InTenant, StreamInTenant};
pub use join_set::TenantJoinSet;
pub use scope::Scoped;
pub use spawn::{spawn, spawn_blocking};
pub use stream::ScopedStream;
pub use while_live::{Ended, WhileLive};

use crate::{Actor, Error, ErrorKind, Operation, Tenant, TenantId};

/// Who works, for which tenant, at what kind of work: the proof that every door asks for.
///
/// It is made once, at the boundary, by a constructor named for its purpose, and never changed or resolved again further
/// in. Cheap to clone. It is neither `Default` nor `Deserialize`: there is no tenant to fall back on, and what leaves the
/// process goes in an [`Envelope`](crate::Envelope), which asks the registry again when it is opened.
///
/// Holding one does not open doors for ever: each door calls [`ensure_live`](Self::ensure_live), so a suspension bites work
/// that is already under way.
///
/// # Isolation
/// The same in shared tables, schemas and databases: where the tenant lives is in its
/// [`Placement`](crate::Placement), and code that holds a context need not ask.
///
/// # Example: set once, read anywhere below, refused outside
/// ```
/// use std::sync::Arc;
/// use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?;
/// let cx = TenantContext::for_request(Arc::new(tenant), Actor::user("u-1"))?;
///
/// let seen = cx.scope(async { TenantContext::current().map(|cx| cx.tenant_id()) }).await??;
/// assert_eq!(seen.to_string(), "7");
///
/// assert!(TenantContext::current().unwrap_err().is_no_tenant());
/// # Ok::<(), tenancy_core::Error>(())
/// # }).unwrap();
/// ```
///
/// # Example: misuse that does not compile
/// ```compile_fail,E0277
/// fn fall_back<T: Default>() -> T { T::default() }
/// let cx: tenancy_core::TenantContext = fall_back();
/// ```
/// ```compile_fail,E0277
/// fn from_outside<T: serde::de::DeserializeOwned>(json: &str) -> T { serde_json::from_str(json).unwrap() }
/// let cx: tenancy_core::TenantContext = from_outside("{}");
/// ```
#[derive(Clone)]
pub struct TenantContext(Work);

#[derive(Clone)]
enum Work {
    /// The request of nobody we know: most are, at the edge, where a context is to cost no allocation.
    Anonymous(Arc<Tenant>),
    Described(Arc<Description>),
}

struct Description {
    tenant: Arc<Tenant>,
    actor: Actor,
    operation: Operation,
    reason: Option<Box<str>>,
}

static ANONYMOUS: Actor = Actor::anonymous();

impl TenantContext {
    /// For a request from outside, after the registry answered who it is for.
    ///
    /// # Errors
    /// [`ErrorKind::Suspended`] if the tenant is neither active nor read-only; [`ErrorKind::Moved`] if `tenant` is a
    /// snapshot from before it moved.
    #[inline]
    pub fn for_request(tenant: Arc<Tenant>, actor: Actor) -> Result<Self, Error> {
        Self::admitted(tenant, actor, Operation::Request, None)
    }

    /// For work out of an envelope. Only opening one gets here.
    pub(crate) fn for_job(tenant: Arc<Tenant>, actor: Actor) -> Result<Self, Error> {
        Self::admitted(tenant, actor, Operation::Job, None)
    }

    /// For the work of the people who run the service, on one tenant of any status. It is logged with its reason.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] if nobody we know asks, or the reason is shorter than 8 characters;
    /// [`ErrorKind::Moved`] if `tenant` is a snapshot from before it moved.
    ///
    /// # Example: a suspended tenant can still be exported, with a reason
    /// ```
    /// use std::sync::Arc;
    /// use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
    ///
    /// let suspended = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).status(TenantStatus::Suspended);
    /// let tenant = Arc::new(suspended.build()?);
    /// assert!(TenantContext::for_request(tenant.clone(), Actor::user("u-1")).unwrap_err().is_suspended());
    ///
    /// let operator = Actor::user("op-3");
    /// assert!(TenantContext::for_maintenance(tenant.clone(), operator.clone(), "export for ticket 4711").is_ok());
    /// assert!(TenantContext::for_maintenance(tenant.clone(), operator, " ").is_err());
    /// assert!(TenantContext::for_maintenance(tenant, Actor::anonymous(), "export for ticket 4711").is_err());
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    pub fn for_maintenance(tenant: Arc<Tenant>, actor: Actor, reason: &str) -> Result<Self, Error> {
        ensure_accountable(&actor, reason).map_err(|why| {
            Error::new(
                ErrorKind::Forbidden,
                format!("maintenance was refused: {why}"),
            )
        })?;
        let cx = Self::admitted(
            tenant,
            actor,
            Operation::Maintenance,
            Some(reason.trim().into()),
        )?;
        tracing::info!(tenant = %cx.tenant_id(), actor = %cx.actor(), reason = reason.trim(), "maintenance began");
        Ok(cx)
    }

    /// For a test. Unlike every other constructor it does not ask whether the tenant is open for work; the doors still do.
    #[cfg(any(feature = "testing", test))]
    #[must_use]
    pub fn for_test(tenant: Arc<Tenant>) -> Self {
        Self(Work::Described(Arc::new(Description {
            tenant,
            actor: Actor::system("test"),
            operation: Operation::Test,
            reason: None,
        })))
    }

    #[inline]
    fn admitted(
        tenant: Arc<Tenant>,
        actor: Actor,
        operation: Operation,
        reason: Option<Box<str>>,
    ) -> Result<Self, Error> {
        tenant.ensure_admits(operation)?;
        if actor.is_anonymous() && operation == Operation::Request && reason.is_none() {
            return Ok(Self(Work::Anonymous(tenant)));
        }
        Ok(Self(Work::Described(Arc::new(Description {
            tenant,
            actor,
            operation,
            reason,
        }))))
    }

    /// The context of the scope this runs in.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`] outside every scope: also in a task started by bare `tokio::spawn`, which loses it.
    pub fn current() -> Result<Self, Error> {
        ambient::with(Clone::clone)
    }

    /// Reads the context of the scope this runs in, without allocating or counting a reference.
    ///
    /// `f` reads and returns: entering a scope in it is refused, and so is driving a runtime that would.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`] outside every scope.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
    /// # let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?;
    /// # let cx = TenantContext::for_request(Arc::new(tenant), Actor::user("u-1"))?;
    /// let id = cx.sync_scope(|| TenantContext::with_current(TenantContext::tenant_id))??;
    /// assert_eq!(id, cx.tenant_id());
    /// assert!(TenantContext::with_current(|_| ()).unwrap_err().is_no_tenant());
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    #[inline]
    pub fn with_current<R>(f: impl FnOnce(&Self) -> R) -> Result<R, Error> {
        ambient::with(f)
    }

    /// The tenant.
    #[must_use]
    #[inline]
    pub fn tenant(&self) -> &Arc<Tenant> {
        match &self.0 {
            Work::Anonymous(tenant) => tenant,
            Work::Described(work) => &work.tenant,
        }
    }

    /// The tenant's id.
    #[must_use]
    #[inline]
    pub fn tenant_id(&self) -> TenantId {
        self.tenant().id()
    }

    /// Who works.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        match &self.0 {
            Work::Anonymous(_) => &ANONYMOUS,
            Work::Described(work) => &work.actor,
        }
    }

    /// What kind of work it is.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match &self.0 {
            Work::Anonymous(_) => Operation::Request,
            Work::Described(work) => work.operation,
        }
    }

    /// Why, if it is maintenance.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.0 {
            Work::Anonymous(_) => None,
            Work::Described(work) => work.reason.as_deref(),
        }
    }

    /// Refuses if the tenant no longer admits this work. Every door calls it; it is one atomic load.
    ///
    /// # Errors
    /// [`ErrorKind::Suspended`] once this process has learned of a status that refuses; [`ErrorKind::Moved`] once it has
    /// learned that the tenant lives elsewhere, because this context still leads to the old place.
    #[inline]
    pub fn ensure_live(&self) -> Result<(), Error> {
        self.tenant().ensure_admits(self.operation())
    }

    /// Refuses to write for a tenant that may only be read just now. Doors that write call it.
    ///
    /// An operator's work is admitted: whoever moves or mends a tenant has made it read-only for everybody else.
    ///
    /// # Errors
    /// [`ErrorKind::ReadOnly`].
    pub fn ensure_writable(&self) -> Result<(), Error> {
        if self.tenant().is_read_only() && self.operation() != Operation::Maintenance {
            return Err(Error::new(
                ErrorKind::ReadOnly,
                "the tenant is read-only just now; reads go on",
            ));
        }
        Ok(())
    }

    /// Refuses if this is called inside the scope of another tenant. Handles that keep a context call it at each use; outside
    /// every scope the handle itself is the proof.
    ///
    /// # Errors
    /// [`ErrorKind::WrongTenant`].
    #[inline]
    pub fn ensure_not_elsewhere(&self) -> Result<(), Error> {
        match Self::with_current(|current| self.is_of_the_tenant_of(current)) {
            Ok(false) => Err(Error::new(
                ErrorKind::WrongTenant,
                "this handle is of another tenant than the scope it is used in; use the handle of this scope",
            )),
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Nearly always the two are one, which shows without a look at the tenants' ids.
    #[inline]
    pub(crate) fn is_of_the_tenant_of(&self, other: &Self) -> bool {
        let is_one = match (&self.0, &other.0) {
            (Work::Anonymous(own), Work::Anonymous(others)) => Arc::ptr_eq(own, others),
            (Work::Described(own), Work::Described(others)) => Arc::ptr_eq(own, others),
            _ => false,
        };
        is_one || self.tenant_id() == other.tenant_id()
    }

    /// Runs a future as this context's work: whatever it polls sees this tenant, and nothing else does.
    ///
    /// Checked at every poll, and in force while the future is dropped, so a cancelled future cleans up as its own
    /// tenant. What was current before is restored when a poll returns, panics, or the future is dropped.
    ///
    /// # Errors
    /// The future resolves to [`ErrorKind::WrongTenant`] if it is polled inside another tenant's scope; the work is then
    /// not touched. Inside a scope of the same tenant it runs, as this context.
    ///
    /// # Example: another tenant's work is refused inside a scope
    /// ```
    /// # use std::sync::Arc;
    /// # use tenancy_core::{Actor, Error, Tenant, TenantContext, TenantId, TenantSlug};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("u"));
    /// let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
    /// let refused = acme.scope(async { globex.scope(async { "never runs" }).await }).await?;
    /// assert!(refused.unwrap_err().is_wrong_tenant());
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(self.clone(), future)
    }

    /// As [`scope`](Self::scope), for a future that is made of `input` inside the scope too: `make` may read the context
    /// already, as the `call` of a service does with its request.
    ///
    /// # Errors
    /// [`ErrorKind::WrongTenant`] inside another tenant's scope, [`ErrorKind::ApiMisuse`] inside the closure of
    /// [`with_current`](Self::with_current); `make` is then not called.
    ///
    /// # Example
    /// ```
    /// # use std::{future::ready, sync::Arc};
    /// # use tenancy_core::{Actor, Error, Tenant, TenantContext, TenantId, TenantSlug};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("u"));
    /// let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
    /// let made = acme.clone().begin("for", |word| ready(TenantContext::current().map(|cx| format!("{word} {}", cx.tenant_id()))))?;
    /// assert_eq!(made.await??, "for 1");
    ///
    /// let refused = acme.scope(async { globex.begin((), ready).err() }).await?;
    /// assert!(refused.is_some_and(|error| error.is_wrong_tenant()));
    /// # Ok::<(), Error>(())
    /// # }).unwrap();
    /// ```
    #[inline]
    pub fn begin<A, F: Future>(
        self,
        input: A,
        make: impl FnOnce(A) -> F,
    ) -> Result<Scoped<F>, Error> {
        Scoped::begin(self, input, make)
    }

    /// Runs a future as this context's work for as long as the tenant admits it, and drops it the moment it does not.
    ///
    /// For what may wait long between two doors: a WebSocket, a subscription, a worker of jobs. A suspension wakes it, so it
    /// ends even while nothing happens; what it holds is dropped inside the scope, as by any cancellation.
    ///
    /// # Errors
    /// The future resolves to [`ErrorKind::Suspended`] once this process has learned of a status that refuses, to
    /// [`ErrorKind::Moved`] once it has learned that the tenant lives elsewhere, and to [`ErrorKind::WrongTenant`] as
    /// [`scope`](Self::scope) does.
    ///
    /// # Example: a connection that would wait for ever
    /// ```
    /// use std::future::pending;
    /// use tenancy_core::{Actor, InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (id, acme) = (TenantId::parse("7")?, TenantSlug::parse("acme")?);
    /// let registry = InMemoryRegistry::new();
    /// registry.insert(Tenant::builder(id, acme).build()?)?;
    /// let cx = TenantContext::for_request(registry.by_slug(&acme).await?, Actor::user("u-1"))?;
    ///
    /// assert_eq!(cx.while_live(async { "an answer" }).await?, "an answer");
    ///
    /// let socket = tokio::spawn(cx.while_live(pending::<()>()));
    /// registry.set_status(&id, TenantStatus::Suspended)?;
    /// assert!(socket.await.unwrap().unwrap_err().is_suspended());
    /// # Ok::<(), tenancy_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn while_live<F: Future>(&self, future: F) -> WhileLive<F> {
        WhileLive::new(self.scope(future), self.ended())
    }

    /// Resolves when the tenant no longer admits this work, with the reason. Never, if that never happens.
    ///
    /// Wait for it beside something else; [`while_live`](Self::while_live) does that for one future.
    pub fn ended(&self) -> Ended {
        Ended::new(self.clone())
    }

    /// Runs a function as this context's work.
    ///
    /// # Errors
    /// [`ErrorKind::WrongTenant`] inside another tenant's scope, [`ErrorKind::ApiMisuse`] inside the closure of
    /// [`with_current`](Self::with_current); `f` is then not called.
    pub fn sync_scope<R>(&self, f: impl FnOnce() -> R) -> Result<R, Error> {
        let mut place = Some(self.clone());
        let _entered = ambient::enter(&mut place)?;
        Ok(f())
    }

    /// As [`sync_scope`](Self::sync_scope), for a wrapper that enters again and again, such as a body that is polled: the
    /// context is lent out of its place and put back, also by a panic, and no reference is counted. Meanwhile the place holds
    /// what was current before.
    ///
    /// # Errors
    /// As `sync_scope`, and [`ErrorKind::NoTenant`] if the place is empty; `f` is then not called.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// # use tenancy_core::{Actor, Error, Tenant, TenantContext, TenantId, TenantSlug};
    /// # let tenant = Tenant::builder(TenantId::parse("1")?, TenantSlug::parse("acme")?).build()?;
    /// let mut place = Some(TenantContext::for_request(Arc::new(tenant), Actor::user("u"))?);
    /// for _ in 0..2 {
    ///     let id = TenantContext::sync_scope_from(&mut place, || TenantContext::current().map(|cx| cx.tenant_id()))??;
    ///     assert_eq!(id.to_string(), "1");
    /// }
    /// assert!(TenantContext::sync_scope_from(&mut None, || ()).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn sync_scope_from<R>(place: &mut Option<Self>, f: impl FnOnce() -> R) -> Result<R, Error> {
        if place.is_none() {
            return Err(Error::no_tenant());
        }
        let _entered = ambient::enter(place)?;
        Ok(f())
    }
}

impl fmt::Debug for TenantContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantContext")
            .field("tenant", &self.tenant_id())
            .field("actor", self.actor())
            .field("operation", &self.operation())
            .finish_non_exhaustive()
    }
}

/// Work that leaves the ordinary path has a name and a reason. Says what is missing.
pub(crate) fn ensure_accountable(actor: &Actor, reason: &str) -> Result<(), &'static str> {
    if actor.is_anonymous() {
        return Err("nobody we know asked for it; name the actor");
    }
    if reason.trim().chars().count() < 8 {
        return Err("give a reason of at least 8 characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
