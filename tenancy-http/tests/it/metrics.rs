//! Metrics and latencies of tenants: what is counted, under which labels, and how many there can be.

use axum::Router;
use axum::routing::get;
use futures_util::FutureExt;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
use tenancy_http::TenantLayer;
use tenancy_http::observe::{Labels, Latencies, MetricsLayer};
use tower::ServiceExt;

use crate::fixture::{BASE, ask, request};

/// So many tenants, `t-1` and on; every third is on the plan gold.
fn registry(tenants: u32) -> InMemoryRegistry {
    let registry = InMemoryRegistry::new();
    for n in 1..=tenants {
        let slug = TenantSlug::parse(&format!("t-{n}")).unwrap();
        let tenant = Tenant::builder(TenantId::from_integer(n.into()).unwrap(), slug);
        let plan = if n % 3 == 0 { "gold" } else { "" };
        registry.insert(tenant.plan(plan).build().unwrap()).unwrap();
    }
    registry
}

fn app(tenants: u32, layer: MetricsLayer) -> Router {
    Router::new()
        .route("/", get(async || "served"))
        .route("/wait", get(std::future::pending::<&'static str>))
        .layer(layer)
        .layer(TenantLayer::new(registry(tenants)).subdomain_of(BASE))
        .route("/central", get(async || "of nobody"))
}

async fn of(app: &Router, n: u32) -> StatusCode {
    ask(app, request(&format!("t-{n}.{BASE}"))).await.status
}

/// Asks as each of so many tenants, and returns what Prometheus would read.
async fn rendered(labels: Labels, tenants: u32) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // Metrics go to the recorder of the thread: the runtime of this test has one.
    let _here = metrics::set_default_local_recorder(&recorder);
    let app = app(tenants, MetricsLayer::new(labels));
    for n in 1..=tenants {
        assert_eq!(of(&app, n).await, 200);
    }
    handle.render()
}

fn series(rendered: &str) -> Vec<&str> {
    let counts = |line: &&str| line.starts_with("tenancy_http_requests_total{");
    rendered.lines().filter(counts).collect()
}

#[tokio::test]
async fn labels_are_as_many_as_was_said() {
    let none = rendered(Labels::None, 100).await;
    assert_eq!(
        series(&none),
        ["tenancy_http_requests_total{status=\"2xx\"} 100"]
    );

    let plan = rendered(Labels::Plan, 100).await;
    assert_eq!(series(&plan).len(), 2, "{plan}");
    assert!(
        plan.contains("tenancy_http_requests_total{plan=\"gold\",status=\"2xx\"} 33"),
        "{plan}"
    );

    let top = rendered(Labels::TopK(5), 3_000).await;
    let count = series(&top).len();
    assert!((2..=5 * 4 + 1).contains(&count), "{count} series");
    assert!(top.contains("tenant=\"other\""));

    let all = rendered(Labels::All, 100).await;
    assert_eq!(series(&all).len(), 100);
}

#[tokio::test]
async fn only_requests_of_tenants_are_counted_by_what_became_of_them() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _here = metrics::set_default_local_recorder(&recorder);
    let latencies = Latencies::of_the_last(10);
    let app = app(
        1,
        MetricsLayer::new(Labels::All).latencies(latencies.clone()),
    );
    assert_eq!(of(&app, 1).await, 200);
    assert_eq!(of(&app, 2).await, 404, "nobody by that name");
    let post = http::Request::post("/").header("host", format!("t-1.{BASE}"));
    let post = post.body(axum::body::Body::empty()).unwrap();
    assert_eq!(ask(&app, post).await.status, 405);
    let central = http::Request::get("/central").body(axum::body::Body::empty());
    assert_eq!(ask(&app, central.unwrap()).await.status, 200);
    let wait = http::Request::get("/wait").header("host", format!("t-1.{BASE}"));
    let wait = wait.body(axum::body::Body::empty()).unwrap();
    assert!(app.clone().oneshot(wait).now_or_never().is_none());

    let seen = handle.render();
    for (status, count) in [("2xx", 1), ("4xx", 1), ("dropped", 1)] {
        let line =
            format!("tenancy_http_requests_total{{tenant=\"1\",status=\"{status}\"}} {count}");
        assert!(seen.contains(&line), "{line} is not in {seen}");
    }
    assert_eq!(series(&seen).len(), 3, "{seen}");
    assert!(
        seen.contains("tenancy_http_request_seconds_count{tenant=\"1\"} 3"),
        "{seen}"
    );
    assert_eq!(
        latencies
            .quantiles(&TenantId::parse("1").unwrap())
            .unwrap()
            .count,
        3
    );
}
