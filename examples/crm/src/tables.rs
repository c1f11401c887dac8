//! The tables as they are stored, a model each. What pages and JSON show of them is in the `model` of each part; reports and
//! searches are statements of their own, in its `store`.

use tenancy::tenant_scoped;
use uuid::Uuid;

use crate::leads::status::Status;

/// Somebody who works in the CRM.
#[tenant_scoped(table = "users")]
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Where the invitation went.
    pub email: String,
    /// One of [`ROLES`](crate::users::model::ROLES).
    pub role: String,
    /// `active`, `invited` or `revoked`.
    pub status: String,
    /// When they were invited.
    pub invited_at: i64,
}

/// A lead.
#[tenant_scoped(table = "leads")]
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LeadRow {
    /// Its id.
    pub id: Uuid,
    /// Whom to talk to.
    pub name: String,
    /// Where to write.
    pub email: String,
    /// Whom they work for; may be empty.
    pub company: String,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    #[tenant(bind_with(|status: &Status| status.as_str(), &'static str))]
    pub status: Status,
    /// What it may be worth, in whole euros.
    pub value: i64,
    /// The user who looks after it.
    #[tenant(belongs_to = UserRow)]
    pub owner_id: Option<Uuid>,
    /// The lower-cased words that free-text search looks through.
    pub search: String,
    /// When it was added.
    pub created_at: i64,
    /// In which month that was.
    pub created_month: String,
    /// When it last changed.
    pub updated_at: i64,
    /// The month in which it was won or lost.
    pub closed_month: Option<String>,
}

/// Something that happened to a lead.
#[tenant_scoped(table = "activities")]
#[derive(Clone, Debug)]
pub struct ActivityRow {
    /// Its id.
    pub id: Uuid,
    /// The lead.
    #[tenant(belongs_to = LeadRow)]
    pub lead_id: Uuid,
    /// `added`, `status` or `note`.
    pub kind: String,
    /// What happened, in words.
    pub body: String,
    /// When.
    pub at: i64,
}

/// A batch of demonstration data that is in.
#[tenant_scoped(table = "seed_batches")]
#[derive(Clone, Debug)]
pub struct SeedBatch {
    /// Its number.
    pub id: i64,
    /// When it came in.
    pub seeded_at: i64,
}
