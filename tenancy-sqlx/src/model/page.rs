//! Pages by key: each begins after the last row of the one before, however many were added or deleted meanwhile.

use std::fmt;
use std::fmt::Write as _;

use sqlx::{Encode, Type};

use super::column::names;
use super::{Alone, Order, Select, Shape, Stored, TenantExecutor, Values};
use crate::Error;
use crate::db::TenantDb;

/// One page of a list. Made by [`Select::page`] and [`Select::page_after`]; its order always ends with the key.
pub struct Page<M, DB: TenantDb, S = Alone>(Select<M, DB, S>);

impl<M, DB: TenantDb, S> fmt::Debug for Page<M, DB, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.0).finish()
    }
}

impl<M: Stored<DB>, DB: TenantDb, S> Page<M, DB, S> {
    #[cfg(test)]
    pub(super) fn into_select(self) -> Select<M, DB, S> {
        self.0
    }

    /// The rows of the page; fewer than asked for if it is the last.
    ///
    /// # Errors
    /// See [`Select`]; [`Error::NullableOrder`] and [`Error::Cursor`] for an order or a cursor that makes no pages.
    pub async fn fetch_all<'c>(
        self,
        db: impl TenantExecutor<'c, DB>,
    ) -> Result<Vec<S::Out>, sqlx::Error>
    where
        S: Shape<M, DB>,
    {
        self.0.fetch_all(db).await
    }
}

/// The row after which a page begins: the last row of the page before, or the values of its columns in the order of the list
/// (the key is at its end), as a tuple.
pub trait Cursor<M, DB: TenantDb> {
    /// Appends the values of these columns; answers how many there were.
    fn values(self, order: &[Order<M>], values: &mut Values<DB>) -> usize;
}

impl<M: Stored<DB>, DB: TenantDb> Cursor<M, DB> for &M {
    fn values(self, order: &[Order<M>], values: &mut Values<DB>) -> usize {
        for Order { column, .. } in order {
            self.value(column.at(), values);
        }
        order.len()
    }
}

macro_rules! cursor_of_a_tuple {
    ($count:literal: $($value:ident)+) => {
        impl<M, DB: TenantDb, $($value),+> Cursor<M, DB> for ($($value,)+)
        where
            $($value: for<'v> Encode<'v, DB> + Type<DB>),+
        {
            #[allow(non_snake_case, reason = "a value is called as its type")]
            fn values(self, _order: &[Order<M>], values: &mut Values<DB>) -> usize {
                let ($($value,)+) = self;
                $(values.add($value);)+
                $count
            }
        }
    };
}

cursor_of_a_tuple!(1: A);
cursor_of_a_tuple!(2: A B);
cursor_of_a_tuple!(3: A B C);
cursor_of_a_tuple!(4: A B C D);

impl<M: Stored<DB>, DB: TenantDb, S> Select<M, DB, S> {
    /// The first page. The key is put at the end of the order, so that each row has one place.
    ///
    /// # Errors
    /// When it is fetched: see [`Page::fetch_all`].
    pub fn page(mut self, rows: u64) -> Page<M, DB, S> {
        self.complete_order();
        Page(self.limit(rows))
    }

    /// The page that begins after a row. Order and conditions must be those of the page before.
    ///
    /// The row itself need not be there any more. Rows that were added before it are on no later page.
    ///
    /// # Errors
    /// When it is fetched: see [`Page::fetch_all`].
    pub fn page_after(mut self, cursor: impl Cursor<M, DB>, rows: u64) -> Page<M, DB, S> {
        self.complete_order();
        let bound = self.values.len();
        self.bound = Some(bound);
        let given = cursor.values(&self.order, &mut self.values);
        if given != self.order.len() {
            self.failed.get_or_insert(Error::Cursor {
                columns: self.order.len(),
                values: given,
                order: names(self.order.iter().map(|order| &order.column)),
            });
        }
        self.keyset = Some(self.keyset_after(bound + 1));
        Page(self.limit(rows))
    }

    /// Puts what is missing of the key at the end of the order, in the direction of what is before it.
    fn complete_order(&mut self) {
        let descending = self.order.last().is_some_and(|order| order.descending);
        for column in M::COLUMNS.iter().filter(|column| column.is_key()) {
            if !self
                .order
                .iter()
                .any(|order| order.column.at() == column.at())
            {
                self.order.push(Order {
                    column: *column,
                    descending,
                });
            }
        }
        if let Some(order) = self.order.iter().find(|order| order.column.is_nullable()) {
            self.failed.get_or_insert(Error::NullableOrder {
                column: order.column.name(),
            });
        }
    }

    /// What holds for the rows after the cursor, whose first value has this number.
    fn keyset_after(&self, first: usize) -> String {
        let mut sql = String::with_capacity(48);
        let one_way = self
            .order
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.descending == b.descending));
        if let ([Order { descending, .. }, _, ..], true) = (&*self.order, one_way) {
            // Compared as rows, which an index over these columns answers.
            sql.push('(');
            for (at, order) in self.order.iter().enumerate() {
                sql.push_str(if at == 0 { "" } else { ", " });
                self.push_column(order.column.sql(), &mut sql);
            }
            sql.push_str(if *descending { ") < (" } else { ") > (" });
            for at in 0..self.order.len() {
                sql.push_str(if at == 0 { "$" } else { ", $" });
                let _ = write!(sql, "{}", first + at);
            }
            sql.push(')');
        } else {
            self.push_step(&self.order, first, &mut sql);
        }
        sql
    }

    /// `a > $1 OR (a = $1 AND (b < $2 OR …))`.
    fn push_step(&self, order: &[Order<M>], number: usize, sql: &mut String) {
        let [Order { column, descending }, rest @ ..] = order else {
            return;
        };
        // Writing to a `String` does not fail.
        self.push_column(column.sql(), sql);
        let _ = write!(sql, " {} ${number}", if *descending { '<' } else { '>' });
        if !rest.is_empty() {
            sql.push_str(" OR (");
            self.push_column(column.sql(), sql);
            let _ = write!(sql, " = ${number} AND (");
            self.push_step(rest, number + 1, sql);
            sql.push_str("))");
        }
    }
}
