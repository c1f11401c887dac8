//! Two tenants with everything that can name them (hosts, domains, paths, keys, tokens, sessions), and users of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::{HeaderName, Request, StatusCode};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tenancy_core::{
    Actor, ApiKeyHash, DomainName, Error, InMemoryAudit, InMemoryRegistry, RegistryExt,
    TenantContext, TenantId, TenantSlug,
};
use tenancy_http::{
    ApiKeys, FixedKeys, InMemorySessions, Issuer, Links, Membership, Sessions, TenantLayer,
    TokenKey, Tokens,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::fixture::{BASE, Seen, registry, seen};

pub(crate) const SECRET: &[u8] = b"a secret that only the tests know, 32+";
pub(crate) const ISSUER: &str = "https://id.example.com";

/// `ada` works for acme, `grace` for globex, `both` for both; `mallory` was a member once.
#[derive(Debug)]
struct Members;

impl Membership for Members {
    fn is_member<'a>(&'a self, context: &'a TenantContext) -> BoxFuture<'a, Result<bool, Error>> {
        // Called inside the scope, so a query would run for the right tenant.
        let current = TenantContext::current().map(|current| current.tenant_id());
        assert_eq!(current.unwrap(), context.tenant_id());
        let user = context.actor().id().unwrap_or_default().to_owned();
        let member = matches!(
            (context.tenant().slug().as_str(), user.as_str()),
            ("acme", "ada" | "both") | ("globex", "grace" | "both") | ("umbrella", "ada")
        );
        Box::pin(async move { Ok(member) })
    }
}

/// A service behind the layer with all its sources, that says for whom it runs.
pub(crate) struct People {
    pub(crate) layer: TenantLayer,
    pub(crate) registry: InMemoryRegistry,
    pub(crate) sessions: Sessions,
    pub(crate) audit: InMemoryAudit,
    /// How many requests reached the handler.
    pub(crate) reached: Arc<AtomicUsize>,
}

impl People {
    pub(crate) fn new() -> Self {
        let registry = registry();
        for (id, domain) in [
            ("1", "crm.acme.example"),
            ("2", "crm.globex.example"),
            ("4", "crm.umbrella.example"),
        ] {
            let domain = DomainName::parse(domain).unwrap();
            registry
                .add_domain(&TenantId::parse(id).unwrap(), domain)
                .unwrap();
        }
        for (id, key) in [("1", "tk_acme"), ("2", "tk_globex"), ("4", "tk_umbrella")] {
            registry
                .add_api_key(&TenantId::parse(id).unwrap(), ApiKeyHash::of(key))
                .unwrap();
        }
        let sessions = Sessions::new(InMemorySessions::new());
        let audit = InMemoryAudit::new();
        let key = TokenKey::new("k1", Algorithm::HS256, DecodingKey::from_secret(SECRET)).unwrap();
        let issuer = Issuer::new(ISSUER, "crm", FixedKeys::new([key])).tenant_id_claim("tenant");
        let layer = TenantLayer::new(registry.clone())
            .subdomain_of(BASE)
            .custom_domains()
            .neutral_host("api.crm.example.com")
            .path_prefix("/t")
            .dangerously_trust_header(HeaderName::from_static("x-tenant-id"))
            .api_keys(ApiKeys::new().with_header(HeaderName::from_static("x-api-key")))
            .tokens(Tokens::new([issuer]))
            .sessions(sessions.clone())
            .members(Members)
            .audit(audit.clone());
        Self {
            layer,
            registry,
            sessions,
            audit,
            reached: Arc::default(),
        }
    }

    /// Sends a request through this layer to a service that answers `tenant actor path base`.
    pub(crate) async fn through(&self, layer: &TenantLayer, request: Request<Body>) -> Seen {
        let reached = Arc::clone(&self.reached);
        let handler = service_fn(move |request: Request<Body>| {
            reached.fetch_add(1, Ordering::SeqCst);
            async move {
                let whose = match TenantContext::current() {
                    Ok(cx) => format!("{} {}", cx.tenant().slug(), cx.actor()),
                    Err(_) => "nobody".to_owned(),
                };
                let links = request
                    .extensions()
                    .get::<Links>()
                    .cloned()
                    .unwrap_or_default();
                let body = format!("{whose} {} {}", request.uri(), links.base());
                Ok::<_, std::convert::Infallible>(Response::new(Body::from(body.trim().to_owned())))
            }
        });
        let response = layer.layer(handler).oneshot(request).await.unwrap();
        seen(response.map(Body::new)).await
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Seen {
        self.through(&self.layer, request).await
    }

    /// The cookie that a browser sends after `user` signed in at a tenant.
    pub(crate) async fn cookie(&self, slug: &str, user: &str) -> String {
        let context = self.context(slug).await;
        let set = self.sessions.open(&context, user).await.unwrap();
        let (cookie, attributes) = set.to_str().unwrap().split_once(';').unwrap();
        assert!(
            attributes.contains("HttpOnly") && attributes.contains("Secure"),
            "{attributes}"
        );
        cookie.to_owned()
    }

    pub(crate) async fn context(&self, slug: &str) -> TenantContext {
        let tenant = self
            .registry
            .by_slug(&TenantSlug::parse(slug).unwrap())
            .await
            .unwrap();
        TenantContext::for_request(tenant, Actor::anonymous()).unwrap()
    }
}

/// `METHOD target` with headers, `name: value` each.
pub(crate) fn request(target: &str, headers: &[&str]) -> Request<Body> {
    let mut request = Request::get(target);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(Body::empty()).unwrap()
}

/// The claims of a good token of `ada` for acme, good for a minute.
pub(crate) fn claims(sub: &str, tenant: &str) -> Value {
    json!({ "iss": ISSUER, "aud": "crm", "sub": sub, "tenant": tenant, "exp": get_current_timestamp() + 60 })
}

pub(crate) fn token(claims: &Value) -> String {
    let header = Header {
        kid: Some("k1".to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    encode(&header, claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

pub(crate) fn absent(seen: &Seen) {
    assert_eq!(seen.status, StatusCode::NOT_FOUND, "{seen:?}");
    assert_eq!(
        seen.body, r#"{"type":"about:blank","title":"Not Found","status":404}"#,
        "{seen:?}"
    );
}
