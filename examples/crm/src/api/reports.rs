//! `/api/reports`

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::db::Db;
use crate::error::AppError;
use crate::leads::list::{Filter, ListQuery};
use crate::leads::store;
use crate::reports::model::{Step, pipeline};

/// The pipeline as JSON.
#[derive(Debug, Serialize)]
pub struct PipelineJson {
    total: i64,
    value: i64,
    pipeline: Vec<Step>,
}

/// `GET /api/reports/pipeline`: every status in order, with the number of its leads and their worth in whole euros.
pub async fn by_status(State(db): State<Db>) -> Result<Json<PipelineJson>, AppError> {
    let steps = pipeline(&store::totals(&db, &Filter::of(&ListQuery::default(), 1)).await?);
    Ok(Json(PipelineJson {
        total: steps.iter().map(|step| step.leads).sum(),
        value: steps.iter().map(|step| step.value).sum(),
        pipeline: steps,
    }))
}
