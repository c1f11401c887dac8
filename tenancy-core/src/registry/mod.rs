//! The registry: who is this? The trait, its keys, and two implementations that need no database.

mod cached;
mod key;
mod memory;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::SystemTime;

pub use cached::{CachedRegistry, CachedRegistryBuilder, RegistryEvent};
use futures_core::future::BoxFuture;
pub use key::{ApiKeyHash, DomainName, LookupKey};
pub use memory::InMemoryRegistry;

use crate::{Error, Tenant, TenantId, TenantSlug};

/// Answers which tenant has an id, a slug, a domain or an API key.
///
/// An implementation keeps three promises:
/// 1. `Ok(None)` means *there is no such tenant*. Whatever keeps it from knowing is an
///    [`ErrorKind::RegistryUnavailable`](crate::ErrorKind::RegistryUnavailable), never `Ok(None)`.
/// 2. A tenant of any status is answered as it is. Who is admitted is decided later, by
///    [`Tenant::ensure_admits`].
/// 3. [`Tenant::epoch`] grows with every change of a tenant, of what leads to it (slug, domains, keys) and of its status.
///
/// Callers use the methods of [`RegistryExt`].
///
/// # Example: a registry of one tenant
/// ```
/// use std::sync::Arc;
/// use futures_core::future::BoxFuture;
/// use tenancy_core::{Error, LookupKey, RegistryExt, Tenant, TenantId, TenantRegistry, TenantSlug};
///
/// #[derive(Debug)]
/// struct Only(Arc<Tenant>);
///
/// impl TenantRegistry for Only {
///     fn lookup<'a>(&'a self, key: &'a LookupKey) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
///         let found = match key {
///             LookupKey::Id(id) => *id == self.0.id(),
///             LookupKey::Slug(slug) => slug == self.0.slug(),
///             LookupKey::Domain(_) | LookupKey::ApiKey(_) => false,
///         };
///         Box::pin(async move { Ok(found.then(|| self.0.clone())) })
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let acme = TenantSlug::parse("acme")?;
/// let registry = Only(Arc::new(Tenant::builder(TenantId::parse("7")?, acme).build()?));
/// assert_eq!(registry.by_slug(&acme).await?.id().to_string(), "7");
/// assert!(registry.by_slug(&TenantSlug::parse("globex")?).await.unwrap_err().is_unknown_tenant());
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
pub trait TenantRegistry: Send + Sync + Debug + 'static {
    /// The tenant that `key` leads to; `Ok(None)` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::RegistryUnavailable`](crate::ErrorKind::RegistryUnavailable) if the answer can't be known just now.
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>>;

    /// The same, with the time until which the answer holds if nobody changes anything: an API key may be over one day. A
    /// cache serves no answer beyond it.
    ///
    /// A registry whose keys end by themselves implements this; without, they lead to their tenants until something changes.
    ///
    /// # Errors
    /// As [`lookup`](Self::lookup).
    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, Error>> {
        Box::pin(async move { Ok(self.lookup(key).await?.map(Resolved::from)) })
    }

    /// What can be said about `key` without waiting.
    ///
    /// Layers on a hot path ask this first, and [`lookup`](Self::lookup) only if the answer is [`Known::Unsure`]. What is
    /// said here is what `lookup` would say now. A registry that has nothing in memory is unsure about everything, which
    /// is what it says unless it says otherwise.
    fn peek(&self, key: &LookupKey) -> Known {
        let _ = key;
        Known::Unsure
    }

    /// What can be said without waiting about the slug that these bytes spell, which may be any bytes at all.
    ///
    /// As [`peek`](Self::peek) answers for that slug, and unsure of what is none; also of a slug, if that answer is not at
    /// hand. A cache that compares the bytes of its tenants need not make a slug of them first: what equals a slug is one.
    fn peek_slug(&self, label: &[u8]) -> Known {
        TenantSlug::from_label(label)
            .map_or(Known::Unsure, |slug| self.peek(&LookupKey::Slug(slug)))
    }
}

/// The tenant that a key leads to, and until when.
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever passes an answer on must pass on when it ends"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// From when on the key leads nowhere, though nobody changed anything; `None` if it does not end by itself.
    pub until: Option<SystemTime>,
}

impl From<Arc<Tenant>> for Resolved {
    /// By a key that does not end by itself.
    fn from(tenant: Arc<Tenant>) -> Self {
        Self {
            tenant,
            until: None,
        }
    }
}

/// What a registry can say without waiting.
#[expect(
    clippy::exhaustive_enums,
    reason = "whoever peeks must decide about every answer"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The key leads to this tenant.
    Tenant(Arc<Tenant>),
    /// The key leads nowhere.
    Absent,
    /// Ask with [`lookup`](TenantRegistry::lookup).
    Unsure,
}

#[deny(clippy::missing_trait_methods)]
impl<R: TenantRegistry + ?Sized> TenantRegistry for Arc<R> {
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
        (**self).lookup(key)
    }

    fn lookup_until<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> BoxFuture<'a, Result<Option<Resolved>, Error>> {
        (**self).lookup_until(key)
    }

    fn peek(&self, key: &LookupKey) -> Known {
        (**self).peek(key)
    }

    fn peek_slug(&self, label: &[u8]) -> Known {
        (**self).peek_slug(label)
    }
}

#[expect(unnameable_types, reason = "that is what seals the trait below")]
mod sealed {
    pub trait Sealed {}
    impl<R: super::TenantRegistry + ?Sized> Sealed for R {}
}

/// Look-ups by each kind of key, for every registry; nobody else implements it.
///
/// # Errors
/// All of them give [`ErrorKind::UnknownTenant`](crate::ErrorKind::UnknownTenant) if there is no such tenant, and
/// [`ErrorKind::RegistryUnavailable`](crate::ErrorKind::RegistryUnavailable) if that can't be known just now.
pub trait RegistryExt: TenantRegistry + sealed::Sealed {
    /// The tenant with this id.
    fn by_id(&self, id: &TenantId) -> impl Future<Output = Result<Arc<Tenant>, Error>> + Send {
        self.existing(LookupKey::Id(*id))
    }

    /// The tenant that has this slug now.
    fn by_slug(
        &self,
        slug: &TenantSlug,
    ) -> impl Future<Output = Result<Arc<Tenant>, Error>> + Send {
        self.existing(LookupKey::Slug(*slug))
    }

    /// The tenant that this domain belongs to now.
    fn by_domain(
        &self,
        domain: &DomainName,
    ) -> impl Future<Output = Result<Arc<Tenant>, Error>> + Send {
        self.existing(LookupKey::Domain(domain.clone()))
    }

    /// The tenant that this API key was given to.
    fn by_api_key(
        &self,
        key: &ApiKeyHash,
    ) -> impl Future<Output = Result<Arc<Tenant>, Error>> + Send {
        self.existing(LookupKey::ApiKey(*key))
    }

    /// The tenant that any kind of key leads to.
    fn existing(&self, key: LookupKey) -> impl Future<Output = Result<Arc<Tenant>, Error>> + Send {
        async move { self.lookup(&key).await?.ok_or_else(Error::unknown_tenant) }
    }
}

impl<R: TenantRegistry + ?Sized> RegistryExt for R {}
