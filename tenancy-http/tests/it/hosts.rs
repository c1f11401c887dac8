//! Every spelling of a host has one right answer, the same over HTTP/1.1 and HTTP/2. One table.

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tenancy_core::{DomainName, TenantContext, TenantId};
use tenancy_http::TenantLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{BASE, registry};

/// A host as a client may write it, the answer's status, and whose it is. `*` stands for `crm.example.com`.
const TABLE: &[(&str, u16, &str)] = &[
    ("acme.*", 200, "acme"),
    ("globex.*", 200, "globex"),
    ("initech.*", 200, "initech"),
    // Ports, case, the trailing dot.
    ("acme.*:80", 200, "acme"),
    ("acme.*:8443", 200, "acme"),
    ("acme.*:", 200, "acme"),
    ("acme.*:65536", 400, ""),
    ("acme.*:-1", 400, ""),
    ("acme.*:http", 400, ""),
    ("acme.*:80:80", 400, ""),
    ("ACME.CRM.EXAMPLE.COM", 200, "acme"),
    ("Acme.Crm.Example.Com.:443", 200, "acme"),
    ("acme.*.", 200, "acme"),
    ("acme.*..", 400, ""),
    // Custom domains.
    ("crm.acme.example", 200, "acme"),
    ("CRM.ACME.example.:8443", 200, "acme"),
    ("www.crm.acme.example", 404, ""),
    ("acme.example", 404, ""),
    ("xn--mnchen-3ya.example", 200, "globex"),
    // Nested, empty and foreign labels.
    ("www.acme.*", 404, ""),
    ("acme.acme.*", 404, ""),
    ("*", 404, ""),
    ("crm", 404, ""),
    ("com", 404, ""),
    (".*", 400, ""),
    ("acme..*", 400, ""),
    ("..", 400, ""),
    ("acme.*.evil.org", 404, ""),
    ("evilacme.*", 404, ""),
    ("acme.evil*", 404, ""),
    ("acmecrm.example.com", 404, ""),
    ("acme.crm.example.org", 404, ""),
    // Look-alikes: an A-label is no slug, and bytes outside ASCII are no host.
    ("xn--cme-5cd.*", 404, ""),
    ("xn--acme.*", 404, ""),
    ("acme.xn--crm-5cd.example.com", 404, ""),
    // Reserved names, names that are no slug.
    ("www.*", 404, ""),
    ("admin.*", 404, ""),
    ("_acme-challenge.*", 404, ""),
    ("a_cme.*", 404, ""),
    ("-acme.*", 404, ""),
    ("acme-.*", 404, ""),
    ("1.*", 404, ""),
    // Tenants that aren't served.
    ("umbrella.*", 404, ""),
    ("hooli.*", 404, ""),
    ("stark.*", 404, ""),
    ("vandelay.*", 404, ""),
    // Addresses.
    ("127.0.0.1", 404, ""),
    ("127.0.0.1:80", 404, ""),
    ("[::1]", 404, ""),
    ("[::1]:443", 404, ""),
    ("[::ffff:127.0.0.1]", 404, ""),
    ("[::1", 400, ""),
    ("2130706433", 404, ""),
    // Whatever else somebody tries.
    ("user@acme.*", 400, ""),
    ("acme.*@evil.org", 400, ""),
    ("acme.*/", 400, ""),
    ("acme.*#", 400, ""),
    ("acme.*?x", 400, ""),
    ("acme.*,globex.*", 400, ""),
    ("acme.* globex.*", 400, ""),
    ("%61cme.*", 400, ""),
    ("acme%00.*", 400, ""),
    ("acme\\.*", 400, ""),
    ("http://acme.*", 400, ""),
    ("'acme'.*", 400, ""),
];

