//! What can go wrong at the door to SQL, and how it travels through Diesel's own error type.

use tenancy_core::budget::BudgetError;
use tenancy_sql::{KeyType, Refused};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of [`TenantPool`](crate::TenantPool) and its neighbours.
///
/// Code that runs statements through Diesel's functions sees [`diesel::result::Error`]; ours travels inside
/// [`QueryBuilderError`](diesel::result::Error::QueryBuilderError) and is found again with [`Error::from_diesel`]. Errors of
/// the driver keep their own kind.
///
/// No message names another tenant, a server's address or a value of a row.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No tenant, the wrong one, or one that is suspended.
    #[error(transparent)]
    Tenancy(#[from] tenancy_core::Error),
    /// The firewall refused the statement.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Diesel or the database reported an error.
    #[error("the database reported an error")]
    Driver(#[source] diesel::result::Error),
    /// A statement came with more or fewer values than it has placeholders.
    ///
    /// The tenant is appended behind the caller's values, so an extra one of the caller would take the tenant's place; this is
    /// refused first.
    #[error("the statement has {placeholders} placeholders but {values} values were bound")]
    Arity {
        /// Placeholders in the statement as it was written.
        placeholders: usize,
        /// Values that were bound.
        values: usize,
    },
    /// There was no connection for the caller.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The tenant's placement names a server that the pool was not given.
    #[error("the pool has no server named `{0}`; add it with `TenantPoolBuilder::server`")]
    UnknownServer(String),
    /// The place where the tenant's data should be can't be reached or is not there.
    #[error(
        "the tenant's {what} can't be opened; check that it was provisioned and that the server is up"
    )]
    Unreachable {
        /// `shared tables`, `schema` or `database`.
        what: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place that was opened belongs to another tenant: a restored or copied file, a wrong placement.
    #[error("the tenant's {what} is pinned to another tenant; it was left untouched")]
    WrongPin {
        /// `schema` or `database`.
        what: &'static str,
    },
    /// The kind of the tenant's id does not fit the tenant column.
    #[error("a tenant id of this kind can't be stored in a tenant column of type {key_type:?}")]
    KeyType {
        /// The type of the tenant column in the catalogue.
        key_type: KeyType,
    },
    /// A statement of this transaction failed, so the transaction can only be rolled back.
    ///
    /// PostgreSQL answers `COMMIT` of such a transaction with success although it rolled back; here it is an error.
    #[error("a statement of this transaction failed; it was rolled back")]
    TransactionFailed,
    /// A write was sent in a read-only transaction.
    #[error("this transaction is read-only; begin it with `transaction` to write")]
    ReadOnlyTransaction,
    /// A setting of the caller does not make sense.
    #[error("{0}")]
    Config(String),
}

impl Error {
    /// Finds an error of ours inside one that came out of a Diesel function.
    ///
    /// # Example: telling a refusal from a database error
    /// ```
    /// use tenancy_diesel::Error;
    ///
    /// let error = diesel::result::Error::from(Error::TransactionFailed);
    /// assert!(matches!(Error::from_diesel(&error), Some(Error::TransactionFailed)));
    /// assert!(Error::from_diesel(&diesel::result::Error::NotFound).is_none());
    /// ```
    pub fn from_diesel(error: &diesel::result::Error) -> Option<&Self> {
        match error {
            diesel::result::Error::QueryBuilderError(inner) => inner.downcast_ref(),
            _ => None,
        }
    }

    /// The tenancy error inside, if that is what it is.
    pub fn as_tenancy(&self) -> Option<&tenancy_core::Error> {
        match self {
            Self::Tenancy(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Error> for diesel::result::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Driver(error) => error,
            other => Self::QueryBuilderError(Box::new(other)),
        }
    }
}

impl From<diesel::result::Error> for Error {
    /// Unwraps an error of ours; wraps one of Diesel.
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::QueryBuilderError(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => Self::Driver(diesel::result::Error::QueryBuilderError(inner)),
            },
            other => Self::Driver(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_survives_the_way_through_diesel() {
        let error = Error::from(diesel::result::Error::from(Error::TransactionFailed));
        assert!(matches!(error, Error::TransactionFailed));
    }

    #[test]
    fn driver_errors_keep_their_kind() {
        let error = diesel::result::Error::from(Error::from(diesel::result::Error::NotFound));
        assert_eq!(error, diesel::result::Error::NotFound);
    }
}
