//! The statements over leads. Each is written as if the tenant were alone in the database.

use uuid::Uuid;

use super::list::{Filter, Sort};
use super::model::{Activity, Draft, Lead, StatusTotal};
use super::status::Status;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// A lead with its owner's name; what follows the join differs.
macro_rules! select_lead {
    ($($tail:literal),+) => {
        concat!(
            "SELECT l.id, l.name, l.email, l.company, l.status, l.value, l.owner_id, u.name AS owner_name, ",
            "l.created_at, l.updated_at, l.closed_month ",
            "FROM leads AS l LEFT JOIN users AS u ON u.id = l.owner_id ",
            $($tail),+
        )
    };
}

/// One page of a list; only the order differs.
macro_rules! select_page {
    ($order:literal) => {
        select_lead!(
            "WHERE ($1 = '' OR l.status = $1) AND ($2 = '' OR l.search LIKE $2 ESCAPE '!') ORDER BY ",
            $order,
            " LIMIT $3 OFFSET $4"
        )
    };
}

/// One page of leads.
pub async fn page(db: &Db, filter: &Filter) -> Result<Vec<Lead>, AppError> {
    let sql = match filter.sort {
        Sort::Newest => select_page!("l.created_at DESC, l.id DESC"),
        Sort::Oldest => select_page!("l.created_at, l.id"),
        Sort::Name => select_page!("lower(l.name), l.id"),
        Sort::Company => select_page!("lower(l.company), lower(l.name), l.id"),
        Sort::Value => select_page!("l.value DESC, l.id"),
    };
    let leads = on_db!(db, pool => sqlx::query_as::<_, Lead>(sql)
        .bind(filter.status_text())
        .bind(filter.pattern())
        .bind(filter.per_page)
        .bind(filter.offset())
        .fetch_all(pool)
        .await)?;
    Ok(leads)
}

/// How many leads of each status the free text of a filter finds; statuses without a lead are not listed.
pub async fn totals(db: &Db, filter: &Filter) -> Result<Vec<StatusTotal>, AppError> {
    let totals = on_db!(db, pool => sqlx::query_as::<_, StatusTotal>(
        "SELECT l.status, count(*) AS leads, CAST(coalesce(sum(l.value), 0) AS bigint) AS value FROM leads AS l \
         WHERE ($1 = '' OR l.search LIKE $1 ESCAPE '!') GROUP BY l.status",
    )
    .bind(filter.pattern())
    .fetch_all(pool)
    .await)?;
    Ok(totals)
}

/// One lead.
pub async fn one(db: &Db, id: Uuid) -> Result<Lead, AppError> {
    let lead = on_db!(db, pool => sqlx::query_as::<_, Lead>(select_lead!("WHERE l.id = $1"))
        .bind(id)
        .fetch_one(pool)
        .await)?;
    Ok(lead)
}

/// What happened to a lead, newest first.
pub async fn history(db: &Db, id: Uuid) -> Result<Vec<Activity>, AppError> {
    let activities = on_db!(db, pool => sqlx::query_as::<_, Activity>(
        "SELECT a.lead_id, l.name AS lead_name, a.kind, a.body, a.at FROM activities AS a \
         JOIN leads AS l ON l.id = a.lead_id WHERE a.lead_id = $1 ORDER BY a.at DESC, a.id DESC LIMIT 100",
    )
    .bind(id)
    .fetch_all(pool)
    .await)?;
    Ok(activities)
}

/// What happened last, to any lead.
pub async fn latest(db: &Db, limit: i64) -> Result<Vec<Activity>, AppError> {
    let activities = on_db!(db, pool => sqlx::query_as::<_, Activity>(
        "SELECT a.lead_id, l.name AS lead_name, a.kind, a.body, a.at FROM activities AS a \
         JOIN leads AS l ON l.id = a.lead_id ORDER BY a.at DESC, a.id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await)?;
    Ok(activities)
}

/// Adds a lead, and that it was added to its history: both or neither.
pub async fn add(db: &Db, draft: &Draft) -> Result<Uuid, AppError> {
    let (id, at) = (Uuid::now_v7(), clock::now());
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        sqlx::query(
            "INSERT INTO leads (id, name, email, company, status, value, owner_id, search, created_at, created_month, \
             updated_at, closed_month) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(id)
        .bind(&draft.name)
        .bind(&draft.email)
        .bind(&draft.company)
        .bind(draft.status.as_str())
        .bind(draft.value)
        .bind(draft.owner_id)
        .bind(draft.search())
        .bind(at)
        .bind(clock::month(at))
        .bind(at)
        .bind(closed_month(draft.status, None, at))
        .execute(&mut tx)
        .await?;
        sqlx::query("INSERT INTO activities (id, lead_id, kind, body, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(Uuid::now_v7())
            .bind(id)
            .bind("added")
            .bind("Added to the pipeline")
            .bind(at)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
    });
    Ok(id)
}

/// Changes a lead, and notes a new status in its history: both or neither.
pub async fn change(db: &Db, before: &Lead, draft: &Draft) -> Result<(), AppError> {
    let at = clock::now();
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        let changed = sqlx::query(
            "UPDATE leads SET name = $2, email = $3, company = $4, status = $5, value = $6, owner_id = $7, search = $8, \
             updated_at = $9, closed_month = $10 WHERE id = $1",
        )
        .bind(before.id)
        .bind(&draft.name)
        .bind(&draft.email)
        .bind(&draft.company)
        .bind(draft.status.as_str())
        .bind(draft.value)
        .bind(draft.owner_id)
        .bind(draft.search())
        .bind(at)
        .bind(closed_month(draft.status, before.closed_month.clone(), at))
        .execute(&mut tx)
        .await?
        .rows_affected();
        if changed == 0 {
            return Err(AppError::NotFound);
        }
        if before.status != draft.status {
            sqlx::query("INSERT INTO activities (id, lead_id, kind, body, at) VALUES ($1, $2, $3, $4, $5)")
                .bind(Uuid::now_v7())
                .bind(before.id)
                .bind("status")
                .bind(format!("{} → {}", before.status.label(), draft.status.label()))
                .bind(at)
                .execute(&mut tx)
                .await?;
        }
        tx.commit().await?;
    });
    Ok(())
}

/// Writes a note into a lead's history.
pub async fn note(db: &Db, id: Uuid, body: &str) -> Result<(), AppError> {
    on_db!(db, pool => sqlx::query("INSERT INTO activities (id, lead_id, kind, body, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(Uuid::now_v7())
        .bind(id)
        .bind("note")
        .bind(body)
        .bind(clock::now())
        .execute(pool)
        .await
        .map(|_| ()))?;
    Ok(())
}

/// Removes a lead and its history: both or neither.
pub async fn remove(db: &Db, id: Uuid) -> Result<(), AppError> {
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        sqlx::query("DELETE FROM activities WHERE lead_id = $1").bind(id).execute(&mut tx).await?;
        let removed = sqlx::query("DELETE FROM leads WHERE id = $1").bind(id).execute(&mut tx).await?.rows_affected();
        if removed == 0 {
            return Err(AppError::NotFound);
        }
        tx.commit().await?;
    });
    Ok(())
}

/// The month a lead closed: kept while it stays closed, this month if it closes now, none while it is open.
fn closed_month(status: Status, before: Option<String>, at: i64) -> Option<String> {
    if status.is_closed() {
        before.or_else(|| Some(clock::month(at)))
    } else {
        None
    }
}
