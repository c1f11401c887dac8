//! The pages of signing in, signing out and accepting an invitation.

use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tenancy::TenantContext;

use super::views::{AcceptPage, SignInPage};
use super::{password, store};
use crate::db::Db;
use crate::error::AppError;
use crate::html::{Shell, page};
use crate::identity::Identity;

/// What somebody typed to sign in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SignInForm {
    email: String,
    password: String,
}

/// What somebody typed to accept an invitation.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AcceptForm {
    password: String,
}

/// `GET /sign-in`
pub async fn blank(shell: Shell) -> Result<Response, AppError> {
    page(
        StatusCode::OK,
        &SignInPage::new(shell, String::new(), false),
    )
}

/// `POST /sign-in`: the same answer, in the same time, for an address that is nobody's and a password that is wrong; and after
/// as many attempts the same 429.
pub async fn sign_in(
    shell: Shell,
    State(db): State<Db>,
    Extension(identity): Extension<Identity>,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(SignInForm { email, password }) = form?;
    let email = email.trim().to_lowercase();
    let context = TenantContext::current().map_err(tenancy::sqlx::Error::from)?;
    // Before anybody is looked up.
    if let Err(problem) = identity.attempts.take(&context, &email) {
        return Ok(problem.into_response());
    }
    let known = match password.len() {
        0..=password::LONGEST if email.len() <= 254 => store::credential(&db, &email).await?,
        _ => None,
    };
    let (user, hash) = known.unzip();
    let typed = password
        .get(..password.len().min(password::LONGEST))
        .unwrap_or_default();
    if !password::matches(typed.to_owned(), hash).await? {
        tracing::info!("sign-in refused");
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            &SignInPage::new(shell, email, true),
        );
    }
    identity.attempts.forgive(&context, &email);
    match user {
        Some(user) => signed_in(&identity, &user.to_string()).await,
        None => Err(AppError::NotFound),
    }
}

/// `POST /sign-out`
pub async fn sign_out(
    Extension(identity): Extension<Identity>,
    headers: HeaderMap,
) -> Result<Response, AppError> {
    let context = TenantContext::current().map_err(tenancy::sqlx::Error::from)?;
    let cookie = identity
        .sessions
        .close(&context, &headers)
        .await
        .map_err(tenancy::sqlx::Error::from)?;
    Ok(with_cookie(cookie, "/sign-in"))
}

/// `GET /invitations/{secret}`
pub async fn invitation(
    shell: Shell,
    State(db): State<Db>,
    Path(secret): Path<String>,
) -> Result<Response, AppError> {
    let (_, name) = store::invited(&db, &secret)
        .await?
        .ok_or(AppError::NotFound)?;
    page(StatusCode::OK, &AcceptPage::new(shell, name, secret, ""))
}

/// `POST /invitations/{secret}`
pub async fn accept(
    shell: Shell,
    State(db): State<Db>,
    Extension(identity): Extension<Identity>,
    Path(secret): Path<String>,
    form: Result<Form<AcceptForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(AcceptForm { password }) = form?;
    let (_, name) = store::invited(&db, &secret)
        .await?
        .ok_or(AppError::NotFound)?;
    let complaint = if password.chars().count() < password::SHORTEST {
        "Use at least 12 characters."
    } else if password.len() > password::LONGEST {
        "Use at most 256 characters."
    } else {
        ""
    };
    if !complaint.is_empty() {
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            &AcceptPage::new(shell, name, secret, complaint),
        );
    }
    let hash = password::hash(password).await?;
    match store::accept(&db, &secret, &hash).await? {
        Some(user) => signed_in(&identity, &user.to_string()).await,
        None => Err(AppError::NotFound),
    }
}

/// Opens a session, always a new one, and shows the dashboard.
async fn signed_in(identity: &Identity, user: &str) -> Result<Response, AppError> {
    let context = TenantContext::current().map_err(tenancy::sqlx::Error::from)?;
    let cookie = identity
        .sessions
        .open(&context, user)
        .await
        .map_err(tenancy::sqlx::Error::from)?;
    Ok(with_cookie(cookie, "/"))
}

fn with_cookie(cookie: HeaderValue, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}
