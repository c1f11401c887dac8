//! The isolation oracle: the same statements with one tenant's rows alone, and through the firewall on tables that two other
//! tenants share. Whatever the engine answers on the first side is right, so no expected answers are needed, and any
//! sqllogictest file will do.
//!
//! Tenant 2 has the same rows, so that a leak that is not seen in the values is seen in their number; tenant 3 has numbers
//! that are one more, so that they still fall into the ranges that a query asks for. Writes must change as many rows on both
//! sides, and none of the neighbours'. Each query also runs unrewritten on the shared side: how often that is noticed says how
//! much the rest means.
//!
//! `corpus` reads files, `words` and `tables` make both sides' schema, `sqlite` and `postgres` run statements, `neighbours`
//! keeps the other tenants' rows, `session` runs a file, `report` counts.

pub(crate) mod answer;
mod corpus;
pub(crate) mod engine;
mod neighbours;
pub(crate) mod postgres;
mod report;
mod session;
pub(crate) mod sqlite;
pub(crate) mod tables;
pub(crate) mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub use self::report::Report;
use self::{
    engine::Engine,
    session::{Diverged, Session},
};

/// Which engine runs the statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "of a package that nobody depends on"
)]
pub enum Database {
    /// Two databases in memory.
    Sqlite,
    /// Two schemas of a throw-away database.
    Postgres,
}

/// What stands between the statements and the shared side. Two of them only show that the oracle would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "of a package that nobody depends on"
)]
pub enum Wall {
    /// The firewall.
    Firewall,
    /// Nothing in front of what reads.
    OpenForReads,
    /// Nothing in front of UPDATE and DELETE.
    OpenForWrites,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder with `.test` files.
    pub corpus: PathBuf,
    /// The engine.
    pub database: Database,
    /// At most so many queries, spread evenly over all files; what writes is always run.
    pub limit: Option<usize>,
    /// Leaves a file after so many writes between its queries, each of which costs a look at all rows.
    pub writes: Option<usize>,
    /// What is looked at.
    pub wall: Wall,
    /// Whether to print what is going on.
    pub is_quiet: bool,
}

impl Options {
    /// Everything in a folder, on SQLite.
    #[must_use]
    pub fn new(corpus: impl Into<PathBuf>) -> Self {
        Self {
            corpus: corpus.into(),
            database: Database::Sqlite,
            limit: None,
            writes: None,
            wall: Wall::Firewall,
            is_quiet: false,
        }
    }
}

/// Our own files.
#[must_use]
pub fn own_corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle/corpus")
}

/// A sample of SQLite's public files, where somebody has put it beside the repository.
#[must_use]
pub fn public_corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle/sqllogictest");
    folder.is_dir().then_some(folder)
}

/// Runs all files.
///
/// # Errors
/// A sentence, when files can't be read or a database can't be had. What the statements do is in the report.
pub async fn run(options: &Options) -> Result<Report, String> {
    match options.database {
        Database::Sqlite => files(options, &mut sqlite::Sqlite::open().await?).await,
        Database::Postgres => files(options, &mut postgres::Postgres::open().await?).await,
    }
}

async fn files<E: Engine>(options: &Options, engine: &mut E) -> Result<Report, String> {
    let corpus = &options.corpus;
    let unreadable = |error| format!("{}: {error}", corpus.display());
    let paths = corpus::files(corpus).map_err(unreadable)?;
    if paths.is_empty() {
        return Err(format!("no .test files in {}", corpus.display()));
    }
    let mut files = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let name = path
            .strip_prefix(corpus)
            .unwrap_or(path)
            .display()
            .to_string();
        files.push((name, corpus::parse(&text, E::NAME)));
    }
    let queries: usize = files
        .iter()
        .flat_map(|(_, records)| records)
        .filter(|record| record.query.is_some())
        .count();
    let limit = options.limit.unwrap_or(queries).min(queries);
    let mut report = Report::default();
    let mut seen = 0;
    let mut last_line = Instant::now();
    for (name, records) in &files {
        let start = (Instant::now(), report.statements);
        let mut session = Session::new(engine, options.wall, &mut report, name).await?;
        let mut ended = None;
        let (mut queried, mut writes) = (false, 0);
        for record in records {
            let mut chosen = true;
            if record.query.is_some() {
                // True `limit` times out of `queries`, as evenly as can be.
                chosen = (seen + 1) * limit / queries > seen * limit / queries;
                seen += 1;
                queried = true;
            } else if queried {
                writes += 1;
            }
            if ended.is_some() || options.writes.is_some_and(|most| writes > most) {
                continue;
            }
            match session.record(record, chosen).await {
                Ok(Ok(())) => {}
                Ok(Err(Diverged)) => ended = Some("the sides differ".to_owned()),
                Err(error) => {
                    session.fail(record, &error);
                    ended = Some(error);
                }
            }
            if let Some(why) = &ended {
                println!("oracle: {name}:{}: left: {why}", record.line);
            }
            if !options.is_quiet && last_line.elapsed() > Duration::from_secs(5) {
                last_line = Instant::now();
                println!("oracle: {name}:{}", record.line);
            }
        }
        if ended.is_none()
            && let Some(last) = records.last()
        {
            session.finish(last).await?;
        }
        if !options.is_quiet {
            println!(
                "oracle: {name}: {} statements in {:.1} s, {} wrong and {} errors so far",
                report.statements - start.1,
                start.0.elapsed().as_secs_f32(),
                report.wrong,
                report.errors
            );
        }
    }
    Ok(report)
}
