//! What differs between Diesel's synchronous connections: one sealed trait, implemented once per driver.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::fmt::Debug;

use diesel::Connection;
use diesel::connection::AnsiTransactionManager;
use diesel::result::{ConnectionError, QueryResult};
use tenancy_core::session::place_name;
use tenancy_core::{Placement, TenantId};
use tenancy_sql::Access;

use crate::backend::TenantBackend;
use crate::{Error, Result};

pub(crate) mod sealed {
    //! Keeps [`super::TenantDb`] ours: a foreign implementation could open the wrong place.
    #[allow(
        unnameable_types,
        reason = "a sealed trait's bound is public and unnameable on purpose"
    )]
    pub trait Sealed {}
}

/// Which walls stand. Both, always, but in tests that take one down to see the other hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Walls {
    /// The firewall rewrites each statement.
    pub(crate) firewall: bool,
    /// The server is told the tenant and the role.
    pub(crate) server: bool,
}

impl Walls {
    pub(crate) const BOTH: Self = Self {
        firewall: true,
        server: true,
    };
}

/// A connection that tenants can be served with: [`diesel::SqliteConnection`] and [`diesel::PgConnection`].
///
/// Sealed. It says what differs between the two; users only name it as a bound, `fn f<C: TenantDb>(db: &TenantPool<C>)`.
pub trait TenantDb:
    Connection<Backend: TenantBackend, TransactionManager = AnsiTransactionManager>
    + sealed::Sealed
    + 'static
{
    /// Where a server of this kind is found.
    type Server: Clone + Debug + Send + Sync + 'static;

    /// Opens a connection that reaches this placement and no other.
    #[doc(hidden)]
    fn open(
        server: &Self::Server,
        placement: &Placement,
        tenant: TenantId,
        server_wall: bool,
        connect_timeout: std::time::Duration,
    ) -> Result<Self>;

    /// Whether a connection of one placement can be turned into one of another, short of opening a new one.
    #[doc(hidden)]
    fn can_take_over(from: &Placement, to: &Placement) -> bool;

    /// Turns it: forgets all that the connection cached of its last placement.
    #[doc(hidden)]
    fn take_over(
        &mut self,
        server: &Self::Server,
        placement: &Placement,
        tenant: TenantId,
    ) -> Result<()>;

    /// Whether a transaction in which a statement failed can only be rolled back. If not, it has to be
    /// [`settle`](Self::settle)d whether the failure ended it.
    #[doc(hidden)]
    const FAILED_STATEMENT_FAILS_TRANSACTION: bool;

    /// Whether a statement outside a transaction of the caller's needs one of ours.
    #[doc(hidden)]
    const STATEMENT_NEEDS_TRANSACTION: bool;

    /// Finds out whether a transaction whose last statement failed is still there.
    #[doc(hidden)]
    fn settle(&mut self) -> QueryResult<()>;

    /// The one message that opens a transaction for a tenant.
    #[doc(hidden)]
    fn begin_sql(
        placement: &Placement,
        tenant: TenantId,
        access: Access,
        server_wall: bool,
    ) -> String;
}

/// Wraps what the driver said about a place that could not be opened.
pub(crate) fn unreachable(
    placement: &Placement,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Unreachable {
        what: place_name(placement),
        source: source.into(),
    }
}

/// Opens a connection of the driver.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[expect(
    clippy::disallowed_methods,
    reason = "the connection goes into the pool that the ban sends people to"
)]
pub(crate) fn establish<C: Connection>(url: &str) -> Result<C, ConnectionError> {
    C::establish(url)
}
