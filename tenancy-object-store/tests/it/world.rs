//! Two tenants on one backend, with ids of which one is the beginning of the other, and a look at what is really stored.

use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tempfile::TempDir;
use tenancy_core::{
    Actor, InMemoryRegistry, Isolation, Placement, ServerName, Tenant, TenantContext, TenantId,
    TenantSlug, TenantStatus,
};
use tenancy_object_store::{BoundStore, ObjectServer, TenantStore, TenantStoreBuilder};

use crate::s3;

pub(crate) type Dyn = Arc<dyn ObjectStore>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Memory,
    Local,
    S3,
}

pub(crate) const BACKENDS: [Backend; 3] = [Backend::Memory, Backend::Local, Backend::S3];
pub(crate) const ISOLATIONS: [Isolation; 2] = [Isolation::Shared, Isolation::Database];

/// The tenants `a` and `a-b`.
pub(crate) struct Tenants {
    pub(crate) registry: InMemoryRegistry,
    pub(crate) a: TenantContext,
    pub(crate) b: TenantContext,
}

impl Tenants {
    pub(crate) fn new(isolation: Isolation) -> Self {
        let registry = InMemoryRegistry::new();
        let open = |id: &str| {
            let slug = TenantSlug::parse(&format!("{id}-slug")).unwrap();
            let id = TenantId::parse(id).unwrap();
            let tenant = Tenant::builder(id, slug).placement(Placement::of(isolation, &id));
            let tenant = registry.insert(tenant.build().unwrap()).unwrap();
            TenantContext::for_request(tenant, Actor::user("u")).unwrap()
        };
        let (a, b) = (open("a"), open("a-b"));
        Self { registry, a, b }
    }

    pub(crate) fn set(&self, cx: &TenantContext, status: TenantStatus) {
        self.registry.set_status(&cx.tenant_id(), status).unwrap();
    }

    /// An operator's context for a tenant of any status.
    pub(crate) fn keeper(&self, cx: &TenantContext) -> TenantContext {
        TenantContext::for_maintenance(
            cx.tenant().clone(),
            Actor::user("op"),
            "a test of maintenance",
        )
        .unwrap()
    }
}

/// Tenants, a store over them, and what lies behind it.
pub(crate) struct World {
    pub(crate) tenants: Tenants,
    pub(crate) store: TenantStore<Dyn>,
    pub(crate) shared: Dyn,
    pub(crate) folder: Option<TempDir>,
    pub(crate) server: Option<s3::Server>,
}

impl World {
    pub(crate) async fn new(backend: Backend, isolation: Isolation) -> Self {
        Self::with(backend, isolation, |builder| builder).await
    }

    pub(crate) async fn with(
        backend: Backend,
        isolation: Isolation,
        tune: impl FnOnce(TenantStoreBuilder<Dyn>) -> TenantStoreBuilder<Dyn>,
    ) -> Self {
        let (mut folder, mut server) = (None, None);
        let (shared, objects): (Dyn, ObjectServer<Dyn>) = match backend {
            Backend::Memory => {
                let shared: Dyn = Arc::new(InMemory::new());
                let objects = ObjectServer::new(shared.clone())
                    .buckets("app", |_| Ok(Arc::new(InMemory::new()) as Dyn));
                (shared, objects.unwrap())
            }
            Backend::Local => {
                let root = tempfile::tempdir().unwrap();
                let shared: Dyn = Arc::new(LocalFileSystem::new_with_prefix(root.path()).unwrap());
                let path = root.path().to_owned();
                let objects = ObjectServer::new(shared.clone()).buckets("app", move |name| {
                    let path = path.join(name.as_str());
                    std::fs::create_dir_all(&path).unwrap();
                    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?) as Dyn)
                });
                folder = Some(root);
                (shared, objects.unwrap())
            }
            Backend::S3 => {
                let s3 = s3::Server::start().await;
                let shared: Dyn = Arc::new(s3.bucket("shared"));
                for bucket in ["app-t-a", "app-t-a-b"] {
                    s3.bucket(bucket);
                }
                let address = s3.address();
                let objects = ObjectServer::new(shared.clone()).buckets("app", move |name| {
                    Ok(Arc::new(s3::client(address, name.as_str())) as Dyn)
                });
                server = Some(s3);
                (shared, objects.unwrap())
            }
        };
        let builder = TenantStore::builder().server(ServerName::default(), objects);
        Self {
            tenants: Tenants::new(isolation),
            store: tune(builder).build().unwrap(),
            shared,
            folder,
            server,
        }
    }

    pub(crate) fn a(&self) -> BoundStore<Dyn> {
        self.store.for_tenant(&self.tenants.a)
    }

    pub(crate) fn b(&self) -> BoundStore<Dyn> {
        self.store.for_tenant(&self.tenants.b)
    }
}

/// Every object of a store with its content, by path.
pub(crate) async fn all<S: ObjectStore>(store: &S) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let listed: Vec<_> = store.list(None).try_collect().await.unwrap();
    for meta in listed {
        let data = read(store, meta.location.as_ref()).await;
        assert_eq!(data.len() as u64, meta.size);
        found.push((meta.location.to_string(), data));
    }
    found.sort();
    found
}

pub(crate) async fn read<S: ObjectStore>(store: &S, path: &str) -> String {
    let got = store.get(&Path::parse(path).unwrap()).await.unwrap();
    String::from_utf8(got.bytes().await.unwrap().to_vec()).unwrap()
}

pub(crate) async fn write<S: ObjectStore>(
    store: &S,
    path: &str,
    data: &str,
) -> object_store::Result<()> {
    let payload = PutPayload::from(data.to_owned());
    store
        .put(&Path::parse(path).unwrap(), payload)
        .await
        .map(|_| ())
}

/// The error of ours inside.
pub(crate) fn ours(error: &object_store::Error) -> &tenancy_object_store::Error {
    tenancy_object_store::Error::from_object_store(error)
        .unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

/// A store of tenants over any store.
pub(crate) fn over<S: ObjectStore>(store: S) -> TenantStore<S> {
    TenantStore::builder()
        .server(
            ServerName::default(),
            ObjectServer::new(store).prefixes_only(),
        )
        .build()
        .unwrap()
}
