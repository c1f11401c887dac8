//! Finds the Redis of this machine. Standard library only: `xtask` compiles this very file too.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest major version that is supported: key specifications and `%RW~` in access lists came with it.
const OLDEST: u32 = 7;

/// Folders that packages install into, for a `PATH` that lacks them.
const USUAL: [&str; 4] = [
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/local/bin",
];

/// The `redis-server` to start, or a clause that says what was found instead.
pub(crate) fn newest() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<(u32, PathBuf)> = env::split_paths(&path)
        .chain(USUAL.iter().map(PathBuf::from))
        .map(|folder| folder.join("redis-server"))
        .filter(|server| server.is_file())
        .filter_map(|server| Some((major(&server)?, server)))
        .collect();
    found.sort();
    match found.pop() {
        Some((version, server)) if version >= OLDEST => Ok(server),
        Some((version, server)) => Err(format!(
            "Redis {OLDEST} or newer is needed, {} has version {version}",
            server.display()
        )),
        None => Err(format!("no Redis {OLDEST} or newer found")),
    }
}

/// The major version that a server reports: `Redis server v=7.0.15 sha=00000000:0 …`.
fn major(server: &Path) -> Option<u32> {
    let output = Command::new(server).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="))?;
    version.split('.').next()?.parse().ok()
}
