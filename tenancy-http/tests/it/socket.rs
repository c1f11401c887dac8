//! A real server and hand-written bytes: what hyper lets through, the layer must still answer rightly.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use tenancy_core::TenantContext;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::layer;

/// Answers with a body of three frames, the last two of which hyper polls after the handler has returned.
async fn whose() -> Body {
    let rows = futures_util::stream::unfold(0, async |row| {
        tokio::task::yield_now().await;
        let slug = TenantContext::current().map(|context| context.tenant().slug().to_string());
        (row < 3).then(|| (slug.map(|slug| format!("<{slug}>")), row + 1))
    });
    Body::from_stream(rows)
}

async fn serve() -> SocketAddr {
    let app = Router::new()
        .route("/", get(whose))
        .layer(layer())
        .route("/healthz", get(async || "ok"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends these bytes, closes the sending side and reads until the server closes too.
async fn exchange(server: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn check(server: SocketAddr, target: &str, hosts: &[&[u8]], status: u16, tenant: &str) {
    let mut bytes = format!("GET {target} HTTP/1.1\r\nconnection: close\r\n").into_bytes();
    for host in hosts {
        bytes.extend_from_slice(b"Host: ");
        bytes.extend_from_slice(host);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    let sent = String::from_utf8_lossy(&bytes).into_owned();
    let answer = exchange(server, &bytes).await;
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{sent}{answer}"
    );
    let said = answer.matches(&format!("<{tenant}>")).count();
    assert_eq!(said, if status == 200 { 3 } else { 0 }, "{sent}{answer}");
}

#[tokio::test]
async fn spellings_of_one_host_reach_one_tenant() {
    let server = serve().await;
    for host in [
        "acme.crm.example.com",
        "acme.crm.example.com:8443",
        "acme.crm.example.com.",
        "ACME.Crm.Example.COM",
        "ACME.crm.example.com.:8443",
        "   acme.crm.example.com  ",
    ] {
        check(server, "/", &[host.as_bytes()], 200, "acme").await;
    }
    check(server, "/", &[b"globex.crm.example.com"], 200, "globex").await;
}

#[tokio::test]
async fn absolute_targets_and_host_headers_must_agree() {
    let server = serve().await;
    let acme: &[u8] = b"acme.crm.example.com";
    check(server, "http://acme.crm.example.com/", &[acme], 200, "acme").await;
    check(server, "http://acme.crm.example.com/", &[], 200, "acme").await;
    check(
        server,
        "http://acme.crm.example.com:80/",
        &[b"ACME.crm.example.com."],
        200,
        "acme",
    )
    .await;
    check(server, "http://globex.crm.example.com/", &[acme], 400, "").await;
    check(server, "http://vandelay.crm.example.com/", &[acme], 400, "").await;
    check(
        server,
        "http://user@acme.crm.example.com/",
        &[acme],
        400,
        "",
    )
    .await;
}

#[tokio::test]
async fn malformed_hosts_reach_nobody() {
    let server = serve().await;
    let acme: &[u8] = b"acme.crm.example.com";
    let globex: &[u8] = b"globex.crm.example.com";
    let endless = "a".repeat(300);
    for hosts in [
        vec![acme, globex],
        vec![acme, acme],
        vec![],
        vec![b"".as_slice()],
        vec![b"acme.crm.example.com, globex.crm.example.com".as_slice()],
        vec![b"acme..crm.example.com".as_slice()],
        vec![b"user@acme.crm.example.com".as_slice()],
        vec![b"acme.crm.example.com:https".as_slice()],
        vec![b"\xd0\xb0cme.crm.example.com".as_slice()],
        vec![b"acme\0.crm.example.com".as_slice()],
        vec![b"acme.crm.example.com\r globex".as_slice()],
        vec![endless.as_bytes()],
    ] {
        check(server, "/", &hosts, 400, "").await;
    }
    // The next request works.
    check(server, "/", &[acme], 200, "acme").await;
}

#[tokio::test]
async fn hosts_of_nobody_are_absent() {
    let server = serve().await;
    let without_date = |answer: String| {
        answer
            .lines()
            .filter(|line| !line.starts_with("date:"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let mut answers = Vec::new();
    for host in [
        "vandelay",
        "umbrella",
        "hooli",
        "stark",
        "www",
        "a_b",
        "a.b",
        "xn--cme-5cd",
    ] {
        let request =
            format!("GET / HTTP/1.1\r\nHost: {host}.crm.example.com\r\nConnection: close\r\n\r\n");
        answers.push(without_date(exchange(server, request.as_bytes()).await));
    }
    for host in [
        "crm.example.com",
        "[::1]:3000",
        "127.0.0.1",
        "acme.crm.example.com.evil.org",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        answers.push(without_date(exchange(server, request.as_bytes()).await));
    }
    assert!(
        answers[0].starts_with("HTTP/1.1 404 Not Found"),
        "{}",
        answers[0]
    );
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn central_routes_answer_on_any_host() {
    let server = serve().await;
    for host in ["acme.crm.example.com", "evil.org", "127.0.0.1", "a@b"] {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = exchange(server, request.as_bytes()).await;
        assert!(answer.ends_with("ok"), "{answer}");
    }
}

#[tokio::test]
async fn one_connection_may_serve_two_tenants_in_turn() {
    let server = serve().await;
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: acme.crm.example.com\r\n\r\n\
              GET / HTTP/1.1\r\nHost: globex.crm.example.com\r\n\r\n\
              GET / HTTP/1.1\r\nHost: vandelay.crm.example.com\r\nConnection: close\r\n\r\n",
        )
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.matches("<acme>").count(), 3, "{answer}");
    assert_eq!(answer.matches("<globex>").count(), 3, "{answer}");
    assert!(answer.find("<acme>") < answer.find("<globex>"));
    assert!(answer.contains("404 Not Found"), "{answer}");
}
