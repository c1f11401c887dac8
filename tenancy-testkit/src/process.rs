//! What servers of tests have in common: a port of their own, and waiting for them without holding up a test.

use std::net::TcpListener;

use uuid::Uuid;

use crate::Error;

/// A port that nobody listens on, below those that systems give to outgoing connections, so that it stays free while
/// the server restarts.
pub(crate) fn free_port() -> Result<u16, Error> {
    let mut last = std::io::ErrorKind::AddrInUse.into();
    for _ in 0..64 {
        let port = 12_000 + (Uuid::new_v4().as_u128() % 20_000) as u16;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = error,
        }
    }
    Err(Error::io("find a free port")(last))
}

/// Waits for something slow without holding up the test's other tasks.
pub(crate) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Result<R, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::io("wait for the server")(error.into())))
}
