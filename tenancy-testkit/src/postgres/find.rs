//! Finds the PostgreSQL of this machine. Standard library only: `xtask` compiles this very file too.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest major version that is supported.
const OLDEST: u32 = 15;

/// Folders that distributions install into, `*` standing for one path segment's rest.
const USUAL: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql*/bin",
];

/// The folder with `initdb`, `pg_ctl` and `postgres` of the newest version, or a clause that says what was found instead.
pub(crate) fn newest() -> Result<PathBuf, String> {
    let mut found: Vec<(u32, PathBuf)> = candidates()
        .into_iter()
        .filter_map(|folder| Some((major(&folder)?, folder)))
        .collect();
    found.sort();
    match found.pop() {
        Some((version, folder)) if version >= OLDEST => Ok(folder),
        Some((version, folder)) => Err(format!(
            "PostgreSQL {OLDEST} or newer is needed, {} has version {version}",
            folder.display()
        )),
        None => Err(format!("no PostgreSQL {OLDEST} or newer found")),
    }
}

/// Every folder that might hold the server: those on `PATH`, links followed, then the usual ones.
fn candidates() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .chain(USUAL.iter().flat_map(|pattern| matching(pattern)))
        .filter(|folder| {
            ["initdb", "pg_ctl", "postgres"]
                .iter()
                .all(|name| folder.join(name).is_file())
        })
        .collect()
}

/// The folders that a pattern with one `*` names.
fn matching(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return Vec::new();
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after.trim_start_matches('/')))
        .collect()
}

/// The major version that a folder's `initdb` reports.
fn major(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("initdb"))
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    // "initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "initdb (PostgreSQL) 19beta1"
    let version = text.split_whitespace().nth(2)?;
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}
