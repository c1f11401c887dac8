//! From a slot to an open connection. Which are open and idle is in [`tenancy_core::budget::Ledger`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Connection as _;
use tenancy_core::budget::{BudgetError, Choice, Ledger as Book, Opening, Slot};
use tenancy_core::{ServerName, Tenant};
use tenancy_sql::Catalog;
use tokio::sync::Notify;

use super::lease::Lease;
use super::{Budget, BudgetStats, keeper};
use crate::db::{Guard as _, TenantDb, Walls, unreachable};
use crate::{Error, Result};

/// A connection, and what stands beside it.
pub(crate) struct Guarded<DB: TenantDb> {
    pub(super) raw: DB::Connection,
    pub(super) guard: DB::Guard,
}

/// One open connection.
pub(crate) type Live<DB> = tenancy_core::budget::Live<Guarded<DB>>;

/// The connections of one pool.
pub(crate) struct Ledger<DB: TenantDb> {
    servers: HashMap<ServerName, DB::Server>,
    catalog: Catalog,
    pub(crate) walls: Walls,
    pub(super) book: Book<Guarded<DB>>,
    keeper_runs: AtomicBool,
    pub(super) unsent: Notify,
}

impl<DB: TenantDb> fmt::Debug for Ledger<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl From<BudgetError> for Error {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Exhausted { max, waited } => Self::BudgetExhausted { max, waited },
            BudgetError::TenantExhausted { per_tenant, waited } => {
                Self::TenantBudgetExhausted { per_tenant, waited }
            }
            _ => Self::Closed,
        }
    }
}

impl<DB: TenantDb> Ledger<DB> {
    pub(crate) fn new(
        servers: HashMap<ServerName, DB::Server>,
        catalog: Catalog,
        walls: Walls,
        budget: Budget,
    ) -> Arc<Self> {
        Arc::new(Self {
            servers,
            catalog,
            walls,
            book: Book::new(budget),
            keeper_runs: AtomicBool::new(false),
            unsent: Notify::new(),
        })
    }

    pub(crate) fn stats(&self) -> BudgetStats {
        self.book.stats()
    }

    /// A connection for a tenant's placement, new or used.
    ///
    /// Dropping the future at any await gives back what it holds.
    ///
    /// # Errors
    /// [`Error::BudgetExhausted`], [`Error::TenantBudgetExhausted`], [`Error::UnknownServer`], [`Error::Unreachable`],
    /// [`Error::WrongPin`], [`Error::Closed`].
    pub(crate) async fn acquire(self: &Arc<Self>, tenant: &Tenant) -> Result<Lease<DB>> {
        let placement = tenant.placement();
        let Some(server) = self.servers.get(placement.server()) else {
            return Err(Error::UnknownServer(placement.server().to_string()));
        };
        let slot = self.book.slot(tenant.id()).await?;
        self.ensure_keeper();
        match self.book.choose(&slot, placement, DB::can_take_over)? {
            Choice::Reuse(live) => self.lease(live, tenant, slot, true),
            Choice::TakeOver(mut live) => {
                let turned = DB::take_over(
                    &mut live.conn.raw,
                    server,
                    placement,
                    tenant.id(),
                    self.catalog.key_type(),
                )
                .await;
                match turned {
                    Ok(()) => {
                        live.turned_to(placement.clone());
                        self.lease(live, tenant, slot, true)
                    }
                    Err(error @ Error::WrongPin { .. }) => Err(error),
                    Err(error) => {
                        tracing::debug!(error = %error, "a connection could not change its placement; opening another");
                        let (conn, opening) = live.into_parts();
                        drop(conn);
                        self.open(server, tenant, slot, opening).await
                    }
                }
            }
            Choice::Open(opening, evicted) => {
                if let Some(evicted) = evicted {
                    close::<DB>(evicted).await;
                }
                self.open(server, tenant, slot, opening).await
            }
        }
    }

    async fn open(
        self: &Arc<Self>,
        server: &DB::Server,
        tenant: &Tenant,
        // In this order: parameters are dropped from the last to the first, and a slot must not be free before its connection
        // has stopped counting.
        slot: Slot,
        opening: Opening,
    ) -> Result<Lease<DB>> {
        let placement = tenant.placement();
        let connecting = DB::connect(
            server,
            placement,
            tenant.id(),
            &self.catalog,
            self.walls.server,
        );
        // A server that takes connections and says nothing must not hold a slot that other servers could use.
        let (raw, guard) = tokio::time::timeout(self.book.budget().connect_time(), connecting)
            .await
            .map_err(|_elapsed| {
                let silence = std::io::Error::from(std::io::ErrorKind::TimedOut);
                unreachable(placement, sqlx::Error::Io(silence))
            })??;
        let conn = Guarded { raw, guard };
        let live = Live::<DB>::new(conn, placement.clone(), opening);
        self.lease(live, tenant, slot, false)
    }

    /// Makes a connection the tenant's.
    fn lease(
        self: &Arc<Self>,
        live: Live<DB>,
        tenant: &Tenant,
        slot: Slot,
        reused: bool,
    ) -> Result<Lease<DB>> {
        let key_type = self.catalog.key_type();
        live.conn.guard.enter(tenant.id(), key_type)?;
        Ok(Lease::new(Arc::clone(self), live, slot, reused))
    }

    /// Takes a connection back.
    ///
    /// Nothing but rollbacks may be on its way to it.
    pub(super) fn give_back(&self, live: Live<DB>, unsent: bool) {
        live.conn.guard.leave();
        self.book.give_back(live, unsent);
        if unsent {
            self.unsent.notify_one();
        }
    }

    fn ensure_keeper(self: &Arc<Self>) {
        if !self.keeper_runs.swap(true, Ordering::AcqRel) {
            keeper::start(self);
        }
    }

    /// The keeper's runtime went away; the next caller starts another.
    pub(super) fn keeper_stopped(&self) {
        self.keeper_runs.store(false, Ordering::Release);
    }

    /// Refuses new callers, waits for those that are busy, closes all connections.
    pub(crate) async fn close(&self) {
        for live in self.book.close().await {
            close_live::<DB>(live).await;
        }
    }
}

/// Says goodbye to the server, but not for long; the connection counts as open until that is done.
pub(super) async fn close_live<DB: TenantDb>(live: Live<DB>) {
    let (conn, opening) = live.into_parts();
    close::<DB>(conn).await;
    drop(opening);
}

async fn close<DB: TenantDb>(conn: Guarded<DB>) {
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), conn.raw.close()).await;
}
