//! The layer and the extractor in real axum routers, and over a real socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected should stop, and some do what the lints forbid to see it refused"
)]

mod agree;
mod allocate;
mod answers;
mod cancel;
mod concurrent;
mod dns;
mod ended;
mod extract;
mod fixture;
mod guards;
mod hosts;
mod indistinct;
mod limit;
mod limit_shared;
mod metrics;
mod observe;
mod people;
mod propagate;
mod proxies;
mod sessions;
mod socket;
mod stream;
mod threats;
mod tokens;
