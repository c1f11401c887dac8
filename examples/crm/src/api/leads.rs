//! `/api/leads`

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock;
use crate::db::Db;
use crate::error::AppError;
use crate::leads::handlers::known;
use crate::leads::list::{Filter, ListQuery};
use crate::leads::model::{Lead, LeadForm};
use crate::leads::status::Status;
use crate::leads::store;
use crate::tools::Tools;
use crate::users;

/// Leads in one answer unless `limit` says otherwise.
const PER_PAGE: i64 = 100;

/// A lead as JSON.
#[derive(Debug, Serialize)]
pub struct LeadJson {
    id: Uuid,
    name: String,
    email: String,
    company: String,
    status: Status,
    value: i64,
    owner: Option<OwnerJson>,
    created_at: String,
    updated_at: String,
}

/// The owner of a lead as JSON.
#[derive(Debug, Serialize)]
struct OwnerJson {
    id: Uuid,
    name: String,
}

impl From<Lead> for LeadJson {
    fn from(lead: Lead) -> Self {
        Self {
            id: lead.id,
            name: lead.name,
            email: lead.email,
            company: lead.company,
            status: lead.status,
            value: lead.value,
            owner: lead.owner_id.map(|id| OwnerJson {
                id,
                name: lead.owner_name.unwrap_or_default(),
            }),
            created_at: clock::rfc3339(lead.created_at),
            updated_at: clock::rfc3339(lead.updated_at),
        }
    }
}

/// The fields of a body. What is left out keeps its value, or is empty for a new lead.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LeadBody {
    #[serde(deserialize_with = "present")]
    name: Option<String>,
    #[serde(deserialize_with = "present")]
    email: Option<String>,
    #[serde(deserialize_with = "present")]
    company: Option<String>,
    #[serde(deserialize_with = "present")]
    status: Option<String>,
    #[serde(deserialize_with = "present")]
    value: Option<i64>,
    /// `null` takes the owner away.
    #[serde(deserialize_with = "present")]
    owner_id: Option<Option<Uuid>>,
}

/// A field that is there has a value: `null` is no name.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl LeadBody {
    /// Reads the fields of an object; nothing but an object has fields.
    fn read(body: Result<Json<Map<String, Value>>, JsonRejection>) -> Result<Self, AppError> {
        let Json(fields) = body?;
        serde_json::from_value(Value::Object(fields)).map_err(|error| AppError::Unreadable {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: error.to_string(),
        })
    }

    fn over(self, form: LeadForm) -> LeadForm {
        LeadForm {
            name: self.name.unwrap_or(form.name),
            email: self.email.unwrap_or(form.email),
            company: self.company.unwrap_or(form.company),
            status: self.status.unwrap_or(form.status),
            value: self.value.map_or(form.value, |value| value.to_string()),
            owner_id: match self.owner_id {
                None => form.owner_id,
                Some(owner) => owner.map(|id| id.to_string()).unwrap_or_default(),
            },
        }
    }
}

/// `GET /api/leads`: newest first; `status`, `q`, `sort`, `page` and `limit` as on the page.
pub async fn list(
    State(db): State<Db>,
    Query(query): Query<ListQuery>,
) -> Result<Response, AppError> {
    let filter = Filter::of(&query, PER_PAGE);
    let totals = store::totals(&db, &filter).await?;
    let wanted = totals
        .iter()
        .filter(|total| filter.status.is_none_or(|status| status == total.status));
    let found: i64 = wanted.map(|total| total.leads).sum();
    let leads: Vec<LeadJson> = store::page(&db, &filter)
        .await?
        .into_iter()
        .map(LeadJson::from)
        .collect();
    let mut response = Json(leads).into_response();
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-total-count"), found.into());
    Ok(response)
}

/// `POST /api/leads`
pub async fn add(
    State(db): State<Db>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Response, AppError> {
    let draft = LeadBody::read(body)?
        .over(LeadForm::default())
        .check()
        .map_err(AppError::Invalid)?;
    users::store::check_owner(&db, None, draft.owner_id).await?;
    let id = store::add(&db, &draft).await?;
    let lead = LeadJson::from(store::one(&db, id).await?);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/api/leads/{id}"))],
        Json(lead),
    )
        .into_response())
}

/// `GET /api/leads/{id}`
pub async fn one(State(db): State<Db>, Path(id): Path<String>) -> Result<Json<LeadJson>, AppError> {
    Ok(Json(store::one(&db, known(&id)?).await?.into()))
}

/// `PATCH /api/leads/{id}`
pub async fn change(
    State(db): State<Db>,
    Path(id): Path<String>,
    body: Result<Json<Map<String, Value>>, JsonRejection>,
) -> Result<Json<LeadJson>, AppError> {
    let lead = store::one(&db, known(&id)?).await?;
    let draft = LeadBody::read(body)?
        .over(LeadForm::of(&lead))
        .check()
        .map_err(AppError::Invalid)?;
    users::store::check_owner(&db, lead.owner_id, draft.owner_id).await?;
    store::change(&db, &lead, &draft).await?;
    Ok(Json(store::one(&db, lead.id).await?.into()))
}

/// `DELETE /api/leads/{id}`
pub async fn remove(
    State(db): State<Db>,
    Extension(tools): Extension<Tools>,
    Path(id): Path<String>,
) -> Result<StatusCode, AppError> {
    store::remove(&db, &tools.jobs, known(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
