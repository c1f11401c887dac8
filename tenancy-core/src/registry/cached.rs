//! stub
use super::*;
/// e
#[derive(Debug)]
pub struct CachedRegistry<R>(R);
/// e
#[derive(Debug)]
pub struct CachedRegistryBuilder<R>(R);
/// News about one tenant, as a registry pushes it.
#[expect(
    clippy::exhaustive_structs,
    reason = "whoever passes events on must pass on all of one"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryEvent {
    /// Whom it is about.
    pub tenant: TenantId,
    /// The epoch the tenant has now.
    pub epoch: u64,
    /// The status it has now.
    pub status: crate::TenantStatus,
}
