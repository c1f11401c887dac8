//! [`TenantStore`]: used like any `ObjectStore`, holds one tenant's objects. The traits are implemented in the files beside;
//! `scope` is where a tenant, its place and its account come together.

mod builder;
#[cfg(feature = "signer")]
mod grant;
mod multipart;
mod object;
mod paginated;
mod scope;
#[cfg(feature = "signer")]
mod sign;
#[cfg(feature = "aws")]
mod sigv4;
mod stream;
mod upload;

use std::fmt;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use tenancy_core::TenantContext;

pub use builder::TenantStoreBuilder;
#[cfg(feature = "signer")]
pub use grant::{SignedUpload, SizedSigner, Upload};
pub(crate) use scope::{Access, Scope};

use crate::Result;
use crate::prefixes::Prefixes;
use crate::quota::{Meter, Usage};
use crate::seal::Seal;
use crate::server::ObjectServer;
use crate::uploads::Uploads;

/// An [`ObjectStore`] that is the current tenant's, wherever its objects are kept. Cloning is cheap.
///
/// The tenant is that of [`TenantContext::current`], read when a method is called (`list`, `delete_stream`) or its future is
/// first polled (all others). [`for_tenant`](Self::for_tenant) is the explicit twin. It is also a
/// [`PaginatedListStore`](object_store::list::PaginatedListStore), a
/// [`MultipartStore`](object_store::multipart::MultipartStore) and, with the feature `signer`, a `Signer`, if `S` is.
///
/// # Guarantee
/// - A path means an object of the tenant: the store behind is only ever asked for `{root}/{tenant}/{path}`, and what it
///   answers from elsewhere is withheld. Paths with a way out of the tenant's folder in them, also an encoded one, are
///   refused.
/// - Streams and uploads belong to the tenant for whom they were made. They refuse inside another's scope, and once the
///   tenant is suspended or moved.
/// - Errors and debugging output show the tenant's own paths and nothing of where they are kept.
/// - With [limits](TenantStoreBuilder::limits), a write that would pass them is refused before its first byte.
///
/// What it does not guarantee: that an address that was signed can be taken back before it expires, or that a body that is
/// being read from a local file ends when the tenant is suspended.
///
/// # Isolation
/// By prefix in a bucket that tenants share, or in a bucket of the tenant's own, below the same prefix: see
/// [`ObjectServer`].
///
/// # Errors
/// Through the traits all errors are [`object_store::Error`]; [`Error::from_object_store`](crate::Error::from_object_store)
/// finds ours inside. Without a tenant, with a suspended one, and for writes of a read-only one, the store behind is not asked.
///
/// # Example: the same path for two tenants, and refused without one
/// ```
/// use std::sync::Arc;
/// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
/// use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
/// use tenancy_object_store::{Error, ObjectServer, TenantStore, object_store};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("ada"));
/// # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
/// let files = TenantStore::builder()
///     .server(ServerName::default(), ObjectServer::new(InMemory::new()))
///     .build()?;
/// let logo = Path::from("logo.svg");
///
/// acme.scope(files.put(&logo, "acme's".into())).await??;
/// globex.scope(files.put(&logo, "globex's".into())).await??;
/// let seen = acme.scope(async { files.get(&logo).await?.bytes().await }).await??;
/// assert_eq!(seen, "acme's");
///
/// let refused = files.get(&logo).await.unwrap_err();
/// assert!(Error::from_object_store(&refused).unwrap().as_tenancy().unwrap().is_no_tenant());
/// # Ok(()) }
/// ```
pub struct TenantStore<S, W = Current> {
    core: Arc<Core<S>>,
    whose: W,
}

/// A [`TenantStore`] of one tenant, whatever context it is used in; made by [`TenantStore::for_tenant`].
///
/// It works outside any scope and inside scopes of the same tenant; inside another's it refuses.
pub type BoundStore<S> = TenantStore<S, Bound>;

/// Marks a store of whoever is current.
#[derive(Debug, Clone, Copy)]
pub struct Current(());

/// Marks a store of one tenant.
#[derive(Debug, Clone)]
pub struct Bound(TenantContext);

/// Whose a store is: [`Current`] or [`Bound`]. Nobody else implements it.
pub trait Whose: sealed::Sealed + fmt::Debug + Clone + Send + Sync + 'static {
    /// The context in which the store works.
    #[doc(hidden)]
    fn with<R>(&self, f: impl FnOnce(&TenantContext) -> R) -> Result<R>;
    #[doc(hidden)]
    fn context(&self) -> Result<TenantContext> {
        self.with(Clone::clone)
    }
}

#[expect(unnameable_types, reason = "that is what seals the trait above")]
mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Current {}
    impl Sealed for super::Bound {}
}

