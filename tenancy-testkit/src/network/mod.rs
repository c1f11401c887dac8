//! A relay on this machine that behaves like a network: it takes time, and it can fail.
//!
//! Each direction of each connection has two threads. One reads chunks and stamps each with the moment it is due; the
//! other waits for that moment and writes. A chunk is due at its arrival plus the delay, whatever came before it, so
//! delay adds latency and does not limit throughput, as in a real network. tokio's timers are too coarse for half a
//! millisecond, so `clock` sleeps on the system's own and spins for the last few microseconds.

mod clock;
mod direction;

use std::{
    fmt,
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use socket2::SockRef;

use crate::Error;

/// A TCP relay to one server that adds a delay in each direction, and that can be cut.
///
/// Accurate to about 50 µs on a machine that is not overloaded; never early. A chunk on its way costs about 50 µs of one
/// core, 30 of them spinning. Dropping it resets the connections that go through it.
///
/// # Example: one millisecond of network, then none at all
/// ```
/// use std::{io::{Read, Write}, net::{TcpListener, TcpStream}, time::{Duration, Instant}};
/// use tenancy_testkit::NetworkDelay;
///
/// let server = TcpListener::bind("127.0.0.1:0")?;
/// let network = NetworkDelay::to(server.local_addr()?, Duration::from_micros(500))?;
/// let mut client = TcpStream::connect(network.address())?;
/// let (mut peer, _) = server.accept()?;
///
/// let sent = Instant::now();
/// client.write_all(b"ping")?;
/// peer.read_exact(&mut [0; 4])?;
/// assert!(sent.elapsed() >= Duration::from_micros(500));
///
/// network.cut();
/// assert!(!matches!(client.read(&mut [0; 4]), Ok(1..)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NetworkDelay {
    address: SocketAddr,
    network: Arc<Network>,
}

/// What the threads share.
pub(crate) struct Network {
    server: SocketAddr,
    one_way: Duration,
    is_cut: AtomicBool,
    is_over: AtomicBool,
    connections: Mutex<Vec<Weak<Connection>>>,
}

/// The two sockets of one connection.
pub(crate) struct Connection {
    client: TcpStream,
    server: TcpStream,
    is_cut: AtomicBool,
}

impl NetworkDelay {
    /// A relay to `server` on a free port of 127.0.0.1, `one_way` slower in each direction.
    ///
    /// Opening a connection is not delayed; the server is only dialled when a client comes, and a client of a server that
    /// does not answer is reset.
    ///
    /// # Errors
    /// [`Error::Io`] when the address can't be resolved or no port or thread is to be had.
    pub fn to(server: impl ToSocketAddrs, one_way: Duration) -> Result<Self, Error> {
        let server = server
            .to_socket_addrs()
            .and_then(|mut found| found.next().ok_or_else(|| ErrorKind::NotFound.into()))
            .map_err(Error::io("resolve the server's address"))?;
        let listener =
            TcpListener::bind("127.0.0.1:0").map_err(Error::io("listen on a free port"))?;
        let address = listener
            .local_addr()
            .map_err(Error::io("listen on a free port"))?;
        let network = Arc::new(Network {
            server,
            one_way,
            is_cut: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&network);
        thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || accepting.accept(&listener))
            .map_err(Error::io("start a thread"))?;
        Ok(Self { address, network })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets every connection, losing what is on its way, and every new one until [`heal`](Self::heal).
    pub fn cut(&self) {
        self.network.is_cut.store(true, Ordering::SeqCst);
        self.network.reset_all();
    }

    /// Lets new connections through again.
    pub fn heal(&self) {
        self.network.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for NetworkDelay {
    fn drop(&mut self) {
        self.network.is_over.store(true, Ordering::SeqCst);
        self.network.reset_all();
        // Wakes the accepting thread, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl fmt::Debug for NetworkDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkDelay")
            .field("address", &self.address)
            .field("server", &self.network.server)
            .field("one_way", &self.network.one_way)
            .finish_non_exhaustive()
    }
}

impl Network {
    fn accept(&self, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else {
                // Out of file handles, or the client is gone already.
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            match TcpStream::connect(self.server) {
                Ok(server) => self.relay(client, server),
                Err(_) => reset_on_close(&client),
            }
        }
    }

    fn relay(&self, client: TcpStream, server: TcpStream) {
        let connection = Arc::new(Connection {
            client,
            server,
            is_cut: AtomicBool::new(false),
        });
        let mut connections = self.lock();
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(&connection));
        drop(connections);
        // Looked at after the connection was listed: a cut either sees it there or is seen here.
        let is_refused = self.is_cut.load(Ordering::SeqCst) || self.is_over.load(Ordering::SeqCst);
        if is_refused || self.start(&connection).is_err() {
            connection.reset();
        }
    }

    fn start(&self, connection: &Arc<Connection>) -> std::io::Result<()> {
        connection.client.set_nodelay(true)?;
        connection.server.set_nodelay(true)?;
        direction::start(connection, |c| &c.client, |c| &c.server, self.one_way)?;
        direction::start(connection, |c| &c.server, |c| &c.client, self.one_way)
    }

    fn reset_all(&self) {
        for connection in self.lock().drain(..).filter_map(|weak| weak.upgrade()) {
            connection.reset();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    /// Ends all four threads; the last of them drops the sockets, which resets both.
    fn reset(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
        for socket in [&self.client, &self.server] {
            reset_on_close(socket);
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Makes the other side see a reset, not an end, when this socket is closed.
fn reset_on_close(socket: &TcpStream) {
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
