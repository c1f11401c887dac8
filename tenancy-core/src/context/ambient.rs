//! The slot of a thread that holds the current context while something of a tenant runs. Private to `context`.
//!
//! The same mechanism as `tokio::task_local!`: a value is swapped into a thread local before each poll and swapped out
//! after it. It is our own because entering has to be *checked* (is another tenant here?) and must not panic.

use std::cell::RefCell;
use std::mem::{self, ManuallyDrop};

use super::TenantContext;
use crate::{Error, ErrorKind};

thread_local! {
    /// Never dropped, so that nothing has to be looked up or registered before it is read. A thread leaves its scopes before it
    /// ends, and there is nothing in it then.
    static CURRENT: ManuallyDrop<RefCell<Option<TenantContext>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Reads the current context.
#[inline]
pub(super) fn with<R>(f: impl FnOnce(&TenantContext) -> R) -> Result<R, Error> {
    let read = CURRENT.try_with(|current| match current.try_borrow() {
        Ok(current) => current.as_ref().map(f),
        Err(_) => None,
    });
    match read {
        Ok(Some(read)) => Ok(read),
        _ => Err(no_tenant()),
    }
}

#[cold]
fn no_tenant() -> Error {
    Error::no_tenant()
}

/// Makes the context in `slot` current while the answer lives, if nothing or the same tenant is current now.
///
/// `slot` has its context back afterwards, and the thread what it had before, also by a panic.
#[inline]
pub(super) fn enter(slot: &mut Option<TenantContext>) -> Result<Entered<'_>, Error> {
    let entered = CURRENT.try_with(|current| match current.try_borrow_mut() {
        Ok(mut current) => match (&*current, &*slot) {
            (Some(here), Some(entering)) if !here.is_of_the_tenant_of(entering) => {
                Err(Refused::OtherTenant)
            }
            _ => {
                mem::swap(&mut *current, slot);
                Ok(())
            }
        },
        Err(_) => Err(Refused::Borrowed),
    });
    match entered.unwrap_or(Err(Refused::Borrowed)) {
        Ok(()) => Ok(Entered(slot)),
        Err(refused) => Err(refused.into()),
    }
}

/// Why a scope was not entered.
enum Refused {
    OtherTenant,
    Borrowed,
}

impl From<Refused> for Error {
    #[cold]
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::OtherTenant => Self::wrong_tenant(),
            Refused::Borrowed => borrowed(),
        }
    }
}

/// As [`enter`], also inside another tenant's scope: for the beginning of a task, and for dropping what a scope holds,
/// which must never be seen as the work of whoever happens to drop it.
#[inline]
pub(super) fn enter_whatever_is_current(
    slot: &mut Option<TenantContext>,
) -> Result<Entered<'_>, Error> {
    if swap(slot) {
        Ok(Entered(slot))
    } else {
        Err(borrowed())
    }
}

/// A scope that is entered until this is dropped.
#[must_use = "the scope ends when this is dropped"]
pub(super) struct Entered<'a>(&'a mut Option<TenantContext>);

impl Drop for Entered<'_> {
    #[inline]
    fn drop(&mut self) {
        swap(self.0);
    }
}

/// False if the slot is being read by `with_current` or the thread is ending; nothing has changed then.
#[inline]
fn swap(slot: &mut Option<TenantContext>) -> bool {
    CURRENT
        .try_with(|current| match current.try_borrow_mut() {
            Ok(mut current) => {
                mem::swap(&mut *current, slot);
                true
            }
            Err(_) => false,
        })
        .unwrap_or(false)
}

#[cold]
fn borrowed() -> Error {
    Error::new(
        ErrorKind::ApiMisuse,
        "a scope can't be entered inside the closure of `TenantContext::with_current`; take the context out with `TenantContext::current` first",
    )
}

/// Runs `f` with the context in `slot` current, at the bottom of a thread of its own, where nothing can be borrowed.
pub(super) fn at_the_bottom<R>(slot: &mut Option<TenantContext>, f: impl FnOnce() -> R) -> R {
    let swapped = swap(slot);
    debug_assert!(swapped, "nothing reads the slot at the bottom of a thread");
    let _entered = swapped.then(|| Entered(slot));
    f()
}
