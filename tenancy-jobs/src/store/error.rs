//! [`StoreError`]: what the queue's database said, whichever that is.

use std::fmt;

#[cfg(feature = "redis")]
use deadpool_redis::redis::{ErrorKind, RedisError, ServerErrorKind};

/// What the queue's database said, or how it could not be reached.
///
/// It reads as the driver's own error does.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct StoreError(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Sql(sqlx::Error),
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Redis(RedisError),
    #[cfg(feature = "redis")]
    #[error("the redis did not {0} in time")]
    Late(&'static str),
    #[cfg(feature = "redis")]
    #[error("{0}")]
    Unsuited(&'static str),
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StoreError {
    /// The error of sqlx, if the queue is in PostgreSQL or SQLite.
    pub fn as_sqlx(&self) -> Option<&sqlx::Error> {
        match &self.0 {
            Cause::Sql(error) => Some(error),
            #[cfg(feature = "redis")]
            _ => None,
        }
    }

    /// The error of redis-rs, if the queue is in Redis and that or its driver said something.
    #[cfg(feature = "redis")]
    pub fn as_redis(&self) -> Option<&RedisError> {
        match &self.0 {
            Cause::Redis(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it may go well later, with nothing changed by us: the database is away, starting, locked or full. Not so if it
    /// does not know us, does not let us, or has no such tables.
    pub fn is_outage(&self) -> bool {
        match &self.0 {
            Cause::Sql(error) => sql_may_recover(error),
            #[cfg(feature = "redis")]
            Cause::Redis(error) => redis_may_recover(error),
            #[cfg(feature = "redis")]
            Cause::Late(_) => true,
            #[cfg(feature = "redis")]
            Cause::Unsuited(_) => false,
        }
    }

    #[cfg(feature = "redis")]
    pub(crate) fn late(what: &'static str) -> Self {
        Self(Cause::Late(what))
    }

    #[cfg(feature = "redis")]
    pub(crate) fn unsuited(why: &'static str) -> Self {
        Self(Cause::Unsuited(why))
    }
}

fn sql_may_recover(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Configuration(_)
        | sqlx::Error::InvalidArgument(_)
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Migrate(_)
        | sqlx::Error::PoolClosed => false,
        sqlx::Error::Database(error) => match error.code().as_deref() {
            // PostgreSQL: who we are, which database, what we may, what there is. SQLite: no such table, no database at all.
            Some(code) if code.len() == 5 => !["28", "3D", "3F", "42"]
                .iter()
                .any(|class| code.starts_with(class)),
            Some("1" | "11" | "23" | "26") => false,
            _ => true,
        },
        _ => true,
    }
}

#[cfg(feature = "redis")]
fn redis_may_recover(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            ServerErrorKind::BusyLoading
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ReadOnly
                // Between a failover and our next connection.
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask
        ),
        // Full; can't write its file; has no replica that it must have; is at another's script.
        ErrorKind::Extension => matches!(
            error.code(),
            Some("OOM" | "MISCONF" | "NOREPLICAS" | "BUSY" | "UNKILLABLE")
        ),
        _ => false,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self(Cause::Sql(error))
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        sqlx::Error::from(error).into()
    }
}

#[cfg(feature = "redis")]
impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self(Cause::Redis(error))
    }
}
