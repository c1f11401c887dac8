//! Makes sure that there are a PostgreSQL and a Redis for the tests to start; they start them themselves.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Once,
};

use crate::{
    find, find_redis,
    steps::{Outcome, run},
};

/// A server that tests start.
struct Server {
    /// The variable that names one which is there already, and what it has to name.
    variable: (&'static str, &'static str),
    find: fn() -> Result<PathBuf, String>,
    package: &'static str,
    formula: &'static str,
    newer: &'static str,
}

const POSTGRES: Server = Server {
    variable: ("DATABASE_URL", "a server's admin role"),
    find: find::newest,
    package: "postgresql",
    formula: "postgresql@17",
    newer: "https://apt.postgresql.org",
};

const REDIS: Server = Server {
    variable: ("REDIS_URL", "a server"),
    find: find_redis::newest,
    package: "redis-server",
    formula: "redis",
    newer: "https://packages.redis.io",
};

/// Programs that tests run in front of a service, and the packages that they are in. A test without its program says that it
/// was skipped.
const PROXIES: [(&str, &str); 4] = [
    ("caddy", "caddy"),
    ("nginx", "nginx-light"),
    ("curl", "curl"),
    ("openssl", "openssl"),
];

/// A PostgreSQL is there, or its variable names one.
pub(crate) fn ensure_postgres() -> Outcome {
    POSTGRES.ensure()
}

/// A Redis is there, or its variable names one.
pub(crate) fn ensure_redis() -> Outcome {
    REDIS.ensure()
}

/// Both are there, or their variables name them.
pub(crate) fn ensure() -> Outcome {
    POSTGRES.ensure()?;
    REDIS.ensure()
}

/// Installs what is missing of the proxies where that can be done, and says what the tests will go without.
pub(crate) fn offer_proxies() {
    for (program, package) in PROXIES {
        let folders = [
            "/usr/bin",
            "/usr/sbin",
            "/usr/local/bin",
            "/opt/homebrew/bin",
        ];
        let is_there = || {
            folders
                .iter()
                .any(|folder| Path::new(folder).join(program).exists())
        };
        if is_there() {
            continue;
        }
        if is_root() && has_apt() {
            println!("xtask: {program} was not found: {}", words(package));
            // Its outcome shows in the next line.
            let _ = install(package);
        }
        if !is_there() {
            println!(
                "xtask: there is no {program}: the tests of configurations of proxies that need it are skipped; \
                 Debian: `sudo {}`",
                words(package)
            );
        }
    }
}

impl Server {
    /// Does nothing if the variable names a server or one is installed; else installs it, if we are root and have apt.
    fn ensure(&self) -> Outcome {
        let (variable, meaning) = self.variable;
        if env::var_os(variable).is_some() {
            return Ok(());
        }
        let Err(missing) = (self.find)() else {
            return Ok(());
        };
        let words = words(self.package);
        if !is_root() || !has_apt() {
            return Err(format!(
                "{missing}; install it (Debian: `sudo {words}`; macOS: `brew install {}`) or set {variable} to {meaning}",
                self.formula
            ));
        }
        println!("xtask: {missing}: {words}");
        install(self.package)?;
        (self.find)().map(drop).map_err(|missing| {
            format!(
                "{missing}, and this system's package is no newer: see {}",
                self.newer
            )
        })
    }
}

/// What somebody else would type to install a package.
fn words(package: &str) -> String {
    format!("apt-get {} {package}", INSTALL.join(" "))
}

const INSTALL: [&str; 3] = ["install", "--yes", "--no-install-recommends"];

/// Installs a package. The package lists of a fresh container are empty, and those of an old one name files that are gone: what
/// fails is tried again with new lists, which are fetched once.
fn install(package: &str) -> Outcome {
    static UPDATE: Once = Once::new();
    let again = || apt(&[&INSTALL[..], &[package]].concat());
    again().or_else(|error| {
        if UPDATE.is_completed() {
            return Err(error);
        }
        let mut updated = Ok(());
        UPDATE.call_once(|| updated = apt(&["update"]));
        updated.and_then(|()| again())
    })
}

fn apt(words: &[&str]) -> Outcome {
    run(Command::new("apt-get")
        .args(words)
        // Somebody else may be installing just now.
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .env("DEBIAN_FRONTEND", "noninteractive")
        // The tests start servers of their own; the system's need not run beside them.
        .env("RUNLEVEL", "1")
        .stdin(Stdio::null()))
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn has_apt() -> bool {
    Command::new("apt-get").arg("--version").output().is_ok()
}
