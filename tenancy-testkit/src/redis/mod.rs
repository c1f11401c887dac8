//! A Redis for tests: ours and thrown away afterwards, or the one that `REDIS_URL` names.
//!
//! `find` looks for the binary, `server` runs it. No client is needed for that, so none is a dependency here.

mod find;
mod server;

use std::{
    env, fmt,
    path::Path,
    sync::{Arc, OnceLock, PoisonError},
};

use uuid::Uuid;

use self::server::Server;
use crate::{Error, blocking};

/// A Redis of version 7 or newer.
///
/// A server of our own listens on 127.0.0.1 only, asks for a password, keeps its data over a restart and ends with the
/// test process, even when that is killed. The server that `REDIS_URL` names is shared with whoever else uses it: tests
/// use tenants with fresh ids, and never flush it.
///
/// # Example: an address, and a server that is away and comes back
/// ```
/// use tenancy_testkit::RedisServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shared = RedisServer::shared().await?;
/// assert!(shared.url().starts_with("redis"));
///
/// let own = RedisServer::start().await?;
/// own.stop().await?;
/// assert!(std::net::TcpStream::connect(own.address()?).is_err());
/// own.restart().await?;
/// assert!(std::net::TcpStream::connect(own.address()?).is_ok());
/// # Ok(()) }
/// ```
pub struct RedisServer {
    url: String,
    server: Option<Arc<Server>>,
}

impl RedisServer {
    /// The one Redis of this test process: that of `REDIS_URL` if it is set, else one of our own.
    ///
    /// # Errors
    /// As [`start`](Self::start); whoever asks next tries again.
    pub async fn shared() -> Result<&'static Self, Error> {
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());
        if let Some(shared) = SHARED.get() {
            return Ok(shared);
        }
        // A test has a runtime of its own and may end first, so that none of them may own what others wait for.
        blocking(|| {
            let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
            if SHARED.get().is_none() {
                let made = match env::var("REDIS_URL") {
                    Ok(url) => Self { url, server: None },
                    Err(_) => Self::start_now()?,
                };
                let _ = SHARED.set(made);
            }
            Ok(())
        })
        .await?;
        SHARED.get().ok_or(Error::NotOurs)
    }

    /// Starts a server for one test alone, which may [`stop`](Self::stop) and [`restart`](Self::restart) it.
    ///
    /// # Errors
    /// [`Error::RedisNotFound`] without Redis, [`Error::RedisNotStarted`] with the end of the server's log.
    pub async fn start() -> Result<Self, Error> {
        blocking(Self::start_now).await
    }

    fn start_now() -> Result<Self, Error> {
        let password = Uuid::new_v4().simple().to_string();
        let server = Server::start(&password)?;
        Ok(Self {
            url: format!("redis://:{password}@127.0.0.1:{}/0", server.port()),
            server: Some(Arc::new(server)),
        })
    }

    /// The address of its administrator, as a client takes it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port of a server of our own, to put a [`NetworkDelay`](crate::NetworkDelay) before it.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `REDIS_URL`.
    pub fn address(&self) -> Result<(&'static str, u16), Error> {
        let server = self.server.as_deref().ok_or(Error::NotOurs)?;
        Ok(("127.0.0.1", server.port()))
    }

    /// The same address with another port, for a client that goes through a relay.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `REDIS_URL`.
    pub fn url_through(&self, port: u16) -> Result<String, Error> {
        let (_, own) = self.address()?;
        Ok(self.url.replace(&format!(":{own}/"), &format!(":{port}/")))
    }

    /// Where the server of our own keeps its data and its log, `None` for that of `REDIS_URL`.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.server.as_deref().map(Server::folder)
    }

    /// Stops the server, cutting its connections; nothing happens if it is stopped already.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `REDIS_URL`.
    pub async fn stop(&self) -> Result<(), Error> {
        let server = self.server.clone().ok_or(Error::NotOurs)?;
        blocking(move || server.stop()).await
    }

    /// Stops the server if it runs, and starts it with the same data on the same port. Users of access lists are gone.
    ///
    /// # Errors
    /// [`Error::NotOurs`] for the server of `REDIS_URL`, [`Error::RedisNotStarted`] with the end of the server's log.
    pub async fn restart(&self) -> Result<(), Error> {
        let server = self.server.clone().ok_or(Error::NotOurs)?;
        blocking(move || server.stop().and_then(|()| server.start_again())).await
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer")
            .field("folder", &self.folder())
            .finish_non_exhaustive()
    }
}
