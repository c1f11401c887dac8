//! What can go wrong at the door to object storage, and how it travels through `object_store`'s own error type. What the
//! store behind says about places that are none of the tenant's business is taken out in `scrub`.

use std::error::Error as _;
use std::{fmt, io};

use object_store::path::Path;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of [`TenantStore`](crate::TenantStore) and its neighbours.
///
/// Code that works through `object_store`'s traits sees [`object_store::Error`]; ours is found again with
/// [`Error::from_object_store`]. Errors of the store behind keep their kind; their paths are the tenant's own, and their
/// causes are reduced to a [`Fault`], because what a driver writes there (folders, addresses, whole keys) is not the
/// tenant's business. The log has it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No tenant, the wrong one, one that is suspended, or a write for one that may only be read.
    #[error(transparent)]
    Tenancy(#[from] tenancy_core::Error),
    /// A path that no object of a tenant has.
    #[error("not the path of an object: {why}")]
    Path {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The write would take the tenant over a limit. Nothing was written.
    #[error(
        "the tenant's storage is limited to {limit} {what} and this needs {needed}; remove something or raise the limit"
    )]
    Quota {
        /// `bytes`, `objects` or `bytes an object`.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// What there would be after the write.
        needed: u64,
    },
    /// The tenant's placement names a server that the store was not given.
    #[error("the store has no server named `{0}`; add it with `TenantStoreBuilder::server`")]
    UnknownServer(String),
    /// The tenant's placement asks for a place of its own, and the server has only a shared bucket.
    #[error(
        "the tenant's placement asks for a bucket of its own; add `ObjectServer::buckets`, or choose `ObjectServer::prefixes_only`"
    )]
    NoBuckets,
    /// An upload id that was not given out for this tenant and path.
    #[error("there is no such upload at this path; begin it with `create_multipart`")]
    UnknownUpload,
    /// An address that this store does not sign.
    #[error("this address is not signed: {why}")]
    NotSigned {
        /// What to do instead.
        why: &'static str,
    },
    /// The store behind answered with an object of another place than was asked for. The answer was withheld.
    #[error("the object store answered with something outside the tenant's place; it was withheld")]
    Foreign,
    /// Objects were left, or came back, while the tenant was being erased.
    #[error("{left} objects of the tenant are still there; stop what writes them and erase again")]
    NotErased {
        /// How many were seen after the last round.
        left: u64,
    },
    /// A setting of the caller does not make sense.
    #[error("{0}")]
    Config(&'static str),
    /// Why the store behind could not do it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store behind reported an error.
    #[error("the object store reported an error")]
    Driver(#[source] object_store::Error),
}

/// Why a store could not do something, without saying where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no room, or a quota of the file system is used up.
    #[error("the storage is full")]
    Full,
    /// The store can't be reached or does not answer in time.
    #[error("the storage can't be reached just now; try again")]
    Unreachable,
    /// Our credentials or file permissions do not suffice.
    #[error("the storage denies the service access; check its credentials and permissions")]
    Denied,
    /// It is not there.
    #[error("it is not there")]
    Missing,
    /// It is there already.
    #[error("it is there already")]
    Exists,
    /// A condition of the request does not hold.
    #[error("the condition does not hold")]
    Condition,
    /// The store behind has no such operation.
    #[error("the storage behind can't do this")]
    Unsupported,
    /// Anything else; the log has it.
    #[error("the storage reported an error; the log has it")]
    Other,
}

impl Error {
    /// Finds an error of ours inside one that came through `object_store`'s traits.
    ///
    /// # Example: telling a refusal from an outage
    /// ```
    /// use tenancy_object_store::{Error, object_store};
    ///
    /// let error = object_store::Error::from(Error::NoBuckets);
    /// assert!(matches!(Error::from_object_store(&error), Some(Error::NoBuckets)));
    /// let other = object_store::Error::NotSupported { source: "x".into() };
    /// assert!(Error::from_object_store(&other).is_none());
    /// ```
    #[must_use]
    pub fn from_object_store(error: &object_store::Error) -> Option<&Self> {
        error.source()?.downcast_ref()
    }

    /// The tenancy error inside, if that is what it is.
    #[must_use]
    pub fn as_tenancy(&self) -> Option<&tenancy_core::Error> {
        match self {
            Self::Tenancy(error) => Some(error),
            _ => None,
        }
    }

    /// Whether a limit of the tenant refused the write.
    #[must_use]
    pub fn is_quota(&self) -> bool {
        matches!(self, Self::Quota { .. })
    }
}

impl From<Error> for object_store::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Driver(error) => error,
            ours => Self::Generic {
                store: "TenantStore",
                source: Box::new(ours),
            },
        }
    }
}

impl From<object_store::Error> for Error {
    /// Unwraps an error of ours; wraps one of the store.
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::Generic { store, source } => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(source) => Self::Driver(object_store::Error::Generic { store, source }),
            },
            other => Self::Driver(other),
        }
    }
}

