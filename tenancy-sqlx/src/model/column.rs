//! The columns of a model, and orders made of them.

use std::fmt;
use std::marker::PhantomData;

use super::TenantScoped;
use crate::{Error, Result};

/// A column of a model: what lists are ordered by.
///
/// There is one for each field; none can be made out of text but by [`named`](Self::named), which only finds those there are.
/// So an order that a request asks for can't smuggle anything into a statement.
///
/// # Example: the order a request asks for
/// ```
/// # use tenancy_sqlx::model::{Column, TenantScoped};
/// # fn of<Lead: TenantScoped>() {
/// let asked = "name; DROP TABLE leads";
/// assert!(Column::<Lead>::named(asked).is_none());
/// # }
/// ```
pub struct Column<M> {
    at: usize,
    name: &'static str,
    sql: &'static str,
    is_key: bool,
    is_nullable: bool,
    is_insertable: bool,
    is_updatable: bool,
    model: PhantomData<fn() -> M>,
}

impl<M> Clone for Column<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Column<M> {}

impl<M> fmt::Debug for Column<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Column").field(&self.name).finish()
    }
}

impl<M> Column<M> {
    /// The column at this place of the model's list.
    #[must_use]
    pub const fn new(at: usize, name: &'static str) -> Self {
        Self {
            at,
            name,
            sql: name,
            is_key: false,
            is_nullable: false,
            is_insertable: true,
            is_updatable: true,
            model: PhantomData,
        }
    }

    /// The same, written like this in statements: in quotes.
    #[must_use]
    pub const fn quoted(mut self, sql: &'static str) -> Self {
        self.sql = sql;
        self
    }

    /// The same, as a part of the key, which is never updated.
    #[must_use]
    pub const fn key(mut self) -> Self {
        self.is_key = true;
        self.is_updatable = false;
        self
    }

    /// The same, as one that may be NULL.
    #[must_use]
    pub const fn nullable(mut self) -> Self {
        self.is_nullable = true;
        self
    }

    /// The same, as one that the database fills in when a row is added.
    #[must_use]
    pub const fn filled(mut self) -> Self {
        self.is_insertable = false;
        self
    }

    /// The same, as one that is only read.
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.is_insertable = false;
        self.is_updatable = false;
        self
    }

    /// Its name in the table.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Its name as statements write it.
    #[must_use]
    pub const fn sql(&self) -> &'static str {
        self.sql
    }

    /// Its place in the model's list.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Whether it is a part of the key.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        self.is_key
    }

    /// Whether it may be NULL.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        self.is_nullable
    }

    /// Whether an insert gives it a value.
    #[must_use]
    pub const fn is_insertable(&self) -> bool {
        self.is_insertable
    }

    /// Whether an update gives it a value.
    #[must_use]
    pub const fn is_updatable(&self) -> bool {
        self.is_updatable
    }

    /// Smallest first.
    #[must_use]
    pub const fn asc(self) -> Order<M> {
        Order {
            column: self,
            descending: false,
        }
    }

    /// Largest first.
    #[must_use]
    pub const fn desc(self) -> Order<M> {
        Order {
            column: self,
            descending: true,
        }
    }
}

impl<M: TenantScoped> Column<M> {
    /// The column of this name, if the model has one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        M::COLUMNS
            .iter()
            .find(|column| column.name == name)
            .copied()
    }
}

/// A column and a direction.
pub struct Order<M> {
    pub(super) column: Column<M>,
    pub(super) descending: bool,
}

impl<M> Clone for Order<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Order<M> {}

impl<M> fmt::Debug for Order<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("column", &self.column.name)
            .field("descending", &self.descending)
            .finish()
    }
}

/// What a list can be ordered by: a column, a column with a direction, or the name of a column.
pub trait IntoOrder<M> {
    /// The order, if there is such a column.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] for a name that no column has.
    fn into_order(self) -> Result<Order<M>>;
}

impl<M> IntoOrder<M> for Order<M> {
    fn into_order(self) -> Result<Self> {
        Ok(self)
    }
}

impl<M> IntoOrder<M> for Column<M> {
    fn into_order(self) -> Result<Order<M>> {
        Ok(self.asc())
    }
}

impl<M: TenantScoped> IntoOrder<M> for &str {
    fn into_order(self) -> Result<Order<M>> {
        Column::named(self)
            .map(Column::asc)
            .ok_or_else(|| Error::UnknownColumn {
                table: M::TABLE,
                column: self.to_owned(),
                known: names(M::COLUMNS),
            })
    }
}

/// The names of columns, for an error.
pub(super) fn names<'a, M: 'static>(columns: impl IntoIterator<Item = &'a Column<M>>) -> String {
    let names: Vec<_> = columns
        .into_iter()
        .map(|column| format!("`{}`", column.name))
        .collect();
    names.join(", ")
}
