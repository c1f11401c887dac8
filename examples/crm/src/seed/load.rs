//! Writes the plan of a tenant into its tables, through the same pool the handlers use.
//!
//! Runs inside the tenant's context. Each batch is one transaction that also notes itself in `seed_batches`, so that a start
//! which was interrupted goes on with the next batch, and a later start does nothing.

use uuid::Uuid;

use super::plan::{self, PlannedLead, PlannedUser};
use super::tenants::Profile;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;
use crate::tables::{ActivityRow, LeadRow, SeedBatch, UserRow};

/// Leads in one transaction.
const BATCH: usize = 40;

/// Adds what is missing of a tenant's demonstration data and says how many leads that were.
pub async fn fill(db: &Db, profile: &Profile) -> Result<usize, AppError> {
    let done: Vec<i64> = on_db!(db, pool => sqlx::query_scalar("SELECT id FROM seed_batches ORDER BY id").fetch_all(pool).await)?;
    let batches = profile.leads.div_ceil(BATCH);
    if done.len() == batches + 1 {
        return Ok(0);
    }
    let now = clock::now();
    if !done.contains(&0) {
        add_users(db, &plan::users(profile, now)).await?;
    }
    let owners: Vec<Uuid> = on_db!(db, pool => sqlx::query_scalar(
        "SELECT id FROM users WHERE status = 'active' AND role <> 'viewer' ORDER BY email",
    )
    .fetch_all(pool)
    .await)?;
    let leads = plan::leads(profile, &owners, now);
    let mut added = 0;
    for (number, batch) in (1_i64..).zip(leads.chunks(BATCH)) {
        if !done.contains(&number) {
            add_leads(db, number, batch).await?;
            added += batch.len();
        }
    }
    Ok(added)
}

async fn add_users(db: &Db, users: &[PlannedUser]) -> Result<(), AppError> {
    let rows: Vec<_> = users.iter().map(user_row).collect();
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        UserRow::insert_many(&rows).execute(&mut tx).await?;
        batch(0).insert().execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

async fn add_leads(db: &Db, number: i64, leads: &[PlannedLead]) -> Result<(), AppError> {
    let rows: Vec<_> = leads.iter().map(lead_row).collect();
    let history: Vec<_> = leads.iter().flat_map(activity_rows).collect();
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        LeadRow::insert_many(&rows).execute(&mut tx).await?;
        ActivityRow::insert_many(&history).execute(&mut tx).await?;
        batch(number).insert().execute(&mut tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

fn batch(number: i64) -> SeedBatch {
    SeedBatch {
        id: number,
        seeded_at: clock::now(),
    }
}

fn user_row(user: &PlannedUser) -> UserRow {
    UserRow {
        id: user.id,
        name: user.name.clone(),
        email: user.email.clone(),
        role: user.role.to_owned(),
        status: user.status.to_owned(),
        invited_at: user.invited_at,
    }
}

fn lead_row(lead: &PlannedLead) -> LeadRow {
    LeadRow {
        id: lead.id,
        name: lead.draft.name.clone(),
        email: lead.draft.email.clone(),
        company: lead.draft.company.clone(),
        status: lead.draft.status,
        value: lead.draft.value,
        owner_id: lead.draft.owner_id,
        search: lead.draft.search(),
        created_at: lead.created_at,
        created_month: clock::month(lead.created_at),
        updated_at: lead.updated_at,
        closed_month: lead.closed_month.clone(),
    }
}

fn activity_rows(lead: &PlannedLead) -> impl Iterator<Item = ActivityRow> {
    lead.history.iter().map(|activity| ActivityRow {
        id: activity.id,
        lead_id: lead.id,
        kind: activity.kind.to_owned(),
        body: activity.body.clone(),
        at: activity.at,
    })
}
