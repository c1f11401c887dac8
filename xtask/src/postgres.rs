//! Makes sure that there is a PostgreSQL for the tests to start; they start it themselves.

use std::{
    env,
    process::{Command, Stdio},
};

use crate::{
    find,
    steps::{Outcome, run},
};

const INSTALL: &str = "apt-get install --yes --no-install-recommends postgresql";

/// Does nothing if `DATABASE_URL` names a server or one is installed; else installs it, if we are root and have apt.
pub(crate) fn ensure() -> Outcome {
    if env::var_os("DATABASE_URL").is_some() {
        return Ok(());
    }
    let Err(missing) = find::newest() else {
        return Ok(());
    };
    if !is_root() || !has_apt() {
        return Err(format!(
            "{missing}; install it (Debian: `sudo {INSTALL}`; macOS: `brew install postgresql@17`) \
             or set DATABASE_URL to a server's admin role"
        ));
    }
    println!("xtask: {missing}: {INSTALL}");
    if install().is_err() {
        // Package lists of a fresh container are empty.
        run(Command::new("apt-get").arg("update").stdin(Stdio::null()))?;
        install()?;
    }
    find::newest().map(drop).map_err(|missing| {
        format!("{missing}, and this system's package is no newer: see https://apt.postgresql.org")
    })
}

fn install() -> Outcome {
    let mut words = INSTALL.split(' ');
    run(Command::new(words.next().unwrap_or_default())
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
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
