//! From one service to another over real sockets: who is told, what is believed, and what is not.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use tenancy_core::{
    Actor, InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus,
};
use tenancy_http::propagate::{HEADER, Key, PropagateLayer, Sender, Verifier};
use tenancy_http::{Tenancy, TenantLayer};
use tokio::net::TcpListener;
use tower::{Layer, ServiceExt, service_fn};

use crate::fixture::{ask, registry};

fn key(id: &str) -> Key {
    Key::new(
        id,
        format!("{id}: an example secret of the tests, long enough"),
    )
    .unwrap()
}

fn context(registry: &InMemoryRegistry, slug: &str, actor: Actor) -> TenantContext {
    let tenant: Arc<Tenant> = match tenancy_core::TenantRegistry::peek(
        registry,
        &tenancy_core::LookupKey::Slug(TenantSlug::parse(slug).unwrap()),
    ) {
        tenancy_core::Known::Tenant(tenant) => tenant,
        other => panic!("{other:?}"),
    };
    TenantContext::for_request(tenant, actor).unwrap()
}

/// What the other service saw.
async fn whose(tenancy: Tenancy, headers: HeaderMap) -> String {
    let baggage = headers.contains_key("baggage");
    let (slug, actor) = (tenancy.tenant().slug(), tenancy.context().actor());
    format!("{slug} {actor} baggage={baggage}")
}

/// The service that is asked. Its own address is its audience.
fn service(registry: &InMemoryRegistry, audience: &str, keys: &[&str]) -> Router {
    let verifier = keys.iter().fold(Verifier::new(audience), |verifier, id| {
        verifier.key(key(id))
    });
    let layer = TenantLayer::new(registry.clone())
        .peers(verifier)
        .members_vouched_for();
    Router::new().route("/whose", get(whose)).layer(layer)
}

