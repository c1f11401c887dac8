//! JSON over what lets programs in: tokens of a user, API keys and domains of the workspace.

use std::time::Duration;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;

use crate::error::AppError;
use crate::identity::Identity;

/// How long a rotated key works on.
const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// A token that was just made.
#[derive(Debug, Serialize)]
pub struct TokenJson {
    token: String,
    expires_in: u64,
}

/// An API key as it is listed.
#[derive(Debug, Serialize)]
pub struct KeyJson {
    prefix: String,
    created_at: i64,
    last_used_at: Option<i64>,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
}

/// An API key that was just made: the one time that it is shown.
#[derive(Debug, Serialize)]
pub struct NewKeyJson {
    key: String,
    prefix: String,
}

/// `POST /api/tokens`: a token for programs of whoever is signed in.
pub async fn token(Extension(identity): Extension<Identity>) -> Result<Json<TokenJson>, AppError> {
    let token = identity.signer.sign().map_err(tenancy::sqlx::Error::from)?;
    Ok(Json(TokenJson {
        token,
        expires_in: 900,
    }))
}

/// `GET /api/keys`
pub async fn keys(
    Extension(identity): Extension<Identity>,
) -> Result<Json<Vec<KeyJson>>, AppError> {
    let keys = identity.control.keys().await?;
    let keys = keys.into_iter().map(|row| KeyJson {
        prefix: row.prefix,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    });
    Ok(Json(keys.collect()))
}

/// `POST /api/keys`
pub async fn add_key(
    Extension(identity): Extension<Identity>,
) -> Result<(StatusCode, Json<NewKeyJson>), AppError> {
    let key = identity.control.add_key().await?;
    Ok((StatusCode::CREATED, Json(shown(&key))))
}

/// `POST /api/keys/{prefix}/rotate`: another key; the old one works on for a day.
pub async fn rotate_key(
    Extension(identity): Extension<Identity>,
    Path(prefix): Path<String>,
) -> Result<(StatusCode, Json<NewKeyJson>), AppError> {
    let key = identity.control.rotate_key(&prefix, OVERLAP).await?;
    Ok((StatusCode::CREATED, Json(shown(&key))))
}

/// `DELETE /api/keys/{prefix}`
pub async fn revoke_key(
    Extension(identity): Extension<Identity>,
    Path(prefix): Path<String>,
) -> Result<StatusCode, AppError> {
    identity.control.revoke_key(&prefix).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(key: &tenancy::sqlx::registry::ApiKey) -> NewKeyJson {
    NewKeyJson {
        key: key.reveal().to_owned(),
        prefix: key.prefix().to_owned(),
    }
}
