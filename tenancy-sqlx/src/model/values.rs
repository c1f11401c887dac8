//! The values of a statement, collected until it runs.

use std::fmt;

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Decode, Encode, Type};

use crate::db::TenantDb;

/// A type that comes out of a column.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` can't be read from a column",
    note = "derive `sqlx::Type` for it, or read it as another type: `#[sqlx(try_from = \"String\")]`"
)]
pub trait Readable<DB: TenantDb>: for<'r> Decode<'r, DB> + Type<DB> {}

impl<T: for<'r> Decode<'r, DB> + Type<DB>, DB: TenantDb> Readable<DB> for T {}

/// A type that goes into a column.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` can't be written to a column",
    note = "derive `sqlx::Type` for it, or write it as another type: `#[tenant(bind_with(function, Type))]`"
)]
pub trait Writable<DB: TenantDb>: for<'v> Encode<'v, DB> + Type<DB> {}

impl<T: for<'v> Encode<'v, DB> + Type<DB>, DB: TenantDb> Writable<DB> for T {}

/// A type that comes out of a column and goes into one.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` can't be stored in a column",
    note = "derive `sqlx::Type` for it, or say `#[sqlx(try_from = \"…\")]` and `#[tenant(bind_with(function, Type))]`"
)]
pub trait Value<DB: TenantDb>: Readable<DB> + Writable<DB> {}

impl<T: Readable<DB> + Writable<DB>, DB: TenantDb> Value<DB> for T {}

/// A field that is stored as another type.
///
/// # Errors
/// The column holds something that is no value of the field.
pub fn converted<S, T>(stored: S, at: usize) -> Result<T, sqlx::Error>
where
    T: TryFrom<S, Error: Into<BoxDynError>>,
{
    T::try_from(stored).map_err(|error| sqlx::Error::ColumnDecode {
        index: at.to_string(),
        source: error.into(),
    })
}

/// The values of a statement, in the order of its placeholders.
///
/// A value that can't be encoded is reported when the statement is run, as by sqlx's own `bind`.
pub struct Values<DB: TenantDb> {
    arguments: DB::Arguments,
    failed: Option<BoxDynError>,
}

impl<DB: TenantDb> Default for Values<DB> {
    fn default() -> Self {
        Self {
            arguments: DB::Arguments::default(),
            failed: None,
        }
    }
}

impl<DB: TenantDb> fmt::Debug for Values<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the values: they are a tenant's.
        f.debug_struct("Values")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<DB: TenantDb> Values<DB> {
    /// Appends a value.
    pub fn add<'v, T: Encode<'v, DB> + Type<DB>>(&mut self, value: T) {
        let added = self.arguments.add(value);
        self.note(added);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.arguments.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn add_integer(&mut self, number: i64) {
        let added = DB::bind_integer(&mut self.arguments, number);
        self.note(added);
    }

    pub(super) fn into_arguments(self) -> Result<DB::Arguments, sqlx::Error> {
        match self.failed {
            None => Ok(self.arguments),
            Some(error) => Err(sqlx::Error::Encode(error)),
        }
    }

    fn note(&mut self, added: Result<(), BoxDynError>) {
        if let Err(error) = added {
            self.failed.get_or_insert(error);
        }
    }
}
