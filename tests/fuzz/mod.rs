//! The grammar fuzzer: random statements over a small catalogue, each put through the isolation oracle. The answer of what
//! the firewall makes of a statement, on tables that two other tenants share, must be that of the statement itself on tables
//! with this tenant's rows alone; a write must leave the neighbours as they were. There is no row level security here: the
//! firewall stands alone.
//!
//! `maker` and the productions beside it write a statement, `text` spells it, `arena` runs it, `minimise` makes a failing one
//! small, `report` counts. Statement `n` of seed `s` is always the same one.

mod arena;
mod conditions;
mod dice;
mod groups;
mod maker;
mod minimise;
mod queries;
mod relations;
mod report;
mod schema;
mod text;
mod values;
mod writes;

use std::time::{Duration, Instant};

pub use self::report::Report;
use self::{
    arena::{Arena, Outcome},
    maker::Maker,
    minimise::minimise,
};
use crate::oracle::{Database, engine::Engine, postgres::Postgres, sqlite::Sqlite};

/// How many statements come to one whose unrewritten answer is looked at too.
const MEASURED: u64 = 8;

/// How many milliseconds a statement may take on PostgreSQL.
const PATIENCE: &str = "500";

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many statements.
    pub statements: u64,
    /// Which ones.
    pub seed: u64,
    /// The number of the first.
    pub first: u64,
    /// Whether to print what is going on.
    pub is_quiet: bool,
}

/// Makes and runs statements.
///
/// # Errors
/// A sentence, when a database can't be had. What the statements do is in the report.
pub async fn run(database: Database, options: &Options) -> Result<Report, String> {
    match database {
        Database::Sqlite => all(Sqlite::open().await?, options).await,
        Database::Postgres => all(Postgres::with_patience(PATIENCE).await?, options).await,
    }
}

/// Runs the same statements on several databases, and adds up what came of them.
///
/// # Errors
/// See [`run`].
pub async fn run_all(databases: &[Database], options: &Options) -> Result<Report, String> {
    let mut report = Report::default();
    for database in databases {
        let one = run(*database, options).await?;
        if !options.is_quiet {
            println!("{database:?}:\n{one}");
        }
        report.add(one);
    }
    Ok(report)
}

/// The text of a statement, for those who only read it; `public` or `main` may stand in front of a table.
#[must_use]
pub fn text(dialect: tenancy_sql::Dialect, seed: u64, number: u64) -> String {
    let schema = match dialect {
        tenancy_sql::Dialect::Postgres => "public",
        tenancy_sql::Dialect::Sqlite => "main",
    };
    Maker::make(dialect, seed, number).text(schema)
}

async fn all<E: Engine>(engine: E, options: &Options) -> Result<Report, String> {
    let Options {
        statements,
        seed,
        first,
        is_quiet,
    } = *options;
    let mut arena = Arena::new(engine).await?;
    let mut report = Report::default();
    let mut last_line = Instant::now();
    for number in first..first + statements {
        let statement = Maker::make(E::DIALECT, seed, number);
        let outcome = arena.run(&statement).await?;
        report.statements += 1;
        let example = || {
            format!(
                "seed {seed}, statement {number}: {}",
                statement.text("public")
            )
        };
        let failure =
            |what: &str, why: &str| format!("{what}: {}: {}\n    {why}", E::NAME, example());
        match outcome {
            Outcome::Same { is_confined: true }
                if !statement.writes && number.is_multiple_of(MEASURED) =>
            {
                if let Some(is_noticed) = arena.is_noticed(&statement).await {
                    report.measured += 1;
                    report.noticed += u64::from(is_noticed);
                }
            }
            Outcome::Same { .. } => {}
            Outcome::Rejected(reason) => report.note_rejected(&reason, example),
            Outcome::Refused(reason) => report.note_refused(&reason, example),
            Outcome::GivenUp => report.given_up += 1,
            Outcome::Error(why) => {
                report.errors += 1;
                report.note_failure(failure("error", &why));
            }
            Outcome::Undetermined(why) => {
                report.undetermined += 1;
                report.note_failure(failure("undetermined", &why));
            }
            Outcome::Wrong(why) => {
                report.wrong += 1;
                if report.has_room() {
                    let small = minimise(&mut arena, &statement).await;
                    let why = format!("{why}\n    smaller: {}", small.text("public"));
                    report.note_failure(failure("wrong", &why));
                }
            }
        }
        if !is_quiet && last_line.elapsed() > Duration::from_secs(10) {
            last_line = Instant::now();
            println!(
                "fuzz: {} of {statements} on {}, {} wrong, {} errors",
                report.statements,
                E::NAME,
                report.wrong,
                report.errors
            );
        }
    }
    Ok(report)
}
