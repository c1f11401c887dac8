//! A connection in use, and the way it goes back.

use std::sync::Arc;
use std::time::Duration;

use tenancy_core::budget::Slot;

use super::Ledger;
use super::ledger::Live;
use crate::Error;
use crate::db::{self, Guard as _, TenantDb};
use crate::error::{is_connection_lost, is_plan_stale};
use crate::statement::Scoped;

/// How long a connection may take to come into a known state before it is closed instead.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection is in the middle of. Whoever drops a lease in the middle of something was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Nothing: all answers were read.
    Landed,
    /// A statement was sent and not all of its answer was read.
    Statement,
    /// Nothing, but a statement failed, and the database may have ended the transaction with it.
    Doubtful,
    /// `BEGIN`, `COMMIT` or a savepoint was sent and its answer was not read.
    Boundary,
    /// The connection failed, or remembers statements that the tables have outgrown.
    Lost,
}

impl Flight {
    /// Notes the end of what was in flight.
    pub(crate) fn land<T>(&mut self, result: &Result<T, sqlx::Error>) {
        *self = match result {
            Err(error) if is_connection_lost(error) || is_plan_stale(error) => Self::Lost,
            _ => Self::Landed,
        };
    }
}

/// A connection in use. Dropping it gives the connection back, in a known state or not at all.
pub(crate) struct Lease<DB: TenantDb> {
    live: Option<Live<DB>>,
    slot: Option<Slot>,
    ledger: Arc<Ledger<DB>>,
    pub(crate) flight: Flight,
    reused: bool,
}

impl<DB: TenantDb> std::fmt::Debug for Lease<DB> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("flight", &self.flight)
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> Lease<DB> {
    pub(super) fn new(ledger: Arc<Ledger<DB>>, live: Live<DB>, slot: Slot, reused: bool) -> Self {
        Self {
            live: Some(live),
            slot: Some(slot),
            ledger,
            flight: Flight::Landed,
            reused,
        }
    }

    /// Whether the connection was open before, so that a failure may be an old one.
    pub(crate) fn was_reused(&self) -> bool {
        self.reused
    }

    /// The connection and the note of what it is in the middle of, side by side.
    pub(crate) fn parts(&mut self) -> Result<(&mut DB::Connection, &mut Flight), sqlx::Error> {
        match &mut self.live {
            Some(live) => Ok((&mut live.conn.raw, &mut self.flight)),
            // Only `drop` takes the connection out.
            None => Err(Error::Closed.into()),
        }
    }

    /// A statement as this connection takes it.
    pub(crate) fn aim(&self, query: Scoped<DB>) -> Scoped<DB> {
        match self.target_schema() {
            Some(schema) => query.into_schema(schema),
            None => query,
        }
    }

    /// The schema that the targets of writes have to be named with on this connection.
    pub(crate) fn target_schema(&self) -> Option<&str> {
        self.live.as_ref()?.conn.guard.target_schema()
    }

    /// Runs the boundary of a transaction, so that being cancelled in it is noticed.
    pub(crate) async fn boundary<'a, F>(
        &'a mut self,
        run: impl FnOnce(&'a mut DB::Connection) -> F,
    ) -> Result<(), sqlx::Error>
    where
        F: Future<Output = Result<(), sqlx::Error>>,
    {
        let (conn, flight) = self.parts()?;
        *flight = Flight::Boundary;
        let result = run(conn).await;
        match &result {
            Ok(()) => *flight = Flight::Landed,
            // A boundary that failed leaves a transaction in a state that only the server knows; see `Drop`.
            Err(error) if is_connection_lost(error) => *flight = Flight::Lost,
            Err(_) => {}
        }
        result
    }
}

/// How a connection goes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// At once.
    AsItIs,
    /// When nothing runs on it any more.
    Drain,
    /// When it was put into a known state.
    Reset,
}

impl<DB: TenantDb> Drop for Lease<DB> {
    fn drop(&mut self) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        if live.conn.guard.is_breached() {
            tracing::error!(
                "the engine's wall stopped a statement; the firewall should have refused it"
            );
            return;
        }
        let way = match self.flight {
            Flight::Landed => Way::AsItIs,
            // In a transaction it may have failed unseen, and have ended it.
            Flight::Statement
                if DB::RESET_AFTER_DROPPED_STATEMENT || db::depth::<DB>(&live.conn.raw) > 0 =>
            {
                Way::Reset
            }
            // It may still be running, and must not wake up as the next tenant's.
            Flight::Statement if live.conn.guard.is_of_connection() => Way::Drain,
            Flight::Statement => Way::AsItIs,
            Flight::Doubtful | Flight::Boundary => Way::Reset,
            Flight::Lost => return,
        };
        if way == Way::AsItIs {
            // One for the transaction and each savepoint that was not ended, as when it was forgotten. SQLite counts on its
            // own thread, where some may be on their way already; one too many does nothing, and all are ahead of whatever
            // comes next.
            let depth = db::depth::<DB>(&live.conn.raw);
            for _ in 0..depth {
                db::start_rollback::<DB>(&mut live.conn.raw);
            }
            self.ledger.give_back(live, depth > 0);
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (ledger, slot) = (Arc::clone(&self.ledger), self.slot.take());
        // The slot goes along: nobody gets the connection, or opens one in its place, before it is in a known state.
        #[expect(
            clippy::disallowed_methods,
            reason = "the work is the pool's own and of no tenant"
        )]
        runtime.spawn(async move {
            let ready = async {
                match way {
                    Way::Drain => DB::drain(&mut live.conn.raw).await,
                    Way::AsItIs | Way::Reset => DB::reset(&mut live.conn.raw).await,
                }
            };
            match tokio::time::timeout(RESET_TIMEOUT, ready).await {
                Ok(Ok(())) => ledger.give_back(live, false),
                _ => drop(live),
            }
            drop(slot);
        });
    }
}
