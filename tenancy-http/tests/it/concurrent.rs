//! Requests of two tenants on one thread, and tasks that handlers start.

use axum::Router;
use axum::routing::get;
use tenancy_core::TenantContext;
use tenancy_http::TenantLayer;

use crate::fixture::{BASE, Slow, ask, layer, registry, request};

fn slug_now() -> String {
    TenantContext::with_current(|context| context.tenant().slug().to_string())
        .unwrap_or_else(|error| format!("{:?}", error.kind()))
}

/// Yields between reads, so that requests of one thread are interleaved at every await.
async fn yielding() -> String {
    let first = slug_now();
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert_eq!(slug_now(), first);
    }
    first
}

#[tokio::test(flavor = "current_thread")]
async fn two_tenants_in_one_task() {
    let app = Router::new()
        .route("/", get(yielding))
        .layer(TenantLayer::new(Slow::new(registry(), 2)).subdomain_of(BASE));
    for _ in 0..50 {
        // `join!` polls all four in one task, in turns: a context kept by thread would mix them.
        let (a, b, c, d) = tokio::join!(
            ask(&app, request("acme.crm.example.com")),
            ask(&app, request("globex.crm.example.com")),
            ask(&app, request("vandelay.crm.example.com")),
            ask(&app, request("acme.crm.example.com")),
        );
        assert_eq!(a.body, "acme");
        assert_eq!(b.body, "globex");
        assert_eq!(c.status, 404);
        assert_eq!(d.body, "acme");
        assert_eq!(slug_now(), "NoTenant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_many_threads() {
    let app = Router::new()
        .route("/", get(yielding))
        .layer(TenantLayer::new(Slow::new(registry(), 2)).subdomain_of(BASE));
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..400 {
        let app = app.clone();
        tasks.spawn(async move {
            let slug = ["acme", "globex", "initech"][turn % 3];
            let seen = ask(&app, request(&format!("{slug}.{BASE}"))).await;
            assert_eq!(seen.body, slug);
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

#[tokio::test]
async fn a_bare_spawn_loses_the_context_and_ours_keeps_it() {
    async fn handler() -> String {
        let bare = tokio::spawn(async { slug_now() }).await.unwrap();
        let bare_blocking = tokio::task::spawn_blocking(slug_now).await.unwrap();
        let ours = tenancy_core::spawn(async { slug_now() })
            .unwrap()
            .await
            .unwrap();
        let ours_blocking = tenancy_core::spawn_blocking(slug_now)
            .unwrap()
            .await
            .unwrap();
        format!("{bare} {bare_blocking} {ours} {ours_blocking}")
    }
    let app = Router::new().route("/", get(handler)).layer(layer());
    let seen = ask(&app, request("acme.crm.example.com")).await;
    assert_eq!(seen.body, "NoTenant NoTenant acme acme");
}

/// A value that is made when it is first needed is made in somebody's request. What it keeps is nobody's for that.
#[tokio::test]
async fn what_was_made_in_one_tenants_request_is_not_that_tenants() {
    use std::sync::OnceLock;
    use tenancy_cache::TenantCache;

    async fn cached(names: &OnceLock<TenantCache<String>>) -> String {
        let names = names.get_or_init(|| TenantCache::builder("names").build().unwrap());
        let load = async || Ok::<_, std::convert::Infallible>(slug_now());
        names.get_or_load("mine", load).await.unwrap()
    }

    for order in [["acme", "globex"], ["globex", "acme"]] {
        let names: &'static OnceLock<_> = Box::leak(Box::default());
        let app = Router::new()
            .route("/", get(move || cached(names)))
            .layer(layer());
        for slug in order.into_iter().chain(order) {
            let seen = ask(&app, request(&format!("{slug}.{BASE}"))).await;
            assert_eq!(seen.body, slug, "{order:?}");
        }
    }
}
