//! The figures that the design promises, ours beside the other side, measured in one run: `cargo xtask bench`.
//!
//! `runner` measures, `table` prints, `figures` holds one file per group of figures.
#![allow(
    clippy::disallowed_methods,
    reason = "the other side of a figure is the bare driver"
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a failed assumption in a test is a failed test"
    )
)]

mod figures;
mod runner;
mod table;

use std::process::ExitCode;

use clap::Parser;

use self::runner::Runner;

/// What a set-up or a statement of a figure may answer with.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    about = "Our figures beside the other side's, in one run"
)]
struct Arguments {
    /// Short rounds: shows that everything runs, proves no figure
    #[arg(long)]
    quick: bool,
    /// Only figures whose name contains this
    filter: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut runner = Runner::new(arguments.quick, arguments.filter);
    let result = figures::run(&mut runner).await;
    if let Err(error) = &result {
        eprintln!("bench: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            eprintln!("bench: because {error}");
            cause = error.source();
        }
    }
    let rows = runner.into_rows();
    print!("{}", table::render(&rows));
    // A short run proves no time, but what is counted is exact in any run.
    let counts = |row: &&runner::Row| !(arguments.quick && row.is_timed);
    if result.is_err() || rows.iter().filter(counts).any(|row| !row.is_held) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
