//! Reading a model's rows: conditions, order, limits. What a row becomes is in `shape`, pages are in `page`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{AssertSqlSafe, Encode, SqlSafeStr as _, SqlStr, Type};

use super::{Alone, IntoOrder, Order, Shape, Stored, TenantExecutor, Values};
use crate::Error;
use crate::db::TenantDb;

/// Reads rows of a model. Made by [`select`], [`find`], [`filter`] and by the functions that `#[tenant_scoped]` generates.
///
/// Nothing is sent until one of the `fetch` functions, [`count`](Self::count) or [`exists`](Self::exists) is awaited. The
/// text is put together from what the program says in `&'static str`; values only travel as parameters.
///
/// # Errors
/// As any statement on the same handle: no tenant, another one's scope, a suspended tenant, a refusal of the firewall. A name
/// that is no column is [`Error::UnknownColumn`], another number of values than placeholders [`Error::Arity`].
///
/// # Example: some rows, in order
/// ```
/// # #[cfg(feature = "sqlite")] mod example {
/// use tenancy_sqlx::model::{Stored, filter};
/// use tenancy_sqlx::{TenantPool, sqlx};
///
/// async fn newest<Lead>(db: &TenantPool<sqlx::Sqlite>) -> Result<Vec<Lead>, sqlx::Error>
/// where
///     Lead: Stored<sqlx::Sqlite>,
/// {
///     filter("status = $1").bind("open").order_by_desc("id").limit(10).fetch_all(db).await
/// }
/// # }
/// ```
pub struct Select<M, DB: TenantDb, S = Alone> {
    pub(super) source: Source,
    /// The text of the statement, if nothing is added to it.
    whole: Option<&'static str>,
    condition: Option<Cow<'static, str>>,
    pub(super) keyset: Option<String>,
    pub(super) order: Vec<Order<M>>,
    pub(super) limit: Option<u64>,
    offset: Option<u64>,
    pub(super) values: Values<DB>,
    /// How many values belong to the condition; all, until a page adds its own.
    pub(super) bound: Option<usize>,
    pub(super) failed: Option<Error>,
    shape: PhantomData<fn() -> S>,
}

/// The texts that a list is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// `SELECT id, name FROM leads`.
    pub(super) select: &'static str,
    /// `leads`, with what is joined to it.
    pub(super) from: &'static str,
    /// `leads`, where columns of several tables could be meant.
    pub(super) qualifier: Option<&'static str>,
}

impl<M, DB: TenantDb, S> fmt::Debug for Select<M, DB, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select")
            .field("source", &self.source)
            .field("condition", &self.condition)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// All rows: [`TenantScoped::SELECT`](super::TenantScoped::SELECT).
pub fn select<M: Stored<DB>, DB: TenantDb>() -> Select<M, DB> {
    Select::of(Source {
        select: M::SELECT,
        from: M::TABLE,
        qualifier: None,
    })
}

/// The row of a key: [`TenantScoped::FIND`](super::TenantScoped::FIND).
pub fn find<M: Stored<DB>, DB: TenantDb>(key: M::Key) -> Select<M, DB> {
    let mut select = select();
    M::key(key, &mut select.values);
    select.whole = Some(M::FIND);
    select.condition = Some(Cow::Borrowed(M::BY_KEY));
    select
}

/// The rows that a condition holds for, written as behind `WHERE`; its placeholders are `$1`, `$2`, ….
pub fn filter<M: Stored<DB>, DB: TenantDb>(condition: &'static str) -> Select<M, DB> {
    select().and(condition)
}

/// What a generated function answers when it is awaited.
#[doc(hidden)]
pub type Answered<'c, T> = BoxFuture<'c, Result<T, sqlx::Error>>;

/// How many rows there are: [`TenantScoped::COUNT`](super::TenantScoped::COUNT). For generated functions: a future in a box is
/// checked much faster than one of a function of its own.
#[doc(hidden)]
pub fn count<'c, M: Stored<DB>, DB: TenantDb + 'c>(
    db: impl TenantExecutor<'c, DB> + 'c,
) -> Answered<'c, i64> {
    Box::pin(select::<M, DB>().count(db))
}

/// Whether there is a row of a key: [`TenantScoped::EXISTS`](super::TenantScoped::EXISTS); as [`count`].
#[doc(hidden)]
pub fn exists<'c, M: Stored<DB>, DB: TenantDb + 'c>(
    key: M::Key,
    db: impl TenantExecutor<'c, DB> + 'c,
) -> Answered<'c, bool> {
    Box::pin(find::<M, DB>(key).exists(db))
}

