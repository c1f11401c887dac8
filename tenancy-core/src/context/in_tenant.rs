//! `InTenant` and `StreamInTenant`: the scopes, written behind the future or stream they hold.

use futures_core::Stream;

use super::{Scoped, ScopedStream, TenantContext};
use crate::Error;

#[expect(unnameable_types, reason = "that is what seals the traits below")]
mod sealed {
    pub trait Future {}
    pub trait Stream {}
}

impl<F: Future> sealed::Future for F {}
impl<S: Stream> sealed::Stream for S {}

/// Puts a future into a tenant's scope. For every future; nobody else implements it.
///
/// # Example: carried to where it is polled
/// ```
/// use tenancy_core::{InTenant, TenantContext};
///
/// async fn id() -> Result<String, tenancy_core::Error> {
///     TenantContext::with_current(|cx| cx.tenant_id().to_string())
/// }
/// # use std::sync::Arc;
/// # use tenancy_core::{Actor, Tenant, TenantId, TenantSlug};
/// # let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?;
/// # let cx = TenantContext::for_request(Arc::new(tenant), Actor::user("u-1"))?;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(id().in_tenant(&cx).await??, "7");
/// assert!(id().in_current_tenant().is_err(), "there is none here");
/// # Ok::<(), tenancy_core::Error>(())
/// # })?;
/// # Ok::<(), tenancy_core::Error>(())
/// ```
pub trait InTenant: Future + Sized + sealed::Future {
    /// The future as the work of `cx`; as [`TenantContext::scope`].
    fn in_tenant(self, cx: &TenantContext) -> Scoped<Self> {
        cx.scope(self)
    }

    /// The future as the work of the current context, wherever it is polled later.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`](crate::ErrorKind::NoTenant) outside every scope.
    fn in_current_tenant(self) -> Result<Scoped<Self>, Error> {
        TenantContext::current().map(|cx| cx.scope(self))
    }
}

impl<F: Future> InTenant for F {}

/// Puts a stream into a tenant's scope. For every stream; nobody else implements it.
///
/// # Example: a body that is read after its handler has returned
/// ```
/// use futures_util::{StreamExt, stream};
/// use tenancy_core::{StreamInTenant, TenantContext};
///
/// # use std::sync::Arc;
/// # use tenancy_core::{Actor, Tenant, TenantId, TenantSlug};
/// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("u"));
/// # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let rows = || stream::iter(0..2).map(|n| (TenantContext::with_current(|cx| cx.tenant_id().to_string()).ok(), n));
///
/// let mut body = rows().in_tenant(&acme);
/// assert_eq!(body.next().await.unwrap()?, (Some("1".into()), 0));
/// // Read inside another tenant's scope it refuses, and ends.
/// assert!(globex.scope(body.next()).await?.unwrap().unwrap_err().is_wrong_tenant());
/// assert!(body.next().await.is_none());
/// # Ok::<(), tenancy_core::Error>(())
/// # })?;
/// # Ok::<(), tenancy_core::Error>(())
/// ```
pub trait StreamInTenant: Stream + Sized + sealed::Stream {
    /// The stream as the work of `cx`.
    fn in_tenant(self, cx: &TenantContext) -> ScopedStream<Self> {
        ScopedStream::new(cx.clone(), self)
    }

    /// The stream as the work of the current context, wherever it is polled later.
    ///
    /// # Errors
    /// [`ErrorKind::NoTenant`](crate::ErrorKind::NoTenant) outside every scope.
    fn in_current_tenant(self) -> Result<ScopedStream<Self>, Error> {
        TenantContext::current().map(|cx| ScopedStream::new(cx, self))
    }
}

impl<S: Stream> StreamInTenant for S {}
