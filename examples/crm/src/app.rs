//! The router: which address leads to which handler, and what every answer carries.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, RawQuery};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use tenancy::TenantRegistry;
use tenancy::http::domains::KnownDomains;
use tenancy::http::limit::{Allowance, LimitLayer, Limits};
use tower::Layer as _;
use tower_http::csrf::CsrfLayer;
use tower_http::trace::TraceLayer;

use crate::db::Db;
use crate::error::AppError;
use crate::identity::rights::{self, Needs, Right};
use crate::identity::{Identity, guard};
use crate::{api, assets, attachments, goals, html, leads, reports, sign_in, tasks, users};

/// What a form adds to the file in it.
const FORM: usize = 16 * 1024;

/// The whole application: pages and JSON of the tenants below `domain`, and what belongs to no tenant on any host.
///
/// # Errors
/// `ApiMisuse` if `domain` is no domain.
pub fn router(
    db: Db,
    registry: Arc<dyn TenantRegistry>,
    identity: Identity,
    domain: &str,
) -> Result<Router, tenancy::Error> {
    let resolve = identity.layer(registry, domain)?;
    let domains = identity.domains(domain)?;
    let group = |routes: Router<Db>, look, send| {
        routes.route_layer(from_fn_with_state(
            Needs::new(&db, look, send),
            rights::check,
        ))
    };
    let tenants = group(work(), Right::Look, Right::Work)
        .merge(group(files(), Right::Look, Right::Work))
        .merge(group(settings(), Right::Look, Right::Manage))
        .merge(group(access(), Right::Manage, Right::Manage))
        .merge(group(own(), Right::Look, Right::Look))
        .layer(from_fn(reports::counts::outdated_by_writes))
        .fallback(async || AppError::NotFound)
        .method_not_allowed_fallback(async || AppError::Unreadable {
            status: StatusCode::METHOD_NOT_ALLOWED,
            detail: "this address does not take that method".to_owned(),
        })
        .layer(from_fn(guard::signed_in))
        .merge(entry())
        .layer(from_fn(guard::within_the_tenant))
        .layer(Extension(identity))
        .layer(Extension(domains))
        .with_state(db);
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .merge(assets::routes())
        // Around the whole router of tenants, since it takes a tenant's path off before a route is chosen.
        .fallback_service(resolve.layer(tenants))
        .layer(CsrfLayer::new())
        .layer(from_fn(html::for_people))
        .layer(map_response(headers))
        .layer(TraceLayer::new_for_http());
    Ok(app)
}

/// What a proxy asks before it gets a certificate, for an address that nobody outside reaches: answered from memory.
pub fn permission(known: KnownDomains) -> Router {
    let answer = async move |RawQuery(query): RawQuery| known.permission(query.as_deref());
    Router::new().route("/allowed-domain", get(answer))
}

/// What is there for somebody who is nobody yet.
fn entry() -> Router<Db> {
    // Checking a password is work, and strangers ask for it: so much of it at a time, and so much in a minute.
    let limits = Limits::new(Allowance::unlimited().rate(60, 60).at_once(4));
    let sign_in = post(sign_in::handlers::sign_in).layer(LimitLayer::new(limits));
    Router::new()
        .route("/sign-in", get(sign_in::handlers::blank).merge(sign_in))
        .route("/sign-out", post(sign_in::handlers::sign_out))
        .route(
            "/invitations/{secret}",
            get(sign_in::handlers::invitation).post(sign_in::handlers::accept),
        )
}

/// Leads: every member sees them, and those who work change them.
fn work() -> Router<Db> {
    Router::new()
        .route("/", get(reports::handlers::dashboard))
        .route(
            "/leads",
            get(leads::handlers::list).post(leads::handlers::add),
        )
        .route("/leads/new", get(leads::handlers::blank))
        .route(
            "/leads/{id}",
            get(leads::handlers::detail).post(leads::handlers::change),
        )
        .route("/leads/{id}/edit", get(leads::handlers::edit))
        .route("/leads/{id}/notes", post(leads::handlers::note))
        .route("/leads/{id}/delete", post(leads::handlers::remove))
        .route("/reports", get(reports::handlers::report))
        .route("/api/leads", get(api::leads::list).post(api::leads::add))
        .route(
            "/api/leads/{id}",
            get(api::leads::one)
                .patch(api::leads::change)
                .delete(api::leads::remove),
        )
        .route("/api/reports/pipeline", get(api::reports::by_status))
}

/// What every member sees, and those who manage the workspace change.
fn settings() -> Router<Db> {
    Router::new()
        .route(
            "/users",
            get(users::handlers::list).post(users::handlers::invite),
        )
        .route("/users/{id}/revoke", post(users::handlers::revoke))
        .route("/reports/goal", post(goals::handlers::set))
        .route(
            "/api/reports/goal",
            get(goals::handlers::one).put(goals::handlers::replace),
        )
}

/// What else gets into the workspace: nothing that others need to see.
fn access() -> Router<Db> {
    Router::new()
        .route(
            "/api/domains",
            get(api::domains::list).post(api::domains::claim),
        )
        .route("/api/domains/{domain}/verify", post(api::domains::verify))
        .route("/api/domains/{domain}", delete(api::domains::release))
        .route(
            "/api/keys",
            get(api::access::keys).post(api::access::add_key),
        )
        .route("/api/keys/{prefix}/rotate", post(api::access::rotate_key))
        .route("/api/keys/{prefix}", delete(api::access::revoke_key))
}

/// What is each user's own: a token can do what they can.
fn own() -> Router<Db> {
    Router::new().route("/api/tokens", post(api::access::token))
}

/// Attachments, imports and exports. An upload may be larger than other requests.
fn files() -> Router<Db> {
    let attach =
        post(attachments::handlers::add).layer(DefaultBodyLimit::max(attachments::LARGEST + FORM));
    let import =
        post(tasks::handlers::import).layer(DefaultBodyLimit::max(tasks::import::LARGEST + FORM));
    Router::new()
        .route("/leads/{id}/attachments", attach)
        .route("/attachments/{id}", get(attachments::handlers::download))
        .route(
            "/attachments/{id}/delete",
            post(attachments::handlers::remove),
        )
        .route("/tasks", get(tasks::handlers::list))
        .route("/tasks/import", import)
        .route("/tasks/export", post(tasks::handlers::export))
        .route("/tasks/{id}", get(tasks::handlers::show))
        .route("/tasks/{id}/file", get(tasks::handlers::file))
        .route("/api/tasks/{id}", get(tasks::handlers::progress))
}

/// What every answer carries: nothing but our own stylesheet and script may load, nobody may frame the page, no cache may keep what
/// one tenant saw.
async fn headers(response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    let mut response = response;
    let sent = response.headers_mut();
    for (name, value) in HEADERS {
        sent.insert(name, HeaderValue::from_static(value));
    }
    sent.append(header::VARY, HeaderValue::from_static("Accept"));
    if !sent.contains_key(header::CACHE_CONTROL) {
        sent.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        );
    }
    response
}
