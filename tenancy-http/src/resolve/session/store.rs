//! [`SessionStore`]: where sessions are kept, tenant by tenant; [`InMemorySessions`] keeps them in this process.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures_core::future::BoxFuture;
use tenancy_core::{Error, TenantContext, TenantId};

use super::SessionHash;

/// A signed-in user, until when. Whose tenant is said by where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    user: Box<str>,
    ends: SystemTime,
}

impl Session {
    /// A session as a store kept it.
    #[must_use]
    pub fn new(user: &str, ends: SystemTime) -> Self {
        Self {
            user: user.into(),
            ends,
        }
    }

    /// The id of the user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// When it ends.
    #[must_use]
    pub fn ends(&self) -> SystemTime {
        self.ends
    }
}

/// Keeps sessions, each in its tenant.
///
/// Every method is given the context of the tenant and is called inside its scope, or must enter it: a store over
/// `TenantPool` need not do anything else to be unable to find another tenant's session. Stores in other databases put the
/// tenant into the key.
///
/// # Errors
/// Whatever keeps a store from knowing is an error, never `Ok(None)`.
pub trait SessionStore: Debug + Send + Sync + 'static {
    /// Keeps a session under a hash that is not in use.
    ///
    /// # Errors
    /// If it could not be kept.
    fn save<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// The session of this hash in this tenant, ended or not.
    ///
    /// # Errors
    /// If that can't be known.
    fn load<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<Option<Session>, Error>>;

    /// Forgets the session of this hash in this tenant, if there is one.
    ///
    /// # Errors
    /// If it may still be there.
    fn delete<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// Forgets all sessions of this user in this tenant.
    ///
    /// # Errors
    /// If some may still be there.
    fn delete_all<'a>(
        &'a self,
        context: &'a TenantContext,
        user: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>>;
}

type Kept = HashMap<(TenantId, SessionHash), Session>;

/// Sessions in the memory of this process: they end with it. For tests and single processes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct InMemorySessions(Arc<Mutex<Kept>>);

impl InMemorySessions {
    /// A store without sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with<R>(&self, f: impl FnOnce(&mut Kept) -> R) -> BoxFuture<'static, Result<R, Error>>
    where
        R: Send + 'static,
    {
        let answer = f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(ready(Ok(answer)))
    }
}

#[deny(clippy::missing_trait_methods)]
impl SessionStore for InMemorySessions {
    fn save<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
        session: &'a Session,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let now = SystemTime::now();
        self.with(|kept| {
            kept.retain(|_, session| session.ends > now);
            kept.insert((context.tenant_id(), *hash), session.clone());
        })
    }

    fn load<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<Option<Session>, Error>> {
        self.with(|kept| kept.get(&(context.tenant_id(), *hash)).cloned())
    }

    fn delete<'a>(
        &'a self,
        context: &'a TenantContext,
        hash: &'a SessionHash,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.with(|kept| {
            kept.remove(&(context.tenant_id(), *hash));
        })
    }

    fn delete_all<'a>(
        &'a self,
        context: &'a TenantContext,
        user: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let tenant = context.tenant_id();
        self.with(|kept| kept.retain(|(id, _), session| *id != tenant || &*session.user != user))
    }
}
