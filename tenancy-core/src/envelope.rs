//! `Envelope`: how a context leaves the process, and comes back as somebody the registry still knows.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Actor, Error, ErrorKind, RegistryExt, TenantContext, TenantId, TenantRegistry};

/// A payload with the tenant and actor it belongs to, on its way to another process or another day.
///
/// It is sealed from a context and carries names, no proof: opening it asks the registry again, so a tenant that was
/// suspended or offboarded in between is refused. The payload can't be had without opening. Text without a tenant does
/// not deserialise. Nothing here is signed: keep envelopes where only the service can write.
///
/// # Example: sealed here, opened there
/// ```
/// use tenancy_core::{Actor, Envelope, InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let id = TenantId::parse("7")?;
/// let registry = InMemoryRegistry::new();
/// registry.insert(Tenant::builder(id, TenantSlug::parse("acme")?).build()?)?;
/// let cx = TenantContext::for_request(registry.by_id(&id).await?, Actor::user("u-1"))?;
///
/// let sealed = cx.sync_scope(|| Envelope::seal("send the report".to_owned()))??;
/// let text = serde_json::to_string(&sealed).unwrap();
///
/// let arrived: Envelope<String> = serde_json::from_str(&text).unwrap();
/// let (job, payload) = arrived.open(&registry).await?;
/// assert_eq!((job.tenant_id(), job.actor(), payload.as_str()), (id, cx.actor(), "send the report"));
///
/// // Without a tenant there is no envelope, outside a scope nothing is sealed, and a suspended tenant gets no work.
/// assert!(serde_json::from_str::<Envelope<String>>(r#"{"actor":{"kind":"anonymous"},"payload":"x"}"#).is_err());
/// assert!(Envelope::seal("x").unwrap_err().is_no_tenant());
/// registry.set_status(&id, TenantStatus::Suspended)?;
/// let again: Envelope<String> = serde_json::from_str(&text).unwrap();
/// assert!(again.open(&registry).await.unwrap_err().is_suspended());
/// # Ok::<(), tenancy_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct Envelope<T> {
    tenant: TenantId,
    actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    payload: T,
}

impl<T> Envelope<T> {
    /// Seals a payload for the current tenant.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`] outside every scope. [`ErrorKind::Suspended`] or [`ErrorKind::Moved`] if the context may
    /// no longer work.
    pub fn seal(payload: T) -> Result<Self, Error> {
        TenantContext::with_current(|cx| {
            cx.ensure_live()?;
            Ok(Self::seal_for(cx, payload))
        })?
    }

    /// Seals a payload for the tenant of `cx`.
    pub fn seal_for(cx: &TenantContext, payload: T) -> Self {
        Self {
            tenant: cx.tenant_id(),
            actor: cx.actor().clone(),
            traceparent: None,
            payload,
        }
    }

    /// The same envelope with a W3C `traceparent`, to continue the trace where it is opened.
    ///
    /// # Errors
    /// [`ErrorKind::ApiMisuse`] if the text is longer than 128 bytes or is not printable ASCII.
    pub fn with_traceparent(mut self, traceparent: impl Into<String>) -> Result<Self, Error> {
        let text = traceparent.into();
        if text.len() > 128 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorKind::ApiMisuse,
                "not a traceparent; pass on the header as the tracing library wrote it",
            ));
        }
        self.traceparent = Some(text);
        Ok(self)
    }

    /// The tenant it says it is for: a candidate until it is opened.
    pub fn tenant_id(&self) -> TenantId {
        self.tenant
    }

    /// The actor it says sealed it.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The trace it belongs to.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// Asks the registry about the tenant again, and hands out the payload with a context to do it in.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownTenant`] if there is no such tenant any more, [`ErrorKind::Suspended`] if it is not open for
    /// work, [`ErrorKind::RegistryUnavailable`] if that can't be known just now: keep the envelope and open it later.
    /// [`ErrorKind::WrongTenant`] inside the scope of another tenant.
    pub async fn open(self, registry: &dyn TenantRegistry) -> Result<(TenantContext, T), Error> {
        let Self {
            tenant,
            actor,
            traceparent: _,
            payload,
        } = self;
        if TenantContext::with_current(TenantContext::tenant_id).is_ok_and(|here| here != tenant) {
            return Err(Error::wrong_tenant());
        }
        let found = registry.by_id(&tenant).await?;
        if found.id() != tenant {
            return Err(Error::new(
                ErrorKind::WrongTenant,
                "the registry answered with another tenant than it was asked for; correct its `lookup`",
            ));
        }
        Ok((TenantContext::for_job(found, actor)?, payload))
    }
}

impl<T> fmt::Debug for Envelope<T> {
    /// Leaves the payload out: it is a tenant's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("tenant", &self.tenant)
            .field("actor", &self.actor)
            .field("traceparent", &self.traceparent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_core::future::BoxFuture;

    use super::*;
    use crate::{InMemoryRegistry, LookupKey, Operation, Tenant, TenantSlug, TenantStatus};

    /// A registry that is down.
    #[derive(Debug)]
    struct Down;

    impl TenantRegistry for Down {
        fn lookup<'a>(
            &'a self,
            _: &'a LookupKey,
        ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
            Box::pin(async { Err(Error::new(ErrorKind::RegistryUnavailable, "down")) })
        }
    }