impl<M: Stored<DB>, DB: TenantDb, S> Select<M, DB, S> {
    pub(super) fn of(source: Source) -> Self {
        Self {
            source,
            whole: Some(source.select),
            condition: None,
            keyset: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            values: Values::default(),
            bound: None,
            failed: None,
            shape: PhantomData,
        }
    }

    /// Adds a condition; all of them have to hold. Its placeholders go on where those before it ended.
    #[must_use]
    pub fn and(mut self, condition: &'static str) -> Self {
        self.whole = None;
        self.condition = Some(match self.condition {
            None => Cow::Borrowed(condition),
            Some(before) => Cow::Owned(format!("({before}) AND ({condition})")),
        });
        self
    }

    /// Binds the value of the next placeholder.
    #[must_use]
    pub fn bind<'v, T: Encode<'v, DB> + Type<DB>>(mut self, value: T) -> Self {
        self.values.add(value);
        self
    }

    /// Orders by a column, smallest first, after those given before. A column of the model, or the name of one.
    ///
    /// # Errors
    /// A name that is no column is [`Error::UnknownColumn`] when the statement is run; nothing is sent.
    #[must_use]
    pub fn order_by(self, order: impl IntoOrder<M>) -> Self {
        self.ordered(order, false)
    }

    /// Orders by a column, largest first; otherwise as [`order_by`](Self::order_by).
    #[must_use]
    pub fn order_by_desc(self, order: impl IntoOrder<M>) -> Self {
        self.ordered(order, true)
    }

