//! Who works, for which tenant, at what: the part of `tenancy` that every other crate leans on.
//!
//! Nothing here does I/O or knows a driver. It holds what a door out of the process (SQL, cache, files, jobs) needs to
//! know before it opens, and the rule that all doors share: **no tenant is an error**. Never all rows, never a default.
//!
//! # The path of a request
//! 1. A *resolver* reads a candidate out of the request: a [`TenantSlug`], a [`DomainName`], an [`ApiKeyHash`].
//! 2. A [`TenantRegistry`] answers who that is: a [`Tenant`], with a status and a [`Placement`]. "Not found" and "can't
//!    say just now" are different answers. [`CachedRegistry`] remembers them, and forgets at the right moment.
//! 3. A purpose-named constructor makes a [`TenantContext`]: [`for_request`](TenantContext::for_request) here. A tenant
//!    that is suspended, being provisioned or being offboarded gets none.
//! 4. [`TenantContext::scope`] runs the handler. Whatever it awaits sees this tenant; entering another one is an error.
//! 5. A door calls [`TenantContext::with_current`] and [`ensure_live`](TenantContext::ensure_live), and opens for that
//!    tenant alone.
//!
//! Work that leaves the request keeps its tenant in one of these ways:
//!
//! | where it goes | with |
//! |---|---|
//! | another task or thread | [`spawn`], [`spawn_blocking`], [`TenantJoinSet`] |
//! | a future or stream that somebody polls later | [`InTenant`], [`StreamInTenant`] |
//! | another process, another day | [`Envelope`] |
//! | nowhere, but it waits long: a socket, a subscription | [`TenantContext::while_live`], which a suspension ends |
//! | across tenants | [`danger::CrossTenant`], with a permission, a reason and an audit event |
//!
//! # What can't happen
//! - A [`TenantId`] or [`TenantSlug`] that was not parsed, has a second spelling, or means something to SQL, a path or a key.
//! - A context out of nowhere: it is neither `Default` nor `Deserialize`.
//! - A context that leaks into a neighbour: it is swapped in for each poll and out after it, through panics and
//!   cancellation. What a scope holds is dropped as its own tenant, whoever drops it.
//! - A tenant whose placement leads into another's schema or database: [`TenantBuilder::build`] refuses it.
//! - A suspended tenant that goes on until something expires: [`CachedRegistry::apply`] reaches contexts under way.
//!
//! # Example: the whole path, and what is refused on it
//! ```
//! use tenancy_core::{
//!     Actor, Error, InMemoryRegistry, RegistryExt, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus,
//! };
//!
//! // A door: it opens for the current tenant, or not at all.
//! fn greet() -> Result<String, Error> {
//!     TenantContext::with_current(|cx| {
//!         cx.ensure_live()?;
//!         Ok(format!("hello from {}", cx.tenant().name()))
//!     })?
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let registry = InMemoryRegistry::new();
//! let acme = TenantSlug::parse("acme")?;
//! registry.insert(Tenant::builder(TenantId::new_v7(), acme).name("Acme Corp.").build()?)?;
//!
//! let tenant = registry.by_slug(&acme).await?;
//! let cx = TenantContext::for_request(tenant.clone(), Actor::user("u-1"))?;
//! assert_eq!(cx.scope(async { greet() }).await??, "hello from Acme Corp.");
//!
//! assert!(greet().unwrap_err().is_no_tenant());
//! registry.set_status(&tenant.id(), TenantStatus::Suspended)?;
//! assert!(cx.scope(async { greet() }).await?.unwrap_err().is_suspended());
//! # Ok::<(), Error>(())
//! # }).unwrap();
//! ```
//!
//! # Features
//! `testing` adds [`TenantContext`]`::for_test` and nothing else. No feature changes behaviour.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that meets the unexpected should stop"
    )
)]

mod actor;
mod audit;
pub mod budget;
mod context;
pub mod danger;
mod envelope;
mod error;
mod id;
mod inline;
mod liveness;
mod placement;
mod registry;
mod secret;
pub mod session;
mod slug;
mod status;
mod tenant;

/// What the traits of this crate return: a future that is boxed, and may move between threads.
pub use futures_core::future::BoxFuture;

pub use actor::{Actor, ActorKind};
pub use audit::{AuditEvent, AuditKind, AuditSink, InMemoryAudit};
pub use context::{
    Ended, InTenant, Scoped, ScopedStream, StreamInTenant, TenantContext, TenantJoinSet, WhileLive,
    spawn, spawn_blocking,
};
pub use envelope::Envelope;
pub use error::{Error, ErrorKind};
pub use id::{IdRepr, TenantId};
pub use placement::{Isolation, Placement, ServerName};
pub use registry::{
    ApiKeyHash, CachedRegistry, CachedRegistryBuilder, DomainName, InMemoryRegistry, Known,
    LookupKey, RegistryEvent, RegistryExt, Resolved, TenantRegistry,
};
pub use secret::Secret;
pub use slug::TenantSlug;
pub use status::{Operation, TenantStatus};
pub use tenant::{Tenant, TenantBuilder};
