//! What a chore runs, one cargo command after the other.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{servers, tidy};

/// Why a chore failed, for the last line on the screen.
pub(crate) type Outcome = Result<(), String>;

/// A cargo command at the root of the repository, without stdin.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Runs a command to its end, letting it write to the screen.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let program = Path::new(command.get_program());
    let name = [program.file_name().unwrap_or_default()]
        .into_iter()
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` failed: {status}")),
        Err(error) => Err(format!("`{name}` can't be run: {error}")),
    }
}

/// Every test and documentation example; cargo's own summary is the last thing on the screen.
pub(crate) fn test(arguments: &[String]) -> Outcome {
    servers::ensure()?;
    servers::offer_proxies();
    // A package that the caller names replaces the whole workspace.
    let is_narrow = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument.starts_with("-p") || argument.starts_with("--package"));
    let mut command = cargo(&["test", "--all-features"]);
    if !is_narrow {
        command.arg("--workspace");
    }
    run(command.args(arguments))
}

/// The side-by-side figures, optimised across crates as a service is that goes into production.
pub(crate) fn bench(quick: bool, filter: Option<&str>) -> Outcome {
    servers::ensure()?;
    let mut command = cargo(&[
        "run",
        "--profile",
        "bench",
        "--package",
        "tenancy-benches",
        "--",
    ]);
    if quick {
        command.arg("--quick");
    }
    run(command.args(filter))
}

/// The traffic of the soak tests in release mode, a million pieces of work through sqlx (and models) over both databases, and as
/// many through Diesel in its three ways: long.
pub(crate) fn soak(statements: u64, driver: &str) -> Outcome {
    servers::ensure_postgres()?;
    for (name, package, features, ways) in [
        ("sqlx", "tenancy-tests", false, 2),
        ("diesel", "tenancy-diesel", true, 3),
    ] {
        if driver != "all" && driver != name {
            continue;
        }
        let mut command = cargo(&["test", "--release", "--package", package]);
        if features {
            command.arg("--all-features");
        }
        command.args(["--test", "it", "soak::", "--", "--nocapture"]);
        command.args(["--test-threads", "1"]);
        let share = statements.div_ceil(ways).to_string();
        run(command.env("TENANCY_SOAK_STATEMENTS", share))?;
    }
    Ok(())
}

/// The isolation oracle, in release mode; its own last line says what came out.
pub(crate) fn oracle(corpus: Option<&Path>, database: &str, limit: Option<u64>) -> Outcome {
    if database == "postgres" {
        servers::ensure_postgres()?;
    }
    let mut command = cargo(&["run", "--release", "--package", "tenancy-tests"]);
    command.args(["--bin", "oracle", "--", "--database", database]);
    if let Some(corpus) = corpus {
        // The command runs at the root, the folder is meant from where we are.
        let corpus = corpus.canonicalize();
        let corpus = corpus.map_err(|error| format!("--corpus can't be read: {error}"))?;
        command.arg("--corpus").arg(corpus);
    }
    if let Some(limit) = limit {
        command.args(["--limit", &limit.to_string()]);
    }
    run(&mut command)
}

/// The grammar fuzzer, in release mode; its own last line says what came out.
pub(crate) fn fuzz([statements, seed, first]: [u64; 3], database: &str) -> Outcome {
    if database != "sqlite" {
        servers::ensure_postgres()?;
    }
    let mut command = cargo(&["run", "--release", "--package", "tenancy-tests"]);
    command.args(["--bin", "fuzz", "--", "--database", database]);
    for (flag, value) in [
        ("--statements", statements),
        ("--seed", seed),
        ("--first", first),
    ] {
        command.args([flag, &value.to_string()]);
    }
    run(&mut command)
}

/// PostgreSQL's own parser against the firewall's, over our statements, made ones and the public ones where they are.
pub(crate) fn parsers(statements: u64) -> Outcome {
    let manifest = root().join("tests/second-parser/Cargo.toml");
    let made = root().join("target/made-statements.sql");
    let texts = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["run", "--package", "tenancy-tests", "--bin", "fuzz", "--"])
        .args(["--print", "postgres", "--statements"])
        .arg(statements.to_string())
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("statements can't be made: {error}"))?;
    fs::write(&made, texts.stdout).map_err(|error| format!("{}: {error}", made.display()))?;
    let mut command = cargo(&["run", "--release", "--manifest-path"]);
    command.arg(manifest).arg("--").arg(made);
    let beside = root().join("../shared/oracle");
    for folder in [
        root().join("tests/plans/shapes"),
        beside.clone(),
        beside.join("pg_regress"),
    ] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        let mut paths: Vec<_> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|found| found == "sql"))
            .collect();
        paths.sort();
        command.args(paths);
    }
    run(&mut command).map_err(|error| {
        format!("{error}\nthe second parser is made with libclang; Debian: `apt-get install libclang-dev clang`")
    })
}

/// Writes the firewall's lists of functions and operators, and says what changed.
pub(crate) fn functions() -> Outcome {
    servers::ensure_postgres()?;
    run(&mut cargo(&[
        "run",
        "--package",
        "tenancy-tests",
        "--bin",
        "functions",
    ]))
}

/// The plans of the corpus, compared and audited; its own last line says what came out.
pub(crate) fn plans(verbose: bool) -> Outcome {
    servers::ensure_postgres()?;
    let mut command = cargo(&["run", "--package", "tenancy-tests", "--bin", "plans", "--"]);
    if verbose {
        command.arg("--verbose");
    }
    run(&mut command)
}

/// The command table of `tenancy-cache`, written by the test that otherwise compares it.
pub(crate) fn redis_commands() -> Outcome {
    servers::ensure_redis()?;
    run(
        cargo(&["test", "--package", "tenancy-cache", "--all-features"])
            .args(["--test", "it", "the_table_is_what_the_server_says"])
            .env("TENANCY_WRITE_REDIS_COMMANDS", "1"),
    )
}

/// Everything, stopping at the first failure.
pub(crate) fn ci() -> Outcome {
    type Step = (&'static str, fn() -> Outcome);
    let steps: [Step; 6] = [
        ("format", || run(&mut cargo(&["fmt", "--all", "--check"]))),
        ("tidy", tidy::run),
        ("clippy", || {
            run(cargo(&["clippy", "--locked", "--workspace"]).args([
                "--all-targets",
                "--all-features",
                "--",
                "--deny=warnings",
            ]))
        }),
        ("documentation", || {
            run(cargo(&[
                "doc",
                "--locked",
                "--workspace",
                "--all-features",
                "--no-deps",
            ])
            .env("RUSTDOCFLAGS", "--deny=warnings"))
        }),
        ("test", || test(&["--locked".to_owned()])),
        ("bench", || bench(true, None)),
    ];
    let start = Instant::now();
    for (index, (name, step)) in steps.iter().enumerate() {
        let step_start = Instant::now();
        println!("ci: [{}/{}] {name}", index + 1, steps.len());
        let outcome = step();
        let seconds = step_start.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => println!("ci: {name} passed in {seconds:.1} s"),
            Err(error) => return Err(format!("ci: {name} failed after {seconds:.1} s: {error}")),
        }
    }
    println!("ci: all passed in {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}
