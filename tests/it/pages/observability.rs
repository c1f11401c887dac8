//! The code of `docs/observability.md`.

use axum::body::Body;
use axum::http::Request;
use tower_http::trace::TraceLayer;

#[rustfmt::skip]
fn on_the_requests_own_span() {
    let _layer =
    TraceLayer::new_for_http().make_span_with(|_: &Request<Body>| tracing::info_span!("request", tenant.id = tracing::field::Empty))
    ;
}
