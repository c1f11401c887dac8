//! `cargo xtask oracle`: runs the isolation oracle and says what came out.

use std::{path::PathBuf, process::ExitCode};

use tenancy_tests::oracle::{self, Database, Options, Report};

const USAGE: &str = "usage: oracle [--corpus DIR] [--database sqlite|postgres] [--limit N]";

fn options() -> Result<Options, String> {
    let default = oracle::public_corpus().unwrap_or_else(oracle::own_corpus);
    let mut options = Options::new(default);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match (&*flag, &*value) {
            ("--corpus", _) => options.corpus = PathBuf::from(value),
            ("--database", "sqlite") => options.database = Database::Sqlite,
            ("--database", "postgres") => options.database = Database::Postgres,
            ("--limit", _) => options.limit = Some(value.parse().map_err(|_| USAGE)?),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

async fn run() -> Result<Report, String> {
    oracle::run(&options()?).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(report) => {
            println!("{report}");
            if report.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("oracle: {error}");
            ExitCode::FAILURE
        }
    }
}
