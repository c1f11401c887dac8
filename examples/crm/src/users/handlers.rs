//! The page of users.

use axum::Extension;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use tenancy::TenantContext;

use super::model::InviteForm;
use super::store;
use super::views::UsersPage;
use crate::db::Db;
use crate::error::{AppError, FieldErrors};
use crate::html::{Shell, page};
use crate::identity::Identity;
use crate::leads::handlers::{Done, known};
use crate::sign_in;

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
    headers: HeaderMap,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(form) = form?;
    let invited = match form.check() {
        Ok(invitation) => store::invite(&db, &invitation)
            .await
            .map(|()| invitation.email),
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match invited {
        Ok(email) => {
            let secret = sign_in::store::invitation(&db, &email).await?;
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default();
            let link = format!("//{host}{}/invitations/{secret}", shell.base);
            let users = store::all(&db).await?;
            let shown = UsersPage::new(shell, &users, InviteForm::default(), FieldErrors::new());
            page(StatusCode::CREATED, &shown.with_link(link))
        }
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
pub async fn revoke(
    State(db): State<Db>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Result<Response, AppError> {
    let id = known(&id)?;
    let context = TenantContext::current().map_err(tenancy::sqlx::Error::from)?;
    if context.actor().id() == Some(&id.to_string()) {
        return Err(AppError::Unreadable {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: "nobody can revoke their own access".to_owned(),
        });
    }
    store::revoke(&db, id).await?;
    sign_in::store::forget(&db, id).await?;
    identity
        .sessions
        .close_all(&context, &id.to_string())
        .await
        .map_err(tenancy::sqlx::Error::from)?;
    Ok(Redirect::to("/users?done=revoked").into_response())
}
