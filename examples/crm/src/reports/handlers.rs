//! The dashboard and the report page.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::model::{Cohort, cohorts, pipeline};
use super::views::{Dashboard, ReportPage};
use super::{counts, store};
use crate::clock;
use crate::db::Db;
use crate::error::{AppError, FieldErrors};
use crate::goals;
use crate::goals::model::GoalForm;
use crate::goals::views::GoalView;
use crate::html::{Shell, page};
use crate::leads::handlers::Done;
use crate::leads::list::{Filter, ListQuery};
use crate::leads::store as leads;
use crate::tools::Tools;

/// Months on the chart of the report page.
const MONTHS: usize = 18;

/// `GET /`
pub async fn dashboard(
    shell: Shell,
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
) -> Result<Response, AppError> {
    let newest = Filter::of(&ListQuery::default(), 6);
    let counts = counts::of(&tools, &db).await?;
    let recent = leads::page(&db, &newest).await?;
    let activity = leads::latest(&db, 8).await?;
    page(
        StatusCode::OK,
        &Dashboard::new(shell, &counts, &recent, &activity),
    )
}

/// `GET /reports`
pub async fn report(
    shell: Shell,
    State(db): State<Db>,
    Query(query): Query<Done>,
) -> Result<Response, AppError> {
    render(StatusCode::OK, shell.done(&query.done), &db, None).await
}

/// The same page over a goal that could not be set.
pub async fn with_goal(
    shell: Shell,
    db: &Db,
    form: GoalForm,
    errors: FieldErrors,
) -> Result<Response, AppError> {
    render(
        StatusCode::UNPROCESSABLE_ENTITY,
        shell,
        db,
        Some((form, errors)),
    )
    .await
}

async fn render(
    status: StatusCode,
    shell: Shell,
    db: &Db,
    rejected: Option<(GoalForm, FieldErrors)>,
) -> Result<Response, AppError> {
    let steps = pipeline(&leads::totals(db, &Filter::of(&ListQuery::default(), 1)).await?);
    let months = months(db, MONTHS).await?;
    let month = clock::month(clock::now());
    let goal = goals::store::of(db, &month).await?;
    let (_, won) = store::won_in(db, &month).await?;
    let team = goals::store::team(db, &goals::handlers::since(), goals::handlers::TEAM).await?;
    let goal = GoalView::new(&month, goal, won, &team, rejected);
    page(status, &ReportPage::new(shell, &steps, &months, goal))
}

/// What became of the leads that were added in each of the last months.
pub(super) async fn months(db: &Db, count: usize) -> Result<Vec<Cohort>, AppError> {
    let months = clock::months_until(clock::now(), count);
    let since = months.first().map(String::as_str).unwrap_or_default();
    Ok(cohorts(&months, &store::by_month(db, since).await?))
}