async fn serve(app: impl FnOnce(SocketAddr) -> Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app(address);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn signed(cx: &TenantContext, sender: &Sender, audience: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let address: Uri = format!("http://{audience}/whose").parse().unwrap();
    cx.sync_scope(|| sender.put(&address, &mut headers))
        .unwrap()
        .unwrap();
    headers
}

fn with(headers: &HeaderMap) -> Request<Body> {
    let mut request = Request::get("/whose").header("host", "billing.internal");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_reqwest_client_carries_the_tenant_to_listed_hosts_only() {
    let registry = registry();
    let known = registry.clone();
    let listed = serve(|at| service(&known, &at.to_string(), &["a"])).await;
    let echo = async |headers: HeaderMap| format!("told={}", headers.contains_key(HEADER));
    let stranger = serve(|_| Router::new().route("/whose", get(echo))).await;
    let sender = Sender::new(key("a")).to_host(&listed.to_string());
    let client = sender.client(reqwest::Client::builder()).unwrap();
    let cx = context(&registry, "acme", Actor::user("u-1"));

    let ask = async |address: SocketAddr| {
        let sent = client
            .get(format!("http://{address}/whose"))
            .header("baggage", "tenant.id=2")
            .send();
        sent.await.unwrap().text().await.unwrap()
    };
    let work = async { (ask(listed).await, ask(stranger).await) };
    let (here, there) = cx.scope(work).await.unwrap();
    assert_eq!(here, "acme user:u-1 baggage=true");
    assert_eq!(there, "told=false");

    // Without a tenant the listed service is not asked at all.
    let refused = client
        .get(format!("http://{listed}/whose"))
        .send()
        .await
        .unwrap_err();
    assert!(
        format!("{refused:?}").contains("no tenant is set"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_redirect_to_another_host_does_not_carry_it() {
    let registry = registry();
    let echo = async |headers: HeaderMap| format!("told={}", headers.contains_key(HEADER));
    let stranger = serve(|_| Router::new().route("/", get(echo))).await;
    let away = async move || Redirect::temporary(&format!("http://{stranger}/"));
    let listed = serve(|_| {
        Router::new()
            .route("/away", get(away))
            .route("/within", get(async || Redirect::temporary("/here")))
            .route("/here", get(echo))
    })
    .await;
    let sender = Sender::new(key("a")).to_host(&listed.to_string());
    let client = sender
        .client(reqwest::Client::builder().redirect(reqwest::redirect::Policy::limited(5)))
        .unwrap();
    let cx = context(&registry, "acme", Actor::anonymous());
    let ask = async |path: &str| {
        let sent = client.get(format!("http://{listed}{path}")).send();
        let answer = cx.scope(sent).await.unwrap().unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, _) = ask("/away").await;
    assert_eq!(
        status,
        StatusCode::TEMPORARY_REDIRECT,
        "handed out, not followed"
    );
    assert_eq!(
        ask("/within").await,
        (StatusCode::OK, "told=true".to_owned())
    );
}

#[tokio::test]
async fn the_tower_layer_does_the_same() {
    let registry = registry();
    let client = service_fn(async |request: Request<Body>| {
        let told = request.headers().get_all(HEADER).iter().count();
        let baggage = request.headers().contains_key("baggage");
        Ok::<_, std::convert::Infallible>((told, baggage))
    });
    let sender = Sender::new(key("a")).to_host("billing.internal");
    let client = PropagateLayer::new(sender).layer(client);
    let ask = |address: &str| {
        // Somebody put a claim of their own on it.
        let request = Request::get(address)
            .header(HEADER, "v1.a.forged.forged")
            .header("baggage", "tenant.id=2");
        client.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let cx = context(&registry, "acme", Actor::anonymous());
    for (address, expect) in [
        ("https://billing.internal/x", (1, true)),
        ("https://BILLING.internal:443/x", (1, true)),
        ("http://billing.internal:80/x", (1, true)),
        ("https://billing.internal:8443/x", (0, false)),
        ("https://billing.internal.evil.org/x", (0, false)),
        ("https://x.billing.internal/x", (0, false)),
        ("https://evil.org/billing.internal", (0, false)),
        ("https://billing.internal@evil.org/", (0, false)),
    ] {
        let seen = cx.scope(ask(address)).await.unwrap().unwrap();
        assert_eq!(seen, expect, "{address}");
    }
    let refused = ask("https://billing.internal/x").await.unwrap_err();
    let refused = refused.downcast::<tenancy_core::Error>().unwrap();
    assert!(refused.is_no_tenant());
    assert_eq!(ask("https://example.org/").await.unwrap(), (0, false));

    registry
        .set_status(&cx.tenant_id(), TenantStatus::Suspended)
        .unwrap();
    let refused = cx
        .scope(ask("https://billing.internal/x"))
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        refused
            .downcast::<tenancy_core::Error>()
            .unwrap()
            .is_suspended()
    );
}

#[tokio::test]
async fn what_is_not_ours_is_not_believed() {
    let registry = registry();
    let app = service(&registry, "billing.internal", &["a", "old"]);
    let cx = context(&registry, "acme", Actor::user("u-1"));
    let sender = |id: &str| {
        Sender::new(key(id))
            .to_host("billing.internal")
            .to_host("other.internal")
    };
    let good = || signed(&cx, &sender("a"), "billing.internal");
    let text = |headers: &HeaderMap| headers[HEADER].to_str().unwrap().to_owned();
    let check = async |headers: &HeaderMap, status: u16, why: &str| {
        let seen = ask(&app, with(headers)).await;
        assert_eq!(seen.status, status, "{why}: {seen:?}");
        assert!(status == 200 || !seen.body.contains("acme"), "{why}");
    };
    check(&good(), 200, "signed with the key of now").await;
    check(
        &signed(&cx, &sender("old"), "billing.internal"),
        200,
        "and the one of before",
    )
    .await;
    check(
        &signed(&cx, &sender("new"), "billing.internal"),
        401,
        "a key nobody knows",
    )
    .await;
    check(
        &signed(&cx, &sender("a"), "other.internal"),
        401,
        "meant for another service",
    )
    .await;

    let once = good();
    check(&once, 200, "the first time").await;
    check(&once, 401, "the second time").await;

    let mut twice = good();
    twice.append(HEADER, good()[HEADER].clone());
    check(&twice, 401, "two claims").await;

    // Every character of it counts, and so does each of its parts.
    let whole = text(&good());
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(&changed).unwrap());
        check(&headers, 401, &format!("changed at {at}")).await;
    }
    let (signed_part, _) = whole.rsplit_once('.').unwrap();
    for forged in [
        signed_part.to_owned(),
        format!("{signed_part}."),
        "v1...".to_owned(),
        String::new(),
        "x".repeat(9_000),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::try_from(forged.clone()).unwrap());
        check(&headers, 401, &forged).await;
    }

    // Baggage and other people's headers name nobody.
    let mut baggage = HeaderMap::new();
    baggage.insert("baggage", HeaderValue::from_static("tenant.id=1"));
    baggage.insert("x-tenant-id", HeaderValue::from_static("1"));
    check(&baggage, 404, "baggage").await;
}

#[tokio::test]
async fn the_registry_has_the_last_word() {
    let registry = registry();
    let app = service(&registry, "billing.internal", &["a"]);
    let sender = Sender::new(key("a")).to_host("billing.internal");
    let cx = context(&registry, "acme", Actor::service("reports"));
    let seen = ask(&app, with(&signed(&cx, &sender, "billing.internal"))).await;
    assert_eq!(seen.body, "acme service:reports baggage=false");

    let late = signed(&cx, &sender, "billing.internal");
    registry
        .set_status(&cx.tenant_id(), TenantStatus::Suspended)
        .unwrap();
    assert_eq!(ask(&app, with(&late)).await.status, 404);
}

#[tokio::test]
async fn a_claim_must_agree_with_the_host() {
    let registry = registry();
    let layer = TenantLayer::new(registry.clone())
        .subdomain_of("crm.example.com")
        .peers(Verifier::new("billing.internal").key(key("a")))
        .members_vouched_for();
    let app = Router::new().route("/whose", get(whose)).layer(layer);
    let sender = Sender::new(key("a")).to_host("billing.internal");
    let cx = context(&registry, "acme", Actor::user("u-1"));
    for (host, status) in [("acme", 200), ("globex", 404)] {
        let headers = signed(&cx, &sender, "billing.internal");
        let request = Request::get("/whose")
            .header("host", format!("{host}.crm.example.com"))
            .header(HEADER, &headers[HEADER])
            .body(Body::empty())
            .unwrap();
        assert_eq!(ask(&app, request).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn peers_without_a_word_about_members_are_a_mistake() {
    let layer = TenantLayer::new(registry()).peers(Verifier::new("billing.internal").key(key("a")));
    assert!(layer.ensure_configured().is_err());
    assert!(layer.members_vouched_for().ensure_configured().is_ok());
}

#[tokio::test]
async fn the_trace_is_signed_too() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let registry = registry();
    let cx = context(&registry, "acme", Actor::anonymous());
    let sender = Sender::new(key("a"))
        .to_host("billing.internal")
        .traceparent(|| Some(TRACE.to_owned()));
    let headers = signed(&cx, &sender, "billing.internal");
    assert_eq!(headers["traceparent"], TRACE);
    let verifier = Verifier::new("billing.internal").key(key("a"));
    let claim = verifier.verify(&headers).unwrap().unwrap();
    assert_eq!(
        (claim.tenant(), claim.traceparent()),
        (TenantId::parse("1").unwrap(), Some(TRACE))
    );
}
