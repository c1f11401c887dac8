//! How far a lead has come.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A step of the pipeline, in the order a lead walks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    clippy::exhaustive_enums,
    reason = "each page must decide what to do with a new step"
)]
pub enum Status {
    /// Just arrived.
    New,
    /// Somebody looks after it.
    Open,
    /// We have spoken.
    Contacted,
    /// There is a need, a budget and a date.
    Qualified,
    /// An offer is on the table.
    Proposal,
    /// A customer.
    Won,
    /// Not this time.
    Lost,
}

impl Status {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Open,
        Self::Contacted,
        Self::Qualified,
        Self::Proposal,
        Self::Won,
        Self::Lost,
    ];

    /// The word in the database, in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Contacted => "contacted",
            Self::Qualified => "qualified",
            Self::Proposal => "proposal",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// The word on a page.
    pub fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Open => "Open",
            Self::Contacted => "Contacted",
            Self::Qualified => "Qualified",
            Self::Proposal => "Proposal",
            Self::Won => "Won",
            Self::Lost => "Lost",
        }
    }

    /// Whether the lead has reached its end, good or bad.
    pub fn is_closed(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no step of the pipeline.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("use one of: new, open, contacted, qualified, proposal, won, lost")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownStatus)
    }
}

/// How sqlx reads the column (`#[sqlx(try_from = "String")]`).
impl TryFrom<String> for Status {
    type Error = UnknownStatus;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
