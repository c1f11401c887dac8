//! [`Membership`]: whether who asks belongs to the tenant that they ask for.

use std::fmt::Debug;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tenancy_core::{Error, TenantContext};

/// Says whether the user of a context is a member of its tenant, now.
///
/// A session or a token proves who somebody is and which tenant was meant when it was made. Whether they are still a member
/// is asked here, on every request that a user is authenticated in, before any handler runs. Keys and services are not asked
/// about: an API key belongs to its tenant by itself, and revoking it ends it.
///
/// `is_member` is called inside the tenant's scope, so it can use the same pools as a handler.
///
/// # Errors
/// What an implementation could not find out is an error and the request is refused with it, never `Ok(true)`.
///
/// # Example: a list of members
/// ```
/// use std::collections::HashSet;
/// use futures_core::future::BoxFuture;
/// use tenancy_core::{Error, TenantContext, TenantId};
/// use tenancy_http::Membership;
///
/// #[derive(Debug)]
/// struct Listed(HashSet<(TenantId, String)>);
///
/// impl Membership for Listed {
///     fn is_member<'a>(&'a self, context: &'a TenantContext) -> BoxFuture<'a, Result<bool, Error>> {
///         let user = context.actor().id().unwrap_or_default().to_owned();
///         Box::pin(async move { Ok(self.0.contains(&(context.tenant_id(), user))) })
///     }
/// }
/// ```
pub trait Membership: Debug + Send + Sync + 'static {
    /// Whether the context's actor, a user, is a member of the context's tenant.
    ///
    /// # Errors
    /// [`ErrorKind::RegistryUnavailable`](tenancy_core::ErrorKind::RegistryUnavailable) or another, if that can't be known.
    fn is_member<'a>(&'a self, context: &'a TenantContext) -> BoxFuture<'a, Result<bool, Error>>;
}

#[deny(clippy::missing_trait_methods)]
impl<M: Membership + ?Sized> Membership for Arc<M> {
    fn is_member<'a>(&'a self, context: &'a TenantContext) -> BoxFuture<'a, Result<bool, Error>> {
        (**self).is_member(context)
    }
}

/// Who decides about membership.
#[derive(Debug, Clone)]
pub(super) enum Members {
    /// Asked on every request.
    Asked(Arc<dyn Membership>),
    /// Whoever issued the credential has looked; nobody is asked.
    VouchedFor,
}
