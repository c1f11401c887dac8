//! [`Verdict`]: what counting one request came to, whoever counted.

use std::time::Duration;

/// Where a tenant stands with one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many more requests it has.
    pub(super) remaining: u32,
    /// When it has all of them again.
    pub(super) reset: Duration,
}

/// What counting came to. Standings are in the order of the allowance's policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) standings: Vec<Standing>,
    pub(super) refused: Option<Refused>,
}

/// Which policy refused, and when it will not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) policy: usize,
    pub(super) wait: Duration,
}
