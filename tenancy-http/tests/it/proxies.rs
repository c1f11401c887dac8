//! The configurations of Caddy and nginx in `docs/proxies`, run by the real programs in front of a real service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use tenancy_core::{DomainName, TenantContext, TenantId};
use tenancy_http::TenantLayer;
use tenancy_http::domains::KnownDomains;
use tokio::net::TcpListener;

use crate::fixture::{BASE, registry};

/// A program of this machine; without it the test says that it was skipped. `cargo xtask test` installs them.
fn program(name: &str) -> Option<PathBuf> {
    let found = [
        "/usr/bin",
        "/usr/sbin",
        "/usr/local/bin",
        "/opt/homebrew/bin",
    ]
    .iter()
    .map(|folder| Path::new(folder).join(name))
    .find(|path| path.exists());
    if found.is_none() {
        eprintln!(
            "SKIPPED: there is no {name} on this machine; `cargo xtask test` installs it where it can"
        );
    }
    found
}

/// Stopped when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn wait_for(port: u16, what: &str) {
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what} does not listen"
        );
        std::thread::yield_now();
    }
}

/// A folder with a self-signed certificate for the base domain, gone after the test.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("tenancy-proxy-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={BASE}"),
            "-addext",
            &format!("subjectAltName=DNS:{BASE},DNS:*.{BASE}"),
        ])
        .args(["-keyout", "wildcard.key", "-out", "wildcard.pem"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    folder
}

/// The service, and beside it what a proxy asks before it gets a certificate.
async fn serve() -> (SocketAddr, SocketAddr) {
    let registry = registry();
    let domain = DomainName::parse("crm.acme.example").unwrap();
    registry
        .add_domain(&TenantId::parse("1").unwrap(), domain.clone())
        .unwrap();
    let known = KnownDomains::new();
    known.replace([domain]);
    let app = Router::new()
        .route(
            "/",
            get(async || {
                TenantContext::current()
                    .unwrap()
                    .tenant()
                    .slug()
                    .to_string()
            }),
        )
        .layer(
            TenantLayer::new(registry)
                .subdomain_of(BASE)
                .custom_domains(),
        );
    let ask = Router::new().route(
        "/allowed-domain",
        get(async move |RawQuery(query): RawQuery| known.permission(query.as_deref())),
    );
    let mut addresses = Vec::new();
    for router in [app, ask] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
    }
    (addresses[0], addresses[1])
}

/// What a client at `host` gets over HTTPS: the status and the body, or nothing if there was no handshake.
async fn curl(port: u16, host: &str, more: &[&str]) -> Option<(u16, String)> {
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--insecure",
            "--max-time",
            "60",
            "--write-out",
            "\n%{http_code}",
        ])
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .args(more)
        .arg(format!("https://{host}:{port}/"));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    Some((status.parse().unwrap(), body.to_owned()))
}

async fn check(port: u16, host: &str, more: &[&str], expect: Option<(u16, &str)>) {
    let found = curl(port, host, more).await;
    let seen = found
        .as_ref()
        .map(|(status, body)| (*status, if *status == 200 { body.as_str() } else { "" }));
    assert_eq!(seen, expect, "{host} {more:?}: {found:?}");
}

/// What holds behind either proxy.
async fn subdomains(port: u16) {
    for http in ["--http1.1", "--http2"] {
        check(port, "acme.crm.example.com", &[http], Some((200, "acme"))).await;
        check(
            port,
            "globex.crm.example.com",
            &[http],
            Some((200, "globex")),
        )
        .await;
        check(port, "ACME.crm.example.com", &[http], Some((200, "acme"))).await;
        check(port, "vandelay.crm.example.com", &[http], Some((404, ""))).await;
        check(port, "umbrella.crm.example.com", &[http], Some((404, ""))).await;
        check(port, "crm.example.com", &[http], Some((404, ""))).await;
        // What a client says about the host it did not ask for.
        for lie in [
            "X-Forwarded-Host: globex.crm.example.com",
            "Forwarded: host=globex.crm.example.com",
        ] {
            check(
                port,
                "acme.crm.example.com",
                &[http, "--header", lie],
                Some((200, "acme")),
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_gets_certificates_for_verified_domains_only() {
    let (Some(caddy), Some(_), Some(_)) = (program("caddy"), program("curl"), program("openssl"))
    else {
        return;
    };
    let (app, ask) = serve().await;
    let folder = folder("caddy");
    let (https, http) = (free_port(), free_port());
    let config = include_str!("../../../docs/proxies/Caddyfile")
        .replace("127.0.0.1:3000", &app.to_string())
        .replace("127.0.0.1:3001", &ask.to_string())
        .replace("/etc/ssl/crm", folder.to_str().unwrap())
        // A certificate of its own instead of one that the world would have to give, on ports of this test.
        .replace("on_demand\n", "on_demand\n\t\tissuer internal\n")
        .replacen(
            "{\n",
            &format!(
                "{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {http}\n\thttps_port {https}\n"
            ),
            1,
        );
    std::fs::write(folder.join("Caddyfile"), config).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let running = Command::new(caddy)
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(folder.join("Caddyfile"))
        .env("XDG_DATA_HOME", &folder)
        .env("XDG_CONFIG_HOME", &folder)
        .env("HOME", &folder)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let running = Running(running.unwrap());
    tokio::task::spawn_blocking(move || wait_for(https, "caddy"))
        .await
        .unwrap();

    subdomains(https).await;
    check(https, "crm.acme.example", &[], Some((200, "acme"))).await;
    check(
        https,
        "crm.acme.example",
        &["--http1.1"],
        Some((200, "acme")),
    )
    .await;
    for stranger in [
        "www.crm.acme.example",
        "crm.globex.example",
        "evil.example",
        "acme.crm.example.com.evil.example",
    ] {
        check(https, stranger, &[], None).await;
    }
    drop(running);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_passes_on_the_host_and_nothing_that_clients_say_about_it() {
    let (Some(nginx), Some(_), Some(_)) = (program("nginx"), program("curl"), program("openssl"))
    else {
        return;
    };
    let (app, _) = serve().await;
    let folder = folder("nginx");
    let https = free_port();
    let servers = include_str!("../../../docs/proxies/nginx.conf")
        .replace("127.0.0.1:3000", &app.to_string())
        .replace("/etc/ssl/crm", folder.to_str().unwrap())
        .replace("listen 443", &format!("listen 127.0.0.1:{https}"));
    // One process, so that ending it ends it all.
    let config = format!(
        "daemon off;\nmaster_process off;\npid pid;\nworker_processes 1;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
         client_body_temp_path b;\nproxy_temp_path p;\nfastcgi_temp_path f;\nuwsgi_temp_path u;\nscgi_temp_path s;\n{servers}}}\n"
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let running = Command::new(nginx)
        .arg("-p")
        .arg(&folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    let running = Running(running.unwrap());
    tokio::task::spawn_blocking(move || wait_for(https, "nginx"))
        .await
        .unwrap();

    subdomains(https).await;
    for stranger in [
        "crm.acme.example",
        "evil.example",
        "acme.crm.example.com.evil.example",
    ] {
        check(https, stranger, &[], None).await;
    }
    // One connection, another host in the request: the host decides, and it must be one of ours.
    check(
        https,
        "acme.crm.example.com",
        &["--header", "Host: globex.crm.example.com"],
        Some((200, "globex")),
    )
    .await;
    check(
        https,
        "acme.crm.example.com",
        &["--http1.1", "--header", "Host: evil.example"],
        Some((404, "")),
    )
    .await;
    drop(running);
    std::fs::remove_dir_all(folder).unwrap();
}
