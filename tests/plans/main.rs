//! `cargo xtask plans`: compares and audits plans, and says what came out.

use std::process::ExitCode;

use tenancy_tests::plans::{self, Options};

const USAGE: &str = "usage: plans [--verbose] [--leads N]";

fn options() -> Result<Options, String> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        match &*flag {
            "--verbose" => options.is_verbose = true,
            "--leads" => {
                let value = arguments.next().ok_or(USAGE)?;
                options.leads = value.parse().map_err(|_| USAGE)?;
            }
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let report = match options() {
        Ok(options) => plans::run(&options).await,
        Err(error) => Err(error),
    };
    match report {
        Ok(report) => {
            println!("{report}");
            if report.is_good() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("plans: {error}");
            ExitCode::FAILURE
        }
    }
}
