//! What every page shares: its frame, how it is answered, and how a failure looks to a person.

use askama::Template;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use tenancy::http::{Links, Problem, Tenancy};

use crate::assets;
use crate::error::AppError;

/// The frame of a page: whose workspace it is, and what was just done.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The name over the navigation.
    pub workspace: String,
    /// Its first letter, on the badge.
    pub initial: String,
    /// The colour of the workspace, a word the stylesheet knows.
    pub accent: String,
    /// The message on top of the page; empty for none.
    pub done: &'static str,
    /// The address of the stylesheet.
    pub css: &'static str,
    /// The id of whoever is signed in; empty for nobody.
    pub user: String,
    /// What goes before every address of the workspace: empty unless its tenant is in the path.
    pub base: String,
}

/// What a tenant's settings say about its pages.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Look {
    accent: String,
}

impl Default for Look {
    fn default() -> Self {
        let accent = "indigo".to_owned();
        Self { accent }
    }
}

impl Shell {
    /// The same frame with the message for what an address says was done. Unknown words say nothing.
    pub fn done(self, word: &str) -> Self {
        let done = match word {
            "added" => "The lead was added.",
            "saved" => "Your changes were saved.",
            "noted" => "The note was added.",
            "deleted" => "The lead was deleted.",
            "invited" => "The invitation is on its way.",
            "revoked" => "Access was revoked.",
            "goal" => "The goal was set.",
            "attached" => "The file was added.",
            "detached" => "The file was removed.",
            _ => "",
        };
        Self { done, ..self }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Shell {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let tenancy = Tenancy::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let tenant = tenancy.tenant();
        let workspace = tenant.name().to_owned();
        let initial = workspace
            .chars()
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default();
        let Look { accent } = tenant
            .settings()
            .map_err(|error| Problem::from(error).into_response())?;
        Ok(Self {
            workspace,
            initial,
            accent,
            done: "",
            css: assets::css_address(),
            user: tenancy
                .context()
                .actor()
                .id()
                .unwrap_or_default()
                .to_owned(),
            base: Links::from_request_parts(parts, state)
                .await
                .map(|links| links.base().to_owned())
                .unwrap_or_default(),
        })
    }
}

/// Renders a page.
pub fn page(status: StatusCode, template: &impl Template) -> Result<Response, AppError> {
    Ok((status, Html(template.render()?)).into_response())
}

/// A failure for a person.
#[derive(Debug, Template)]
#[template(path = "error.html")]
struct ErrorPage {
    css: &'static str,
    status: u16,
    title: &'static str,
    advice: &'static str,
    /// The address of the dashboard; empty if that is the page that failed.
    way_back: String,
}

/// Answers browsers with a page where programs get a problem document. The status stays.
pub async fn for_people(request: Request, next: Next) -> Response {
    let way_back = way_back(request.uri().path());
    let wants_page = !request.uri().path().starts_with("/api/")
        && request
            .headers()
            .get_all(header::ACCEPT)
            .iter()
            .any(|accept| {
                accept
                    .to_str()
                    .is_ok_and(|accept| accept.contains("text/html"))
            });
    let response = next.run(request).await;
    let status = response.status();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !wants_page || is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (title, advice) = words(status);
    let body = ErrorPage {
        css: assets::css_address(),
        status: status.as_u16(),
        title,
        advice,
        way_back,
    };
    let Ok(body) = body.render() else {
        return response;
    };
    let mut page = (status, Html(body)).into_response();
    if let Some(after) = response.headers().get(header::RETRY_AFTER) {
        page.headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::clone(after));
    }
    page
}

/// The dashboard of the workspace that a path is in.
fn way_back(path: &str) -> String {
    let mut segments = path.split('/');
    let home = match (segments.next(), segments.next(), segments.next()) {
        (Some(""), Some("t"), Some(slug)) if !slug.is_empty() => format!("/t/{slug}/"),
        _ => "/".to_owned(),
    };
    if path.trim_end_matches('/') == home.trim_end_matches('/') {
        String::new()
    } else {
        home
    }
}

fn words(status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (
            "There is nothing here",
            "The page may have moved, or the address may have a typing mistake.",
        ),
        StatusCode::FORBIDDEN => (
            "That is not allowed here",
            "Your role may not reach that far: ask an administrator of your workspace. If it does, try it from there.",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            "That was tried too often",
            "Wait a few minutes, then try again.",
        ),
        StatusCode::LOCKED => (
            "Changes are switched off for the moment",
            "You can go on reading. Try the change again later.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            "Back in a moment",
            "The service is busy. Try again in a few seconds.",
        ),
        status if status.is_client_error() => (
            "That did not work",
            "The request could not be understood. Go back and try again.",
        ),
        _ => (
            "Something went wrong",
            "It is not your fault, and nothing was changed. Try again in a moment.",
        ),
    }
}
