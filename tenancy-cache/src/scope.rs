//! Whose work this is, asked at every door of this crate.

use tenancy_core::{Error as Tenancy, ErrorKind, TenantContext};

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
    ensure_same_tenant(cx)?;
    cx.ensure_live()?;
    Ok(())
}

pub(crate) fn ensure_same_tenant(cx: &TenantContext) -> Result<()> {
    match TenantContext::with_current(|current| current.tenant_id() == cx.tenant_id()) {
        Ok(false) => Err(Tenancy::new(
            ErrorKind::WrongTenant,
            "this handle is of another tenant than the scope it is used in; use the handle of this scope",
        )
        .into()),
        Ok(true) | Err(_) => Ok(()),
    }
}
