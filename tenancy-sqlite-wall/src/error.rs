//! Why a wall could not be built.

/// Why a wall could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The driver or the database failed.
    #[error("the file of shared tables can't be attached or read")]
    Driver(#[from] sqlx::Error),
    /// The connection has tables or files of its own.
    #[error(
        "a wall needs a connection whose main database is empty and in memory, with nothing attached"
    )]
    NotEmpty,
    /// What is called like a tenant table is a view or a virtual table, on whose rows no trigger looks, or it has no tenant
    /// column.
    #[error("`{0}` is no ordinary table with a tenant column, so no wall can stand in front of it")]
    NotATenantTable(String),
    /// SQLite took neither the function nor the authorizer.
    #[error("sqlite refused the authorizer (result code {0})")]
    Refused(i32),
}
