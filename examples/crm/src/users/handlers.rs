//! The page of users.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::model::InviteForm;
use super::store;
use super::views::UsersPage;
use crate::db::Db;
use crate::error::{AppError, FieldErrors};
use crate::html::{Shell, page};
use crate::leads::handlers::{Done, known};

/// `GET /users`
pub async fn list(
    shell: Shell,
    State(db): State<Db>,
    Query(query): Query<Done>,
) -> Result<Response, AppError> {
    let users = store::all(&db).await?;
    let form = InviteForm {
        role: "sales".to_owned(),
        ..InviteForm::default()
    };
    page(
        StatusCode::OK,
        &UsersPage::new(shell.done(&query.done), &users, form, FieldErrors::new()),
    )
}

/// `POST /users`
pub async fn invite(
    shell: Shell,
    State(db): State<Db>,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(form) = form?;
    let invited = match form.check() {
        Ok(invitation) => store::invite(&db, &invitation).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match invited {
        Ok(()) => Ok(Redirect::to("/users?done=invited").into_response()),
        Err(AppError::Invalid(errors)) => {
            let users = store::all(&db).await?;
            page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &UsersPage::new(shell, &users, form, errors),
            )
        }
        Err(error) => Err(error),
    }
}

/// `POST /users/{id}/revoke`
pub async fn revoke(State(db): State<Db>, Path(id): Path<String>) -> Result<Response, AppError> {
    store::revoke(&db, known(&id)?).await?;
    Ok(Redirect::to("/users?done=revoked").into_response())
}
