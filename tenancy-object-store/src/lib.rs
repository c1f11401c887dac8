//! An [`ObjectStore`](object_store::ObjectStore) that is one tenant's: files of tenants in one bucket, or in a bucket each.
//!
//! [`TenantStore`] is used where an `ObjectStore` would be. What changes is what it can reach: the tenant of each call is the
//! tenant of the current [`TenantContext`](tenancy_core::TenantContext), and without one nothing is asked of the store behind.
//! Paths are the tenant's own; that they lie below `tenants/{tenant}/` in a shared bucket, or in a bucket of the tenant's own,
//! is the business of its placement and of [`ObjectServer`].
//!
//! | to | use |
//! |---|---|
//! | put, get, list, copy, upload in parts | [`TenantStore`] through `object_store`'s traits |
//! | work for one tenant outside any scope | [`TenantStore::for_tenant`] |
//! | read a path that a user sent | [`object_path`] |
//! | limit what a tenant stores | [`TenantStoreBuilder::limits`], [`TenantStore::usage`] |
//! | hand out an address for a browser | [`TenantStore::signed_upload`], `Signer` (feature `signer`) |
//! | take all of a tenant along, or remove it | [`BoundStore::export`], [`BoundStore::erase`] |
//! | copy from tenant to tenant | [`danger::copy_between`] |
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use futures_util::TryStreamExt;
//! use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
//! use tenancy_core::{Actor, ServerName, Tenant, TenantContext, TenantId, TenantSlug};
//! use tenancy_object_store::{ObjectServer, TenantStore, object_path, object_store};
//!
//! // Somewhere deep in the program: no tenant in sight.
//! async fn attach<S: ObjectStore>(files: &TenantStore<S>, name: &str, data: &'static [u8]) -> object_store::Result<()> {
//!     files.put(&object_path(name)?, data.into()).await?;
//!     Ok(())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = TenantStore::builder()
//!     .server(ServerName::default(), ObjectServer::new(InMemory::new()))
//!     .build()?;
//! # let open = |id, slug| TenantContext::for_request(Arc::new(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?), Actor::user("ada"));
//! # let (acme, globex) = (open("1", "acme")?, open("2", "globex")?);
//! acme.scope(attach(&files, "leads/7/offer.pdf", b"%PDF")).await??;
//!
//! // Another tenant sees nothing of it, whatever it asks for.
//! let seen: Vec<_> = globex.scope(async { files.list(None).try_collect().await }).await??;
//! assert!(seen.is_empty());
//! assert!(globex.scope(attach(&files, "../tenant_i_1/leads/7/offer.pdf", b"forged")).await?.is_err());
//!
//! // Nobody said for whom.
//! assert!(attach(&files, "leads/7/offer.pdf", b"%PDF").await.is_err());
//! # Ok(()) }
//! ```
//!
//! # Stores
//! Local files and memory are here. For S3 and the like, add `object_store` with their features to your own dependencies, in
//! the version that this crate re-exports. `signer` adds presigned addresses, `aws` uploads of a signed size on S3.
//!
//! # What it does not do
//! - It does not create buckets, and can't list the uploads in parts that other processes have abandoned: lifecycle rules of
//!   the bucket do that.
//! - It holds one set of credentials. A wall of the server's own, such as credentials that open one tenant's prefix, is what
//!   [`ObjectServer::buckets`] can be given.
//! - It does not look into what is stored, and names of objects that differ only in case or in their Unicode form are
//!   different objects here, though a file system may think otherwise.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]
#![cfg_attr(
    not(feature = "signer"),
    allow(dead_code, reason = "what only addresses need")
)]

pub mod danger;
mod error;
mod prefix;
mod prefixes;
mod quota;
mod seal;
mod server;
mod store;
mod uploads;
mod whole;

pub use error::{Error, Fault, Result};
pub use prefix::object_path;
pub use quota::{Limits, Usage};
pub use server::{BucketName, ObjectServer};
pub use store::{Bound, BoundStore, Current, TenantStore, TenantStoreBuilder, Whose};
#[cfg(feature = "signer")]
pub use store::{SignedUpload, SizedSigner, Upload};
pub use whole::Erased;

/// The crate whose traits this one implements, so that users name one version of it.
pub use object_store;
