//! What the HTTP layer costs: a stock axum application with it, against the same without, over keep-alive connections on the
//! loopback device. The driver writes requests and reads answers of a known length, and so costs both sides the same.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::{Router, routing::get};
use tenancy_core::{CachedRegistry, InMemoryRegistry, Tenant, TenantId, TenantSlug};
use tenancy_http::TenantLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::{
    Failure,
    runner::{Figure, PARTS, Runner, Target},
};

const REQUESTS: Figure = Figure {
    name: "http, requests of a cached tenant, against no layer",
    target: Target::Speed(0.97),
};
const CONNECTIONS: u64 = 16;
const TENANTS: u32 = 1_000;

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if !runner.wants(REQUESTS.name) {
        return Ok(());
    }
    let inner = InMemoryRegistry::new();
    for n in 1..=TENANTS {
        let slug = TenantSlug::parse(&format!("tenant-{n}"))?;
        inner.insert(Tenant::builder(TenantId::from_integer(n.into())?, slug).build()?)?;
    }
    let bare = Router::new().route(
        "/leads",
        get(async || "[{\"id\":1,\"name\":\"Ada Lovelace\"}]"),
    );
    let layer = TenantLayer::new(CachedRegistry::new(inner)).subdomain_of("crm.example.com");
    // Three in a hundred are looked for where one world is a hundredth away from the next.
    for _ in 0..3 * PARTS {
        let ours = Driver::new(serve(bare.clone().layer(layer.clone())).await?).await?;
        let other = Driver::new(serve(bare.clone()).await?).await?;
        runner
            .compare_part(
                REQUESTS,
                async |times| ours.run(times).await,
                async |times| other.run(times).await,
            )
            .await?;
    }
    Ok(())
}

async fn serve(app: Router) -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Connections that stay open, each with a tenant of its own.
struct Driver(Vec<Arc<Mutex<Connection>>>);

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Driver {
    async fn new(address: SocketAddr) -> Result<Self, Failure> {
        let mut connections = Vec::new();
        for n in 1..=CONNECTIONS {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            // From all over the cache: neighbours in memory would disturb each other.
            let n = n * u64::from(TENANTS) / CONNECTIONS;
            let request = format!(
                "GET /leads HTTP/1.1\r\nhost: tenant-{n}.crm.example.com\r\naccept: */*\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            // Every answer of one server has the same length, dates included.
            let mut answer = vec![0; 4096];
            let length = stream.read(&mut answer).await?;
            answer.truncate(length);
            if !answer.starts_with(b"HTTP/1.1 200") {
                return Err("the server does not serve".into());
            }
            connections.push(Arc::new(Mutex::new(Connection {
                stream,
                request: request.into(),
                answer,
            })));
        }
        Ok(Self(connections))
    }

    async fn run(&self, times: u64) -> Result<(), Failure> {
        let mut tasks = Vec::new();
        for (n, connection) in (0_u64..).zip(&self.0) {
            let share = times / CONNECTIONS + u64::from(n < times % CONNECTIONS);
            let connection = Arc::clone(connection);
            tasks.push(tokio::spawn(async move {
                let mut connection = connection.lock_owned().await;
                let Connection {
                    stream,
                    request,
                    answer,
                } = &mut *connection;
                for _ in 0..share {
                    stream.write_all(request).await?;
                    stream.read_exact(answer).await?;
                }
                Ok::<_, std::io::Error>(())
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    }
}
