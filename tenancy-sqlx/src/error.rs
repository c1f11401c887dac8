//! What can go wrong at the door to SQL, and how it travels through sqlx's own error type.

use std::time::Duration;

use tenancy_sql::{KeyType, Refused};

use crate::provision::ProvisionStep;
use crate::walls::Finding;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of [`TenantPool`](crate::TenantPool) and its neighbours.
///
/// Code that runs statements through sqlx's functions sees [`sqlx::Error`]; ours travels inside
/// [`sqlx::Error::Configuration`] and is found again with [`Error::from_sqlx`]. Errors of the driver keep their own kind.
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
    /// The driver or the database reported an error.
    #[error("the database reported an error")]
    Driver(#[source] sqlx::Error),
    /// A statement came with more or fewer values than it has placeholders.
    ///
    /// PostgreSQL and SQLite both accept extra values. Ours is appended behind the caller's, so an extra one of the caller
    /// would take the tenant's place; this is refused first.
    #[error("the statement has {placeholders} placeholders but {values} values were bound")]
    Arity {
        /// Placeholders in the statement as it was written.
        placeholders: usize,
        /// Values that were bound.
        values: usize,
    },
    /// Every connection of the budget was busy for longer than the acquire timeout.
    #[error(
        "all {max} connections of the budget were busy for {waited:?}; shorten transactions or raise `Budget::new`"
    )]
    BudgetExhausted {
        /// Connections the budget allows.
        max: usize,
        /// How long the caller waited.
        waited: Duration,
    },
    /// The tenant used as many connections as it may for longer than the acquire timeout; other tenants were served.
    #[error(
        "this tenant used its {per_tenant} connections for {waited:?}; shorten its transactions or raise `Budget::per_tenant`"
    )]
    TenantBudgetExhausted {
        /// Connections that one tenant may use at once.
        per_tenant: usize,
        /// How long the caller waited.
        waited: Duration,
    },
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
        source: sqlx::Error,
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
    /// A write was sent through a read-only transaction.
    #[error("this transaction is read-only; begin it with `TenantPool::begin` to write")]
    ReadOnlyTransaction,
    /// A list was to be ordered by a column that the model does not have.
    #[error("`{table}` has no column `{column}` to order by; it has {known}")]
    UnknownColumn {
        /// The table of the model.
        table: &'static str,
        /// What was asked for.
        column: String,
        /// The columns of the model.
        known: String,
    },
    /// A page was to start after a row, in an order by a column that may be NULL: rows without a value would be on no page.
    #[error(
        "pages can't be ordered by `{column}`, which may be NULL; order by another column, or use `limit` and `offset`"
    )]
    NullableOrder {
        /// The column.
        column: &'static str,
    },
    /// A page was to start after a row that is given by another number of values than the order has columns.
    #[error(
        "the order has {columns} columns but the cursor {values} values; give the value of each of: {order}"
    )]
    Cursor {
        /// Columns of the order, the key at its end included.
        columns: usize,
        /// Values that were given.
        values: usize,
        /// The columns of the order.
        order: String,
    },
    /// The pool was closed.
    #[error("the pool is closed")]
    Closed,
    /// A setting of the caller does not make sense.
    #[error("{0}")]
    Config(String),
    /// A step of provisioning failed; running it again continues or starts over.
    #[error("provisioning failed at step `{step}`; nothing was activated, run it again")]
    Provision {
        /// The step.
        step: ProvisionStep,
        /// What went wrong.
        #[source]
        source: Box<Error>,
    },
    /// A tenant has this slug, or had it.
    #[error("the slug is taken, or was once; choose another")]
    SlugTaken,
    /// A tenant has this id.
    #[error("a tenant of this id exists; leave the id to the provisioner")]
    IdTaken,
    /// There is something where the tenant's place would be, and this registry did not make it.
    #[error(
        "a {what} of this tenant's name exists that was not made for this registry; look at it and remove it"
    )]
    PlaceTaken {
        /// `schema`, `database` or `file`.
        what: &'static str,
    },
    /// Somebody else is provisioning this tenant.
    #[error("this tenant is being provisioned by somebody else; try again later")]
    ProvisioningBusy,
    /// An earlier attempt for this slug was for another isolation or server.
    #[error(
        "this tenant was begun with another isolation or server; repeat that, or call `Provisioner::abandon` first"
    )]
    HalfProvisioned,
    /// The server's wall does not stand.
    #[error("the server's wall does not stand: {}", first_of(findings))]
    Walls {
        /// What was found.
        findings: Vec<Finding>,
    },
}

impl Error {
    /// Finds an error of ours inside one that came out of an sqlx function.
    ///
    /// # Example: telling a refusal from a database error
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use tenancy_sqlx::Error;
    ///
    /// let error = sqlx::Error::from(Error::Closed);
    /// assert!(matches!(Error::from_sqlx(&error), Some(Error::Closed)));
    /// assert!(Error::from_sqlx(&sqlx::Error::RowNotFound).is_none());
    /// # }
    /// ```
    pub fn from_sqlx(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Configuration(inner) => inner.downcast_ref(),
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

impl From<Error> for sqlx::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Driver(error) => error,
            other => sqlx::Error::Configuration(Box::new(other)),
        }
    }
}

impl From<sqlx::Error> for Error {
    /// Unwraps an error of ours; wraps one of the driver.
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Configuration(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(inner) => Self::Driver(sqlx::Error::Configuration(inner)),
            },
            other => Self::Driver(other),
        }
    }
}

/// The first finding, and how many more there are.
fn first_of(findings: &[Finding]) -> String {
    match findings {
        [] => "nothing was found".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// Whether the connection that reported this error is of no further use.
pub(crate) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed
        | sqlx::Error::WorkerCrashed => true,
        // Class 08: connection exception. 57P01..57P05: the server is going down or closed the session.
        // PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
        _ => false,
    }
}

/// Whether a migration has changed the columns of a statement that the connection remembers. The driver would send that
/// statement again and again; a new connection prepares it anew.
pub(crate) fn is_plan_stale(error: &sqlx::Error) -> bool {
    #[cfg(feature = "postgres")]
    if let sqlx::Error::Database(error) = error {
        // By the name of the server's own function, because the text of the message is translated.
        return error
            .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
            .is_some_and(|error| {
                error.code() == "0A000" && error.routine() == Some("RevalidateCachedQuery")
            });
    }
    let _ = error;
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_error_survives_the_way_through_sqlx() {
        let error = Error::from(sqlx::Error::from(Error::TransactionFailed));
        assert!(matches!(error, Error::TransactionFailed));
    }

    #[test]
    fn driver_errors_keep_their_kind() {
        let error = sqlx::Error::from(Error::from(sqlx::Error::RowNotFound));
        assert!(matches!(error, sqlx::Error::RowNotFound));
    }
}
