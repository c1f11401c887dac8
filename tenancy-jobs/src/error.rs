//! What can go wrong with a job, before and while it runs.

use std::fmt;

use crate::{JobId, StoreError};

/// What this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a job was not taken, or could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No tenant, one that may not work, or the scope of another.
    #[error(transparent)]
    Tenancy(#[from] tenancy_core::Error),
    /// The queue's database did not answer or refused. Nothing was taken; if it is an [outage](StoreError::is_outage), try again
    /// when it is back.
    #[error("the queue's database did not do as it was told")]
    Store(#[source] StoreError),
    /// The tenant's own database did not, when a job was put with its rows.
    #[error("the tenant's database did not take the job")]
    Outbox(#[source] sqlx::Error),
    /// The job can't be written as JSON.
    #[error("the job can't be written as JSON; correct its `Serialize`")]
    Encode(#[source] serde_json::Error),
    /// The job is larger than the queue takes.
    #[error(
        "the job has {bytes} bytes, the queue takes {most}; keep the data in a file or a row and send its name"
    )]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large one may be.
        most: usize,
    },
    /// A job of this id is not there, or is not this tenant's, or is not in a state in which that can be done.
    #[error("there is no such job of this tenant, or it is not dead; look at its state")]
    NotFound(JobId),
    /// A name, a key or a limit that can't be used.
    #[error("{0}")]
    Config(&'static str),
}

impl Error {
    /// The error of tenancy inside, if it is one.
    pub fn as_tenancy(&self) -> Option<&tenancy_core::Error> {
        match self {
            Self::Tenancy(error) => Some(error),
            _ => None,
        }
    }

    /// Whether it may go well later, with nothing changed.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_outage(),
            Self::Outbox(_) => true,
            Self::Tenancy(error) => error.is_registry_unavailable(),
            _ => false,
        }
    }
}

/// Why a job that was taken out of the queue was not run, or not to its end.
///
/// What becomes of the job: see [`crate::worker`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It names no tenant, or none that a tenant could be called.
    NoTenant,
    /// It was not made by a holder of our keys, or was changed since: tenant, type, version, key, payload or id.
    Forged,
    /// Its key is not known here.
    UnknownKey,
    /// There is no such tenant, or no longer.
    UnknownTenant,
    /// The tenant is closed for now.
    Suspended,
    /// Whether the tenant is there can't be known just now.
    RegistryUnavailable,
    /// No handler for this type and version of job.
    UnknownJob {
        /// The type.
        name: String,
        /// The version.
        version: u32,
    },
    /// The payload is not what the handler's type can be read from.
    Poisoned(String),
    /// The handler panicked.
    Panicked,
    /// The worker runs inside the scope of a tenant.
    Misplaced,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTenant => f.write_str("the job names no tenant"),
            Self::Forged => f.write_str("the job was not made with our keys, or was changed since"),
            Self::UnknownKey => {
                f.write_str("the job's key is not known here; accept it, or look for who made it")
            }
            Self::UnknownTenant => f.write_str("there is no such tenant any more"),
            Self::Suspended => f.write_str("the tenant is closed for now"),
            Self::RegistryUnavailable => f.write_str("the registry does not answer"),
            Self::UnknownJob { name, version } => {
                write!(
                    f,
                    "no handler for job `{name}` of version {version}; add one with `Handlers::on`"
                )
            }
            Self::Poisoned(why) => write!(f, "the payload can't be read: {why}"),
            Self::Panicked => f.write_str("the handler panicked"),
            Self::Misplaced => {
                f.write_str("the worker was polled inside the scope of a tenant; run it outside")
            }
        }
    }
}

impl std::error::Error for Refusal {}