impl Whose for Current {
    fn with<R>(&self, f: impl FnOnce(&TenantContext) -> R) -> Result<R> {
        Ok(TenantContext::with_current(f)?)
    }
}

impl Whose for Bound {
    fn with<R>(&self, f: impl FnOnce(&TenantContext) -> R) -> Result<R> {
        self.0.ensure_not_elsewhere()?;
        Ok(f(&self.0))
    }
}

/// What all handles of one store share.
pub(crate) struct Core<S> {
    servers: Vec<(tenancy_core::ServerName, ObjectServer<S>)>,
    prefixes: Prefixes,
    meter: Option<Meter>,
    seal: Seal,
    pub(crate) uploads: Uploads,
    longest: std::time::Duration,
}

impl<S: ObjectStore> TenantStore<S> {
    /// Starts a store.
    pub fn builder() -> TenantStoreBuilder<S> {
        TenantStoreBuilder::new()
    }

    /// The same store for one tenant, whatever context it is used in: the explicit twin.
    ///
    /// # Errors
    /// Using it inside the scope of another tenant is refused, as is using it once the tenant is suspended.
    ///
    /// # Example: refused inside another's scope
    /// ```
    /// # use std::sync::Arc;
    /// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
    /// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_object_store::{ObjectServer, TenantStore, object_store};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("ada"));
    /// # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
    /// # let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(InMemory::new())).build()?;
    /// let acmes = files.for_tenant(&acme);
    /// acmes.put(&Path::from("logo.svg"), "acme's".into()).await?;
    /// assert!(globex.scope(acmes.head(&Path::from("logo.svg"))).await?.is_err());
    /// # Ok(()) }
    /// ```
    pub fn for_tenant(&self, cx: &TenantContext) -> BoundStore<S> {
        TenantStore {
            core: Arc::clone(&self.core),
            whose: Bound(cx.clone()),
        }
    }
}

impl<S: ObjectStore, W: Whose> TenantStore<S, W> {
    /// The tenant's part of the store, if the tenant admits this.
    fn open(&self, access: Access) -> Result<Scope<S>> {
        Scope::open(&self.core, self.whose.context()?, access)
    }

    /// As [`open`](Self::open), for one object and without an account.
    fn place_of(&self, access: Access, location: &Path) -> Result<(Arc<S>, Path)> {
        self.whose
            .with(|cx| self.core.place_of(cx, access, location))?
    }

    /// What the tenant stores: exact as far as this process can tell, counted by listing if it has to be.
    ///
    /// Uploads under way are not in it, and what other processes wrote since the last count may be missing.
    ///
    /// # Errors
    /// As reading: no tenant, a suspended one, or the store can't be listed.
    ///
    /// # Example
    /// ```
    /// # use std::sync::Arc;
    /// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
    /// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_object_store::{ObjectServer, TenantStore, object_store};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let acme = TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse("1")?, TenantSlug::parse("acme")?).build()?), Actor::user("ada"))?;
    /// # let files = TenantStore::builder().server(ServerName::default(), ObjectServer::new(InMemory::new())).build()?;
    /// let files = files.for_tenant(&acme);
    /// files.put(&Path::from("logo.svg"), "<svg/>".into()).await?;
    /// assert_eq!((files.usage().await?.bytes, files.usage().await?.objects), (6, 1));
    /// # Ok(()) }
    /// ```
    pub async fn usage(&self) -> Result<Usage> {
        let scope = self.open(Access::Read)?;
        match scope.meter() {
            Some(meter) => meter.usage(scope.place()).await,
            None => scope.count().await,
        }
    }

    /// Counts what the tenant stores by listing it, whatever is known; for a schedule.
    ///
    /// # Errors
    /// As [`usage`](Self::usage).
    pub async fn recount(&self) -> Result<Usage> {
        let scope = self.open(Access::Read)?;
        match scope.meter() {
            Some(meter) => meter.recount(scope.place()).await,
            None => scope.count().await,
        }
    }
}

impl<S> TenantStore<S, Bound> {
    pub(crate) fn bound(&self) -> (&Arc<Core<S>>, &TenantContext) {
        (&self.core, &self.whose.0)
    }
}

impl<S, W: Clone> Clone for TenantStore<S, W> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            whose: self.whose.clone(),
        }
    }
}

/// Says nothing of the store behind: its name is a folder or a bucket.
impl<S, W: fmt::Debug> fmt::Debug for TenantStore<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantStore")
            .field("whose", &self.whose)
            .finish_non_exhaustive()
    }
}

impl<S, W> fmt::Display for TenantStore<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantStore")
    }
}
