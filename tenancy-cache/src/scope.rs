//! Whose work this is, asked at every door of this crate.

use tenancy_core::TenantContext;

use crate::Result;

/// The context of the handle, or else of the scope, if it is still open for work.
pub(crate) fn context(bound: Option<&TenantContext>) -> Result<TenantContext> {
    let cx = match bound {
        Some(cx) => cx.clone(),
        None => TenantContext::current()?,
    };
    ensure_usable(&cx)?;
    Ok(cx)
}

/// Refuses a handle of one tenant inside the scope of another, and one whose tenant was suspended.
pub(crate) fn ensure_usable(cx: &TenantContext) -> Result<()> {
    cx.ensure_not_elsewhere()?;
    cx.ensure_live()?;
    Ok(())
}
