//! Writing one row of a model: insert, update, upsert, delete.

use std::fmt;
use std::marker::PhantomData;

use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use super::{Stored, TenantExecutor, TenantWritten, Values};
use crate::db::TenantDb;

/// Writes one row. Made by [`insert`], [`update`], [`upsert`] and [`delete`].
///
/// Nothing is sent until [`execute`](Self::execute) or [`returning`](Self::returning) is awaited.
///
/// # Isolation
/// The row is found among those of the tenant at work: a value that was loaded as one tenant and is saved as another changes
/// nothing and answers [`sqlx::Error::RowNotFound`], as a row that does not exist.
///
/// # Errors
/// As any statement on the same handle, and those of the database: a key that is taken, a reference to nothing.
pub struct Write<M, DB: TenantDb> {
    sql: &'static str,
    values: Values<DB>,
    /// Whether it is an error if no row was there.
    must_be_there: bool,
    model: PhantomData<fn() -> M>,
}

impl<M, DB: TenantDb> fmt::Debug for Write<M, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("sql", &self.sql)
            .finish_non_exhaustive()
    }
}

/// Adds a row: [`TenantWritten::INSERT`].
pub fn insert<M: Stored<DB> + TenantWritten, DB: TenantDb>(model: &M) -> Write<M, DB> {
    Write::new(M::INSERT, inserted(model, Values::default()), false)
}

/// Changes the row of the value's key: [`TenantWritten::UPDATE`].
pub fn update<M: Stored<DB> + TenantWritten, DB: TenantDb>(model: &M) -> Write<M, DB> {
    let mut values = Values::default();
    let columns = M::COLUMNS.iter();
    for column in columns.clone().filter(|column| column.is_key()) {
        model.value(column.at(), &mut values);
    }
    for column in columns.filter(|column| column.is_updatable()) {
        model.value(column.at(), &mut values);
    }
    Write::new(M::UPDATE, values, true)
}

/// Adds a row, or changes the one of the value's key: [`TenantWritten::UPSERT`].
pub fn upsert<M: Stored<DB> + TenantWritten, DB: TenantDb>(model: &M) -> Write<M, DB> {
    Write::new(M::UPSERT, inserted(model, Values::default()), false)
}

/// Deletes the row of a key: [`TenantWritten::DELETE`].
pub fn delete<M: Stored<DB> + TenantWritten, DB: TenantDb>(key: M::Key) -> Write<M, DB> {
    let mut values = Values::default();
    M::key(key, &mut values);
    Write::new(M::DELETE, values, true)
}

/// The values that an insert gives to its columns.
pub(super) fn inserted<M: Stored<DB>, DB: TenantDb>(
    model: &M,
    mut values: Values<DB>,
) -> Values<DB> {
    for column in M::COLUMNS.iter().filter(|column| column.is_insertable()) {
        model.value(column.at(), &mut values);
    }
    values
}

impl<M: Stored<DB>, DB: TenantDb> Write<M, DB> {
    fn new(sql: &'static str, values: Values<DB>, must_be_there: bool) -> Self {
        Self {
            sql,
            values,
            must_be_there,
            model: PhantomData,
        }
    }

    /// Writes.
    ///
    /// # Errors
    /// [`sqlx::Error::RowNotFound`] if the row to update or delete is not there; see [`Write`].
    pub async fn execute<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<(), sqlx::Error> {
        let values = self.values.into_arguments()?;
        let done = sqlx::query_with(self.sql, values).execute(db).await?;
        if self.must_be_there && DB::affected(&done) == 0 {
            return Err(sqlx::Error::RowNotFound);
        }
        Ok(())
    }

    /// Writes, and answers the row as it is stored now (deleted: as it was), with what the database filled in.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn returning<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<M, sqlx::Error> {
        let sql = AssertSqlSafe(format!("{} RETURNING {}", self.sql, M::LIST)).into_sql_str();
        let values = self.values.into_arguments()?;
        let row = sqlx::query_with(sql, values).fetch_one(db).await?;
        M::load(&row, 0)
    }
}