    /// A registry with a mistake: it answers the same tenant to everyone.
    #[derive(Debug)]
    struct Always(Arc<Tenant>);

    impl TenantRegistry for Always {
        fn lookup<'a>(
            &'a self,
            _: &'a LookupKey,
        ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
            Box::pin(async { Ok(Some(Arc::clone(&self.0))) })
        }
    }

    fn tenant(id: &str, slug: &str, status: TenantStatus) -> Arc<Tenant> {
        let (id, slug) = (
            TenantId::parse(id).unwrap(),
            TenantSlug::parse(slug).unwrap(),
        );
        Arc::new(Tenant::builder(id, slug).status(status).build().unwrap())
    }

    fn sealed(id: &str) -> Envelope<u8> {
        Envelope::seal_for(
            &TenantContext::for_test(tenant(id, "acme", TenantStatus::Active)),
            9,
        )
    }

    #[test]
    fn text_without_a_tenant_is_no_envelope() {
        let check = |text: &str, expect: bool| {
            assert_eq!(
                serde_json::from_str::<Envelope<u8>>(text).is_ok(),
                expect,
                "{text}"
            );
        };
        check(
            r#"{"tenant":"7","actor":{"kind":"anonymous"},"payload":1}"#,
            true,
        );
        check(
            r#"{"tenant":"7","actor":{"kind":"anonymous"},"traceparent":"00-ab-cd-01","payload":1}"#,
            true,
        );
        check(r#"{"actor":{"kind":"anonymous"},"payload":1}"#, false);
        check(
            r#"{"tenant":null,"actor":{"kind":"anonymous"},"payload":1}"#,
            false,
        );
        check(
            r#"{"tenant":"","actor":{"kind":"anonymous"},"payload":1}"#,
            false,
        );
        check(
            r#"{"tenant":"007","actor":{"kind":"anonymous"},"payload":1}"#,
            false,
        );
        check(
            r#"{"tenant":"7","tenant":"8","actor":{"kind":"anonymous"},"payload":1}"#,
            false,
        );
        check(r#"{"tenant":"7","payload":1}"#, false);
    }

    #[tokio::test]
    async fn opening_asks_the_registry_again() {
        let registry = InMemoryRegistry::new();
        registry
            .insert(tenant("1", "acme", TenantStatus::Active))
            .unwrap();
        registry
            .insert(tenant("2", "globex", TenantStatus::Suspended))
            .unwrap();
        registry
            .insert(tenant("3", "initech", TenantStatus::ReadOnly))
            .unwrap();
        let check = async |registry: &dyn TenantRegistry, id: &str, expect: Option<ErrorKind>| {
            let opened = sealed(id).open(registry).await;
            assert_eq!(opened.as_ref().err().map(Error::kind), expect, "{id}");
            if let Ok((cx, payload)) = opened {
                assert_eq!(
                    (cx.tenant_id().to_string().as_str(), cx.operation(), payload),
                    (id, Operation::Job, 9)
                );
            }
        };
        check(&registry, "1", None).await;
        check(&registry, "2", Some(ErrorKind::Suspended)).await;
        check(&registry, "3", None).await;
        check(&registry, "4", Some(ErrorKind::UnknownTenant)).await;
        check(&Down, "1", Some(ErrorKind::RegistryUnavailable)).await;
        let wrong = Always(tenant("2", "globex", TenantStatus::Active));
        check(&wrong, "1", Some(ErrorKind::WrongTenant)).await;
    }

    #[tokio::test]
    async fn is_not_opened_inside_another_tenant() {
        let registry = InMemoryRegistry::new();
        let one = registry
            .insert(tenant("1", "acme", TenantStatus::Active))
            .unwrap();
        let two = registry
            .insert(tenant("2", "globex", TenantStatus::Active))
            .unwrap();
        let inside = async |tenant, id| {
            TenantContext::for_test(tenant)
                .scope(sealed(id).open(&registry))
                .await
                .unwrap()
        };
        assert!(inside(two, "1").await.unwrap_err().is_wrong_tenant());
        assert!(inside(one, "1").await.is_ok());
    }

    #[test]
    fn debug_keeps_the_payload_to_itself_and_traceparents_are_checked() {
        let envelope = Envelope::seal_for(
            &TenantContext::for_test(tenant("1", "acme", TenantStatus::Active)),
            "secret",
        );
        assert!(!format!("{envelope:?}").contains("secret"));
        assert!(envelope.clone().with_traceparent("a\r\nb").is_err());
        assert_eq!(
            envelope
                .with_traceparent("00-ab-cd-01")
                .unwrap()
                .traceparent(),
            Some("00-ab-cd-01")
        );
    }

    #[test]
    fn a_suspended_tenant_seals_nothing() {
        let cx = TenantContext::for_test(tenant("1", "acme", TenantStatus::Suspended));
        assert!(
            cx.sync_scope(|| Envelope::seal(1))
                .unwrap()
                .unwrap_err()
                .is_suspended()
        );
    }
}
