//! The code of `docs/http.md`.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery};
use axum::routing::get;
use sqlx::Sqlite;
use tenancy::http::domains::KnownDomains;
use tenancy::http::{
    ApiKeys, Issuer, Membership, SessionStore, Sessions, TenantLayer, Tokens, TrustedProxies,
};
use tenancy::sqlx::SqlRegistry;
use tenancy::{AuditSink, CachedRegistry, Error};
use tower::Layer as _;

async fn ok() -> &'static str {
    "ok"
}

#[rustfmt::skip]
fn all_sources(
    registry: CachedRegistry<SqlRegistry<Sqlite>>,
    issuer: Issuer,
    store: impl SessionStore,
    members: impl Membership,
    audit: impl AuditSink + 'static,
) -> Result<(), Error> {
    let layer = TenantLayer::new(registry)          // a CachedRegistry in front of one in SQL
        .subdomain_of("crm.example.com")            // acme.crm.example.com
        .custom_domains()                           // crm.acme.org, once verified
        .path_prefix("/t")                          // crm.example.com/t/acme/…
        .api_keys(ApiKeys::new())                   // Authorization: Bearer tk_…
        .tokens(Tokens::new([issuer]))              // Authorization: Bearer eyJ…   (feature `jwt`)
        .sessions(Sessions::new(store))             // __Host-session-{tenant}
        .members(members)                           // is this user still a member?
        .audit(audit);                              // who is told of refusals: the registry in SQL, say
    layer.ensure_configured()?;                     // or every request is answered with 500, and the log says why
    Ok(())
}

#[rustfmt::skip]
fn behind_a_proxy(layer: TenantLayer) -> Result<TenantLayer, Error> {
    let proxies = TrustedProxies::new(["10.0.0.0/8"], |extensions| {
        extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    })?;
    let layer = layer.behind(proxies);
    Ok(layer)
}

#[rustfmt::skip]
fn paths(layer: &TenantLayer, tenants: Router) -> Router {
    let app: Router = Router::new().route("/healthz", get(ok)).fallback_service(layer.layer(tenants));
    app
}

#[rustfmt::skip]
fn certificates(known: KnownDomains) -> Router {
    let answer = async move |RawQuery(query): RawQuery| known.permission(query.as_deref());
    let ask: Router = Router::new().route("/allowed-domain", get(answer));
    ask
}
