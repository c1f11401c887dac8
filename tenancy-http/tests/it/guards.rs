//! Guards of routes: the right plan, the feature, any tenant at all, and what is said when the layer is missing.

use axum::Router;
use axum::routing::get;
use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug, TenantStatus};
use tenancy_http::{RequireFeature, RequirePlan, RequireTenant, TenantLayer};

use crate::fixture::{BASE, ask, request};

fn registry() -> InMemoryRegistry {
    let registry = InMemoryRegistry::new();
    for (id, slug, plan, features) in [
        ("1", "acme", Some("pro"), &["export"][..]),
        ("2", "globex", Some("free"), &[]),
        ("3", "initech", None, &["exporter"]),
    ] {
        let builder = Tenant::builder(
            TenantId::parse(id).unwrap(),
            TenantSlug::parse(slug).unwrap(),
        )
        .features(features.iter().copied());
        let builder = match plan {
            Some(plan) => builder.plan(plan),
            None => builder,
        };
        registry.insert(builder.build().unwrap()).unwrap();
    }
    registry
}

fn routes() -> Router {
    let ok = || get(async || "ok");
    Router::new()
        .route("/any", ok().layer(RequireTenant::new()))
        .route("/pro", ok().layer(RequirePlan::any_of(["pro", "team"])))
        .route("/export", ok().layer(RequireFeature::new("export")))
}

#[tokio::test]
async fn each_guard_lets_its_tenants_pass() {
    let registry = registry();
    let app = routes().layer(TenantLayer::new(registry.clone()).subdomain_of(BASE));
    let check = async |slug: &str, path: &str, status: u16| {
        let mut request = request(&format!("{slug}.{BASE}"));
        *request.uri_mut() = path.parse().unwrap();
        let seen = ask(&app, request).await;
        assert_eq!(seen.status, status, "{slug} {path}: {seen:?}");
        seen
    };
    for (slug, any, pro, export) in [
        ("acme", 200, 200, 200),
        ("globex", 200, 403, 404),
        ("initech", 200, 403, 404),
    ] {
        check(slug, "/any", any).await;
        check(slug, "/pro", pro).await;
        check(slug, "/export", export).await;
    }
    assert!(
        check("globex", "/pro", 403)
            .await
            .body
            .contains("not part of your plan")
    );
    // A feature that is off is a route that is not there.
    let off = check("globex", "/export", 404).await;
    assert_eq!(off, check("vandelay", "/export", 404).await);
    registry
        .set_status(&TenantId::parse("1").unwrap(), TenantStatus::Suspended)
        .unwrap();
    assert_eq!(check("acme", "/pro", 404).await, off);
}

#[tokio::test]
async fn a_guard_without_the_layer_is_a_mistake_of_the_program() {
    for path in ["/any", "/pro", "/export"] {
        let mut request = request("acme.crm.example.com");
        *request.uri_mut() = path.parse().unwrap();
        let seen = ask(&routes(), request).await;
        assert_eq!(seen.status, 500, "{path}");
        assert!(
            seen.body.contains("misconfigured") && !seen.body.contains("TenantLayer"),
            "{seen:?}"
        );
    }
}
