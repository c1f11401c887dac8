//! What can go wrong at the door to Redis and in the caches, and how it travels through redis-rs's own error type.

use std::io;
use std::sync::Arc;

use deadpool_redis::PoolError;
use deadpool_redis::redis::RedisError;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// An error of [`TenantRedis`](crate::TenantRedis), [`TenantCache`](crate::TenantCache) and their neighbours.
///
/// Code that sends commands through redis-rs's functions sees [`RedisError`]; ours travels inside and is found again with
/// [`Error::from_redis`]. Errors of the driver keep their own kind.
///
/// No message names another tenant, a key or a server's address.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No tenant, the wrong one, one that is suspended, or a write of one that is read-only.
    #[error(transparent)]
    Tenancy(#[from] tenancy_core::Error),
    /// The command can't be confined to one tenant.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The driver or the server reported an error.
    #[error("redis reported an error")]
    Driver(#[source] RedisError),
    /// No connection could be had: the server is away, or all connections are busy.
    #[error(
        "no connection to redis could be had; check that the server is up, or raise `max_connections`"
    )]
    Unreachable(#[source] Source),
    /// The server's answer holds a key of somebody else, or has a shape that is not known.
    #[error("the server's answer could not be confined to the tenant's keys; it was dropped")]
    Reply,
    /// What should have been cached could not be loaded. Everybody who waited for it gets this one.
    #[error("the value to be cached could not be loaded")]
    Load(#[source] Source),
    /// A value could not be written as JSON.
    #[error("the value to be cached could not be encoded")]
    Encode(#[source] Arc<serde_json::Error>),
    /// The server's access list for the tenant does not stand, or could not be changed.
    #[error("the tenant's access list on the server could not be {0}")]
    AccessList(&'static str, #[source] RedisError),
    /// A setting of the caller does not make sense.
    #[error("{0}")]
    Config(&'static str),
}

/// A command that was refused, and what to use instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redis command `{command}` was refused: {why}")]
pub struct Refused {
    command: Box<str>,
    why: &'static str,
}

impl Refused {
    pub(crate) fn named(command: &str, why: &'static str) -> Self {
        let command = command.replace('|', " ").into();
        Self { command, why }
    }

    pub(crate) fn unknown(command: &[u8]) -> Self {
        let shown: String = String::from_utf8_lossy(command)
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            .take(32)
            .collect();
        Self::named(
            &shown,
            "nobody has reviewed where its keys are; only commands of the table pass",
        )
    }

    /// The command's name.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }
}

impl Error {
    /// Finds an error of ours inside one that came out of a redis-rs function.
    ///
    /// # Example: telling a refusal from an error of the server
    /// ```
    /// use tenancy_cache::{Error, redis::RedisError};
    ///
    /// let error = RedisError::from(Error::Reply);
    /// assert!(matches!(Error::from_redis(&error), Some(Error::Reply)));
    /// assert!(Error::from_redis(&RedisError::from(std::io::Error::other("reset"))).is_none());
    /// ```
    pub fn from_redis(error: &RedisError) -> Option<&Self> {
        let inner = std::error::Error::source(error)?.downcast_ref::<Source>()?;
        inner.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
    }

    /// The refusal of the context, if that is what it is.
    #[must_use]
    pub fn tenancy(&self) -> Option<&tenancy_core::Error> {
        match self {
            Self::Tenancy(error) => Some(error),
            _ => None,
        }
    }

    /// Whether Redis is away, so that the same may work later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Driver(error) => {
                use deadpool_redis::redis::{ErrorKind, ServerErrorKind};
                matches!(
                    error.kind(),
                    ErrorKind::Io
                        | ErrorKind::Server(
                            ServerErrorKind::BusyLoading
                                | ServerErrorKind::MasterDown
                                | ServerErrorKind::ClusterDown
                        )
                )
            }
            _ => false,
        }
    }
}

/// Ours comes out as it went in; the driver's own is wrapped.
impl From<RedisError> for Error {
    fn from(error: RedisError) -> Self {
        match Self::from_redis(&error) {
            Some(ours) => ours.clone(),
            None => Self::Driver(error),
        }
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unreachable(Arc::new(error))
    }
}

/// As an error of the kind that nothing retries.
impl From<Error> for RedisError {
    fn from(error: Error) -> Self {
        match error {
            Error::Driver(error) => error,
            ours => Self::from(io::Error::new(io::ErrorKind::PermissionDenied, ours)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_comes_back_out_of_the_drivers() {
        let refused = Error::from(Refused::named("select", "one database"));
        let there = RedisError::from(refused);
        assert!(!there.is_connection_dropped() && !there.is_unrecoverable_error());
        assert_eq!(
            Error::from(there).to_string(),
            "redis command `select` was refused: one database"
        );
    }

    #[test]
    fn a_refusal_shows_nothing_that_is_not_a_name() {
        let refused = Refused::unknown(b"x\r\n`\xff\x1b[31m".as_slice());
        assert_eq!(refused.command(), "x31m");
    }
}