/// The error with the tenant's own path in place of the whole one, and a cause that says what but not where.
pub(crate) fn scrub(
    error: object_store::Error,
    location: impl fmt::Display,
) -> object_store::Error {
    use object_store::Error as E;

    if Error::from_object_store(&error).is_some() {
        return error;
    }
    let fault = fault_of(&error);
    match fault {
        Fault::Missing | Fault::Exists | Fault::Condition | Fault::Unsupported => {
            tracing::debug!(%error, "the object store refused");
        }
        _ => tracing::warn!(%error, "the object store failed"),
    }
    let path = location.to_string();
    let source = Box::new(Error::Fault(fault));
    match error {
        E::NotFound { .. } => E::NotFound { path, source },
        E::AlreadyExists { .. } => E::AlreadyExists { path, source },
        E::Precondition { .. } => E::Precondition { path, source },
        E::NotModified { .. } => E::NotModified { path, source },
        E::PermissionDenied { .. } => E::PermissionDenied { path, source },
        E::Unauthenticated { .. } => E::Unauthenticated { path, source },
        E::NotSupported { .. } => E::NotSupported { source },
        E::NotImplemented { .. } => E::NotImplemented {
            operation: "this operation".to_owned(),
            implementer: "the store behind".to_owned(),
        },
        _ => E::Generic {
            store: "TenantStore",
            source,
        },
    }
}

fn fault_of(error: &object_store::Error) -> Fault {
    use object_store::Error as E;

    match error {
        E::NotFound { .. } => Fault::Missing,
        E::AlreadyExists { .. } => Fault::Exists,
        E::Precondition { .. } | E::NotModified { .. } => Fault::Condition,
        E::NotSupported { .. } | E::NotImplemented { .. } => Fault::Unsupported,
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => Fault::Denied,
        other => {
            let mut cause = other.source();
            while let Some(error) = cause {
                if let Some(found) = error.downcast_ref::<io::Error>().and_then(fault_of_io) {
                    return found;
                }
                cause = error.source();
            }
            Fault::Other
        }
    }
}

fn fault_of_io(error: &io::Error) -> Option<Fault> {
    use io::ErrorKind as K;

    match error.kind() {
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Some(Fault::Full),
        K::PermissionDenied | K::ReadOnlyFilesystem => Some(Fault::Denied),
        K::ConnectionRefused
        | K::ConnectionReset
        | K::ConnectionAborted
        | K::NotConnected
        | K::HostUnreachable
        | K::NetworkUnreachable
        | K::NetworkDown
        | K::BrokenPipe
        | K::TimedOut => Some(Fault::Unreachable),
        _ => None,
    }
}

/// Whether the error proves that nothing was written.
pub(crate) fn wrote_nothing(error: &object_store::Error) -> bool {
    use object_store::Error as E;

    matches!(
        error,
        E::NotFound { .. }
            | E::AlreadyExists { .. }
            | E::Precondition { .. }
            | E::NotModified { .. }
            | E::NotSupported { .. }
            | E::NotImplemented { .. }
            | E::PermissionDenied { .. }
            | E::Unauthenticated { .. }
    )
}

/// As much of a store's path as is the tenant's own, for errors of listings that name one of many.
pub(crate) fn own_part(error: &object_store::Error, prefix: &Path) -> String {
    use object_store::Error as E;

    let (E::NotFound { path, .. }
    | E::AlreadyExists { path, .. }
    | E::Precondition { path, .. }
    | E::NotModified { path, .. }
    | E::PermissionDenied { path, .. }
    | E::Unauthenticated { path, .. }) = error
    else {
        return String::new();
    };
    let own = path
        .rsplit_once(prefix.as_ref())
        .and_then(|(_, rest)| rest.strip_prefix('/'));
    own.unwrap_or("one of the objects").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error(kind: io::ErrorKind) -> object_store::Error {
        object_store::Error::Generic {
            store: "x",
            source: Box::new(io::Error::new(kind, "at /data/tenants/tenant_i_2/secret")),
        }
    }

    #[test]
    fn causes_become_faults_and_paths_the_tenants_own() {
        let check = |kind, expect| {
            let scrubbed = scrub(io_error(kind), "a/b");
            assert!(!format!("{scrubbed} {scrubbed:?}").contains("tenant_i_2"));
            let found = Error::from_object_store(&scrubbed);
            assert!(
                matches!(found, Some(Error::Fault(fault)) if *fault == expect),
                "{kind}"
            );
        };
        check(io::ErrorKind::StorageFull, Fault::Full);
        check(io::ErrorKind::ConnectionRefused, Fault::Unreachable);
        check(io::ErrorKind::PermissionDenied, Fault::Denied);
        check(io::ErrorKind::Other, Fault::Other);
    }

    #[test]
    fn ours_survives_the_way_through_and_is_not_scrubbed() {
        let error = scrub(Error::NoBuckets.into(), "a");
        assert!(matches!(Error::from(error), Error::NoBuckets));
    }

    #[test]
    fn of_a_whole_path_the_tenants_part_is_kept() {
        let prefix = Path::from("tenants/tenant_i_1");
        let check = |path: &str, expect: &str| {
            let error = object_store::Error::NotFound {
                path: path.to_owned(),
                source: "x".into(),
            };
            assert_eq!(own_part(&error, &prefix), expect);
        };
        check("/data/tenants/tenant_i_1/a/b", "a/b");
        check("tenants/tenant_i_1/a", "a");
        check("tenants/tenant_i_10/a", "one of the objects");
        check("tenants/tenant_i_2/a", "one of the objects");
    }
}
