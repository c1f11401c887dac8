//! A month's goal, how much of it is reached, and who brings it.

use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;

/// Somebody of the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Member {
    /// Their name.
    pub name: String,
    /// Open leads they look after.
    pub pending: i64,
    /// Leads they won.
    pub won: i64,
    /// What those are worth, in whole euros.
    pub worth: i64,
}

/// The goal of this month, as a form or as JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GoalForm {
    /// Whole euros.
    pub value: String,
}

/// The largest goal: the sum of a thousand of the largest leads.
const MOST: i64 = 1_000_000_000_000;

impl GoalForm {
    /// Whole euros, at least one.
    ///
    /// # Errors
    /// The message for the field.
    pub fn check(&self) -> Result<i64, FieldErrors> {
        match self.value.trim().parse::<i64>() {
            Ok(value @ 1..=MOST) => Ok(value),
            _ => Err(FieldErrors::from([(
                "value",
                format!("Enter whole euros, from 1 to {MOST}."),
            )])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_a_positive_number_of_euros() {
        let check = |value: &str| {
            GoalForm {
                value: value.into(),
            }
            .check()
            .ok()
        };
        assert_eq!(check(" 50000 "), Some(50_000));
        for bad in ["", "0", "-5", "12.5", "1e6", "1000000000001", "many"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
