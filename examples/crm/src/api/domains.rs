//! JSON over the domains of the workspace.

use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::identity::{Domains, Identity};

/// A domain, and the record that proves that it is this workspace's.
#[derive(Debug, Serialize)]
pub struct DomainJson {
    domain: String,
    is_verified: bool,
    record: Record,
}

/// A TXT record.
#[derive(Debug, Serialize)]
struct Record {
    name: String,
    value: String,
}

/// The body of `POST /api/domains`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    domain: String,
}

/// `GET /api/domains`
pub async fn list(
    Extension(identity): Extension<Identity>,
    Extension(domains): Extension<Domains>,
) -> Result<Json<Vec<DomainJson>>, AppError> {
    let mut listed = Vec::new();
    for row in identity.control.domains().await? {
        let challenge = domains.challenge(&row.domain)?;
        listed.push(DomainJson {
            domain: row.domain.to_string(),
            is_verified: row.verified_at.is_some(),
            record: Record {
                name: challenge.name().to_owned(),
                value: challenge.value().to_owned(),
            },
        });
    }
    Ok(Json(listed))
}

/// `POST /api/domains`
pub async fn claim(
    Extension(domains): Extension<Domains>,
    body: Result<Json<ClaimBody>, JsonRejection>,
) -> Result<(StatusCode, Json<DomainJson>), AppError> {
    let Json(body) = body?;
    let (domain, challenge) = domains.claim(&body.domain).await?;
    let json = DomainJson {
        domain: domain.to_string(),
        is_verified: false,
        record: Record {
            name: challenge.name().to_owned(),
            value: challenge.value().to_owned(),
        },
    };
    Ok((StatusCode::CREATED, Json(json)))
}

/// `POST /api/domains/{domain}/verify`
pub async fn verify(
    Extension(domains): Extension<Domains>,
    Path(domain): Path<String>,
) -> Result<StatusCode, AppError> {
    domains.verify(&domain).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/domains/{domain}`
pub async fn release(
    Extension(domains): Extension<Domains>,
    Path(domain): Path<String>,
) -> Result<StatusCode, AppError> {
    domains.release(&domain).await?;
    Ok(StatusCode::NO_CONTENT)
}
