//! Builds a [`TenantStore`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use object_store::path::Path;
use tenancy_core::{ServerName, Tenant};

use super::{Core, Current, TenantStore};
use crate::prefix::object_path;
use crate::prefixes::Prefixes;
use crate::quota::{Limits, Meter};
use crate::seal::Seal;
use crate::server::ObjectServer;
use crate::uploads::Uploads;
use crate::{Error, Result};

type LimitsOf = Box<dyn Fn(&Tenant) -> Limits + Send + Sync>;

/// Builds a [`TenantStore`].
#[must_use = "a builder does nothing until `build`"]
pub struct TenantStoreBuilder<S> {
    servers: Vec<(ServerName, ObjectServer<S>)>,
    root: String,
    limits: Option<LimitsOf>,
    recount: Duration,
    secret: Option<Vec<u8>>,
    longest: Duration,
}

impl<S> fmt::Debug for TenantStoreBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantStoreBuilder")
            .field("servers", &self.servers.len())
            .finish_non_exhaustive()
    }
}

impl<S: ObjectStore> TenantStoreBuilder<S> {
    pub(super) fn new() -> Self {
        Self {
            servers: Vec::new(),
            root: "tenants".to_owned(),
            limits: None,
            recount: Duration::from_secs(15 * 60),
            secret: None,
            longest: Duration::from_secs(15 * 60),
        }
    }

    /// Adds a server; a tenant's placement names the one that it is on. A name given twice means the last.
    pub fn server(mut self, name: ServerName, server: ObjectServer<S>) -> Self {
        self.servers.retain(|(known, _)| *known != name);
        self.servers.push((name, server));
        self
    }

    /// Keeps tenants' folders below another path than `tenants`.
    pub fn root(mut self, root: &str) -> Self {
        root.clone_into(&mut self.root);
        self
    }

    /// Limits what a tenant may store, by its plan for instance. Asked before each write.
    ///
    /// Without limits nothing is counted. With them a tenant's objects are listed before its first write, when the count is
    /// older than [`recount_every`](Self::recount_every), and before a write is refused on numbers that may be too high.
    ///
    /// Within one process no number of writers can pass a limit. Processes don't know of each other's writes until they
    /// count again, so together they can pass it by what the others wrote in between. An upload that is dropped frees its
    /// room; a single write that is dropped in mid-air may have arrived, and takes its room until the next count.
    ///
    /// # Example: refused before a byte is written
    /// ```
    /// # use std::sync::Arc;
    /// use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
    /// # use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
    /// use tenancy_object_store::{Error, Limits, ObjectServer, TenantStore, object_store};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let acme = TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse("1")?, TenantSlug::parse("acme")?).build()?), Actor::user("ada"))?;
    /// let files = TenantStore::builder()
    ///     .server(ServerName::default(), ObjectServer::new(InMemory::new()))
    ///     .limits(|tenant| match tenant.plan() {
    ///         Some("enterprise") => Limits::none(),
    ///         _ => Limits::none().bytes(10),
    ///     })
    ///     .build()?
    ///     .for_tenant(&acme);
    /// files.put(&Path::from("a"), "12345678".into()).await?;
    /// let refused = files.put(&Path::from("b"), "123".into()).await.unwrap_err();
    /// assert!(Error::from_object_store(&refused).unwrap().is_quota());
    /// files.delete(&Path::from("a")).await?;
    /// files.put(&Path::from("b"), "123".into()).await?;
    /// # Ok(()) }
    /// ```
    pub fn limits(mut self, limits: impl Fn(&Tenant) -> Limits + Send + Sync + 'static) -> Self {
        self.limits = Some(Box::new(limits));
        self
    }

    /// Counts a tenant's objects again before a write if the last count is older than this. The default is 15 minutes, the
    /// least is a second.
    pub fn recount_every(mut self, every: Duration) -> Self {
        self.recount = every.max(Duration::from_secs(1));
        self
    }

    /// Lets uploads that were begun through [`MultipartStore`](object_store::multipart::MultipartStore) in one process be
    /// continued in others that have the same secret. Without one, an upload id is good in the process that made it.
    pub fn upload_secret(mut self, secret: &[u8]) -> Self {
        self.secret = Some(secret.to_vec());
        self
    }

    /// Signs addresses for no longer than this. The default is 15 minutes.
    pub fn longest_address(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// The store.
    ///
    /// # Errors
    /// [`Error::Config`] without a server, with a root that is no path, or with an upload secret of less than 16 bytes.
    pub fn build(self) -> Result<TenantStore<S>> {
        let Self {
            servers,
            root,
            limits,
            recount,
            secret,
            longest,
        } = self;
        if servers.is_empty() {
            return Err(Error::Config(
                "a store needs a server; add one with `TenantStoreBuilder::server`",
            ));
        }
        let root: Path = object_path(&root)
            .map_err(|_| Error::Config("the root is no path; use one like `tenants`"))?;
        let seal = match secret {
            Some(secret) => Seal::new(&secret)?,
            None => Seal::random()?,
        };
        Ok(TenantStore {
            core: Arc::new(Core {
                servers,
                prefixes: Prefixes::below(root),
                meter: limits.map(|limits| Meter::new(limits, recount)),
                seal,
                uploads: Uploads::default(),
                longest,
            }),
            whose: Current(()),
        })
    }
}
