//! A connection in use, and the way it goes back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::FutureExt as _;
use tenancy_core::Tenant;
use tenancy_core::budget::{Choice, Ledger, Live, Opening, Slot};

use super::pool::AsyncCore;
use crate::Result;
use crate::db::unreachable;

/// How long a connection whose user was cancelled may take to end what it was doing before it is closed.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// An open connection, and whether its driver has seen it end.
pub(crate) struct Session {
    inner: AsyncPgConnection,
    ended: Arc<AtomicBool>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

impl Session {
    async fn open(core: &AsyncCore, tenant: &Tenant) -> Result<Self> {
        let placement = tenant.placement();
        let timeout = core.book.budget().connect_time();
        let login = core
            .server(placement)?
            .login_for(placement, core.walls.server);
        let config = login.config(timeout)?;
        let opening = async {
            let (client, connection) = config
                .connect(tokio_postgres::NoTls)
                .await
                .map_err(|error| unreachable(placement, error))?;
            let ended = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&ended);
            // Ends when the client is dropped.
            #[expect(
                clippy::disallowed_methods,
                reason = "the work is the driver's own and of no tenant"
            )]
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection was lost");
                }
                seen.store(true, Ordering::Release);
            });
            let inner = AsyncPgConnection::try_from(client)
                .await
                .map_err(|error| unreachable(placement, error))?;
            Ok(Self { inner, ended })
        };
        // A server that takes connections and says nothing must not hold a slot that other servers could use.
        tokio::time::timeout(timeout, opening)
            .await
            .map_err(|elapsed| unreachable(placement, elapsed))?
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// The connection, which takes questions while others wait for their answers.
    pub(super) fn shared(&self) -> &AsyncPgConnection {
        &self.inner
    }

    /// The connection.
    pub(super) fn inner(&mut self) -> &mut AsyncPgConnection {
        &mut self.inner
    }
}

/// Sends a statement and waits for its answer.
pub(super) async fn send(mut conn: &AsyncPgConnection, sql: &str) -> QueryResult<()> {
    conn.batch_execute(sql).await
}

/// Sends a statement and does not wait. It is on the wire before whatever is sent next.
pub(super) fn send_unawaited(conn: &AsyncPgConnection, sql: &'static str) {
    // The first poll sends; the answer goes to nobody.
    let _ = send(conn, sql).now_or_never();
}

/// What a connection is in the middle of. Whoever drops a lease in the middle of something was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flight {
    /// Nothing: no transaction is open, or its end is sent.
    Landed,
    /// A transaction of the caller is open and nothing runs in it.
    Transaction,
    /// Something was sent and its answer was not read.
    Statement,
}

/// A connection in use. Dropping it gives the connection back, in a known state or not at all.
pub(super) struct Lease {
    live: Option<Live<Session>>,
    slot: Option<Slot>,
    book: Arc<Ledger<Session>>,
    pub(super) flight: Flight,
    /// The borrower looks at statements.
    instrumented: bool,
    quiet: Quiet,
}

/// Looks at nothing.
struct Quiet;

impl Instrumentation for Quiet {
    fn on_connection_event(&mut self, _event: InstrumentationEvent<'_>) {}
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("flight", &self.flight)
            .finish_non_exhaustive()
    }
}

impl Lease {
    /// A connection for a tenant's placement, new or used. Dropping the future at any await gives back what it holds.
    pub(super) async fn acquire(core: &AsyncCore, tenant: &Tenant) -> Result<Self> {
        core.server(tenant.placement())?;
        let slot = core.book.slot(tenant.id()).await?;
        // Types that were looked up by name can't be forgotten, so a connection keeps to its placement.
        let choice = core.book.choose(&slot, tenant.placement(), |_, _| false)?;
        let (slot, live) = match choice {
            Choice::Reuse(live) | Choice::TakeOver(live) if !live.conn.has_ended() => (slot, live),
            Choice::Reuse(live) | Choice::TakeOver(live) => {
                let (lost, opening) = live.into_parts();
                drop(lost);
                open(core, tenant, slot, opening).await?
            }
            Choice::Open(opening, evicted) => {
                drop(evicted);
                open(core, tenant, slot, opening).await?
            }
        };
        Ok(Self {
            live: Some(live),
            slot: Some(slot),
            book: Arc::clone(&core.book),
            flight: Flight::Landed,
            instrumented: false,
            quiet: Quiet,
        })
    }

    /// What looks at the statements.
    pub(super) fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        match &mut self.live {
            Some(live) => live.conn.inner.instrumentation(),
            None => &mut self.quiet,
        }
    }

    /// Sets it, until the connection goes back.
    pub(super) fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.instrumented = true;
        if let Some(live) = &mut self.live {
            live.conn.inner.set_instrumentation(instrumentation);
        }
    }

    /// The connection and the note of what it is in the middle of, side by side.
    ///
    /// # Errors
    /// Never: only `drop` takes the connection out.
    pub(super) fn parts(&mut self) -> Result<(&mut Session, &mut Flight)> {
        match &mut self.live {
            Some(live) => Ok((&mut live.conn, &mut self.flight)),
            None => Err(crate::Error::TransactionFailed),
        }
    }
}

// In this order: parameters are dropped from the last to the first, and a slot must not be free before its connection has
// stopped counting.
async fn open(
    core: &AsyncCore,
    tenant: &Tenant,
    slot: Slot,
    opening: Opening,
) -> Result<(Slot, Live<Session>)> {
    let session = Session::open(core, tenant).await?;
    Ok((
        slot,
        Live::new(session, tenant.placement().clone(), opening),
    ))
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        let slot = self.slot.take();
        if live.conn.has_ended() {
            return;
        }
        if self.instrumented {
            // Whoever looked at this tenant's statements does not see the next one's.
            let default = get_default_instrumentation();
            live.conn.inner.set_instrumentation(default);
        }
        match self.flight {
            Flight::Landed => self.book.give_back(live, false),
            Flight::Transaction => {
                send_unawaited(live.conn.shared(), "ROLLBACK");
                self.book.give_back(live, false);
            }
            // What was cancelled may run for long. The slot goes along: nobody waits behind it, or opens a connection in its
            // place, before it has come to its end.
            Flight::Statement => {
                let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                    return;
                };
                let book = Arc::clone(&self.book);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the work is the pool's own and of no tenant"
                )]
                runtime.spawn(async move {
                    let ending = send(live.conn.shared(), "ROLLBACK");
                    match tokio::time::timeout(RESET_TIMEOUT, ending).await {
                        Ok(Ok(())) => book.give_back(live, false),
                        _ => drop(live),
                    }
                    drop(slot);
                });
            }
        }
    }
}
