//! What came out.

use std::fmt;

/// The counts of a run; its [`Display`](fmt::Display) is the last line of `cargo xtask plans`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Shapes whose plans were compared.
    pub shapes: usize,
    /// With the plan of the statement written by hand.
    pub identical: usize,
    /// With another, for a reason on the list.
    pub excepted: usize,
    /// With another and no reason, or with a reason and no need.
    pub different: usize,
    /// Statements audited.
    pub statements: usize,
    /// Scans of a tenant table without the tenant's comparison.
    pub unscoped: usize,
    /// Statements that were unconfined on purpose and flagged.
    pub flagged: usize,
    /// Those that were not: the auditor is blind.
    pub missed: usize,
    /// Shapes that the server can't plan unrewritten: their keys are unique only together with the tenant.
    pub unplannable: usize,
}

impl Report {
    /// Whether plans are those written by hand, every scan is confined, and the auditor would have noticed.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.different == 0 && self.unscoped == 0 && self.missed == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shapes,
            identical,
            excepted,
            different,
            statements,
            unscoped,
            flagged: _,
            missed: _,
            unplannable: _,
        } = self;
        write!(
            f,
            "plans: {shapes} shapes, {identical} identical, {excepted} excepted, {different} different; \
             auditor: {statements} statements, {unscoped} unscoped scans"
        )
    }
}
