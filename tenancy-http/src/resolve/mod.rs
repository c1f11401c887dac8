//! The layer that decides once whose request this is.
//!
//! ```text
//! request ── host ── label below a base domain ── slug ── registry ── tenant ── TenantContext ── inner service
//!              │                │                   │         │          │
//!             400              404                 404    404 / 503     404
//! ```
//!
//! One file each: [`TenantLayer`] configures, [`TenantService`] reads the request, [`TenantFuture`] waits for the registry
//! and then runs the inner service inside the context, [`TenantBody`] keeps the context until the last byte of the answer.
//! What is decided about a host before any registry is asked lives in `host`.

mod admit;
mod body;
mod future;
mod layer;
mod service;

pub use body::TenantBody;
pub use future::TenantFuture;
pub use layer::TenantLayer;
pub use service::TenantService;
