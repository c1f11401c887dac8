//! What a suspension does to connections that are open: server-sent events, WebSockets and streamed bodies end, on real
//! sockets and while nothing else happens; other tenants' go on, and answers that were ready arrive whole.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::FutureExt;
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use tenancy_core::{
    CachedRegistry, InMemoryRegistry, RegistryEvent, TenantContext, TenantId, TenantStatus,
};
use tenancy_http::{Tenancy, TenantLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tower::ServiceExt;

use crate::fixture::{BASE, registry, request};

type Cache = Arc<CachedRegistry<InMemoryRegistry>>;

fn slug_now() -> String {
    TenantContext::with_current(|cx| cx.tenant().slug().to_string())
        .unwrap_or_else(|error| error.to_string())
}

/// One line at once and one for each tick, each naming the tenant in whose context it was made.
fn lines(ticks: broadcast::Receiver<()>) -> impl Stream<Item = String> + Send {
    let later = stream::unfold(ticks, |mut ticks| async {
        ticks.recv().await.ok()?;
        Some((slug_now(), ticks))
    });
    stream::once(async { slug_now() }).chain(later)
}

async fn events(
    State(ticks): State<broadcast::Sender<()>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(lines(ticks.subscribe()).map(|line| Ok(Event::default().data(line))))
}

async fn body(State(ticks): State<broadcast::Sender<()>>) -> Body {
    Body::from_stream(lines(ticks.subscribe()).map(Ok::<_, Infallible>))
}

async fn socket(tenancy: Tenancy, upgrade: WebSocketUpgrade) -> Response {
    let context = tenancy.context().clone();
    upgrade.on_upgrade(move |socket| async move {
        // The callback is in a task of its own: this is what brings the tenant there, and ends with it.
        let _ended = context.while_live(echo(socket)).await;
    })
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            let answer = format!("{} says {}", slug_now(), text.as_str());
            if socket.send(Message::text(answer)).await.is_err() {
                return;
            }
        }
    }
}

struct Server {
    address: SocketAddr,
    cache: Cache,
    ticks: broadcast::Sender<()>,
}

async fn serve() -> Server {
    let cache: Cache = Arc::new(CachedRegistry::new(registry()));
    let (ticks, _) = broadcast::channel(16);
    let app = Router::new()
        .route("/events", get(events))
        .route("/body", get(body))
        .route("/socket", get(socket))
        .layer(TenantLayer::new(Arc::clone(&cache)).subdomain_of(BASE))
        .with_state(ticks.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server {
        address,
        cache,
        ticks,
    }
}

impl Server {
    async fn open(&self, slug: &str, path: &str, headers: &str) -> Client {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: {slug}.{BASE}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        Client {
            stream,
            seen: String::new(),
        }
    }

    /// As another node announces what it did.
    fn suspend(&self, id: &str) {
        let tenant = TenantId::parse(id).unwrap();
        let status = TenantStatus::Suspended;
        let suspended = self.cache.inner().set_status(&tenant, status).unwrap();
        self.cache.apply(RegistryEvent {
            tenant,
            epoch: suspended.epoch(),
            status,
        });
    }
}

struct Client {
    stream: TcpStream,
    seen: String,
}

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    /// Reads on until `wanted` was seen `times` in all.
    async fn sees(&mut self, wanted: &str, times: usize) {
        while self.seen.matches(wanted).count() < times {
            assert!(self.read().await, "{wanted} is not in {:?}", self.seen);
        }
    }

    /// Reads to the end of the connection.
    async fn ends(&mut self) {
        while self.read().await {}
    }

    async fn read(&mut self) -> bool {
        let mut bytes = [0; 1024];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut bytes));
        let length = read.await.expect("the connection stays open").unwrap_or(0);
        self.seen
            .push_str(&String::from_utf8_lossy(&bytes[..length]));
        length > 0
    }
}