    /// Reads so many rows at most.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.whole = None;
        self.limit = Some(rows);
        self
    }

    /// Leaves out so many rows at the beginning. Pages of a long list are cheaper with [`page_after`](Self::page_after).
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.whole = None;
        self.offset = Some(rows);
        self
    }

    /// All of the rows.
    ///
    /// # Errors
    /// See [`Select`].
    pub async fn fetch_all<'c>(
        self,
        db: impl TenantExecutor<'c, DB>,
    ) -> Result<Vec<S::Out>, sqlx::Error>
    where
        S: Shape<M, DB>,
    {
        let (sql, values) = self.statement(&db)?;
        let rows = sqlx::query_with(sql, values).fetch_all(db).await?;
        rows.iter().map(S::load).collect()
    }

    /// The first row.
    ///
    /// # Errors
    /// [`sqlx::Error::RowNotFound`] if there is none, be it that nobody has it or that another tenant does; see [`Select`].
    pub async fn fetch_one<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<S::Out, sqlx::Error>
    where
        S: Shape<M, DB>,
    {
        self.fetch_optional(db)
            .await?
            .ok_or(sqlx::Error::RowNotFound)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// See [`Select`].
    pub async fn fetch_optional<'c>(
        self,
        db: impl TenantExecutor<'c, DB>,
    ) -> Result<Option<S::Out>, sqlx::Error>
    where
        S: Shape<M, DB>,
    {
        let (sql, values) = self.statement(&db)?;
        let row = sqlx::query_with(sql, values).fetch_optional(db).await?;
        row.as_ref().map(S::load).transpose()
    }

    /// One row after the other, as they come.
    ///
    /// # Errors
    /// See [`Select`]; an error is the last item.
    pub fn fetch<'c>(
        self,
        db: impl TenantExecutor<'c, DB> + 'c,
    ) -> BoxStream<'c, Result<S::Out, sqlx::Error>>
    where
        S: Shape<M, DB, Out: Send> + 'c,
        DB: 'c,
    {
        match self.statement(&db) {
            Ok((sql, values)) => sqlx::query_with(sql, values)
                .fetch(db)
                .and_then(|row| std::future::ready(S::load(&row)))
                .boxed(),
            Err(error) => futures_util::stream::once(std::future::ready(Err(error))).boxed(),
        }
    }

    /// How many rows there are; order, limit and offset do not matter.
    ///
    /// # Errors
    /// See [`Select`].
    pub async fn count<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<i64, sqlx::Error> {
        let sql = match (&self.condition, self.source.qualifier) {
            (None, None) => M::COUNT.into_sql_str(),
            _ => self.over("SELECT count(*) FROM "),
        };
        let values = self.into_values()?;
        let row = sqlx::query_with(sql, values).fetch_one(db).await?;
        DB::integer(&row, 0)
    }

    /// Whether there is a row; order, limit and offset do not matter.
    ///
    /// # Errors
    /// See [`Select`].
    pub async fn exists<'c>(self, db: impl TenantExecutor<'c, DB>) -> Result<bool, sqlx::Error> {
        let sql = if self.whole == Some(M::FIND) {
            M::EXISTS.into_sql_str()
        } else {
            self.over("SELECT 1 FROM ")
        };
        let values = self.into_values()?;
        let row = sqlx::query_with(sql, values).fetch_optional(db).await?;
        Ok(row.is_some())
    }

    fn ordered(mut self, order: impl IntoOrder<M>, reversed: bool) -> Self {
        self.whole = None;
        match order.into_order() {
            Ok(mut order) => {
                order.descending ^= reversed;
                self.order.push(order);
            }
            Err(error) => {
                self.failed.get_or_insert(error);
            }
        }
        self
    }

    /// Another list over the same rows.
    fn over(&self, select: &str) -> SqlStr {
        let mut sql = String::with_capacity(96);
        sql.push_str(select);
        sql.push_str(self.source.from);
        self.push_condition(&mut sql);
        AssertSqlSafe(sql).into_sql_str()
    }

    fn push_condition(&self, sql: &mut String) {
        if let Some(condition) = &self.condition {
            // In parentheses, so that a comment at its end leaves them open and is refused.
            sql.push_str(" WHERE (");
            sql.push_str(condition);
            sql.push(')');
        }
    }

    fn into_values(self) -> Result<DB::Arguments, sqlx::Error> {
        match self.failed {
            None => self.values.into_arguments(),
            Some(error) => Err(error.into()),
        }
    }

    /// The text and the values, which are the caller's, then the cursor's, then the limits'.
    pub(super) fn statement<'c>(
        mut self,
        db: &impl TenantExecutor<'c, DB>,
    ) -> Result<(SqlStr, DB::Arguments), sqlx::Error> {
        if let Some(whole) = self.whole {
            return Ok((whole.into_sql_str(), self.into_values()?));
        }
        let mut sql = String::with_capacity(192);
        sql.push_str(self.source.select);
        self.push_condition(&mut sql);
        let appends = self.keyset.is_some() || self.limit.is_some() || self.offset.is_some();
        if appends && (self.condition.is_some() || !self.values.is_empty()) {
            // A placeholder of the caller's without a value would take one of those that are appended now.
            let bound = self.bound.unwrap_or(self.values.len());
            let placeholders = db.firewall().check(&sql).map_err(Error::from)?.params();
            if placeholders != bound {
                return Err(Error::Arity {
                    placeholders,
                    values: bound,
                }
                .into());
            }
        }
        if let Some(keyset) = &self.keyset {
            sql.push_str(if self.condition.is_some() {
                " AND ("
            } else {
                " WHERE ("
            });
            sql.push_str(keyset);
            sql.push(')');
        }
        self.push_order(&mut sql);
        for (word, rows) in [(" LIMIT $", self.limit), (" OFFSET $", self.offset)] {
            if let Some(rows) = rows {
                // More rows than that are in no table.
                self.values
                    .add_integer(i64::try_from(rows).unwrap_or(i64::MAX));
                sql.push_str(word);
                sql.push_str(&self.values.len().to_string());
            }
        }
        Ok((AssertSqlSafe(sql).into_sql_str(), self.into_values()?))
    }

    fn push_order(&self, sql: &mut String) {
        for (at, Order { column, descending }) in self.order.iter().enumerate() {
            sql.push_str(if at == 0 { " ORDER BY " } else { ", " });
            self.push_column(column.sql(), sql);
            // Databases differ in where NULL is; this is PostgreSQL's way, said aloud.
            sql.push_str(match (descending, column.is_nullable()) {
                (false, false) => "",
                (false, true) => " NULLS LAST",
                (true, false) => " DESC",
                (true, true) => " DESC NULLS FIRST",
            });
        }
    }

    /// A column, with its table where several could be meant.
    pub(super) fn push_column(&self, column: &str, sql: &mut String) {
        if let Some(table) = self.source.qualifier {
            sql.push_str(table);
            sql.push('.');
        }
        sql.push_str(column);
    }
}
