//! `spawn` and `spawn_blocking`: tasks that keep the context and the tracing span they were started in.

use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

use super::scope::Carried;
use super::{TenantContext, ambient};
use crate::Error;

/// Starts a task that does the current tenant's work, in the current tracing span. Takes the place of `tokio::spawn`.
///
/// # Errors
/// [`ErrorKind::NoTenant`](crate::ErrorKind::NoTenant) outside every scope: the task is not started.
///
/// # Panics
/// Outside a Tokio runtime, as `tokio::spawn` does.
///
/// # Example: kept here, lost there
/// ```
/// use tenancy_core::TenantContext;
///
/// # use std::sync::Arc;
/// # use tenancy_core::{Actor, Tenant, TenantId, TenantSlug};
/// # let tenant = Tenant::builder(TenantId::parse("7")?, TenantSlug::parse("acme")?).build()?;
/// # let cx = TenantContext::for_request(Arc::new(tenant), Actor::user("u-1"))?;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// cx.scope(async {
///     let kept = tenancy_core::spawn(async { TenantContext::current() })?.await.unwrap();
///     assert_eq!(kept?.tenant_id().to_string(), "7");
///     // A bare task has no tenant, and the first door it comes to says so.
///     let lost = tokio::spawn(async { TenantContext::current() }).await.unwrap();
///     assert!(lost.unwrap_err().is_no_tenant());
///     Ok::<(), tenancy_core::Error>(())
/// })
/// .await??;
/// assert!(tenancy_core::spawn(async {}).unwrap_err().is_no_tenant());
/// # Ok::<(), tenancy_core::Error>(())
/// # })?;
/// # Ok::<(), tenancy_core::Error>(())
/// ```
#[expect(
    clippy::disallowed_methods,
    reason = "this is what the ban points to: the task carries the context"
)]
pub fn spawn<F>(future: F) -> Result<JoinHandle<F::Output>, Error>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Ok(tokio::spawn(carry(future)?))
}

/// Runs a blocking function for the current tenant, in the current tracing span. Takes the place of
/// `tokio::task::spawn_blocking`.
///
/// # Errors
/// [`ErrorKind::NoTenant`](crate::ErrorKind::NoTenant) outside every scope: the function is not run.
///
/// # Panics
/// Outside a Tokio runtime, as `tokio::task::spawn_blocking` does.
#[expect(
    clippy::disallowed_methods,
    reason = "this is what the ban points to: the function carries the context"
)]
pub fn spawn_blocking<F, R>(f: F) -> Result<JoinHandle<R>, Error>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    Ok(tokio::task::spawn_blocking(carry_blocking(f)?))
}

/// The future with the current context and span around it.
pub(super) fn carry<F: Future>(
    future: F,
) -> Result<impl Future<Output = F::Output> + use<F>, Error> {
    let cx = TenantContext::current()?;
    Ok(Carried::new(cx, future).instrument(Span::current()))
}

/// The function with the current context and span around it.
pub(super) fn carry_blocking<R>(f: impl FnOnce() -> R) -> Result<impl FnOnce() -> R, Error> {
    let mut slot = Some(TenantContext::current()?);
    let span = Span::current();
    Ok(move || span.in_scope(|| ambient::at_the_bottom(&mut slot, f)))
}
