//! The statements behind the reports. They only count and add; the rest is arithmetic in `model`.

use super::model::MonthTotal;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// Leads added since a month, by month and status.
pub async fn by_month(db: &Db, since: &str) -> Result<Vec<MonthTotal>, AppError> {
    let months = on_db!(db, pool => sqlx::query_as::<_, MonthTotal>(
        "SELECT created_month AS month, status, count(*) AS leads FROM leads \
         WHERE created_month >= $1 GROUP BY created_month, status",
    )
    .bind(since)
    .fetch_all(pool)
    .await)?;
    Ok(months)
}

/// What was won in one month: how many leads, and their worth together.
pub async fn won_in(db: &Db, month: &str) -> Result<(i64, i64), AppError> {
    let won = on_db!(db, pool => sqlx::query_as::<_, (i64, i64)>(
        "SELECT count(*), CAST(coalesce(sum(value), 0) AS bigint) FROM leads WHERE status = 'won' AND closed_month = $1",
    )
    .bind(month)
    .fetch_one(pool)
    .await)?;
    Ok(won)
}
