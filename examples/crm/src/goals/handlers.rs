//! Setting a goal, and what it says as JSON. The report page shows it.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{Form, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use super::model::{GoalForm, Member};
use super::store;
use crate::clock;
use crate::db::Db;
use crate::error::AppError;
use crate::html::Shell;
use crate::reports;

/// Members of a team in a report.
pub const TEAM: i64 = 10;

/// A goal as JSON.
#[derive(Debug, Serialize)]
pub struct GoalJson {
    month: String,
    goal: Option<i64>,
    won: i64,
    team: Vec<Member>,
}

/// The body of `PUT /api/reports/goal`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalBody {
    value: i64,
}

/// `POST /reports/goal`
pub async fn set(
    shell: Shell,
    State(db): State<Db>,
    form: Result<Form<GoalForm>, FormRejection>,
) -> Result<Response, AppError> {
    let Form(form) = form?;
    match form.check() {
        Ok(value) => {
            store::set(&db, &clock::month(clock::now()), value).await?;
            Ok(Redirect::to("/reports?done=goal").into_response())
        }
        Err(errors) => reports::handlers::with_goal(shell, &db, form, errors).await,
    }
}

/// `GET /api/reports/goal`: this month's goal, what was won of it, and the team of the last twelve months.
pub async fn one(State(db): State<Db>) -> Result<Json<GoalJson>, AppError> {
    let month = clock::month(clock::now());
    let (_, won) = reports::store::won_in(&db, &month).await?;
    Ok(Json(GoalJson {
        goal: store::of(&db, &month).await?,
        won,
        team: store::team(&db, &since(), TEAM).await?,
        month,
    }))
}

/// `PUT /api/reports/goal`
pub async fn replace(
    State(db): State<Db>,
    body: Result<Json<GoalBody>, JsonRejection>,
) -> Result<Json<GoalJson>, AppError> {
    let Json(GoalBody { value }) = body?;
    let form = GoalForm {
        value: value.to_string(),
    };
    let value = form.check().map_err(AppError::Invalid)?;
    store::set(&db, &clock::month(clock::now()), value).await?;
    one(State(db)).await
}

/// The first of the months that a team is measured by.
pub fn since() -> String {
    let months = clock::months_until(clock::now(), 12);
    months.into_iter().next().unwrap_or_default()
}
