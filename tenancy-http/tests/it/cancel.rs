//! Dropping a request at any of its polls leaves no context behind and harms no later request.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use axum::Router;
use axum::routing::get;
use tenancy_core::TenantContext;
use tenancy_http::TenantLayer;
use tower::ServiceExt;

use crate::fixture::{BASE, Slow, ask, registry, request};

/// Counts the handlers that began and those that ended, in whatever way.
#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

struct Ended(Arc<Counts>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn dropped_at_each_poll() {
    let counts = Arc::new(Counts::default());
    let handler = {
        let counts = Arc::clone(&counts);
        get(move || async move {
            counts.begun.fetch_add(1, Ordering::SeqCst);
            let _ended = Ended(counts);
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            TenantContext::current()
                .unwrap()
                .tenant()
                .slug()
                .to_string()
        })
    };
    let app = Router::new()
        .route("/", handler)
        .layer(TenantLayer::new(Slow::new(registry(), 3)).subdomain_of(BASE));

    let mut polls = 0;
    loop {
        let finished = {
            let mut future = pin!(app.clone().oneshot(request("acme.crm.example.com")));
            let mut finished = false;
            for _ in 0..polls {
                let mut cx = Context::from_waker(Waker::noop());
                if let Poll::Ready(response) = future.as_mut().poll(&mut cx) {
                    assert_eq!(response.unwrap().status(), 200);
                    finished = true;
                    break;
                }
                assert!(
                    TenantContext::current().is_err(),
                    "left behind by poll {polls}"
                );
            }
            finished
        };
        assert!(
            TenantContext::current().is_err(),
            "left behind by drop {polls}"
        );
        assert_eq!(
            counts.begun.load(Ordering::SeqCst),
            counts.ended.load(Ordering::SeqCst)
        );
        assert_eq!(
            ask(&app, request("globex.crm.example.com")).await.body,
            "globex"
        );
        if finished {
            break;
        }
        polls += 1;
        assert!(polls < 100, "never finishes");
    }
    assert!(
        polls > 6,
        "the registry and the handler are pending three times each, saw {polls}"
    );
}

#[tokio::test]
async fn a_panicking_handler_leaves_no_context() {
    let app = Router::new()
        .route("/", get(async || -> String { panic!("on purpose") }))
        .layer(TenantLayer::new(registry()).subdomain_of(BASE));
    let joined = tokio::spawn(app.oneshot(request("acme.crm.example.com"))).await;
    assert!(joined.unwrap_err().is_panic());
    assert!(TenantContext::current().is_err());
}
