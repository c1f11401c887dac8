//! What axum handlers use: the [`Tenancy`] extractor, and [`Problem`] as an answer.

use std::convert::Infallible;
use std::sync::Arc;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use tenancy_core::{Error, Tenant, TenantContext};

use crate::{Links, Problem};

/// The tenant of the request, as an axum extractor.
///
/// It reads the same task-local context as every other door, so a handler that takes it can be sure that its statements are
/// this tenant's. A handler needs it only to show something of the tenant (its name, its settings): queries don't.
///
/// `Option<Tenancy>` is for routes that serve tenants and the centre alike: `None` where no layer decided.
///
/// # Errors
/// - 500 if no [`TenantLayer`](crate::TenantLayer) is around the route; the log names the layer, the body only says that the
///   service is misconfigured.
/// - 404 if the tenant was suspended after the layer let the request pass.
///
/// # Example: greet a tenant, and forget the layer
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
/// use tenancy_http::{Tenancy, TenantLayer};
/// use tower::ServiceExt;
///
/// async fn hello(tenancy: Tenancy) -> String {
///     format!("hello, {}", tenancy.tenant().slug())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = InMemoryRegistry::new();
/// registry.insert(Tenant::builder(TenantId::parse("42")?, TenantSlug::parse("acme")?).build()?)?;
///
/// let bare = Router::new().route("/", get(hello));
/// let app = bare.clone().layer(TenantLayer::new(registry).subdomain_of("example.com"));
///
/// let request = || Request::get("/").header("host", "acme.example.com").body(Body::empty());
/// assert_eq!(app.oneshot(request()?).await?.status(), StatusCode::OK);
/// assert_eq!(bare.oneshot(request()?).await?.status(), StatusCode::INTERNAL_SERVER_ERROR);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tenancy {
    context: TenantContext,
}

impl Tenancy {
    /// The tenant whose request this is.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        self.context.tenant()
    }

    /// The whole context: for doors that take it as an argument, and to carry it out of the request.
    #[must_use]
    pub fn context(&self) -> &TenantContext {
        &self.context
    }

    fn current() -> Result<Self, Error> {
        let context = TenantContext::current()?;
        context.ensure_live()?;
        Ok(Self { context })
    }
}

impl<S: Sync> FromRequestParts<S> for Tenancy {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::current().map_err(|error| {
            if !error.is_no_tenant() {
                return Problem::from(error);
            }
            tracing::error!(
                "the `Tenancy` extractor found no tenant: add `.layer(TenantLayer::new(registry).subdomain_of(..))` \
                 to the router, after the routes that take it"
            );
            Problem::misconfigured()
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Tenancy {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        match Self::current() {
            Ok(tenancy) => Ok(Some(tenancy)),
            Err(error) if error.is_no_tenant() => Ok(None),
            Err(error) => Err(Problem::from(error)),
        }
    }
}

/// [`Links`] of the request; those of a host of the tenant's own if its path named nobody.
impl<S: Sync> FromRequestParts<S> for Links {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        http::Response::<Vec<u8>>::from(self).map(Body::from)
    }
}
