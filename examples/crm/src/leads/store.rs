//! The statements over leads. Each is written as if the tenant were alone in the database.

use tenancy::jobs::{Enqueue, JobQueue, Outbox};
use uuid::Uuid;

use super::list::{Filter, Sort};
use super::model::{Activity, Draft, Lead, StatusTotal};
use super::status::Status;
use crate::attachments::model::AttachmentRow;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;
use crate::tables::{ActivityRow, LeadRow};
use crate::tasks::jobs::ForgetFiles;

/// One page of a list, leads with their owners' names; only the order differs.
macro_rules! select_page {
    ($order:literal) => {
        concat!(
            "SELECT l.id, l.name, l.email, l.company, l.status, l.value, l.owner_id, u.name AS owner_name, ",
            "l.created_at, l.updated_at, l.closed_month ",
            "FROM leads AS l LEFT JOIN users AS u ON u.id = l.owner_id ",
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
    let found = on_db!(db, pool => LeadRow::with_owner().and("leads.id = $1").bind(id).fetch_one(pool).await)?;
    Ok(Lead::from(found))
}

/// What happened to a lead, newest first.
pub async fn history(db: &Db, id: Uuid) -> Result<Vec<Activity>, AppError> {
    let found = on_db!(db, pool => ActivityRow::with_lead()
        .and("activities.lead_id = $1")
        .bind(id)
        .order_by(ActivityRow::AT.desc())
        .page(100)
        .fetch_all(pool)
        .await)?;
    Ok(found.into_iter().map(Activity::from).collect())
}

/// What happened last, to any lead.
pub async fn latest(db: &Db, rows: u64) -> Result<Vec<Activity>, AppError> {
    let found = on_db!(db, pool => ActivityRow::with_lead()
        .order_by(ActivityRow::AT.desc())
        .page(rows)
        .fetch_all(pool)
        .await)?;
    Ok(found.into_iter().map(Activity::from).collect())
}

/// Adds a lead, and that it was added to its history: both or neither.
pub async fn add(db: &Db, draft: &Draft) -> Result<Uuid, AppError> {
    let (lead, added) = fresh(draft, "Added to the pipeline");
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        lead.insert().execute(&mut tx).await?;
        added.insert().execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(lead.id)
}

/// A new lead, and how its history begins.
pub fn fresh(draft: &Draft, how: &str) -> (LeadRow, ActivityRow) {
    let (id, at) = (Uuid::now_v7(), clock::now());
    let lead = LeadRow {
        id,
        name: draft.name.clone(),
        email: draft.email.clone(),
        company: draft.company.clone(),
        status: draft.status,
        value: draft.value,
        owner_id: draft.owner_id,
        search: draft.search(),
        created_at: at,
        created_month: clock::month(at),
        updated_at: at,
        closed_month: closed_month(draft.status, None, at),
    };
    (lead, activity(id, "added", how.to_owned(), at))
}

/// Changes a lead, and notes a new status in its history: both or neither.
pub async fn change(db: &Db, before: &Lead, draft: &Draft) -> Result<(), AppError> {
    let at = clock::now();
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        let stored = LeadRow::find(before.id).fetch_one(&mut tx).await?;
        let lead = LeadRow {
            name: draft.name.clone(),
            email: draft.email.clone(),
            company: draft.company.clone(),
            status: draft.status,
            value: draft.value,
            owner_id: draft.owner_id,
            search: draft.search(),
            updated_at: at,
            closed_month: closed_month(draft.status, before.closed_month.clone(), at),
            ..stored
        };
        lead.update().execute(&mut tx).await?;
        if before.status != draft.status {
            let words = format!("{} → {}", before.status.label(), draft.status.label());
            activity(before.id, "status", words, at).insert().execute(&mut tx).await?;
        }
        tx.commit().await?;
    });
    Ok(())
}

/// Writes a note into a lead's history.
pub async fn note(db: &Db, id: Uuid, body: &str) -> Result<(), AppError> {
    let note = activity(id, "note", body.to_owned(), clock::now());
    on_db!(db, pool => note.insert().execute(pool).await)?;
    Ok(())
}

/// Removes a lead with its history and the list of its files, and sends a job that removes those: all of it or nothing.
pub async fn remove(db: &Db, jobs: &JobQueue, id: Uuid) -> Result<(), AppError> {
    on_db!(db, pool => {
        let outbox = Outbox::new(jobs.clone(), pool.clone())?;
        let mut tx = pool.begin().await?;
        AttachmentRow::delete_where("lead_id = $1").bind(id).execute(&mut tx).await?;
        ActivityRow::delete_where("lead_id = $1").bind(id).execute(&mut tx).await?;
        LeadRow::delete(id).execute(&mut tx).await?;
        outbox.enqueue(&mut tx, &ForgetFiles { lead: id }, Enqueue::new()).await?;
        outbox.commit(tx).await?;
    });
    Ok(())
}

fn activity(lead_id: Uuid, kind: &str, body: String, at: i64) -> ActivityRow {
    ActivityRow {
        id: Uuid::now_v7(),
        lead_id,
        kind: kind.to_owned(),
        body,
        at,
    }
}

/// The month a lead closed: kept while it stays closed, this month if it closes now, none while it is open.
fn closed_month(status: Status, before: Option<String>, at: i64) -> Option<String> {
    if status.is_closed() {
        before.or_else(|| Some(clock::month(at)))
    } else {
        None
    }
}
