//! What a model runs on: the four handles of a tenant, and nothing else.

use futures_core::future::BoxFuture;
use sqlx::{Executor, SqlStr};
use tenancy_core::TenantContext;
use tenancy_sql::Firewall;

use crate::db::TenantDb;
use crate::pool::{BoundPool, TenantPool};
use crate::tx::{TenantConn, TenantTx};
use crate::{Error, Result};

mod sealed {
    //! Keeps [`super::TenantExecutor`] ours: a foreign executor could send a statement for anybody.
    #[allow(
        unnameable_types,
        reason = "a sealed trait's bound is public and unnameable on purpose"
    )]
    pub trait Sealed {}
}

/// One statement of many: its text and its values.
pub(super) type Statement<DB> =
    std::result::Result<(SqlStr, <DB as sqlx::Database>::Arguments), sqlx::Error>;

/// What runs the statements of a model: `&TenantPool`, `&BoundPool`, `&mut TenantTx` and `&mut TenantConn`.
///
/// Sealed. Each of them is an [`sqlx::Executor`], too; this trait is what a bare pool or connection of sqlx is *not*, so that
/// a model that is sent past the tenant does not compile.
///
/// # Example: a function for all of them
/// ```
/// # #[cfg(feature = "sqlite")] mod example {
/// use tenancy_sqlx::model::{Stored, TenantExecutor, select};
/// use tenancy_sqlx::{TenantDb, sqlx};
///
/// async fn everything<'c, M: Stored<DB>, DB: TenantDb>(db: impl TenantExecutor<'c, DB>) -> Result<Vec<M>, sqlx::Error> {
///     select().fetch_all(db).await
/// }
/// # }
/// ```
///
/// # Example: a bare pool is refused by the compiler
/// ```compile_fail,E0277
/// # use tenancy_sqlx::sqlx;
/// # use tenancy_sqlx::model::{Stored, select};
/// async fn everything<M: Stored<sqlx::Postgres>>(pool: &sqlx::PgPool) -> Result<Vec<M>, sqlx::Error> {
///     select().fetch_all(pool).await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handle of a tenant, so no model runs on it",
    label = "carries no tenant",
    note = "use `&TenantPool`, `&BoundPool`, `&mut TenantTx` or `&mut TenantConn`: they add whose rows a statement sees"
)]
pub trait TenantExecutor<'c, DB: TenantDb>:
    Executor<'c, Database = DB> + sealed::Sealed + Send
{
    /// The firewall that the statement will pass.
    #[doc(hidden)]
    fn firewall(&self) -> &Firewall;

    /// Refuses where a write would be refused; for work that turns out to be none.
    #[doc(hidden)]
    fn admit(&self) -> Result<()>;

    /// Runs one statement after another, all or none; answers how many rows they changed.
    #[doc(hidden)]
    fn run_all<'e, I>(self, statements: I) -> BoxFuture<'e, Result<u64, sqlx::Error>>
    where
        I: ExactSizeIterator<Item = Statement<DB>> + Send + 'e,
        'c: 'e;
}

/// Runs statements on a connection that is in a transaction.
async fn run_each<'e, DB: TenantDb>(
    conn: &mut TenantConn<DB>,
    statements: impl Iterator<Item = Statement<DB>> + Send + 'e,
) -> Result<u64, sqlx::Error> {
    let mut changed = 0;
    for statement in statements {
        let (sql, values) = statement?;
        let done = sqlx::query_with::<DB, _>(sql, values)
            .execute(&mut *conn)
            .await?;
        changed += DB::affected(&done);
    }
    Ok(changed)
}

/// The two pools differ only in where the tenant comes from.
macro_rules! pool_executor {
    ($handle:ident, $cx:expr) => {
        impl<DB: TenantDb> sealed::Sealed for &$handle<DB> {}

        impl<'c, DB: TenantDb> TenantExecutor<'c, DB> for &'c $handle<DB> {
            fn firewall(&self) -> &Firewall {
                <$handle<DB>>::firewall(self)
            }

            fn admit(&self) -> Result<()> {
                let cx: TenantContext = $cx(self)?;
                cx.ensure_live()?;
                Ok(cx.ensure_writable()?)
            }

            fn run_all<'e, I>(self, mut statements: I) -> BoxFuture<'e, Result<u64, sqlx::Error>>
            where
                I: ExactSizeIterator<Item = Statement<DB>> + Send + 'e,
                'c: 'e,
            {
                Box::pin(async move {
                    if statements.len() == 1
                        && let Some(statement) = statements.next()
                    {
                        // One statement is a transaction of its own.
                        let (sql, values) = statement?;
                        let done = sqlx::query_with::<DB, _>(sql, values).execute(self).await?;
                        return Ok(DB::affected(&done));
                    }
                    let mut tx = self.begin().await?;
                    let changed = run_each(&mut tx, statements).await?;
                    tx.commit().await?;
                    Ok(changed)
                })
            }
        }
    };
}

pool_executor!(TenantPool, |_: &TenantPool<DB>| TenantContext::current()
    .map_err(Error::from));
pool_executor!(BoundPool, |pool: &BoundPool<DB>| pool.context());

impl<DB: TenantDb> sealed::Sealed for &mut TenantTx<'_, DB> {}

impl<'c, DB: TenantDb> TenantExecutor<'c, DB> for &'c mut TenantTx<'_, DB> {
    fn firewall(&self) -> &Firewall {
        TenantConn::firewall(self)
    }

    fn admit(&self) -> Result<()> {
        self.ensure_may_write()
    }

    fn run_all<'e, I>(self, statements: I) -> BoxFuture<'e, Result<u64, sqlx::Error>>
    where
        I: ExactSizeIterator<Item = Statement<DB>> + Send + 'e,
        'c: 'e,
    {
        Box::pin(async move {
            if statements.len() == 1 {
                return run_each(self, statements).await;
            }
            // Where a failed statement leaves the transaction standing, the ones before it must not stay.
            let mut part = self.savepoint().await?;
            let changed = run_each(&mut part, statements).await?;
            part.commit().await?;
            Ok(changed)
        })
    }
}

impl<DB: TenantDb> sealed::Sealed for &mut TenantConn<DB> {}

impl<'c, DB: TenantDb> TenantExecutor<'c, DB> for &'c mut TenantConn<DB> {
    fn firewall(&self) -> &Firewall {
        TenantConn::firewall(self)
    }

    fn admit(&self) -> Result<()> {
        self.ensure_may_write()
    }

    fn run_all<'e, I>(self, statements: I) -> BoxFuture<'e, Result<u64, sqlx::Error>>
    where
        I: ExactSizeIterator<Item = Statement<DB>> + Send + 'e,
        'c: 'e,
    {
        Box::pin(run_each(self, statements))
    }
}
