//! The arithmetic of the reports: totals by status and by month, whatever rows the database returned.

use serde::{Deserialize, Serialize};

use crate::leads::model::StatusTotal;
use crate::leads::status::Status;

/// How many leads of a month have a status now.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct MonthTotal {
    /// The month in which they were added.
    pub month: String,
    /// What became of them.
    #[sqlx(try_from = "String")]
    pub status: Status,
    /// How many.
    pub leads: i64,
}

/// One step of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The status.
    pub status: Status,
    /// How many leads have it.
    pub leads: i64,
    /// What they are worth, in whole euros.
    pub value: i64,
}

/// Every step in order, also those without a lead.
pub fn pipeline(totals: &[StatusTotal]) -> Vec<Step> {
    let step = |status| {
        let found = totals.iter().find(|total| total.status == status);
        Step {
            status,
            leads: found.map_or(0, |total| total.leads),
            value: found.map_or(0, |total| total.value),
        }
    };
    Status::ALL.into_iter().map(step).collect()
}

/// What became of the leads that were added in one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cohort {
    /// The month, `YYYY-MM`.
    pub month: String,
    /// How many were added.
    pub added: i64,
    /// How many of them are customers now.
    pub won: i64,
}

impl Cohort {
    /// Customers per hundred leads.
    pub fn conversion(&self) -> i64 {
        percent(self.won, self.added)
    }
}

/// The given months in order, also those without a lead.
pub fn cohorts(months: &[String], totals: &[MonthTotal]) -> Vec<Cohort> {
    let cohort = |month: &String| {
        let of_month = || totals.iter().filter(|total| total.month == *month);
        Cohort {
            month: month.clone(),
            added: of_month().map(|total| total.leads).sum(),
            won: of_month()
                .filter(|total| total.status == Status::Won)
                .map(|total| total.leads)
                .sum(),
        }
    };
    months.iter().map(cohort).collect()
}

/// `part` of `whole` in rounded per cent; nothing of nothing is 0.
pub fn percent(part: i64, whole: i64) -> i64 {
    if whole == 0 {
        0
    } else {
        (part.saturating_mul(200) + whole) / (whole.saturating_mul(2))
    }
}

/// Whole euros for people: `€12,400`.
pub fn euros(value: i64) -> String {
    format!("€{}", grouped(value))
}

/// Short euros for a tile: `€1.2M`, `€340k`, `€950`.
pub fn short_euros(value: i64) -> String {
    match value {
        0..=9_999 => euros(value),
        10_000..=999_499 => format!("€{}k", (value + 500) / 1000),
        _ => format!(
            "€{}.{}M",
            (value + 50_000) / 1_000_000,
            (value + 50_000) / 100_000 % 10
        ),
    }
}

/// A count with thousands set apart by commas.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_there_even_without_leads() {
        let steps = pipeline(&[StatusTotal {
            status: Status::Won,
            leads: 2,
            value: 900,
        }]);
        assert_eq!(steps.len(), Status::ALL.len());
        assert_eq!(steps.iter().map(|step| step.leads).sum::<i64>(), 2);
    }

    #[test]
    fn conversion_is_what_was_won_of_what_was_added() {
        let totals = [
            MonthTotal {
                month: "2026-01".into(),
                status: Status::Won,
                leads: 1,
            },
            MonthTotal {
                month: "2026-01".into(),
                status: Status::Lost,
                leads: 2,
            },
        ];
        let cohorts = cohorts(&["2026-01".into(), "2026-02".into()], &totals);
        let seen: Vec<_> = cohorts
            .iter()
            .map(|cohort| (cohort.added, cohort.won, cohort.conversion()))
            .collect();
        assert_eq!(seen, [(3, 1, 33), (0, 0, 0)]);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            (euros(12_400), euros(999), euros(0)),
            ("€12,400".into(), "€999".into(), "€0".into())
        );
        assert_eq!(
            (short_euros(1_249_999), short_euros(340_499)),
            ("€1.2M".into(), "€340k".into())
        );
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }
}
