//! What stands beside a connection: something that has to know whose it is, and outlives a statement. Nothing, but for
//! SQLite's engine wall.

use std::fmt::Debug;

use tenancy_core::TenantId;
use tenancy_sql::KeyType;

use crate::Result;

/// The part of a wall that is a value beside the connection.
#[doc(hidden)]
#[allow(
    unnameable_types,
    reason = "part of a sealed trait: nobody outside names it"
)]
pub trait Guard: Debug + Send + Sync + 'static {
    /// The connection becomes this tenant's.
    ///
    /// # Errors
    /// The id can't be stored in the tenant column.
    fn enter(&self, tenant: TenantId, key_type: KeyType) -> Result<()>;

    /// The connection becomes nobody's.
    fn leave(&self);

    /// The schema that the target of a write has to be named with.
    fn target_schema(&self) -> Option<&str>;

    /// Whether the tenant is that of the connection and not of a transaction, so that it may only change when nothing runs.
    fn is_of_connection(&self) -> bool;

    /// Whether a statement was stopped by the wall, so that the connection must not be used again.
    fn is_breached(&self) -> bool;
}

impl Guard for () {
    fn enter(&self, _tenant: TenantId, _key_type: KeyType) -> Result<()> {
        Ok(())
    }

    fn leave(&self) {}

    fn target_schema(&self) -> Option<&str> {
        None
    }

    fn is_of_connection(&self) -> bool {
        false
    }

    fn is_breached(&self) -> bool {
        false
    }
}
