//! The statements over goals: one that writes a row or replaces it, and one put together of common table expressions. Both
//! are checked while the program is compiled.

use tenancy::statement;

use super::model::Member;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// The goal of a month, in whole euros; `None` if nobody set one.
pub async fn of(db: &Db, month: &str) -> Result<Option<i64>, AppError> {
    let value = on_db!(db, pool => sqlx::query_scalar(statement!("SELECT value FROM goals WHERE month = $1"))
        .bind(month)
        .fetch_optional(pool)
        .await)?;
    Ok(value)
}

/// Sets the goal of a month, or replaces it.
pub async fn set(db: &Db, month: &str, value: i64) -> Result<(), AppError> {
    on_db!(db, pool => sqlx::query(statement!(
        "INSERT INTO goals (month, value, set_at) VALUES ($1, $2, $3) \
         ON CONFLICT (month) DO UPDATE SET value = excluded.value, set_at = excluded.set_at"
    ))
    .bind(month)
    .bind(value)
    .bind(clock::now())
    .execute(pool)
    .await
    .map(|_done| ()))?;
    Ok(())
}

/// Who looks after how many open leads, and what they won since a month; those who won most come first.
pub async fn team(db: &Db, since: &str, rows: i64) -> Result<Vec<Member>, AppError> {
    let team = on_db!(db, pool => sqlx::query_as::<_, Member>(statement!(
        "WITH won AS (
             SELECT owner_id, count(*) AS leads, sum(value) AS worth
             FROM leads WHERE status = 'won' AND closed_month >= $1 GROUP BY owner_id
         ), pending AS (
             SELECT owner_id, count(*) AS leads FROM leads WHERE closed_month IS NULL GROUP BY owner_id
         )
         SELECT u.name, coalesce(p.leads, 0) AS pending, coalesce(w.leads, 0) AS won,
                CAST(coalesce(w.worth, 0) AS bigint) AS worth
         FROM users AS u
         LEFT JOIN won AS w ON w.owner_id = u.id
         LEFT JOIN pending AS p ON p.owner_id = u.id
         WHERE u.status <> 'revoked'
         ORDER BY worth DESC, lower(u.name), u.id LIMIT $2"
    ))
    .bind(since)
    .bind(rows)
    .fetch_all(pool)
    .await)?;
    Ok(team)
}
