//! Limits counted in one process: who is refused, with what answer, and whom it costs nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::{FutureExt, StreamExt, stream};
use http::StatusCode;
use http_body_util::BodyExt;
use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
use tenancy_http::TenantLayer;
use tenancy_http::limit::{Allowance, LimitLayer, Limits};
use tower::ServiceExt;

use crate::fixture::{BASE, Seen, ask, request};

/// `acme` has no plan, `globex` is on gold, `initech` on gold with an allowance of its own.
pub(crate) fn registry() -> InMemoryRegistry {
    let registry = InMemoryRegistry::new();
    let begin = |id: &str, slug: &str| {
        Tenant::builder(
            TenantId::parse(id).unwrap(),
            TenantSlug::parse(slug).unwrap(),
        )
    };
    let own = serde_json::json!({ "limits": { "rate": { "requests": 2, "seconds": 3600 } } });
    for tenant in [
        begin("1", "acme"),
        begin("2", "globex").plan("gold"),
        begin("3", "initech")
            .plan("gold")
            .settings(own.as_object().unwrap().clone()),
    ] {
        registry.insert(tenant.build().unwrap()).unwrap();
    }
    registry
}

/// An hour: whatever the machine does meanwhile, nothing comes back.
fn limits() -> Limits {
    Limits::new(Allowance::unlimited().rate(3, 3_600).at_once(2))
        .plan(
            "gold",
            Allowance::unlimited()
                .rate(10, 3_600)
                .quota("daily", 5, 86_400),
        )
        .setting("limits")
}

fn host(slug: &str) -> String {
    format!("{slug}.{BASE}")
}

async fn of(app: &Router, slug: &str) -> Seen {
    ask(app, request(&host(slug))).await
}

#[tokio::test]
async fn each_tenant_has_what_its_plan_or_its_setting_says() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let app = Router::new()
        .route(
            "/",
            get(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
                "served"
            }),
        )
        .layer(LimitLayer::new(limits()))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    for (slug, allowed) in [("acme", 3), ("globex", 5), ("initech", 2)] {
        for n in 0..allowed {
            assert_eq!(of(&app, slug).await.status, 200, "{slug} {n}");
        }
        for _ in 0..100 {
            assert_eq!(of(&app, slug).await.status, 429, "{slug}");
        }
    }
    // No handler ran for what was refused.
    assert_eq!(served.load(Ordering::SeqCst), 3 + 5 + 2);
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_names_nobody() {
    let app = Router::new()
        .route("/", get(async || "served"))
        .layer(LimitLayer::new(limits()))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    let first = of(&app, "globex").await;
    let policy = "\"rate\";q=10;w=3600, \"daily\";q=5;w=86400";
    assert_eq!(first.headers["ratelimit-policy"], policy);
    let standing = first.headers["ratelimit"].to_str().unwrap();
    assert!(
        standing.starts_with("\"rate\";r=9;t=360, \"daily\";r=4;t="),
        "{standing}"
    );

    for _ in 0..4 {
        of(&app, "globex").await;
    }
    let refused = of(&app, "globex").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.headers["ratelimit-policy"], policy);
    let standing = refused.headers["ratelimit"].to_str().unwrap();
    assert!(standing.contains("\"daily\";r=0;t="), "{standing}");
    let wait: u64 = refused.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=86_400).contains(&wait), "{wait}");
    assert!(!refused.body.contains("globex") && !refused.body.contains("gold"));
}

#[tokio::test]
async fn a_request_counts_until_the_last_byte_of_its_answer() {
    let app = Router::new()
        .route(
            "/",
            get(async || {
                let frames = stream::repeat(Ok::<_, Infallible>(Bytes::from_static(b"x"))).take(3);
                Body::from_stream(frames)
            }),
        )
        .layer(LimitLayer::new(Limits::new(
            Allowance::unlimited().at_once(2),
        )))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    let open = || app.clone().oneshot(request(&host("acme")));
    let (first, second) = (open().await.unwrap(), open().await.unwrap());
    assert_eq!(first.status(), 200);
    let refused = of(&app, "acme").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(
        of(&app, "globex").await.status,
        200,
        "others have their own"
    );

    // One is read to its end, the other one thrown away: both make room.
    assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "xxx");
    drop(second);
    let (third, fourth) = (open().await.unwrap(), open().await.unwrap());
    assert_eq!(
        (third.status(), fourth.status()),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(of(&app, "acme").await.status, 429);
}

#[tokio::test]
async fn a_cancelled_request_makes_room() {
    let waits = async || {
        std::future::pending::<()>().await;
        "never"
    };
    let app = Router::new()
        .route("/", get(async || "served"))
        .route("/wait", get(waits))
        .layer(LimitLayer::new(Limits::new(
            Allowance::unlimited().at_once(1),
        )))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    let waiting = http::Request::get("/wait")
        .header("host", host("acme"))
        .body(Body::empty())
        .unwrap();
    let mut call = Box::pin(app.clone().oneshot(waiting));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(of(&app, "acme").await.status, 429);
    drop(call);
    assert_eq!(of(&app, "acme").await.status, 200);
}

#[tokio::test]
async fn a_panicking_handler_makes_room() {
    let app = Router::new()
        .route("/", get(async || -> &'static str { panic!("on purpose") }))
        .layer(LimitLayer::new(Limits::new(
            Allowance::unlimited().at_once(1),
        )))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    for _ in 0..3 {
        let app = app.clone();
        let call = tokio::spawn(async move { of(&app, "acme").await });
        assert!(call.await.unwrap_err().is_panic(), "it was let in");
    }
}

#[tokio::test]
async fn without_a_tenant_nothing_is_let_through() {
    let bare = Router::new()
        .route("/", get(async || "served"))
        .layer(LimitLayer::new(limits()));
    assert_eq!(of(&bare, "acme").await.status, 500);
    // The wrong way round: the limit is asked before anybody knows whose the request is.
    let around = Router::new()
        .route("/", get(async || "served"))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE))
        .layer(LimitLayer::new(limits()));
    assert_eq!(of(&around, "acme").await.status, 500);
}

#[tokio::test]
async fn a_new_plan_is_in_force_with_the_next_request() {
    let registry = registry();
    let app = Router::new()
        .route("/", get(async || "served"))
        .layer(LimitLayer::new(limits()))
        .layer(TenantLayer::new(registry.clone()).subdomain_of(BASE));
    for status in [200, 200, 200, 429] {
        assert_eq!(of(&app, "acme").await.status, status);
    }
    let begin = Tenant::builder(
        TenantId::parse("1").unwrap(),
        TenantSlug::parse("acme").unwrap(),
    );
    let gold = begin.plan("gold").epoch(1).build().unwrap();
    registry.replace(gold).unwrap();
    assert_eq!(of(&app, "acme").await.status, 200);
}
