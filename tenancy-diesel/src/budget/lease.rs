//! A connection in use on a thread that may block, and the way it goes back.

use std::sync::Arc;

use tenancy_core::Tenant;
use tenancy_core::budget::{Choice, Live, Opening, Slot};

use crate::db::TenantDb;
use crate::pool::PoolCore;
use crate::{Error, Result};

/// A connection in use. Dropping it closes the connection, unless it was [given back](Self::give_back).
///
/// Fields in this order: a slot must not be free before its connection has stopped counting.
pub(crate) struct Lease<C: TenantDb> {
    live: Live<C>,
    core: Arc<PoolCore<C>>,
    /// The connection was open before, so a failure may be an old one.
    pub(crate) reused: bool,
    slot: Slot,
}

impl<C: TenantDb> Lease<C> {
    /// A connection for a tenant's placement, new or used. Blocks.
    ///
    /// # Errors
    /// [`Error::Budget`], [`Error::UnknownServer`], [`Error::Unreachable`], [`Error::WrongPin`].
    pub(crate) fn acquire(core: Arc<PoolCore<C>>, slot: Slot, tenant: &Tenant) -> Result<Self> {
        let placement = tenant.placement();
        let (live, reused) = match core.book.choose(&slot, placement, C::can_take_over)? {
            Choice::Reuse(live) => (live, true),
            Choice::TakeOver(mut live) => {
                let server = core.server(placement)?;
                match live.conn.take_over(server, placement, tenant.id()) {
                    Ok(()) => {
                        live.turned_to(placement.clone());
                        (live, true)
                    }
                    Err(error @ Error::WrongPin { .. }) => return Err(error),
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not change its placement; opening another");
                        let (conn, opening) = live.into_parts();
                        drop(conn);
                        (open(&core, tenant, opening)?, false)
                    }
                }
            }
            Choice::Open(opening, evicted) => {
                drop(evicted);
                (open(&core, tenant, opening)?, false)
            }
        };
        Ok(Self {
            live,
            core,
            reused,
            slot,
        })
    }

    /// Opens another connection in place of one that was lost while it was idle.
    pub(crate) fn replace(&mut self, tenant: &Tenant) -> Result<()> {
        self.live.conn = connect(&self.core, tenant)?;
        self.reused = false;
        Ok(())
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> &mut C {
        &mut self.live.conn
    }

    /// Gives the connection back to the pool. Only for one in a known state.
    pub(crate) fn give_back(self) {
        self.core.book.give_back(self.live, false);
    }
}

impl<C: TenantDb> std::fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("slot", &self.slot)
            .finish_non_exhaustive()
    }
}

fn open<C: TenantDb>(core: &PoolCore<C>, tenant: &Tenant, opening: Opening) -> Result<Live<C>> {
    let conn = connect(core, tenant)?;
    Ok(Live::new(conn, tenant.placement().clone(), opening))
}

fn connect<C: TenantDb>(core: &PoolCore<C>, tenant: &Tenant) -> Result<C> {
    let placement = tenant.placement();
    C::open(
        core.server(placement)?,
        placement,
        tenant.id(),
        core.walls.server,
        core.book.budget().connect_time(),
    )
}
