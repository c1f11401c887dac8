//! Uploading, downloading and removing files of a lead.

use axum::Extension;
use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::store;
use crate::db::Db;
use crate::error::AppError;
use crate::leads;
use crate::leads::handlers::known;
use crate::tools::Tools;

/// `POST /leads/{id}/attachments`
pub async fn add(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, AppError> {
    let lead = leads::store::one(&db, known(&id)?).await?;
    let (name, bytes) = one_file(form).await?;
    store::add(&db, &tools.files, lead.id, &name, bytes).await?;
    Ok(Redirect::to(&format!("/leads/{}?done=attached", lead.id)).into_response())
}

/// `GET /attachments/{id}`
pub async fn download(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let row = store::one(&db, known(&id)?).await?;
    let found = store::read(&tools.files, &row).await?;
    Ok(to_save(&row.name, Body::from_stream(found.into_stream())))
}

/// `POST /attachments/{id}/delete`
pub async fn remove(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let lead = store::remove(&db, &tools.files, known(&id)?).await?;
    Ok(Redirect::to(&format!("/leads/{lead}?done=detached")).into_response())
}

/// The one file of a form: its name and its bytes.
pub async fn one_file(
    form: Result<Multipart, MultipartRejection>,
) -> Result<(String, axum::body::Bytes), AppError> {
    let unreadable = |status, detail: String| AppError::Unreadable { status, detail };
    let mut form = form.map_err(|error| unreadable(error.status(), error.body_text()))?;
    let read = |error: axum::extract::multipart::MultipartError| {
        unreadable(error.status(), error.body_text())
    };
    while let Some(field) = form.next_field().await.map_err(read)? {
        if field.name() == Some("file")
            && let Some(name) = field.file_name().map(str::to_owned)
            && !name.is_empty()
        {
            return Ok((name, field.bytes().await.map_err(read)?));
        }
    }
    Err(unreadable(
        StatusCode::UNPROCESSABLE_ENTITY,
        "choose a file first".to_owned(),
    ))
}

/// An answer that a browser saves and never shows: what is in it is somebody's, not ours.
pub fn to_save(name: &str, body: Body) -> Response {
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename*=UTF-8''{encoded}"))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/octet-stream");
    let headers = [
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_TYPE, kind),
    ];
    (headers, body).into_response()
}
