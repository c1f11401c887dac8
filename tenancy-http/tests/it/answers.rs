//! Every request has its one right answer, and the wrong ones can't be told apart.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, Response, StatusCode};
use tenancy_core::{ErrorKind, InMemoryRegistry, TenantContext, TenantRegistry, TenantStatus};
use tenancy_http::{Tenancy, TenantLayer};
use tower::{Layer, Service, ServiceExt};

use crate::fixture::{
    BASE, Failing, Forward, Obliging, Seen, Slow, ask, layer, registry, request, tenant,
};

async fn whose() -> String {
    TenantContext::current()
        .unwrap()
        .tenant()
        .slug()
        .to_string()
}

fn app(layer: TenantLayer) -> Router {
    Router::new().route("/", get(whose)).layer(layer)
}

async fn check(host: &str, status: u16, body: Option<&str>) {
    let seen = ask(&app(layer()), request(host)).await;
    assert_eq!(seen.status, status, "{host}");
    if let Some(body) = body {
        assert_eq!(seen.body, body, "{host}");
    }
}

#[tokio::test]
async fn every_host_has_one_right_answer() {
    check("acme.crm.example.com", 200, Some("acme")).await;
    check("ACME.Crm.Example.COM", 200, Some("acme")).await;
    check("acme.crm.example.com.", 200, Some("acme")).await;
    check("acme.crm.example.com:8443", 200, Some("acme")).await;
    check("ACME.crm.example.com.:8443", 200, Some("acme")).await;
    check("globex.crm.example.com", 200, Some("globex")).await;
    check("initech.crm.example.com", 200, Some("initech")).await;

    let too_long = format!("{}.{BASE}", "a.".repeat(130));
    for malformed in [
        "",
        "acme..crm.example.com",
        ".crm.example.com",
        "acme.crm.example.com..",
        "user@acme.crm.example.com",
        "acme.crm.example.com@evil.org",
        "acme.crm.example.com:port",
        "acme.crm.example.com:99999",
        "[::1",
        "%61cme.crm.example.com",
        "acme.crm.example.com,globex.crm.example.com",
        "acme.crm.example.com globex.crm.example.com",
        "acme.crm.example.com/",
        "http://acme.crm.example.com",
        &too_long,
    ] {
        check(malformed, 400, None).await;
    }
}

#[tokio::test]
async fn whatever_is_not_there_looks_the_same() {
    let absent = ask(&app(layer()), request("vandelay.crm.example.com")).await;
    assert_eq!(absent.status, 404);
    assert_eq!(absent.headers["content-type"], "application/problem+json");
    assert_eq!(
        absent.body,
        r#"{"type":"about:blank","title":"Not Found","status":404}"#
    );

    for host in [
        "umbrella.crm.example.com", // suspended
        "hooli.crm.example.com",    // provisioning
        "stark.crm.example.com",    // offboarding
        "www.crm.example.com",      // reserved
        "_acme-challenge.crm.example.com",
        "a_cme.crm.example.com", // no slug
        "-acme.crm.example.com",
        "xn--cme-5cd.crm.example.com", // a look-alike of acme
        "1.crm.example.com",           // an id is no slug
        "crm.example.com",             // the base itself
        "crm.example.com:443",
        "www.acme.crm.example.com", // nested
        "acme.acme.crm.example.com",
        "acme.crm.example.com.evil.org",
        "acme.evilcrm.example.com",
        "evilcrm.example.com",
        "example.com",
        "localhost",
        "127.0.0.1",
        "127.0.0.1:3000",
        "[::1]",
        "[::1]:3000",
    ] {
        assert_eq!(ask(&app(layer()), request(host)).await, absent, "{host}");
    }
}

