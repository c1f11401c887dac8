//! What the dashboard and the report page show: bars are measured here, in hundredths of the largest.

use askama::Template;

use super::counts::Counts;
use super::model::{Cohort, Step, euros, grouped, percent, short_euros};
use crate::clock;
use crate::goals::views::GoalView;
use crate::html::Shell;
use crate::leads::model::{Activity, Lead};
use crate::leads::status::Status;
use crate::leads::views::{Line, Row};

/// A step of the pipeline as a bar.
#[derive(Debug)]
struct Bar {
    label: &'static str,
    word: &'static str,
    leads: String,
    value: String,
    share: i64,
    width: i64,
}

/// A month as a column: what was added, and how much of it was won.
#[derive(Debug)]
struct Column {
    label: String,
    added: i64,
    won: i64,
    conversion: i64,
    added_height: i64,
    added_top: i64,
    won_height: i64,
    won_top: i64,
}

fn bars(steps: &[Step]) -> Vec<Bar> {
    let largest = steps
        .iter()
        .map(|step| step.leads)
        .max()
        .unwrap_or_default();
    let all: i64 = steps.iter().map(|step| step.leads).sum();
    let bar = |step: &Step| Bar {
        label: step.status.label(),
        word: step.status.as_str(),
        leads: grouped(step.leads),
        value: short_euros(step.value),
        share: percent(step.leads, all),
        width: percent(step.leads, largest),
    };
    steps.iter().map(bar).collect()
}

fn columns(months: &[Cohort]) -> Vec<Column> {
    let largest = months
        .iter()
        .map(|month| month.added)
        .max()
        .unwrap_or_default();
    let column = |month: &Cohort| {
        let (added_height, won_height) =
            (percent(month.added, largest), percent(month.won, largest));
        Column {
            label: clock::month_label(&month.month),
            added: month.added,
            won: month.won,
            conversion: month.conversion(),
            added_height,
            added_top: 100 - added_height,
            won_height,
            won_top: 100 - won_height,
        }
    };
    months.iter().map(column).collect()
}

/// A number with its name.
#[derive(Debug)]
struct Tile {
    label: &'static str,
    value: String,
    hint: String,
}

/// `GET /`
#[derive(Debug, Template)]
#[template(path = "dashboard.html")]
pub struct Dashboard {
    shell: Shell,
    section: &'static str,
    tiles: [Tile; 4],
    bars: Vec<Bar>,
    columns: Vec<Column>,
    recent: Vec<Row>,
    activity: Vec<Line>,
}

impl Dashboard {
    /// The state of the workspace.
    pub fn new(shell: Shell, counts: &Counts, recent: &[Lead], activity: &[Activity]) -> Self {
        let Counts { steps, months, won } = counts;
        let open = || steps.iter().filter(|step| !step.status.is_closed());
        let closed: i64 = steps
            .iter()
            .filter(|step| step.status.is_closed())
            .map(|step| step.leads)
            .sum();
        let customers: i64 = steps
            .iter()
            .filter(|step| step.status == Status::Won)
            .map(|step| step.leads)
            .sum();
        let all: i64 = steps.iter().map(|step| step.leads).sum();
        let this_month = months.last().map_or(0, |month| month.added);
        let tiles = [
            Tile {
                label: "Open leads",
                value: grouped(open().map(|step| step.leads).sum()),
                hint: format!("of {} in all", grouped(all)),
            },
            Tile {
                label: "Pipeline",
                value: short_euros(open().map(|step| step.value).sum()),
                hint: format!("{} added this month", grouped(this_month)),
            },
            Tile {
                label: "Won this month",
                value: short_euros(won.1),
                hint: format!("{} leads", grouped(won.0)),
            },
            Tile {
                label: "Win rate",
                value: format!("{}%", percent(customers, closed)),
                hint: format!("of {} closed", grouped(closed)),
            },
        ];
        Self {
            shell,
            section: "dashboard",
            tiles,
            bars: bars(steps),
            columns: columns(months),
            recent: recent.iter().map(Row::of).collect(),
            activity: activity.iter().map(Line::of).collect(),
        }
    }
}

/// `GET /reports`
#[derive(Debug, Template)]
#[template(path = "reports/report.html")]
pub struct ReportPage {
    shell: Shell,
    section: &'static str,
    total: String,
    worth: String,
    conversion: i64,
    bars: Vec<Bar>,
    columns: Vec<Column>,
    goal: GoalView,
}

impl ReportPage {
    /// The pipeline by status, conversion by month, and the goal of this one.
    pub fn new(shell: Shell, steps: &[Step], months: &[Cohort], goal: GoalView) -> Self {
        let added = months.iter().map(|month| month.added).sum();
        Self {
            shell,
            section: "reports",
            total: grouped(steps.iter().map(|step| step.leads).sum()),
            worth: euros(steps.iter().map(|step| step.value).sum()),
            conversion: percent(months.iter().map(|month| month.won).sum(), added),
            bars: bars(steps),
            columns: columns(months),
            goal,
        }
    }
}
