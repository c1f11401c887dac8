//! [`TenantTx`]: used like a `sqlx::Transaction`, sees one tenant.

mod conn;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use tenancy_core::TenantContext;
use tenancy_sql::Access;

pub use conn::TenantConn;

use crate::budget::{Flight, Lease};
use crate::db::{self, TenantDb};
use crate::pool::PoolCore;
use crate::{Error, Result};

/// A transaction of one tenant, or a savepoint inside one.
///
/// Made by [`TenantPool::begin`](crate::TenantPool::begin). Both `&mut tx` and `&mut *tx` are executors. Dropped without
/// [`commit`](Self::commit) it rolls back, be it by an error, a panic or a cancelled future.
///
/// # Guarantee
/// All statements are of the tenant for whom it was begun; there is no way to change that tenant. It is itself the proof of
/// its tenant: it can be handed to code outside the scope, but a statement inside the scope of *another* tenant is refused.
///
/// # Isolation
/// As [`TenantPool`](crate::TenantPool). On SQLite a transaction that may write takes the write lock when it begins.
///
/// # Errors
/// Once a statement failed on PostgreSQL, [`commit`](Self::commit) is [`Error::TransactionFailed`]: the server rolled back,
/// though it would answer the `COMMIT` with success. A savepoint that is rolled back takes its failure along. On SQLite a
/// failed statement is undone alone and the transaction goes on; where the failure ended the transaction, as a full disk
/// does, everything after it is [`Error::TransactionFailed`].
///
/// # Example: a part that may fail
/// ```
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: tenancy_sqlx::TenantPool<sqlx::Sqlite>) -> Result<(), Box<dyn std::error::Error>> {
/// let mut tx = pool.begin().await?;
/// let mut part = tx.savepoint().await?;
/// let tried = sqlx::query("INSERT INTO leads (id, name) VALUES ($1, $2)").bind(7).bind("Ada").execute(&mut part).await;
/// match tried {
///     Ok(_) => part.commit().await?,
///     Err(_) => part.rollback().await?, // the rest of the transaction goes on
/// }
/// tx.commit().await?;
/// # Ok(()) }
/// ```
pub struct TenantTx<'c, DB: TenantDb> {
    conn: Home<'c, DB>,
    open: bool,
    /// How deep in transactions this one is, itself included.
    depth: usize,
    /// Whether the surrounding transaction had failed already when this savepoint was made.
    failed_before: bool,
}

/// A transaction owns its connection; a savepoint borrows that of its transaction.
enum Home<'c, DB: TenantDb> {
    Owned(Box<TenantConn<DB>>),
    Borrowed(&'c mut TenantConn<DB>),
}

impl<DB: TenantDb> fmt::Debug for TenantTx<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantTx")
            .field("conn", &**self)
            .field("open", &self.open)
            .finish()
    }
}

impl<DB: TenantDb> Deref for TenantTx<'_, DB> {
    type Target = TenantConn<DB>;

    fn deref(&self) -> &TenantConn<DB> {
        match &self.conn {
            Home::Owned(conn) => conn,
            Home::Borrowed(conn) => conn,
        }
    }
}

impl<DB: TenantDb> DerefMut for TenantTx<'_, DB> {
    fn deref_mut(&mut self) -> &mut TenantConn<DB> {
        match &mut self.conn {
            Home::Owned(conn) => conn,
            Home::Borrowed(conn) => conn,
        }
    }
}

impl<DB: TenantDb> TenantTx<'static, DB> {
    pub(crate) fn new(
        core: Arc<PoolCore<DB>>,
        cx: TenantContext,
        lease: Lease<DB>,
        access: Access,
    ) -> Self {
        Self {
            conn: Home::Owned(Box::new(TenantConn::new(core, cx, lease, access))),
            open: true,
            depth: 1,
            failed_before: false,
        }
    }
}

impl<DB: TenantDb> TenantTx<'_, DB> {
    /// Makes a savepoint: a transaction inside this one, which can be rolled back alone.
    ///
    /// # Errors
    /// The connection is lost, the transaction has failed, or the tenant was suspended meanwhile.
    pub async fn savepoint(&mut self) -> Result<TenantTx<'_, DB>> {
        let depth = self.depth + 1;
        let conn: &mut TenantConn<DB> = self;
        conn.ensure_usable()?;
        conn.settle().await?;
        conn.lease
            .boundary(|raw| db::begin::<DB>(raw, None))
            .await?;
        Ok(TenantTx {
            failed_before: conn.failed,
            conn: Home::Borrowed(conn),
            open: true,
            depth,
        })
    }

    /// Commits. Of a savepoint: keeps its changes for the surrounding transaction to commit.
    ///
    /// Cancelling this future leaves open whether the server committed, as with any database.
    ///
    /// # Errors
    /// [`Error::TransactionFailed`] if a statement failed before (PostgreSQL), if a boundary was cancelled midway, or if a
    /// savepoint inside was neither ended nor dropped; an
    /// error of tenancy if the tenant was suspended or made read-only meanwhile, or in the scope of another; an error of the
    /// driver if the server refuses, as deferred constraints do. What was written is rolled back.
    pub async fn commit(mut self) -> Result<()> {
        self.ensure_may_commit()?;
        // Whatever returns an error here drops the transaction, and so rolls back.
        if matches!(self.lease.flight, Flight::Statement | Flight::Doubtful) {
            let settled = self.lease.boundary(DB::settle).await;
            self.failed |= settled.is_err();
        }
        if self.failed || self.lease.flight != Flight::Landed {
            return Err(Error::TransactionFailed);
        }
        if self.current_depth()? != self.depth {
            // The rollback of a dropped savepoint may still be on its way (SQLite); one that was forgotten stays, and
            // committing would release it and leave this transaction open.
            self.lease.boundary(DB::settle).await?;
            if self.current_depth()? != self.depth {
                return Err(Error::TransactionFailed);
            }
        }
        self.open = false;
        self.lease.boundary(db::commit::<DB>).await?;
        Ok(())
    }

    fn current_depth(&mut self) -> Result<usize> {
        Ok(db::depth::<DB>(self.lease.parts()?.0))
    }

    /// Rolls back and waits until the server has done so. Dropping does the same without waiting.
    ///
    /// # Errors
    /// The connection is lost; the server rolls back then, too. [`Error::TransactionFailed`] for a savepoint whose
    /// transaction the database has ended.
    pub async fn rollback(mut self) -> Result<()> {
        if matches!(self.lease.flight, Flight::Boundary | Flight::Lost) {
            // The lease closes the connection or settles it; either ends the transaction.
            return Ok(());
        }
        if self.settle().await.is_err() {
            // The database has rolled all of it back already, a savepoint's surroundings included.
            return match self.conn {
                Home::Owned(_) => Ok(()),
                Home::Borrowed(_) => Err(Error::TransactionFailed),
            };
        }
        self.open = false;
        self.lease.boundary(db::rollback::<DB>).await?;
        let failed_before = self.failed_before;
        self.failed = failed_before;
        Ok(())
    }
}

impl<DB: TenantDb> Drop for TenantTx<'_, DB> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let failed_before = self.failed_before;
        if let Home::Borrowed(conn) = &mut self.conn {
            // A savepoint; the transaction's own end is its lease's business.
            conn.queue_rollback(failed_before);
        }
    }
}
