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
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        for user in users {
            sqlx::query("INSERT INTO users (id, name, email, role, status, invited_at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(user.id)
                .bind(&user.name)
                .bind(&user.email)
                .bind(user.role)
                .bind(user.status)
                .bind(user.invited_at)
                .execute(&mut tx)
                .await?;
        }
        sqlx::query("INSERT INTO seed_batches (id, seeded_at) VALUES ($1, $2)")
            .bind(0_i64)
            .bind(clock::now())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
    });
    Ok(())
}

async fn add_leads(db: &Db, number: i64, leads: &[PlannedLead]) -> Result<(), AppError> {
    on_db!(db, pool => {
        let mut tx = pool.begin().await?;
        for lead in leads {
            sqlx::query(
                "INSERT INTO leads (id, name, email, company, status, value, owner_id, search, created_at, created_month, \
                 updated_at, closed_month) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(lead.id)
            .bind(&lead.draft.name)
            .bind(&lead.draft.email)
            .bind(&lead.draft.company)
            .bind(lead.draft.status.as_str())
            .bind(lead.draft.value)
            .bind(lead.draft.owner_id)
            .bind(lead.draft.search())
            .bind(lead.created_at)
            .bind(clock::month(lead.created_at))
            .bind(lead.updated_at)
            .bind(&lead.closed_month)
            .execute(&mut tx)
            .await?;
            for activity in &lead.history {
                sqlx::query("INSERT INTO activities (id, lead_id, kind, body, at) VALUES ($1, $2, $3, $4, $5)")
                    .bind(activity.id)
                    .bind(lead.id)
                    .bind(activity.kind)
                    .bind(&activity.body)
                    .bind(activity.at)
                    .execute(&mut tx)
                    .await?;
            }
        }
        sqlx::query("INSERT INTO seed_batches (id, seeded_at) VALUES ($1, $2)")
            .bind(number)
            .bind(clock::now())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
    });
    Ok(())
}
