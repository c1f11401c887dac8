//! One throw-away Redis process and the supervisor that outlives us by a moment to clean up after it.
//!
//! The same construction as for PostgreSQL: a small shell script holds the reading end of a pipe, and when this process
//! ends, however it ends, the script stops the server and removes its folder.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::find;
use crate::{Error, free_port};

const SCRIPT: &str = include_str!("supervisor.sh");

/// How long a server may take to answer; a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server of our own. Dropping it stops the server and removes its folder before it returns.
#[derive(Debug)]
pub(super) struct Server {
    folder: PathBuf,
    port: u16,
    password: String,
    supervisor: Mutex<Supervisor>,
}

#[derive(Debug)]
struct Supervisor {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server with this password on a free port.
    pub(super) fn start(password: &str) -> Result<Self, Error> {
        let bin = find::newest().map_err(Error::RedisNotFound)?;
        let mut supervisor = Supervisor::start(&bin)?;
        let folder = supervisor.ask(password)?;
        let mut server = Self {
            folder: folder.into(),
            port: 0,
            password: password.to_owned(),
            supervisor: Mutex::new(supervisor),
        };
        // Nothing holds a port between our look and the server's bind, so a lost race is tried again elsewhere.
        let mut attempts = 0;
        loop {
            server.port = free_port()?;
            attempts += 1;
            match server.start_again() {
                Ok(()) => return Ok(server),
                Err(error) if attempts == 5 => return Err(error),
                Err(_) => {}
            }
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Stops the server, cutting its connections; nothing happens if it is stopped already.
    pub(super) fn stop(&self) -> Result<(), Error> {
        self.ask("stop").map(drop)
    }

    /// Starts a stopped server on the port it had and waits until it answers.
    pub(super) fn start_again(&self) -> Result<(), Error> {
        self.ask(&format!("start {}", self.port))?;
        let begin = Instant::now();
        loop {
            self.ask("alive")?;
            if self.answers() {
                return Ok(());
            }
            if begin.elapsed() > PATIENCE {
                return Err(Error::RedisNotStarted("it does not answer".to_owned()));
            }
            #[expect(
                clippy::disallowed_methods,
                reason = "a thread of its own waits for another process"
            )]
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it takes our password and has read its file, so that it is this server and nobody else on the port.
    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(format!("AUTH {}\r\nPING\r\nQUIT\r\n", self.password).as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        ask().is_ok_and(|answer| answer.starts_with("+OK\r\n+PONG\r\n"))
    }

    fn ask(&self, command: &str) -> Result<String, Error> {
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .ask(command)
    }
}

impl Supervisor {
    fn start(bin: &Path) -> Result<Self, Error> {
        let mut process = Command::new("sh")
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

    /// Sends one line and waits for what follows `ok`, or the end of the server's log.
    fn ask(&mut self, command: &str) -> Result<String, Error> {
        let mut answer = String::new();
        self.commands
            .as_mut()
            .ok_or_else(|| std::io::ErrorKind::BrokenPipe.into())
            .and_then(|commands| commands.write_all(format!("{command}\n").as_bytes()))
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(Error::io("talk to the server's supervisor"))?;
        match answer.trim_end().split_once(' ') {
            None if answer.trim_end() == "ok" => Ok(String::new()),
            Some(("ok", rest)) => Ok(rest.to_owned()),
            other => Err(Error::RedisNotStarted(
                other.map_or_else(|| "no answer".to_owned(), |(_, log)| log.to_owned()),
            )),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}
