//! Registries and requests that every file here needs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tenancy_core::{
    Error, ErrorKind, InMemoryRegistry, Known, LookupKey, Tenant, TenantId, TenantRegistry,
    TenantSlug, TenantStatus,
};
use tenancy_http::TenantLayer;
use tower::ServiceExt;

/// The base domain of all tests.
pub(crate) const BASE: &str = "crm.example.com";

pub(crate) fn tenant(id: &str, slug: &str, status: TenantStatus) -> Tenant {
    Tenant::builder(
        TenantId::parse(id).unwrap(),
        TenantSlug::parse(slug).unwrap(),
    )
    .status(status)
    .build()
    .unwrap()
}

/// One tenant of every status; `acme` and `globex` are active.
pub(crate) fn registry() -> InMemoryRegistry {
    let registry = InMemoryRegistry::new();
    for (id, slug, status) in [
        ("1", "acme", TenantStatus::Active),
        ("2", "globex", TenantStatus::Active),
        ("3", "initech", TenantStatus::ReadOnly),
        ("4", "umbrella", TenantStatus::Suspended),
        ("5", "hooli", TenantStatus::Provisioning),
        ("6", "stark", TenantStatus::Offboarding),
    ] {
        registry.insert(tenant(id, slug, status)).unwrap();
    }
    registry
}

pub(crate) fn layer() -> TenantLayer {
    TenantLayer::new(registry()).subdomain_of(BASE)
}

pub(crate) fn request(host: &str) -> Request<Body> {
    Request::get("/")
        .header("host", host)
        .body(Body::empty())
        .unwrap()
}

/// All that an outsider can see of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) async fn seen(response: Response) -> Seen {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Seen {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) async fn ask(app: &Router, request: Request<Body>) -> Seen {
    seen(app.clone().oneshot(request).await.unwrap()).await
}

type Lookup<'a> = Pin<Box<dyn Future<Output = Result<Option<Arc<Tenant>>, Error>> + Send + 'a>>;

/// A registry that fails in one way at every lookup.
#[derive(Debug)]
pub(crate) struct Failing(pub(crate) ErrorKind);

impl TenantRegistry for Failing {
    fn lookup<'a>(&'a self, _: &'a LookupKey) -> Lookup<'a> {
        let error = Error::new(self.0, "globex: no route to db-7.internal");
        Box::pin(std::future::ready(Err(error)))
    }
}

/// A registry that answers the same tenant whatever it is asked, as a query with `LIKE` might.
#[derive(Debug)]
pub(crate) struct Obliging(pub(crate) Arc<Tenant>);

impl TenantRegistry for Obliging {
    fn lookup<'a>(&'a self, _: &'a LookupKey) -> Lookup<'a> {
        Box::pin(std::future::ready(Ok(Some(Arc::clone(&self.0)))))
    }
}

/// An obliging one that answers without waiting: in all ways, or as it is asked about slugs.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) inner: Obliging,
    pub(crate) by_key: bool,
}

impl TenantRegistry for Forward {
    fn lookup<'a>(&'a self, key: &'a LookupKey) -> Lookup<'a> {
        self.inner.lookup(key)
    }

    fn peek(&self, _: &LookupKey) -> Known {
        if self.by_key {
            Known::Tenant(Arc::clone(&self.inner.0))
        } else {
            Known::Absent
        }
    }

    fn peek_slug(&self, _: &[u8]) -> Known {
        Known::Tenant(Arc::clone(&self.inner.0))
    }
}

/// A registry that lets other tasks run before it answers, and counts how often it was asked.
#[derive(Debug)]
pub(crate) struct Slow<R> {
    pub(crate) inner: R,
    pub(crate) yields: usize,
    pub(crate) asked: Arc<AtomicUsize>,
}

impl<R: TenantRegistry> Slow<R> {
    pub(crate) fn new(inner: R, yields: usize) -> Self {
        Self {
            inner,
            yields,
            asked: Arc::default(),
        }
    }
}

impl<R: TenantRegistry> TenantRegistry for Slow<R> {
    fn lookup<'a>(&'a self, key: &'a LookupKey) -> Lookup<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            for _ in 0..self.yields {
                tokio::task::yield_now().await;
            }
            self.inner.lookup(key).await
        })
    }
}
