//! What runs before the handlers of a tenant: nobody sees anything but the sign-in page before they signed in, and addresses
//! in answers stay within the tenant's path.

use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tenancy::TenantContext;
use tenancy::http::{Links, Problem};

/// Lets users and API keys pass. Others are shown to the sign-in page, programs a 401.
pub async fn signed_in(request: Request, next: Next) -> Response {
    match TenantContext::with_current(|context| context.actor().is_anonymous()) {
        Ok(false) => next.run(request).await,
        Ok(true) if request.uri().path().starts_with("/api/") => {
            Problem::unauthorized().into_response()
        }
        Ok(true) => Redirect::to("/sign-in").into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Handlers redirect to `/leads`; for a tenant in a path that is `/t/acme/leads`.
pub async fn within_the_tenant(links: Links, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .filter(|path| path.starts_with('/') && !path.starts_with("//") && !links.base().is_empty())
        .map(|path| links.to(path));
    if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
