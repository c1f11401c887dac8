//! What models cost the compiler: a crate of fifty models with ten fields each is checked with and without `#[tenant_scoped]`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::steps::{Outcome, cargo, root};

const MODELS: usize = 50;

/// Prints the median time of a clean check of the crate alone, on both sides, and the difference.
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
    let [without, with] = times.map(|mut times| {
        times.sort();
        times.get(times.len() / 2).copied().unwrap_or_default()
    });
    println!(
        "models: {MODELS} models of ten fields, clean check of their crate, median of {rounds} rounds"
    );
    println!(
        "models: plain structs        {:.3} s",
        without.as_secs_f64()
    );
    println!("models: with #[tenant_scoped] {:.3} s", with.as_secs_f64());
    println!(
        "models: added                {:.3} s",
        with.saturating_sub(without).as_secs_f64()
    );
    Ok(())
}

fn check(folder: &Path, features: Option<&str>) -> Result<Duration, String> {
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
    let start = Instant::now();
    match command.status() {
        Ok(status) if status.success() => Ok(start.elapsed()),
        Ok(status) => Err(format!("the crate of models does not compile: {status}")),
        Err(error) => Err(format!("cargo can't be run: {error}")),
    }
}

fn write_crate(folder: &Path) -> std::io::Result<()> {
    let mut postgres = String::new();
    let mut sqlite = String::new();
    let mut library = String::from("//! Fifty models.\n#![allow(dead_code)]\n");
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
