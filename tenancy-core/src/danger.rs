//! The one door between tenants. A reviewer can find every use of it by searching for `danger`.

use crate::context::ensure_accountable;
use crate::{Actor, AuditEvent, AuditKind, AuditSink, Error, ErrorKind, TenantContext};

/// The name of a permission that the service found `actor` to have.
///
/// The service decides who has it; this only names it, for the audit event. A name is `&'static str`, so it comes out of
/// the program and never out of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission(&'static str);

impl Permission {
    /// Says that the service has checked this permission and found it granted.
    #[must_use]
    pub const fn granted(name: &'static str) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0
    }
}

/// A permit to work across tenants: the only one there is.
///
/// It exists only after an audit event has been kept. It is not `Clone`, `Default` or `Deserialize`; ask for one for each
/// deed.
///
/// # Example: a permit, and what is refused
/// ```
/// use tenancy_core::danger::{CrossTenant, Permission};
/// use tenancy_core::{Actor, InMemoryAudit};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// const REPORTS: Permission = Permission::granted("reports.across_tenants");
/// let audit = InMemoryAudit::new();
/// let permit = CrossTenant::acquire(Actor::user("op-3"), REPORTS, "monthly revenue report", &audit).await?;
/// assert_eq!(permit.reason(), "monthly revenue report");
/// assert_eq!(audit.events().len(), 1);
///
/// assert!(CrossTenant::acquire(Actor::anonymous(), REPORTS, "monthly revenue report", &audit).await.is_err());
/// assert!(CrossTenant::acquire(Actor::user("op-3"), REPORTS, "because", &audit).await.is_err());
/// assert_eq!(audit.events().len(), 1);
/// # Ok::<(), tenancy_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a permit opens nothing until a door takes it"]
pub struct CrossTenant {
    event: AuditEvent,
}

impl CrossTenant {
    /// Keeps an audit event in `sink`, then hands out the permit.
    ///
    /// The event names the tenant in whose scope this was asked for, if there was one.
    ///
    /// # Errors
    /// [`ErrorKind::CrossTenantRefused`] if nobody we know asks, the permission has no name, the reason is shorter than
    /// 8 characters, or the event could not be kept (the cause is the source).
    pub async fn acquire(
        actor: Actor,
        permission: Permission,
        reason: &str,
        sink: &dyn AuditSink,
    ) -> Result<Self, Error> {
        ensure_accountable(&actor, reason).map_err(refused)?;
        if permission.name().is_empty() {
            return Err(refused("name the permission that was checked"));
        }
        let mut event = AuditEvent::new(AuditKind::CrossedTenants, actor)
            .with_permission(permission.name())
            .with_reason(reason.trim());
        if let Ok(here) = TenantContext::with_current(TenantContext::tenant_id) {
            event = event.with_tenant(here);
        }
        sink.record(&event).await.map_err(|error| {
            refused("the audit event could not be kept; try again when the audit log is back")
                .with_source(error)
        })?;
        tracing::warn!(actor = %event.actor(), permission = permission.name(), reason = reason.trim(), "crossing tenants");
        Ok(Self { event })
    }

    /// Who crosses.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        self.event.actor()
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.event.reason().unwrap_or_default()
    }

    /// What was recorded, for doors that keep it once more in the transaction they open.
    pub fn event(&self) -> &AuditEvent {
        &self.event
    }
}

fn refused(why: &'static str) -> Error {
    Error::new(
        ErrorKind::CrossTenantRefused,
        format!("crossing tenants was refused: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_core::future::BoxFuture;

    use super::*;
    use crate::{InMemoryAudit, Tenant, TenantId, TenantSlug};

    #[derive(Debug)]
    struct Full;

    impl AuditSink for Full {
        fn record<'a>(&'a self, _: &'a AuditEvent) -> BoxFuture<'a, Result<(), Error>> {
            Box::pin(async { Err(Error::new(ErrorKind::Other, "disk full")) })
        }
    }

    const PERMISSION: Permission = Permission::granted("support");

    #[tokio::test]
    async fn needs_a_name_a_permission_a_reason_and_a_kept_event() {
        let audit = InMemoryAudit::new();
        let check =
            async |actor: Actor, permission, reason: &str, sink: &dyn AuditSink, expect: bool| {
                let permit = CrossTenant::acquire(actor, permission, reason, sink).await;
                assert_eq!(permit.is_ok(), expect, "{reason:?}");
                if let Err(error) = permit {
                    assert_eq!(error.kind(), ErrorKind::CrossTenantRefused);
                }
            };
        let operator = || Actor::user("op");
        check(operator(), PERMISSION, "ticket 4711", &audit, true).await;
        check(Actor::anonymous(), PERMISSION, "ticket 4711", &audit, false).await;
        check(
            operator(),
            Permission::granted(""),
            "ticket 4711",
            &audit,
            false,
        )
        .await;
        check(operator(), PERMISSION, "", &audit, false).await;
        check(operator(), PERMISSION, "  short    ", &audit, false).await;
        check(operator(), PERMISSION, "ticket 4711", &Full, false).await;
        assert_eq!(audit.events().len(), 1);
    }

    #[tokio::test]
    async fn says_in_whose_scope_it_was_asked_for() {
        let tenant = Tenant::builder(
            TenantId::parse("7").unwrap(),
            TenantSlug::parse("acme").unwrap(),
        )
        .build()
        .unwrap();
        let cx = TenantContext::for_test(Arc::new(tenant));
        let audit = InMemoryAudit::new();
        let asked = CrossTenant::acquire(Actor::user("op"), PERMISSION, "ticket 4711", &audit);
        let permit = cx.scope(asked).await.unwrap().unwrap();
        assert_eq!(permit.event().tenant(), Some(cx.tenant_id()));
        assert_eq!(audit.events(), [permit.event().clone()]);
    }
}
