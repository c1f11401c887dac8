//! What a connection's callbacks share with the handle of its wall: who the tenant is, and whether the wall was hit.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::policy::{Call, Policy};

/// The value of a tenant column.
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are the kinds of value that SQLite has for a key"
)]
pub enum Key {
    /// Of a column that holds integers.
    Integer(i64),
    /// Of a column that holds text.
    Text(Box<str>),
    /// Of a column that holds bytes, such as a UUID.
    Blob(Box<[u8]>),
}

impl fmt::Debug for Key {
    /// The kind only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer(_) => "Integer",
            Self::Text(_) => "Text",
            Self::Blob(_) => "Blob",
        })
    }
}

/// Shared by the handle and the connection's own thread.
pub(crate) struct State {
    policy: Policy,
    key: Mutex<Option<Key>>,
    breached: AtomicBool,
}

/// Somebody panicked while changing the tenant, so nobody knows who it is.
pub(crate) struct Unknown;

impl State {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            key: Mutex::new(None),
            breached: AtomicBool::new(false),
        }
    }

    /// The current tenant, if there is one.
    pub(crate) fn key(&self) -> Result<Option<Key>, Unknown> {
        self.key.lock().map_or(Err(Unknown), |key| Ok(key.clone()))
    }

    pub(crate) fn set_key(&self, key: Option<Key>) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }

    pub(crate) fn is_breached(&self) -> bool {
        self.breached.load(Ordering::Acquire)
    }

    /// Whether an action may be compiled into a statement. After the first that may not, none may but a rollback.
    ///
    /// SQLite asks when it prepares a statement, and drivers keep prepared statements for other tenants: nothing here may
    /// depend on who the tenant is.
    pub(crate) fn authorize(&self, call: &Call<'_>) -> bool {
        if self.is_breached() {
            return call.is_rollback();
        }
        let allowed = self.policy.allows(call);
        if !allowed {
            self.breached.store(true, Ordering::Release);
        }
        allowed
    }
}
