//! Audit events: what happened to a tenant, who did it and why. Where they are kept is the sink's business.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_core::future::BoxFuture;
use serde::Serialize;

use crate::{Actor, Error, TenantId};

/// What happened, in the past tense.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    /// A tenant was set up.
    Provisioned,
    /// A tenant was opened for work.
    Activated,
    /// A tenant was closed for the time being.
    Suspended,
    /// A suspended tenant was opened again.
    Resumed,
    /// A tenant left for good.
    Offboarded,
    /// A tenant was moved to another place.
    Moved,
    /// Someone was given a permit to cross tenants.
    CrossedTenants,
    /// Two sources named different tenants, and the work was refused.
    RefusedMismatch,
    /// An authenticated user asked for a tenant that they are no member of, and was refused.
    RefusedStranger,
}

impl AuditKind {
    /// The word for it, as sinks store it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::Activated => "activated",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Offboarded => "offboarded",
            Self::Moved => "moved",
            Self::CrossedTenants => "crossed_tenants",
            Self::RefusedMismatch => "refused_mismatch",
            Self::RefusedStranger => "refused_stranger",
        }
    }
}

/// One thing that happened.
///
/// # Example
/// ```
/// use tenancy_core::{Actor, AuditEvent, AuditKind, TenantId};
///
/// let event = AuditEvent::new(AuditKind::Suspended, Actor::user("op-3"))
///     .with_tenant(TenantId::parse("7")?)
///     .with_reason("unpaid since March");
/// assert_eq!((event.kind().as_str(), event.reason()), ("suspended", Some("unpaid since March")));
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use = "an event is not recorded until a sink has it"]
pub struct AuditEvent {
    kind: AuditKind,
    tenant: Option<TenantId>,
    actor: Actor,
    permission: Option<&'static str>,
    reason: Option<Box<str>>,
    at: SystemTime,
}

impl AuditEvent {
    /// Something that `actor` did just now.
    pub fn new(kind: AuditKind, actor: Actor) -> Self {
        Self {
            kind,
            tenant: None,
            actor,
            permission: None,
            reason: None,
            at: SystemTime::now(),
        }
    }

    /// The same event, about one tenant.
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// The same event, with a reason.
    pub fn with_reason(mut self, reason: impl Into<Box<str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The same event, by virtue of a permission.
    pub fn with_permission(mut self, permission: &'static str) -> Self {
        self.permission = Some(permission);
        self
    }

    /// The same event at another time.
    pub fn with_time(mut self, at: SystemTime) -> Self {
        self.at = at;
        self
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> AuditKind {
        self.kind
    }

    /// To which tenant; `None` if to more than one, or none.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.tenant
    }

    /// Who did it.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// By virtue of which permission.
    #[must_use]
    pub fn permission(&self) -> Option<&'static str> {
        self.permission
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        self.at
    }
}

/// Keeps audit events.
///
/// `record` resolves once the event is kept for good; what it could not keep is an error, and the deed is then not done.
pub trait AuditSink: Send + Sync + Debug {
    /// Keeps an event.
    ///
    /// # Errors
    /// [`ErrorKind::Other`](crate::ErrorKind::Other) with the cause, if it could not be kept.
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), Error>>;
}

#[deny(clippy::missing_trait_methods)]
impl<S: AuditSink + ?Sized> AuditSink for Arc<S> {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), Error>> {
        (**self).record(event)
    }
}

/// A sink in the memory of this process, for tests. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct InMemoryAudit(Arc<Mutex<Vec<AuditEvent>>>);

impl InMemoryAudit {
    /// A sink without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<AuditEvent> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[deny(clippy::missing_trait_methods)]
impl AuditSink for InMemoryAudit {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), Error>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
        Box::pin(std::future::ready(Ok(())))
    }
}
