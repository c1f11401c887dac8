//! `TenantStatus`: where a tenant is in its life, and `Operation`: what kind of work asks. Which admits which is here too.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Where a tenant is in its life.
#[expect(
    clippy::exhaustive_enums,
    reason = "every match must decide about every status; a new one is a breaking change on purpose"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// Being set up; its place may be half made.
    Provisioning,
    /// Open for work.
    Active,
    /// Open for reading: being moved, or over its limits.
    ReadOnly,
    /// Closed for the time being; its data stays.
    Suspended,
    /// Leaving for good; its data goes.
    Offboarding,
}

/// What kind of work a context is for.
#[expect(
    clippy::exhaustive_enums,
    reason = "every door must decide about every kind of work; a new one is a breaking change on purpose"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Someone outside waits for the answer.
    Request,
    /// Work that left the request: it came out of an [`Envelope`](crate::Envelope).
    Job,
    /// Work of the people who run the service: provisioning, export, a move.
    Maintenance,
    /// A test.
    Test,
}

impl TenantStatus {
    /// The word for it, as registries store it.
    ///
    /// # Example
    /// ```
    /// use tenancy_core::TenantStatus;
    ///
    /// assert_eq!(TenantStatus::ReadOnly.as_str(), "read_only");
    /// assert_eq!(TenantStatus::parse("read_only")?, TenantStatus::ReadOnly);
    /// assert!(TenantStatus::parse("ReadOnly").is_err());
    /// # Ok::<(), tenancy_core::Error>(())
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Offboarding => "offboarding",
        }
    }

    /// Reads the word that [`as_str`](Self::as_str) writes.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] for any other text: a status that is not understood is never taken for an active one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::Other, "not a tenant status; use provisioning, active, read_only, suspended or offboarding")
        })
    }

    /// Every status, from the one that admits most to the one that admits least.
    pub(crate) const ALL: [Self; 5] = [
        Self::Active,
        Self::ReadOnly,
        Self::Provisioning,
        Self::Suspended,
        Self::Offboarding,
    ];

    /// A number that grows with what is refused, so that of two statuses of one epoch the stricter one wins.
    pub(crate) fn strictness(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::ReadOnly => 1,
            Self::Provisioning => 2,
            Self::Suspended => 3,
            Self::Offboarding => 4,
        }
    }

    /// The status of a number; one that is none of ours refuses as if offboarding.
    #[inline]
    pub(crate) fn from_strictness(number: u8) -> Self {
        Self::ALL
            .get(usize::from(number))
            .copied()
            .unwrap_or(Self::Offboarding)
    }

    /// Refuses work that this status does not admit. Maintenance is always admitted, the rest while active or read-only.
    #[inline]
    pub(crate) fn ensure_admits(self, operation: Operation) -> Result<(), Error> {
        match (operation, self) {
            (Operation::Maintenance, _) | (_, Self::Active | Self::ReadOnly) => Ok(()),
            (Operation::Request | Operation::Job | Operation::Test, refusing) => {
                Err(refusal(refusing))
            }
        }
    }
}

#[cold]
fn refusal(status: TenantStatus) -> Error {
    Error::new(
        ErrorKind::Suspended,
        match status {
            TenantStatus::Provisioning => {
                "the tenant is still being provisioned; wait until it is active"
            }
            TenantStatus::Offboarding => "the tenant is being offboarded and takes no more work",
            _ => "the tenant is suspended; resume it first",
        },
    )
}

impl fmt::Display for TenantStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Operation {
    /// The word for it, for logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Job => "job",
            Self::Maintenance => "maintenance",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_go_both_ways() {
        for status in TenantStatus::ALL {
            assert_eq!(TenantStatus::parse(status.as_str()).unwrap(), status);
            assert_eq!(TenantStatus::from_strictness(status.strictness()), status);
            assert_eq!(
                serde_json::to_string(&status).unwrap(),
                format!("\"{status}\"")
            );
        }
        assert_eq!(TenantStatus::from_strictness(7), TenantStatus::Offboarding);
        assert!(TenantStatus::parse("").is_err());
    }

    #[test]
    fn who_is_admitted() {
        use Operation::{Job, Maintenance, Request, Test};
        use TenantStatus::{Active, Offboarding, Provisioning, ReadOnly, Suspended};
        let check = |status: TenantStatus, admitted: &[Operation]| {
            for operation in [Request, Job, Maintenance, Test] {
                let expect = admitted.contains(&operation);
                let found = status.ensure_admits(operation);
                assert_eq!(found.is_ok(), expect, "{status} {operation}");
                if let Err(error) = found {
                    assert!(error.is_suspended());
                }
            }
        };
        check(Active, &[Request, Job, Maintenance, Test]);
        check(ReadOnly, &[Request, Job, Maintenance, Test]);
        check(Provisioning, &[Maintenance]);
        check(Suspended, &[Maintenance]);
        check(Offboarding, &[Maintenance]);
    }
}
