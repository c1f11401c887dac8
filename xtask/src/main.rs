//! Repository chores: `cargo xtask test`, `ci`, `bench`, `soak`, `oracle`, `fuzz`, `functions`, `guards`, `parsers`, `plans`,
//! `models`, `redis-commands` and `tidy`. Quick to build: no dependency but the command line.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a failed assumption in a test is a failed test"
    )
)]

// The very files that the test kit finds its servers with, so that both agree on what is there.
#[path = "../../tenancy-testkit/src/postgres/find.rs"]
mod find;
#[path = "../../tenancy-testkit/src/redis/find.rs"]
mod find_redis;
mod guards;
mod models;
mod servers;
mod steps;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Repository chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// All tests and documentation examples, on SQLite and on a throw-away PostgreSQL and Redis (or those of DATABASE_URL and REDIS_URL)
    Test {
        /// Passed to `cargo test`, for example `-p tenancy-core`, a filter, or `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// All that continuous integration runs: format, lints, documentation, house rules, tests, a short benchmark
    Ci,
    /// The figures of the design, ours against the other side, measured in one run
    Bench {
        /// Short rounds: shows that everything runs, proves no figure
        #[arg(long)]
        quick: bool,
        /// Only figures whose name contains this
        filter: Option<String>,
    },
    /// Many tasks and tenants, random cancellation, in release mode: no row of another tenant, nothing left open
    Soak {
        /// How many pieces of work for each driver, over all its databases
        #[arg(long, default_value_t = 1_000_000)]
        statements: u64,
        /// sqlx, diesel or all
        #[arg(long, default_value = "all")]
        driver: String,
    },
    /// The isolation oracle: sqllogictest files with one tenant's rows, and through the firewall beside two others'
    Oracle {
        /// A folder with `.test` files; else ../shared/oracle/sqllogictest where it exists, else our own
        #[arg(long)]
        corpus: Option<PathBuf>,
        /// sqlite or postgres
        #[arg(long, default_value = "sqlite")]
        database: String,
        /// At most so many queries, spread over all files
        #[arg(long)]
        limit: Option<u64>,
    },
    /// The grammar fuzzer: random statements, each through the isolation oracle
    Fuzz {
        /// How many, half of them on each database if there are two
        #[arg(long, default_value_t = 10_000)]
        statements: u64,
        /// Which ones
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The number of the first: what a failure names
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// sqlite, postgres or both
        #[arg(long, default_value = "both")]
        database: String,
    },
    /// PostgreSQL's own parser must see the relations that the firewall sees; needs libclang
    Parsers {
        /// How many made statements are among those compared
        #[arg(long, default_value_t = 5_000)]
        statements: u64,
    },
    /// Writes the lists of functions and operators anew, from the engines' catalogues and the reviewed exceptions
    Functions,
    /// The plan corpus: PostgreSQL's plans of our statements against those written by hand, and the auditor of scans
    Plans {
        /// Also which shapes are the same, and what differs in those that may
        #[arg(long)]
        verbose: bool,
    },
    /// Writes the table of Redis commands anew, from what the Redis on this machine says
    RedisCommands,
    /// Takes each guard of the firewall down, one at a time: a test must notice
    Guards {
        /// Only in files whose path contains one of these
        filters: Vec<String>,
    },
    /// What `#[tenant_scoped]` adds to a clean check of a crate with fifty models
    Models {
        /// How many times each side is checked
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// The house rules that no compiler checks
    Tidy,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Test { arguments } => steps::test(&arguments),
        Chore::Ci => steps::ci(),
        Chore::Bench { quick, filter } => steps::bench(quick, filter.as_deref()),
        Chore::Soak { statements, driver } => steps::soak(statements, &driver),
        Chore::Oracle {
            corpus,
            database,
            limit,
        } => steps::oracle(corpus.as_deref(), &database, limit),
        Chore::Fuzz {
            statements,
            seed,
            first,
            database,
        } => steps::fuzz([statements, seed, first], &database),
        Chore::Parsers { statements } => steps::parsers(statements),
        Chore::Functions => steps::functions(),
        Chore::Plans { verbose } => steps::plans(verbose),
        Chore::RedisCommands => steps::redis_commands(),
        Chore::Guards { filters } => guards::run(&filters),
        Chore::Models { rounds } => models::run(rounds),
        Chore::Tidy => tidy::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