#[tokio::test]
async fn requests_name_one_host_once() {
    async fn check(target: &str, hosts: &[&str], status: u16) {
        let mut request = Request::get(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let seen = ask(&app(layer()), request.body(Body::empty()).unwrap()).await;
        assert_eq!(seen.status, status, "{target} {hosts:?}");
    }
    let acme = "acme.crm.example.com";
    let globex = "globex.crm.example.com";
    check("http://acme.crm.example.com/", &[], 200).await;
    check("http://acme.crm.example.com/", &[acme], 200).await;
    check(
        "http://acme.crm.example.com:80/",
        &["ACME.crm.example.com."],
        200,
    )
    .await;
    check("http://acme.crm.example.com/", &[globex], 400).await;
    check("http://vandelay.crm.example.com/", &[acme], 400).await;
    check("http://user@acme.crm.example.com/", &[acme], 400).await;
    check("/", &[], 400).await;
    check("/", &[acme, globex], 400).await;
    check("/", &[acme, acme], 400).await;
}

#[tokio::test]
async fn forwarded_hosts_and_tenant_headers_are_ignored() {
    for (name, value) in [
        ("x-forwarded-host", "globex.crm.example.com"),
        ("x-host", "globex.crm.example.com"),
        ("x-original-host", "globex.crm.example.com"),
        ("forwarded", "host=globex.crm.example.com"),
        ("x-tenant-id", "2"),
        ("baggage", "tenant.id=2"),
    ] {
        let mut request = request("acme.crm.example.com");
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(ask(&app(layer()), request).await.body, "acme", "{name}");

        let mut request = self::request("vandelay.crm.example.com");
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(ask(&app(layer()), request).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn an_outage_is_never_an_absence() {
    let seen = ask(
        &app(TenantLayer::new(Failing(ErrorKind::RegistryUnavailable)).subdomain_of(BASE)),
        request("acme.crm.example.com"),
    )
    .await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(seen.headers["retry-after"], "5");
    assert_eq!(seen.headers["content-type"], "application/problem+json");
    silent(&seen);

    // Hosts that no registry need be asked about are answered all the same.
    let app = app(TenantLayer::new(Failing(ErrorKind::RegistryUnavailable)).subdomain_of(BASE));
    assert_eq!(ask(&app, request("crm.example.com")).await.status, 404);
    assert_eq!(ask(&app, request("a@crm.example.com")).await.status, 400);
}

#[tokio::test]
async fn other_failures_of_a_registry_are_answered_by_their_kind() {
    for (kind, status) in [
        (ErrorKind::Other, 500),
        (ErrorKind::ApiMisuse, 500),
        (ErrorKind::UnknownTenant, 404),
    ] {
        let app = app(TenantLayer::new(Failing(kind)).subdomain_of(BASE));
        let seen = ask(&app, request("acme.crm.example.com")).await;
        assert_eq!(seen.status, status, "{kind:?}");
        silent(&seen);
    }
}

fn silent(seen: &Seen) {
    assert!(!seen.body.contains("globex"), "{seen:?}");
    assert!(!seen.body.contains("acme"), "{seen:?}");
    assert!(!seen.body.contains("internal\""), "{seen:?}");
    assert!(!seen.body.contains("db-7"), "{seen:?}");
}

#[tokio::test]
async fn a_tenant_that_was_not_asked_for_is_no_answer() {
    let globex = Arc::new(tenant("2", "globex", TenantStatus::Active));
    let obliging = || Obliging(Arc::clone(&globex));
    let forward = |by_key| Forward {
        inner: obliging(),
        by_key,
    };
    for layer in [
        TenantLayer::new(obliging()),
        TenantLayer::new(forward(true)),
        TenantLayer::new(forward(false)),
    ] {
        let obliging = app(layer.subdomain_of(BASE));
        let globex = ask(&obliging, request("globex.crm.example.com")).await;
        assert_eq!((globex.status.as_u16(), &*globex.body), (200, "globex"));
        let absent = ask(
            &app(crate::fixture::layer()),
            request("vandelay.crm.example.com"),
        )
        .await;
        for host in ["acme.crm.example.com", "xx.crm.example.com"] {
            assert_eq!(ask(&obliging, request(host)).await, absent, "{host}");
        }
    }
}

#[tokio::test]
async fn a_misconfigured_layer_lets_nothing_through() {
    for layer in [
        TenantLayer::new(registry()),
        TenantLayer::new(registry()).subdomain_of("http://crm.example.com"),
        layer().subdomain_of("crm.example.com:3000"),
        TenantLayer::new(registry())
            .subdomain_of("127.0.0.1")
            .subdomain_of(BASE),
    ] {
        assert_eq!(
            layer.ensure_configured().unwrap_err().kind(),
            ErrorKind::ApiMisuse
        );
        let seen = ask(&app(layer), request("acme.crm.example.com")).await;
        assert_eq!(seen.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(seen.body.contains("misconfigured"), "{seen:?}");
        assert!(!seen.body.contains("TenantLayer"), "{seen:?}");
    }
    assert!(layer().ensure_configured().is_ok());
}

#[tokio::test]
async fn routes_after_the_layer_have_no_tenant() {
    let app = app(layer()).route(
        "/healthz",
        get(async |tenancy: Option<Tenancy>| tenancy.is_none().to_string()),
    );
    for host in [
        "acme.crm.example.com",
        "vandelay.crm.example.com",
        "evil.org",
        "a@b",
    ] {
        let request = Request::get("/healthz")
            .header("host", host)
            .body(Body::empty());
        assert_eq!(ask(&app, request.unwrap()).await.body, "true", "{host}");
    }
}

#[tokio::test]
async fn layers_share_a_registry_that_is_asked_once_a_request() {
    let slow = Slow::new(registry(), 3);
    let asked = Arc::clone(&slow.asked);
    let shared: Arc<dyn TenantRegistry> = Arc::new(slow);
    let app = app(TenantLayer::new(Arc::clone(&shared))
        .subdomain_of(BASE)
        .subdomain_of("localhost"));

    assert_eq!(
        ask(&app, request("acme.crm.example.com")).await.body,
        "acme"
    );
    assert_eq!(
        ask(&app, request("globex.localhost:3000")).await.body,
        "globex"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // Hosts that can't be a tenant's cost no lookup.
    for host in [
        "crm.example.com",
        "www.crm.example.com",
        "evil.org",
        "a@b",
        "[::1]",
    ] {
        ask(&app, request(host)).await;
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_second_layer_may_not_change_the_tenant() {
    let inner = InMemoryRegistry::new();
    inner
        .insert(tenant("9", "acme", TenantStatus::Active))
        .unwrap();
    let reached = Arc::new(AtomicUsize::new(0));
    let handler = {
        let reached = Arc::clone(&reached);
        get(move || async move { reached.fetch_add(1, Ordering::SeqCst).to_string() })
    };
    let app = Router::new()
        .route("/", handler)
        .layer(TenantLayer::new(inner).subdomain_of(BASE))
        .layer(layer());

    let seen = ask(&app, request("acme.crm.example.com")).await;
    assert_eq!(seen, ask(&app, request("vandelay.crm.example.com")).await);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_same_layer_twice_is_harmless() {
    let registry: Arc<dyn TenantRegistry> = Arc::new(registry());
    let layer = TenantLayer::new(registry).subdomain_of(BASE);
    let app = app(layer.clone()).layer(layer);
    assert_eq!(
        ask(&app, request("acme.crm.example.com")).await.body,
        "acme"
    );
}

/// Refuses to be called unless this very value was polled ready before, as tower asks.
#[derive(Debug, Default)]
struct Punctual {
    ready: bool,
}

impl Clone for Punctual {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<Body>> for Punctual {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        assert!(self.ready, "called without having been polled ready");
        self.ready = false;
        // Inside the scope already: a service may look before it returns its future.
        assert!(TenantContext::current().is_ok());
        ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn the_service_that_was_ready_is_the_one_that_is_called() {
    let mut service = TenantLayer::new(Slow::new(registry(), 1))
        .subdomain_of(BASE)
        .layer(Punctual::default());
    for _ in 0..3 {
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request("acme.crm.example.com"))
            .await;
        assert_eq!(response.unwrap().status(), 200);
    }
}
