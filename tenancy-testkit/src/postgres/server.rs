//! One throw-away server process and the supervisor that outlives us by a moment to clean up after it.
//!
//! The supervisor is a small shell script that holds the reading end of a pipe. However this process ends, the kernel
//! closes the writing end, and the script stops the server and removes its folder. It runs in a process group of its
//! own, so that the `Ctrl-C` that ends the tests does not end it first, and, when we are root, as another user.

use std::{
    fmt, fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Mutex,
};

use super::find;
use crate::{Error, free_port};

const SCRIPT: &str = include_str!("supervisor.sh");

/// A running server of our own. Dropping it stops the server and removes its folder before it returns.
pub(super) struct Server {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

struct Supervisor {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Makes a cluster whose superuser `admin` has this password, and starts it on a free port. Takes about a second.
    pub(super) fn start(password: &str) -> Result<Self, Error> {
        let bin = find::newest().map_err(Error::NotFound)?;
        let mut supervisor = Supervisor::start(&bin)?;
        let folder = supervisor.ask(&bin, password)?;
        // Nothing holds a port between our look and the server's bind, so a lost race is tried again elsewhere.
        let mut attempts = 0;
        let port = loop {
            let port = free_port()?;
            attempts += 1;
            match supervisor.ask(&bin, &format!("start {port}")) {
                Ok(_) => break port,
                Err(error) if attempts == 5 => return Err(error),
                Err(_) => {}
            }
        };
        Ok(Self {
            bin,
            folder: folder.into(),
            port,
            supervisor: Mutex::new(supervisor),
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server, cutting its connections; nothing happens if it is stopped already.
    pub(super) fn stop(&self) -> Result<(), Error> {
        if self.is_running() {
            self.ask("stop")?;
        }
        Ok(())
    }

    /// Starts a stopped server on the port it had.
    pub(super) fn start_again(&self) -> Result<(), Error> {
        self.ask(&format!("start {}", self.port))
    }

    fn is_running(&self) -> bool {
        self.folder.join("data/postmaster.pid").exists()
    }

    fn ask(&self, command: &str) -> Result<(), Error> {
        let mut supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        supervisor.ask(&self.bin, command).map(drop)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("folder", &self.folder)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Supervisor {
    fn start(bin: &Path) -> Result<Self, Error> {
        let mut command = unprivileged_shell()?.unwrap_or_else(|| Command::new("sh"));
        let mut process = command
            .args(["-c", SCRIPT, "tenancy-testkit"])
            .arg(bin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("start the server's supervisor"))?;
        let commands = process.stdin.take();
        match process.stdout.take() {
            Some(answers) => Ok(Self {
                process,
                commands,
                answers: BufReader::new(answers),
            }),
            None => Err(Error::io("talk to the server's supervisor")(
                std::io::ErrorKind::BrokenPipe.into(),
            )),
        }
    }

    /// Sends one line and waits for the answer, which is the server's folder or the end of its log.
    fn ask(&mut self, bin: &Path, command: &str) -> Result<String, Error> {
        let mut answer = String::new();
        self.commands
            .as_mut()
            .ok_or_else(|| std::io::ErrorKind::BrokenPipe.into())
            .and_then(|commands| commands.write_all(format!("{command}\n").as_bytes()))
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(Error::io("talk to the server's supervisor"))?;
        match answer.trim_end().split_once(' ') {
            Some(("ok", folder)) => Ok(folder.to_owned()),
            other => Err(Error::NotStarted {
                folder: bin.to_owned(),
                log: other.map_or_else(|| "no answer".to_owned(), |(_, log)| log.to_owned()),
            }),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}

/// The command that becomes another user and then runs `sh`, `None` if we are not root.
fn unprivileged_shell() -> Result<Option<Command>, Error> {
    let id = Command::new("id")
        .arg("-u")
        .output()
        .map_err(Error::io("ask `id -u` who we are"))?;
    if id.stdout.trim_ascii() != b"0" {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (user, uid, gid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| users.lines().find_map(|line| ids(line, name)))
        .ok_or(Error::NoServerUser("there is no user `postgres`"))?;
    let is_here = |tool| Command::new(tool).arg("--version").output().is_ok();
    if is_here("setpriv") {
        let mut command = Command::new("setpriv");
        command
            .args([format!("--reuid={uid}"), format!("--regid={gid}")])
            .args(["--clear-groups", "sh"]);
        Ok(Some(command))
    } else if is_here("runuser") {
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--", "sh"]);
        Ok(Some(command))
    } else {
        Err(Error::NoServerUser(
            "neither `setpriv` nor `runuser` is here to change the user",
        ))
    }
}

/// Name, user id and group id of a line of `/etc/passwd`, if it is about `name`.
fn ids<'a>(line: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let mut fields = line.split(':');
    let user = fields.next().filter(|user| *user == name)?;
    Some((user, fields.nth(1)?, fields.next()?))
}
