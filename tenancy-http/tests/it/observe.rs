//! What operators see: the tenant on every line below the layer, and the reason of every refusal.

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use tenancy_core::ErrorKind;
use tenancy_http::{Tenancy, TenantLayer};
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, Level};
use tracing_subscriber::fmt::MakeWriter;

use crate::fixture::{BASE, Failing, ask, layer, request};

/// Collects log lines.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs a future with a subscriber of its own and returns what it logged.
async fn logged<F: Future>(future: F) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_writer(log.clone())
        .finish();
    future.with_subscriber(subscriber).await;
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

async fn chatty() -> &'static str {
    tokio::task::yield_now().await;
    tracing::info!("in the handler");
    "done"
}

#[tokio::test]
async fn lines_below_the_layer_carry_the_tenant() {
    let app = Router::new().route("/", get(chatty)).layer(layer());

    let alone = logged(ask(&app, request("acme.crm.example.com"))).await;
    assert!(
        alone.contains("tenant{tenant.id=1}: it::observe: in the handler"),
        "{alone}"
    );

    // A request span that declares the field gets it, and is not repeated by one of ours.
    let span = || tracing::info_span!("request", tenant.id = tracing::field::Empty);
    let below = logged(async {
        ask(&app, request("globex.crm.example.com"))
            .instrument(span())
            .await;
    })
    .await;
    assert!(
        below.contains("request{tenant.id=2}: it::observe: in the handler"),
        "{below}"
    );
    assert!(!below.contains("tenant{"), "{below}");
}

#[tokio::test]
async fn refusals_are_loud_inside() {
    let app = Router::new().route("/", get(chatty)).layer(layer());
    let check = async |host: &str, expect: &[&str]| {
        let log = logged(ask(&app, request(host))).await;
        for expect in expect {
            assert!(log.contains(expect), "{host}: {expect} is not in {log}");
        }
    };
    check(
        "vandelay.crm.example.com",
        &["INFO", "UnknownTenant", "vandelay"],
    )
    .await;
    check("umbrella.crm.example.com", &["WARN", "Suspended"]).await;
    check("acme.evil.org", &["INFO", "acme.evil.org", "Foreign"]).await;
    check("a@crm.example.com", &["INFO", "userinfo"]).await;
    check("www.crm.example.com", &["INFO", "www.crm.example.com"]).await;

    let failing = TenantLayer::new(Failing(ErrorKind::RegistryUnavailable)).subdomain_of(BASE);
    let app = Router::new().route("/", get(chatty)).layer(failing);
    let log = logged(ask(&app, request("acme.crm.example.com"))).await;
    assert!(
        log.contains("ERROR") && log.contains("db-7.internal"),
        "{log}"
    );
}

#[tokio::test]
async fn mistakes_in_the_program_name_the_remedy() {
    let bare = Router::new().route("/", get(async |_: Tenancy| "never"));
    let log = logged(ask(&bare, request("acme.crm.example.com"))).await;
    assert!(
        log.contains("ERROR") && log.contains("TenantLayer::new(registry)"),
        "{log}"
    );

    let log = logged(async {
        let layer = layer().subdomain_of("https://example.com");
        ask(&bare.clone().layer(layer), request("acme.crm.example.com")).await;
    })
    .await;
    assert!(
        log.contains("ERROR") && log.contains("https://example.com"),
        "{log}"
    );
}