fn app() -> Router {
    let registry = registry();
    for (id, domain) in [("1", "crm.acme.example"), ("2", "xn--mnchen-3ya.example")] {
        let domain = DomainName::parse(domain).unwrap();
        registry
            .add_domain(&TenantId::parse(id).unwrap(), domain)
            .unwrap();
    }
    let whose = get(async || {
        TenantContext::current()
            .unwrap()
            .tenant()
            .slug()
            .to_string()
    });
    Router::new().route("/", whose).layer(
        TenantLayer::new(registry)
            .subdomain_of(BASE)
            .custom_domains(),
    )
}

async fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app()).await });
    address
}

#[tokio::test]
async fn over_http_1() {
    let address = serve().await;
    for (host, status, whose) in TABLE {
        let host = host.replace('*', BASE);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let found: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert_eq!(found, *status, "{host}: {answer}");
        assert!(answer.ends_with(whose), "{host}: {answer}");
    }
}

#[tokio::test]
async fn over_http_2() {
    let address = serve().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut asked = 0;
    for (host, status, whose) in TABLE {
        let host = host.replace('*', BASE);
        // What is no authority at all can't be sent as one: the library refuses it, on either side.
        let Ok(request) = Request::get(format!("http://{host}/")).body(Empty::<Bytes>::new())
        else {
            continue;
        };
        if request.uri().authority().map(http::uri::Authority::as_str) != Some(&*host) {
            continue;
        }
        client.ready().await.unwrap();
        let Ok(answer) = client.send_request(request).await else {
            continue;
        };
        assert_eq!(answer.status(), *status, "{host}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.ends_with(whose.as_bytes()), "{host}");
        asked += 1;
    }
    assert!(
        asked >= 40,
        "only {asked} of {} could be asked",
        TABLE.len()
    );
}

#[tokio::test]
async fn an_authority_and_a_host_header_must_agree_over_http_2() {
    let address = serve().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for (authority, hosts, status) in [
        ("acme.*", &["acme.*"][..], 200),
        ("acme.*", &["ACME.*.:80"], 200),
        ("acme.*", &["globex.*"], 400),
        ("vandelay.*", &["acme.*"], 400),
        ("acme.*", &["acme.*", "acme.*"], 400),
        ("acme.*", &["acme.*", "globex.*"], 400),
    ] {
        let mut request = Request::get(format!("http://{}/", authority.replace('*', BASE)));
        for host in hosts {
            request = request.header("host", host.replace('*', BASE));
        }
        client.ready().await.unwrap();
        let answer = client
            .send_request(request.body(Empty::<Bytes>::new()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{authority} {hosts:?}");
    }
}

#[tokio::test]
async fn raw_bytes_and_doubled_headers_over_http_1() {
    let address = serve().await;
    let acme = format!("acme.{BASE}");
    let globex = format!("globex.{BASE}");
    for (head, status) in [
        (
            format!("GET / HTTP/1.1\r\nHost: {acme}\r\nHost: {globex}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: {acme}\r\nhost: {acme}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            "GET / HTTP/1.1\r\nHost:\r\n".to_owned(),
            StatusCode::BAD_REQUEST,
        ),
        ("GET / HTTP/1.1\r\n".to_owned(), StatusCode::BAD_REQUEST),
        (
            format!("GET http://{acme}/ HTTP/1.1\r\nHost: {acme}\r\n"),
            StatusCode::OK,
        ),
        (
            format!("GET http://{acme}/ HTTP/1.1\r\nHost: {globex}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET http://{globex}@{acme}/ HTTP/1.1\r\nHost: {acme}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: \u{430}cme.{BASE}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: acme\u{3002}{BASE}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: acme\0.{BASE}\r\n"),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: {}.{BASE}\r\n", "a.".repeat(130)),
            StatusCode::BAD_REQUEST,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: {acme}\r\nX-Forwarded-Host: {globex}\r\n"),
            StatusCode::OK,
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{head}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {}", status.as_u16())),
            "{head:?}: {answer}"
        );
        assert!(
            status != StatusCode::OK || answer.ends_with("acme"),
            "{head:?}: {answer}"
        );
    }
}
