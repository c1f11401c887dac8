//! Beginning imports and exports, and showing how far they are.

use axum::body::Body;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Json};
use tenancy::object_store::object_store::ObjectStoreExt as _;

use super::import;
use super::jobs::{ExportLeads, ImportLeads};
use super::model::TaskRow;
use super::store;
use super::views::{ListPage, TaskPage};
use crate::attachments::handlers::{one_file, to_save};
use crate::attachments::model::file_name;
use crate::db::Db;
use crate::error::AppError;
use crate::html::{Shell, page};
use crate::leads::handlers::known;
use crate::tools::Tools;

/// `GET /tasks`
pub async fn list(shell: Shell, State(db): State<Db>) -> Result<Response, AppError> {
    let tasks = store::latest(&db, 50).await?;
    page(StatusCode::OK, &ListPage::new(shell, &tasks))
}

/// `POST /tasks/import`
pub async fn import(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, AppError> {
    let (name, bytes) = one_file(form).await?;
    if bytes.len() > import::LARGEST {
        return Err(AppError::Unreadable {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            detail: "a file to import has at most 1 MB; split it".to_owned(),
        });
    }
    let task = store::waiting("import", &file_name(&name));
    tools.files.put(&task.path(), bytes.into()).await?;
    let job = ImportLeads { task: task.id };
    store::begin(&db, &tools.jobs, &task, &job).await?;
    Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response())
}

/// `POST /tasks/export`
pub async fn export(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
) -> Result<Response, AppError> {
    let task = store::waiting("export", "leads.csv");
    let job = ExportLeads { task: task.id };
    store::begin(&db, &tools.jobs, &task, &job).await?;
    Ok(Redirect::to(&format!("/tasks/{}", task.id)).into_response())
}

/// `GET /tasks/{id}`
pub async fn show(
    shell: Shell,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let task = store::one(&db, known(&id)?).await?;
    page(StatusCode::OK, &TaskPage::new(shell, &task))
}

/// `GET /api/tasks/{id}`
pub async fn progress(
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Json<TaskRow>, AppError> {
    Ok(Json(store::one(&db, known(&id)?).await?))
}

/// `GET /tasks/{id}/file`
pub async fn file(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let task = store::one(&db, known(&id)?).await?;
    if task.kind != "export" || task.state != "done" {
        return Err(AppError::NotFound);
    }
    let found = tools.files.get(&task.path()).await?;
    Ok(to_save(&task.title, Body::from_stream(found.into_stream())))
}
