//! What models cost the compiler: a crate of fifty models with ten fields each is checked with and without `#[tenant_scoped]`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::steps::{Outcome, cargo, root};

const MODELS: usize = 50;

/// Prints the least time of a clean check of the crate alone, on both sides, and the difference: what else the machine does
/// only ever adds to it. On a busy machine the processor's time says more than the clock's.
pub(crate) fn run(rounds: usize) -> Outcome {
    let folder = root().join("target/xtask/models");
    write_crate(&folder).map_err(|error| format!("can't write the crate: {error}"))?;
    let mut times = [Vec::new(), Vec::new()];
    // The first round builds the dependencies, and counts for nothing.
    for round in 0..=rounds {
        for (side, features) in [(0, None), (1, Some("--features=models"))] {
            let time = check(&folder, features)?;
            if let (Some(times), true) = (times.get_mut(side), round > 0) {
                times.push(time);
            }
        }
    }
    println!(
        "models: {MODELS} models of ten fields, clean check of their crate, best of {rounds} rounds: clock, processor"
    );
    let [without, with] = times.map(|times| {
        let least = |of: fn(&[Duration; 2]) -> Duration| times.iter().map(of).min();
        [least(|[clock, _]| *clock), least(|[_, cpu]| *cpu)].map(Option::unwrap_or_default)
    });
    let print = |what: &str, [clock, cpu]: [Duration; 2]| {
        println!(
            "models: {what:<22} {:.3} s, {:.3} s",
            clock.as_secs_f64(),
            cpu.as_secs_f64()
        );
    };
    print("plain structs", without);
    print("with #[tenant_scoped]", with);
    let added = with.iter().zip(&without);
    let added: Vec<_> = added
        .map(|(with, without)| with.saturating_sub(*without))
        .collect();
    if let [clock, cpu] = *added {
        print("added", [clock, cpu]);
    }
    Ok(())
}

/// What the processor did for commands that have ended, in Linux' clock ticks of 10 ms; elsewhere nothing.
fn cpu_of_children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit_once(") ").map_or("", |(_, behind)| behind);
    let ticks = behind_name.split(' ').skip(13).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn check(folder: &Path, features: Option<&str>) -> Result<[Duration; 2], String> {
    let library = folder.join("src/lib.rs");
    let text = std::fs::read_to_string(&library);
    let again = text.and_then(|text| std::fs::write(&library, text));
    again.map_err(|error| format!("can't touch {}: {error}", library.display()))?;
    let mut command = cargo(&["check", "--quiet", "--manifest-path"]);
    command
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        // What others depend on, too, is built once.
        .arg(root().join("target"))
        .args(features)
        .env("CARGO_INCREMENTAL", "0")
        .stdout(Stdio::null());
    let (start, cpu) = (Instant::now(), cpu_of_children());
    match command.status() {
        Ok(status) if status.success() => {
            Ok([start.elapsed(), cpu_of_children().saturating_sub(cpu)])
        }
        Ok(status) => Err(format!("the crate of models does not compile: {status}")),
        Err(error) => Err(format!("cargo can't be run: {error}")),
    }
}

fn write_crate(folder: &Path) -> std::io::Result<()> {
    let mut postgres = String::new();
    let mut sqlite = String::new();
    let mut library = String::from(
        "//! Fifty models.\n#![allow(dead_code)]\n// Both sides load what they depend on.\npub use tenancy as _tenancy;\n",
    );
    for number in 0..MODELS {
        for (sql, tenant, integer) in [
            (&mut postgres, "uuid", "bigint"),
            (&mut sqlite, "BLOB", "INTEGER"),
        ] {
            // Writing to a `String` does not fail.
            let _ = writeln!(
                sql,
                "CREATE TABLE t{number} (tenant_id {tenant} NOT NULL, id {integer} NOT NULL, name text NOT NULL, \
                 email text NOT NULL, company text NOT NULL, status text NOT NULL, value {integer} NOT NULL, \
                 owner_id {integer}, note text, created_at {integer} NOT NULL, updated_at {integer} NOT NULL, \
                 PRIMARY KEY (tenant_id, id));"
            );
        }
        let _ = writeln!(
            library,
            "#[cfg_attr(feature = \"models\", tenancy::tenant_scoped(table = \"t{number}\"))]\n#[derive(Clone, Debug)]\n\
             pub struct T{number} {{ pub id: i64, pub name: String, pub email: String, pub company: String, pub status: String, \
             pub value: i64, pub owner_id: Option<i64>, pub note: Option<String>, pub created_at: i64, pub updated_at: i64 }}"
        );
    }
    let tenancy = root().join("tenancy");
    let manifest = format!(
        "[package]\nname = \"models\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [features]\nmodels = []\n\n[dependencies]\n\
         tenancy = {{ path = {tenancy:?}, features = [\"macros\", \"postgres\", \"sqlite\"] }}\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n[profile.dev.package.\"*\"]\ndebug = false\n"
    );
    let config = "[tenancy]\ndialect = [\"postgres\", \"sqlite\"]\n\n[tenancy.migrations]\npostgres = \"postgres\"\nsqlite = \"sqlite\"\n";
    for (file, text) in [
        ("Cargo.toml", &*manifest),
        ("tenancy.toml", config),
        ("postgres/0001_tables.sql", &postgres),
        ("sqlite/0001_tables.sql", &sqlite),
        ("src/lib.rs", &library),
    ] {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)?;
    }
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
}