async fn a_stream_ends_with_its_tenant(path: &str) {
    let server = serve().await;
    let mut acme = server.open("acme", path, "").await;
    let mut globex = server.open("globex", path, "").await;
    acme.sees("acme", 1).await;
    globex.sees("globex", 1).await;
    server.ticks.send(()).unwrap();
    acme.sees("acme", 2).await;
    globex.sees("globex", 2).await;

    // Nothing is sent and nobody reads: the suspension alone ends it.
    server.suspend("1");
    acme.ends().await;
    assert!(
        !acme.seen.ends_with("0\r\n\r\n"),
        "it broke off and does not look complete: {:?}",
        acme.seen
    );
    assert!(!acme.seen.contains("globex"));
    server.ticks.send(()).unwrap();
    globex.sees("globex", 3).await;
    assert!(!globex.seen.contains("acme"));

    let mut again = server.open("acme", path, "connection: close\r\n").await;
    again.ends().await;
    assert!(again.seen.starts_with("HTTP/1.1 404"), "{:?}", again.seen);
}

#[tokio::test]
async fn server_sent_events_keep_their_tenant_and_end_with_it() {
    a_stream_ends_with_its_tenant("/events").await;
}

#[tokio::test]
async fn streamed_bodies_keep_their_tenant_and_end_with_it() {
    a_stream_ends_with_its_tenant("/body").await;
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A short text frame, masked with zeros as a client's must be masked.
fn text_frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend(text.as_bytes());
    frame
}

#[tokio::test]
async fn web_sockets_keep_their_tenant_and_end_with_it() {
    let server = serve().await;
    let mut acme = server.open("acme", "/socket", UPGRADE).await;
    let mut globex = server.open("globex", "/socket", UPGRADE).await;
    for (client, slug) in [(&mut acme, "acme"), (&mut globex, "globex")] {
        client.sees("101 Switching Protocols", 1).await;
        client.stream.write_all(&text_frame("hello")).await.unwrap();
        client.sees(&format!("{slug} says hello"), 1).await;
    }
    server.suspend("1");
    acme.ends().await;
    globex
        .stream
        .write_all(&text_frame("still here"))
        .await
        .unwrap();
    globex.sees("globex says still here", 1).await;
}

#[tokio::test]
async fn an_answer_that_was_ready_arrives_whole() {
    let registry = registry();
    let suspend = registry.clone();
    // The handler of the account page closes the account: its own answer still arrives.
    let close = async move || {
        suspend
            .set_status(&TenantId::parse("1").unwrap(), TenantStatus::Offboarding)
            .unwrap();
        "goodbye"
    };
    let app = Router::new()
        .route("/", get(close))
        .layer(TenantLayer::new(registry).subdomain_of(BASE));
    let answer = app.oneshot(request("acme.crm.example.com")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "goodbye");
}

#[tokio::test]
async fn a_stream_that_never_waits_is_ended_too() {
    let registry = registry();
    let endless = async || {
        let frames = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(b"row")));
        Body::from_stream(frames)
    };
    let app = Router::new()
        .route("/", get(endless))
        .layer(TenantLayer::new(registry.clone()).subdomain_of(BASE));
    let answer = app.oneshot(request("acme.crm.example.com")).await.unwrap();
    let mut body = answer.into_body();
    for _ in 0..10 {
        assert!(body.frame().await.unwrap().is_ok());
    }
    registry
        .set_status(&TenantId::parse("1").unwrap(), TenantStatus::Suspended)
        .unwrap();
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.frame().await.is_none(), "and nothing after it");
}

#[tokio::test]
async fn a_tenant_that_may_still_be_read_keeps_its_streams() {
    let registry = registry();
    let waiting = async || Body::from_stream(stream::once(pending::<Result<Bytes, Infallible>>()));
    let app = Router::new()
        .route("/", get(waiting))
        .layer(TenantLayer::new(registry.clone()).subdomain_of(BASE));
    let answer = app.oneshot(request("acme.crm.example.com")).await.unwrap();
    let mut read = Box::pin(answer.into_body().collect());
    assert!((&mut read).now_or_never().is_none());
    let id = TenantId::parse("1").unwrap();
    registry.set_status(&id, TenantStatus::ReadOnly).unwrap();
    assert!((&mut read).now_or_never().is_none());
    registry.set_status(&id, TenantStatus::Suspended).unwrap();
    assert!(read.await.is_err());
}
