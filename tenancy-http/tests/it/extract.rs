//! The extractor, and problems as axum answers.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tenancy_core::{Error, ErrorKind, TenantContext, TenantStatus};
use tenancy_http::{Problem, Tenancy, TenantLayer};

use crate::fixture::{BASE, ask, layer, registry, request};

async fn whose(tenancy: Tenancy) -> String {
    let current = TenantContext::current().unwrap();
    assert_eq!(tenancy.context().tenant_id(), current.tenant_id());
    format!("{} {}", tenancy.tenant().id(), tenancy.tenant().slug())
}

#[tokio::test]
async fn a_handler_learns_its_tenant() {
    let app = Router::new().route("/", get(whose)).layer(layer());
    assert_eq!(
        ask(&app, request("acme.crm.example.com")).await.body,
        "1 acme"
    );
    assert_eq!(
        ask(&app, request("globex.crm.example.com")).await.body,
        "2 globex"
    );
}

#[tokio::test]
async fn without_the_layer_the_service_is_misconfigured() {
    let app = Router::new().route("/", get(whose));
    let seen = ask(&app, request("acme.crm.example.com")).await;
    assert_eq!(seen.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(seen.headers["content-type"], "application/problem+json");
    assert_eq!(
        seen.body,
        r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the service is misconfigured"}"#
    );
}

#[tokio::test]
async fn an_optional_tenant_is_none_only_where_no_layer_decided() {
    let universal = Router::new().route(
        "/",
        get(async |tenancy: Option<Tenancy>| match tenancy {
            Some(tenancy) => tenancy.tenant().slug().to_string(),
            None => "the centre".to_owned(),
        }),
    );
    assert_eq!(
        ask(&universal, request("crm.example.com")).await.body,
        "the centre"
    );
    let layered = universal.layer(layer());
    assert_eq!(
        ask(&layered, request("acme.crm.example.com")).await.body,
        "acme"
    );
    assert_eq!(ask(&layered, request("crm.example.com")).await.status, 404);
}

#[tokio::test]
async fn a_new_suspension_bites_at_the_next_request() {
    let registry = Arc::new(registry());
    let app = Router::new()
        .route("/", get(whose))
        .layer(TenantLayer::new(Arc::clone(&registry)).subdomain_of(BASE));
    assert_eq!(ask(&app, request("acme.crm.example.com")).await.status, 200);
    let id = tenancy_core::TenantId::parse("1").unwrap();
    registry.set_status(&id, TenantStatus::Suspended).unwrap();
    assert_eq!(
        ask(&app, request("acme.crm.example.com")).await,
        ask(&app, request("vandelay.crm.example.com")).await,
    );
    registry.set_status(&id, TenantStatus::Active).unwrap();
    assert_eq!(ask(&app, request("acme.crm.example.com")).await.status, 200);
}

#[tokio::test]
async fn handlers_return_problems() {
    async fn missing() -> Result<String, Problem> {
        Err(Error::new(ErrorKind::UnknownTenant, "globex is not here"))?
    }
    async fn read_only() -> Result<String, Problem> {
        Err(Error::new(ErrorKind::ReadOnly, "tenant 3 is read-only"))?
    }
    let app = Router::new()
        .route("/", get(missing))
        .route("/write", get(read_only))
        .layer(layer());
    // A row that is not there, below the layer, and a tenant that is not there, at the layer.
    assert_eq!(
        ask(&app, request("acme.crm.example.com")).await,
        ask(&app, request("vandelay.crm.example.com")).await,
    );
    let mut write = request("initech.crm.example.com");
    *write.uri_mut() = "/write".parse().unwrap();
    let seen = ask(&app, write).await;
    assert_eq!(seen.status, StatusCode::LOCKED);
    assert!(!seen.body.contains("tenant 3"));
}
