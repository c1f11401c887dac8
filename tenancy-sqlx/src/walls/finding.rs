//! What a look at a live database found, with the statement that puts it right.

use std::fmt;

/// How bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a caller decides on each severity, and there are no more than these two"
)]
pub enum Severity {
    /// Something that makes a leak likelier; the wall stands.
    Weak,
    /// The wall does not stand: do not serve tenants.
    Broken,
}

/// One thing that is not as it should be, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    what: String,
    fix: Option<String>,
}

impl Finding {
    pub(crate) fn broken(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Broken,
            what: what.into(),
            fix: None,
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn weak(what: impl Into<String>) -> Self {
        Self {
            severity: Severity::Weak,
            ..Self::broken(what)
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn fix(mut self, sql: impl Into<String>) -> Self {
        self.fix = Some(sql.into());
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What was found.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// SQL that puts it right, to be run by the owner; `None` where a person has to decide.
    pub fn fix_sql(&self) -> Option<&str> {
        self.fix.as_deref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Weak => "weak",
            Severity::Broken => "broken",
        };
        write!(f, "{severity}: {}", self.what)?;
        match &self.fix {
            Some(sql) => write!(f, "; fix: {sql}"),
            None => Ok(()),
        }
    }
}
