//! `cargo xtask fuzz`: makes statements, runs them and says what came of it.

use std::process::ExitCode;

use tenancy_sql::Dialect;
use tenancy_tests::{
    fuzz::{self, Options, Report},
    oracle::Database,
};

const USAGE: &str = "usage: fuzz [--statements N] [--seed S] [--first N] [--database sqlite|postgres|both] [--print postgres|sqlite]";

async fn run() -> Result<Option<Report>, String> {
    let mut options = Options {
        statements: 10_000,
        seed: 1,
        first: 0,
        is_quiet: false,
    };
    let mut databases = vec![Database::Sqlite, Database::Postgres];
    let mut print = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || value.parse::<u64>().map_err(|_| USAGE);
        match (&*flag, &*value) {
            ("--statements", _) => options.statements = number()?,
            ("--seed", _) => options.seed = number()?,
            ("--first", _) => options.first = number()?,
            ("--database", "sqlite") => databases = vec![Database::Sqlite],
            ("--database", "postgres") => databases = vec![Database::Postgres],
            ("--database", "both") => {}
            ("--print", "postgres") => print = Some(Dialect::Postgres),
            ("--print", "sqlite") => print = Some(Dialect::Sqlite),
            _ => return Err(USAGE.to_owned()),
        }
    }
    if let Some(dialect) = print {
        for number in options.first..options.first + options.statements {
            // A blank line ends a statement for those who read this.
            let text = fuzz::text(dialect, options.seed, number);
            let lines: Vec<&str> = text
                .lines()
                .map(|line| if line.is_empty() { " " } else { line })
                .collect();
            println!("{}\n", lines.join("\n"));
        }
        return Ok(None);
    }
    // Half of them on each, where there are two.
    options.statements = options.statements.div_ceil(databases.len() as u64);
    fuzz::run_all(&databases, &options).await.map(Some)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => {
            println!("{report}");
            if report.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::FAILURE
        }
    }
}
