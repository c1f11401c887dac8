//! One direction of one connection: a thread that reads and stamps, a thread that waits and writes.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{Connection, clock};

/// Chunks on their way at once; a sender that is further ahead waits, as with a full socket.
const IN_FLIGHT: usize = 1024;

/// What was read at one moment, due at another; empty at the end of the stream.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
}

/// Starts both threads, which end with the stream or with the connection's reset.
pub(super) fn start(
    connection: &Arc<Connection>,
    from: fn(&Connection) -> &TcpStream,
    to: fn(&Connection) -> &TcpStream,
    delay: Duration,
) -> std::io::Result<()> {
    let (sender, receiver) = mpsc::sync_channel(IN_FLIGHT);
    let reading = Arc::clone(connection);
    thread::Builder::new()
        .name("network-in".to_owned())
        .spawn(move || read(&reading, from(&reading), delay, &sender))?;
    let writing = Arc::clone(connection);
    thread::Builder::new()
        .name("network-out".to_owned())
        .spawn(move || write(&writing, to(&writing), &receiver))?;
    Ok(())
}

fn read(
    connection: &Connection,
    mut socket: &TcpStream,
    delay: Duration,
    chunks: &mpsc::SyncSender<Chunk>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = match socket.read(&mut buffer) {
            Ok(length) => buffer.get(..length).unwrap_or_default().to_vec(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            // A reset travels on, as a reset.
            Err(_) => return connection.reset(),
        };
        let due = Instant::now() + delay;
        let is_end = bytes.is_empty();
        if chunks.send(Chunk { due, bytes }).is_err() || is_end {
            return;
        }
    }
}

fn write(connection: &Connection, mut socket: &TcpStream, chunks: &mpsc::Receiver<Chunk>) {
    let clock = clock::Clock::new();
    for Chunk { due, bytes } in chunks {
        clock.wait_until(due);
        if connection.is_cut() {
            return;
        }
        if bytes.is_empty() {
            let _ = socket.shutdown(Shutdown::Write);
        } else if socket.write_all(&bytes).is_err() {
            return connection.reset();
        }
    }
}
