//! Who, for which tenant.
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
mod context;
pub mod danger;
mod envelope;
mod error;
mod id;
mod inline;
mod liveness;
mod placement;
mod registry;
mod slug;
mod status;
mod tenant;

pub use actor::{Actor, ActorKind};
pub use audit::{AuditEvent, AuditKind, AuditSink, InMemoryAudit};
pub use context::{
    InTenant, Scoped, ScopedStream, StreamInTenant, TenantContext, TenantJoinSet, spawn,
    spawn_blocking,
};
pub use envelope::Envelope;
pub use error::{Error, ErrorKind};
pub use id::{IdRepr, TenantId};
pub use placement::{Isolation, Placement, ServerName};
pub use registry::{
    ApiKeyHash, CachedRegistry, CachedRegistryBuilder, DomainName, InMemoryRegistry, LookupKey,
    RegistryEvent, RegistryExt, TenantRegistry,
};
pub use slug::TenantSlug;
pub use status::{Operation, TenantStatus};
pub use tenant::{Tenant, TenantBuilder};
