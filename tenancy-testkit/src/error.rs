//! What can go wrong while a test's surroundings are built, and what to do about it.

use std::path::PathBuf;

/// Why a server, a database, a folder or a relay could not be had.
///
/// The text says what to do; the cause, where there is one, is in [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `DATABASE_URL` is not set and this machine has no PostgreSQL that is new enough.
    #[error(
        "{0}; run the tests with `cargo xtask test`, which installs it, or install it yourself \
         (Debian: `apt-get install postgresql`), or set DATABASE_URL to a server's admin role"
    )]
    NotFound(String),

    /// The process runs as root, as which PostgreSQL refuses to run, and there is no way to become somebody else.
    #[error(
        "PostgreSQL does not run as root and {0}; run the tests as another user or set DATABASE_URL"
    )]
    NoServerUser(&'static str),

    /// The server was found, but did not start.
    #[error("PostgreSQL in {folder} did not start: {log}")]
    NotStarted {
        /// The folder of the binaries.
        folder: PathBuf,
        /// The end of the server's log, on one line.
        log: String,
    },

    /// `REDIS_URL` is not set and this machine has no Redis that is new enough.
    #[error(
        "{0}; run the tests with `cargo xtask test`, which installs it, or install it yourself \
         (Debian: `apt-get install redis-server`), or set REDIS_URL"
    )]
    RedisNotFound(String),

    /// Redis was found, but did not start.
    #[error("Redis did not start: {0}")]
    RedisNotStarted(String),

    /// `DATABASE_URL` is not an address of a PostgreSQL server.
    #[error(
        "DATABASE_URL is not a usable PostgreSQL address; write postgres://admin:password@host:5432/postgres"
    )]
    Url(#[source] sqlx::Error),

    /// The server that `DATABASE_URL` names does not answer.
    #[error(
        "the server of DATABASE_URL does not answer; start it, or unset DATABASE_URL for a throw-away server"
    )]
    Unreachable(#[source] sqlx::Error),

    /// The server that `DATABASE_URL` names is older than the framework supports.
    #[error("the server of DATABASE_URL is version {0}; PostgreSQL 15 or newer is needed")]
    TooOld(String),

    /// The role of `DATABASE_URL` may not create databases and roles.
    #[error(
        "role {0} of DATABASE_URL can't create databases and roles; \
         use a superuser, or run `ALTER ROLE {0} CREATEDB CREATEROLE`"
    )]
    NotAdmin(String),

    /// A table of threats names a test that is not there, or none.
    #[error("a table of threats is not true: {0}")]
    Threats(String),

    /// The tenants of a fixture could not be made.
    #[error("the tenants of a fixture could not be made")]
    Fixture(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// Only a server that was started here can be stopped or restarted.
    #[error(
        "this server is not ours to stop; fault tests start their own with `PgCluster::start()` or `RedisServer::start()`"
    )]
    NotOurs,

    /// The function that fills a template database failed.
    #[error("template database {key:?} could not be built")]
    Template {
        /// The key that was asked for.
        key: String,
        /// What the function answered.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The server refused something that the kit asked of it.
    #[error("the test server refused to {action}")]
    Database {
        /// What was asked.
        action: &'static str,
        /// What the driver says.
        source: sqlx::Error,
    },

    /// The operating system refused a folder, a process or a socket.
    #[error("could not {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: a fixture could not be made.
    pub(crate) fn fixture(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Fixture(source.into())
    }

    /// For `map_err`: the server refused to do `action`.
    pub(crate) fn database(action: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| Self::Database { action, source }
    }

    /// For `map_err`: the system refused to do `action`.
    pub(crate) fn io(action: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}
