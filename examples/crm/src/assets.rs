//! The stylesheet, the icon and a script, compiled into the program.

use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;

const CSS: &str = include_str!("../assets/app.css");
const PROGRESS: &str = include_str!("../assets/progress.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// The address of the stylesheet. It changes with the text, so that browsers may keep it for ever.
pub fn css_address() -> &'static str {
    static ADDRESS: LazyLock<String> =
        LazyLock::new(|| format!("/assets/app.css?v={:016x}", fnv(CSS.as_bytes())));
    &ADDRESS
}

/// The routes of the assets. They belong to no tenant and are the same on every host.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(
            "/assets/app.css",
            get(async || {
                answer(
                    "text/css; charset=utf-8",
                    "public, max-age=31536000, immutable",
                    CSS,
                )
            }),
        )
        .route(
            "/assets/icon.svg",
            get(async || answer("image/svg+xml", "public, max-age=86400", ICON)),
        )
        .route(
            "/assets/progress.js",
            get(async || {
                answer(
                    "text/javascript; charset=utf-8",
                    "public, max-age=300",
                    PROGRESS,
                )
            }),
        )
}

fn answer(kind: &'static str, cache: &'static str, body: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &'static str); 2] =
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, body)
}

/// FNV-1a: a name for a version, not a seal.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
