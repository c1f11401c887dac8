//! Writing many rows of a model: adding a slice of them, deleting those that a condition holds for.

use std::fmt;
use std::marker::PhantomData;

use sqlx::{AssertSqlSafe, Encode, SqlSafeStr as _, SqlStr, Type};

use super::write::inserted;
use super::{Column, Stored, TenantExecutor, TenantWritten, Values};
use crate::db::TenantDb;

/// Rows that one statement adds at most: more make it no faster, and its text has to be read.
const ROWS: usize = 1000;
/// Values that one statement has at most, so that the firewall reads it.
const VALUES: usize = 30_000;

/// Adds many rows. Made by [`insert_many`].
#[derive(Debug)]
pub struct InsertMany<'m, M, DB> {
    models: &'m [M],
    database: PhantomData<fn() -> DB>,
}

/// Adds rows, a thousand at a time and no more values at once than the database takes.
pub fn insert_many<M: Stored<DB> + TenantWritten, DB: TenantDb>(
    models: &[M],
) -> InsertMany<'_, M, DB> {
    InsertMany {
        models,
        database: PhantomData,
    }
}

impl<M: Stored<DB> + TenantWritten, DB: TenantDb> InsertMany<'_, M, DB> {
    /// Adds all of the rows or none, and answers how many.
    ///
    /// More rows than one statement takes are added in a transaction on a pool, in a savepoint on a transaction.
    ///
    /// # Errors
    /// As any statement on the same handle, and those of the database. On a `&mut TenantConn`, which can't make a savepoint, the
    /// rows before a failed statement stay until the transaction is rolled back.
    pub async fn execute<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<u64, sqlx::Error> {
        if self.models.is_empty() {
            // Nothing to do is no reason to let in whom nothing may be done for.
            db.admit()?;
            return Ok(0);
        }
        let columns = M::COLUMNS
            .iter()
            .filter(|column| column.is_insertable())
            .count();
        // One placeholder is the tenant's.
        let most = VALUES.min(DB::MAX_VALUES - 1) / columns.max(1);
        // Rows of which the database makes every column have no list that could hold several.
        let rows = if columns == 0 { 1 } else { ROWS.min(most) };
        let chunks = self.models.chunks(rows.max(1));
        db.run_all(chunks.map(|models| {
            let mut values = Values::default();
            for model in models {
                values = inserted(model, values);
            }
            Ok((text::<M>(models.len(), columns), values.into_arguments()?))
        }))
        .await
    }
}

/// `INSERT INTO leads (id, name) VALUES ($1, $2), ($3, $4)`.
fn text<M: TenantWritten>(rows: usize, columns: usize) -> SqlStr {
    if rows == 1 {
        return M::INSERT.into_sql_str();
    }
    let mut sql = String::with_capacity(128 + rows * columns * 8);
    sql.push_str("INSERT INTO ");
    sql.push_str(M::TABLE);
    let names = M::COLUMNS.iter().filter(|column| column.is_insertable());
    for (at, name) in names.map(Column::sql).enumerate() {
        sql.push_str(if at == 0 { " (" } else { ", " });
        sql.push_str(name);
    }
    sql.push_str(") VALUES ");
    for number in 1..=rows * columns {
        sql.push_str(match ((number - 1) % columns, number) {
            (0, 1) => "($",
            (0, _) => "), ($",
            _ => ", $",
        });
        sql.push_str(&number.to_string());
    }
    sql.push(')');
    AssertSqlSafe(sql).into_sql_str()
}

/// Deletes rows. Made by [`delete_where`].
pub struct DeleteWhere<M, DB: TenantDb> {
    condition: &'static str,
    values: Values<DB>,
    model: PhantomData<fn() -> M>,
}

impl<M, DB: TenantDb> fmt::Debug for DeleteWhere<M, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeleteWhere")
            .field("condition", &self.condition)
            .finish_non_exhaustive()
    }
}

/// Deletes the tenant's rows that a condition holds for, written as behind `WHERE`. There is none for "all": say `true`.
pub fn delete_where<M: Stored<DB> + TenantWritten, DB: TenantDb>(
    condition: &'static str,
) -> DeleteWhere<M, DB> {
    DeleteWhere {
        condition,
        values: Values::default(),
        model: PhantomData,
    }
}

impl<M: Stored<DB> + TenantWritten, DB: TenantDb> DeleteWhere<M, DB> {
    /// Binds the value of the next placeholder.
    #[must_use]
    pub fn bind<'v, T: Encode<'v, DB> + Type<DB>>(mut self, value: T) -> Self {
        self.values.add(value);
        self
    }

    /// Deletes, and answers how many rows.
    ///
    /// # Errors
    /// As any statement on the same handle, and those of the database: a row that others refer to.
    pub async fn execute<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<u64, sqlx::Error> {
        let sql = AssertSqlSafe(self.text());
        let values = self.values.into_arguments()?;
        let done = sqlx::query_with(sql, values).execute(db).await?;
        Ok(DB::affected(&done))
    }

    /// Deletes, and answers the rows as they were.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn returning<'c>(
        self,
        db: impl TenantExecutor<'c, DB>,
    ) -> Result<Vec<M>, sqlx::Error> {
        let sql = AssertSqlSafe(format!("{} RETURNING {}", self.text(), M::LIST));
        let values = self.values.into_arguments()?;
        let rows = sqlx::query_with(sql, values).fetch_all(db).await?;
        rows.iter().map(|row| M::load(row, 0)).collect()
    }

    fn text(&self) -> String {
        // In parentheses, so that a comment at its end leaves them open and is refused.
        format!("DELETE FROM {} WHERE ({})", M::TABLE, self.condition)
    }
}
