//! The steps of provisioning, and the error that names the one that failed.

use std::fmt;

use crate::{Error, Result};

/// A step of provisioning, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProvisionStep {
    /// The row in the registry, with the status *provisioning*.
    Register,
    /// The schema, database or file, and the tenant's role.
    Create,
    /// The migrations.
    Migrate,
    /// Default and `CHECK` (PostgreSQL) or triggers (SQLite) that hold every row to the tenant.
    Pin,
    /// Row level security and grants.
    Wall,
    /// A look at the result, with the eyes of the role that will serve requests.
    Verify,
    /// The status *active*.
    Activate,
}

impl ProvisionStep {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Register,
        Self::Create,
        Self::Migrate,
        Self::Pin,
        Self::Wall,
        Self::Verify,
        Self::Activate,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Create => "create",
            Self::Migrate => "migrate",
            Self::Pin => "pin",
            Self::Wall => "wall",
            Self::Verify => "verify",
            Self::Activate => "activate",
        }
    }
}

impl fmt::Display for ProvisionStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Says at which step something failed.
pub(super) trait AtStep<T> {
    fn at(self, step: ProvisionStep) -> Result<T>;
}

impl<T, E: Into<Error>> AtStep<T> for std::result::Result<T, E> {
    fn at(self, step: ProvisionStep) -> Result<T> {
        self.map_err(|error| match error.into() {
            // What is wrong with the request, not with a step, is told as it is.
            error @ (Error::Provision { .. }
            | Error::SlugTaken
            | Error::IdTaken
            | Error::PlaceTaken { .. }
            | Error::ProvisioningBusy
            | Error::HalfProvisioned) => error,
            error => Error::Provision {
                step,
                source: Box::new(error),
            },
        })
    }
}
