//! The pages of leads.

use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::list::{Filter, ListQuery};
use super::model::{LeadForm, line};
use super::store;
use super::views::{DetailPage, FormPage, ListPage};
use crate::db::Db;
use crate::error::{AppError, FieldErrors};
use crate::html::{Shell, page};
use crate::tools::Tools;
use crate::{attachments, users};

/// Leads on one page of the list.
const PER_PAGE: i64 = 25;

/// `GET /leads`
pub async fn list(
    shell: Shell,
    State(db): State<Db>,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    let mut filter = Filter::of(&query, PER_PAGE);
    filter.per_page = PER_PAGE;
    let totals = store::totals(&db, &filter).await?;
    let leads = store::page(&db, &filter).await?;
    page(
        StatusCode::OK,
        &ListPage::new(shell.done(&query.done), &filter, &totals, &leads),
    )
}

/// `GET /leads/new`
pub async fn blank(shell: Shell, State(db): State<Db>) -> Result<Response, AppError> {
    let owners = users::store::active(&db).await?;
    page(
        StatusCode::OK,
        &FormPage::new(
            shell,
            None,
            LeadForm::default(),
            &owners,
            FieldErrors::new(),
        ),
    )
}

/// `POST /leads`
pub async fn add(
    shell: Shell,
    State(db): State<Db>,
    form: Result<Form<LeadForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(form) = form?;
    let added = match form.check() {
        Ok(draft) => match users::store::check_owner(&db, None, draft.owner_id).await {
            Ok(()) => Ok(store::add(&db, &draft).await?),
            Err(error) => Err(error),
        },
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match added {
        Ok(id) => Ok(Redirect::to(&format!("/leads/{id}?done=added")).into_response()),
        Err(AppError::Invalid(errors)) => {
            let owners = users::store::active(&db).await?;
            page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &FormPage::new(shell, None, form, &owners, errors),
            )
        }
        Err(error) => Err(error),
    }
}

/// The query part of a page that says what was just done.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    /// The word for it.
    pub done: String,
}

/// `GET /leads/{id}`
pub async fn detail(
    shell: Shell,
    State(db): State<Db>,
    Path(id): Path<String>,
    Query(query): Query<Done>,
) -> Result<Response, AppError> {
    let lead = store::one(&db, known(&id)?).await?;
    let history = store::history(&db, lead.id).await?;
    page(
        StatusCode::OK,
        &DetailPage::new(
            shell.done(&query.done),
            &lead,
            &history,
            String::new(),
            FieldErrors::new(),
        )
        .with_files(&attachments::store::of_lead(&db, lead.id).await?),
    )
}

/// `GET /leads/{id}/edit`
pub async fn edit(
    shell: Shell,
    State(db): State<Db>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let lead = store::one(&db, known(&id)?).await?;
    let owners = users::store::active(&db).await?;
    let form = LeadForm::of(&lead);
    page(
        StatusCode::OK,
        &FormPage::new(shell, Some(&lead), form, &owners, FieldErrors::new()),
    )
}

/// `POST /leads/{id}`
pub async fn change(
    shell: Shell,
    State(db): State<Db>,
    Path(id): Path<String>,
    form: Result<Form<LeadForm>, FormRejection>,
) -> Result<Response, AppError> {
    let lead = store::one(&db, known(&id)?).await?;
    let Form(form) = form?;
    let changed = match form.check() {
        Ok(draft) => match users::store::check_owner(&db, lead.owner_id, draft.owner_id).await {
            Ok(()) => store::change(&db, &lead, &draft).await,
            Err(error) => Err(error),
        },
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match changed {
        Ok(()) => Ok(Redirect::to(&format!("/leads/{}?done=saved", lead.id)).into_response()),
        Err(AppError::Invalid(errors)) => {
            let owners = users::store::active(&db).await?;
            page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &FormPage::new(shell, Some(&lead), form, &owners, errors),
            )
        }
        Err(error) => Err(error),
    }
}

/// A note as somebody typed it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NoteForm {
    /// The note.
    pub body: String,
}

/// `POST /leads/{id}/notes`
pub async fn note(
    shell: Shell,
    State(db): State<Db>,
    Path(id): Path<String>,
    form: Result<Form<NoteForm>, FormRejection>,
) -> Result<Response, AppError> {
    let lead = store::one(&db, known(&id)?).await?;
    let Form(form) = form?;
    let body = line(&form.body);
    let message = match body.chars().count() {
        0 => "Write a note first.",
        1..=1000 => {
            store::note(&db, lead.id, &body).await?;
            return Ok(Redirect::to(&format!("/leads/{}?done=noted", lead.id)).into_response());
        }
        _ => "Use at most 1000 characters.",
    };
    let history = store::history(&db, lead.id).await?;
    let errors = FieldErrors::from([("body", message.to_owned())]);
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        &DetailPage::new(shell, &lead, &history, form.body, errors)
            .with_files(&attachments::store::of_lead(&db, lead.id).await?),
    )
}

/// `POST /leads/{id}/delete`
pub async fn remove(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    store::remove(&db, &tools.jobs, known(&id)?).await?;
    Ok(Redirect::to("/leads?done=deleted").into_response())
}

/// The id in an address; what is no id names nothing.
pub fn known(id: &str) -> Result<Uuid, AppError> {
    Uuid::try_parse(id).map_err(|_| AppError::NotFound)
}
