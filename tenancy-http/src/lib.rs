//! Whose request is this? Decided once, at the edge, and the same answer everywhere below.
//!
//! [`TenantLayer`] is a tower layer: it reads the host of a request, asks the registry whose it is, and runs the service
//! below inside that tenant's [`TenantContext`](tenancy_core::TenantContext), from the first poll of the handler to the last
//! byte of the answer. With the feature `axum` there is an extractor, `Tenancy`, and [`Problem`] is an `IntoResponse`.
//!
//! ```
//! # #[cfg(feature = "axum")] {
//! use axum::{Router, routing::get};
//! use tenancy_core::InMemoryRegistry;
//! use tenancy_http::{Problem, TenantLayer, Tenancy};
//!
//! async fn home(tenancy: Tenancy) -> String {
//!     format!("hello, {}", tenancy.tenant().slug())
//! }
//!
//! async fn lead() -> Result<String, Problem> {
//!     Err(Problem::not_found())
//! }
//!
//! let registry = InMemoryRegistry::new();
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .route("/lead", get(lead))
//!     .layer(TenantLayer::new(registry).subdomain_of("crm.example.com").subdomain_of("localhost"))
//!     // Routes that are added after the layer are outside of it: they answer on any host and have no tenant.
//!     .route("/healthz", get(async || "ok"));
//! # }
//! ```
//!
//! # Caveats
//! - **Proxies.** The layer believes the `Host` header (the authority on HTTP/2). A proxy in front must pass on the host that it
//!   was asked for, and refuse hosts that it does not serve; one that can't is named in [`TrustedProxies`].
//! - **Caches.** An answer depends on the host. A shared cache must have the host in its key, and responses with a tenant's
//!   data should be `Cache-Control: private`.
//! - **Cookies.** Tenants on sibling subdomains are one *site* to a browser: give session cookies the `__Host-` prefix and
//!   never a `Domain`.
//! - **Tasks.** A bare `tokio::spawn` in a handler loses the context, and every door in the task then refuses. Use
//!   [`tenancy_core::spawn`]. The same holds for upgraded connections (WebSockets), whose callback runs in a task of its own:
//!   take the context from the handler and run the connection in
//!   [`TenantContext::while_live`](tenancy_core::TenantContext::while_live), which a suspension ends.
//! - **Time.** A registry that hangs makes requests wait. Put a timeout around the layer, and a cache before the registry.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test that meets the unexpected should stop"
    )
)]

#[cfg(feature = "domains")]
pub mod domains;
#[cfg(feature = "axum")]
mod extract;
mod guard;
mod host;
#[cfg(feature = "limit")]
pub mod limit;
#[cfg(feature = "limit")]
mod metric;
#[cfg(feature = "metrics")]
pub mod observe;
mod problem;
#[cfg(feature = "propagate")]
pub mod propagate;
mod resolve;

#[cfg(feature = "axum")]
pub use extract::Tenancy;
pub use guard::{GuardFuture, Guarded, RequireFeature, RequirePlan, RequireTenant};
pub use host::TrustedProxies;
pub use problem::Problem;
pub use resolve::{
    ApiKeys, InMemorySessions, Links, Membership, SameSite, Session, SessionHash, SessionStore,
    Sessions, TenantBody, TenantFuture, TenantLayer, TenantService, UsedKeys,
};
#[cfg(feature = "jwt")]
pub use resolve::{FetchedKeys, FixedKeys, Issuer, KeySource, TokenKey, Tokens};
