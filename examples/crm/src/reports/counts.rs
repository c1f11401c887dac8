//! What the dashboard counts, kept until a lead changes.

use axum::Extension;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tenancy::cache::CacheKey;

use super::handlers::months;
use super::model::{Cohort, Step, pipeline};
use super::store;
use crate::clock;
use crate::db::Db;
use crate::error::AppError;
use crate::leads::list::{Filter, ListQuery};
use crate::leads::store as leads;
use crate::tools::Tools;

/// What counts depend on.
pub const LEADS: &str = "leads";

/// The numbers of the dashboard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// The steps of the pipeline.
    pub steps: Vec<Step>,
    /// The last twelve months.
    pub months: Vec<Cohort>,
    /// What was won this month: how many leads, and their worth.
    pub won: (i64, i64),
}

/// The numbers, counted if nobody has since a lead last changed.
pub async fn of(tools: &Tools, db: &Db) -> Result<Counts, AppError> {
    let month = clock::month(clock::now());
    let key = CacheKey::new("dashboard").part(&month).tag(LEADS);
    let counts = tools
        .counts
        .get_or_load(key, async || count(db, &month).await);
    Ok(counts.await?)
}

async fn count(db: &Db, month: &str) -> Result<Counts, AppError> {
    let all = Filter::of(&ListQuery::default(), 1);
    Ok(Counts {
        steps: pipeline(&leads::totals(db, &all).await?),
        months: months(db, 12).await?,
        won: store::won_in(db, month).await?,
    })
}

/// Outdates the counts after every request that may have changed something, whichever handler it went to.
///
/// Such a request is brought to its end in a task of its own: a client who hangs up in the middle must not leave a change
/// behind that the counts don't know of.
pub async fn outdated_by_writes(
    Extension(tools): Extension<Tools>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let work = tenancy::spawn(async move {
        let response = next.run(request).await;
        if !response.status().is_client_error()
            && let Err(error) = tools.counts.invalidate_tag(LEADS).await
        {
            tracing::warn!(%error, "the dashboard's counts may be old for a minute");
        }
        response
    });
    work.map_err(|error| AppError::Database(tenancy::sqlx::Error::from(error).into()))?
        .await
        .map_err(|_| AppError::Stopped)
}
