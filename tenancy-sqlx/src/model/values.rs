//! The values of a statement, collected until it runs.

use std::fmt;

use sqlx::error::BoxDynError;
use sqlx::{Arguments as _, Encode, Type};

use crate::db::TenantDb;

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
