//! What the report page shows of a goal.

use super::model::{GoalForm, Member};
use crate::clock;
use crate::error::FieldErrors;
use crate::leads::views::initials;
use crate::reports::model::{euros, grouped, percent};

/// This month's goal and the team.
#[derive(Debug)]
pub struct GoalView {
    /// The month, for people.
    pub month: String,
    /// What is reached of what, in words.
    pub reached: String,
    /// The length of the bar, in hundredths.
    pub width: i64,
    /// What the field holds.
    pub value: String,
    /// What is wrong with it; empty if nothing is.
    pub error: String,
    /// Who brings it.
    pub team: Vec<Row>,
}

/// Somebody of the team.
#[derive(Debug)]
pub struct Row {
    /// Their name.
    pub name: String,
    /// Its first letters.
    pub initials: String,
    /// Open leads.
    pub pending: String,
    /// Leads won.
    pub won: String,
    /// What those are worth.
    pub worth: String,
}

impl GoalView {
    /// `rejected` is what somebody typed that is no goal.
    pub fn new(
        month: &str,
        goal: Option<i64>,
        won: i64,
        team: &[Member],
        rejected: Option<(GoalForm, FieldErrors)>,
    ) -> Self {
        let reached = match goal {
            None => format!("{} won, no goal set", euros(won)),
            Some(goal) => {
                let reached = percent(won, goal);
                format!("{} of {} won, {reached}%", euros(won), euros(goal))
            }
        };
        let row = |member: &Member| Row {
            name: member.name.clone(),
            initials: initials(&member.name),
            pending: grouped(member.pending),
            won: grouped(member.won),
            worth: euros(member.worth),
        };
        let (value, error) = match rejected {
            Some((form, mut errors)) => (form.value, errors.remove("value").unwrap_or_default()),
            None => (
                goal.map(|goal| goal.to_string()).unwrap_or_default(),
                String::new(),
            ),
        };
        Self {
            month: clock::month_label(month),
            reached,
            width: goal.map_or(0, |goal| percent(won, goal).min(100)),
            value,
            error,
            team: team.iter().map(row).collect(),
        }
    }
}
