//! What a request can come to when it does not succeed, and how that looks from outside.
//!
//! Every failure is one `application/problem+json` document (RFC 9457); [`crate::html`] turns it into a page for browsers.
//! Another tenant's lead, an unknown id and a text that is no id at all are the same 404.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tenancy::cache::Error as CacheError;
use tenancy::http::Problem;
use tenancy::jobs::Error as JobsError;
use tenancy::object_store::Error as FilesError;
use tenancy::object_store::object_store::Error as StoreError;
use tenancy::sqlx::Error as TenancyError;

/// What is wrong with each field, by the field's name.
pub type FieldErrors = BTreeMap<&'static str, String>;

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// There is nothing by that id for this tenant.
    #[error("there is nothing here")]
    NotFound,
    /// A member whose role does not reach that far.
    #[error("your role does not allow this; ask an administrator of your workspace")]
    Forbidden,
    /// Fields that do not say what they must.
    #[error("some fields need attention")]
    Invalid(FieldErrors),
    /// A body that could not be read at all.
    #[error("{detail}")]
    Unreadable {
        /// The status to answer with.
        status: StatusCode,
        /// What is wrong with the body.
        detail: String,
    },
    /// The framework or the database refused or failed.
    #[error("the statement failed")]
    Database(#[source] sqlx::Error),
    /// What was counted can't be had.
    #[error("the cache failed")]
    Cache(#[from] tenancy::cache::Error),
    /// A file can't be read or written.
    #[error("{}", files_detail(.0))]
    Files(#[from] tenancy::object_store::object_store::Error),
    /// A job can't be sent.
    #[error("the job could not be sent")]
    Jobs(#[from] tenancy::jobs::Error),
    /// The program stopped in the middle.
    #[error("the request was not finished")]
    Stopped,
    /// Work that can't be done just now.
    #[error("the service is busy")]
    Busy,
    /// A page could not be rendered.
    #[error("the page could not be rendered")]
    Page(#[from] askama::Error),
}

impl AppError {
    /// One field, one message.
    pub fn field(name: &'static str, message: &str) -> Self {
        Self::Invalid(FieldErrors::from([(name, message.to_owned())]))
    }

    /// Whether a unique key refused the row.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable { status, .. } => *status,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Page(_) | Self::Stopped => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Cache(error) => cache_status(error),
            Self::Files(error) => files_status(error),
            Self::Jobs(error) => jobs_status(error),
            Self::Database(error) => database_status(error),
        }
    }
}

/// A suspended tenant looks absent, a read-only one says so, a database out of reach is "later"; the rest is our mistake.
fn database_status(error: &sqlx::Error) -> StatusCode {
    if let Some(error) = TenancyError::from_sqlx(error) {
        return tenancy_status(error);
    }
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn tenancy_status(error: &TenancyError) -> StatusCode {
    match error {
        TenancyError::Tenancy(error) => Problem::from(error.kind()).status(),
        TenancyError::BudgetExhausted { .. }
        | TenancyError::TenantBudgetExhausted { .. }
        | TenancyError::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn cache_status(error: &CacheError) -> StatusCode {
    match error {
        CacheError::Tenancy(error) => Problem::from(error.kind()).status(),
        // What could not be loaded knows better why.
        CacheError::Load(source) => source
            .downcast_ref::<AppError>()
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, AppError::status),
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn files_status(error: &StoreError) -> StatusCode {
    match FilesError::from_object_store(error) {
        Some(FilesError::Tenancy(error)) => Problem::from(error.kind()).status(),
        Some(FilesError::Quota { .. }) => StatusCode::INSUFFICIENT_STORAGE,
        _ if matches!(error, StoreError::NotFound { .. }) => StatusCode::NOT_FOUND,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What may be said of a failure about files.
fn files_detail(error: &StoreError) -> &'static str {
    match FilesError::from_object_store(error) {
        Some(FilesError::Quota { .. }) => "there is no room for this file; remove others first",
        _ => "the file is not there",
    }
}

fn jobs_status(error: &JobsError) -> StatusCode {
    match error {
        JobsError::Tenancy(error) => Problem::from(error.kind()).status(),
        JobsError::Outbox(error) => database_status(error),
        JobsError::TooLarge { .. } | JobsError::Encode(_) | JobsError::Config(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Self::NotFound,
            other => Self::Database(other),
        }
    }
}

impl From<TenancyError> for AppError {
    fn from(error: TenancyError) -> Self {
        sqlx::Error::from(error).into()
    }
}

impl From<JsonRejection> for AppError {
    /// A body that is JSON but not what was asked for, or not JSON at all, is 422; a wrong type or size keeps its status.
    fn from(rejection: JsonRejection) -> Self {
        let status = match &rejection {
            JsonRejection::JsonSyntaxError(_) => StatusCode::UNPROCESSABLE_ENTITY,
            other => other.status(),
        };
        Self::Unreadable {
            status,
            detail: rejection.body_text(),
        }
    }
}

impl From<FormRejection> for AppError {
    fn from(rejection: FormRejection) -> Self {
        Self::Unreadable {
            status: rejection.status(),
            detail: rejection.body_text(),
        }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = &self as &dyn std::error::Error, "request failed");
        }
        let title = status.canonical_reason().unwrap_or("Error");
        let mut body = json!({ "type": "about:blank", "title": title, "status": status.as_u16() });
        if let Value::Object(body) = &mut body {
            if status.is_client_error() || status == StatusCode::INSUFFICIENT_STORAGE {
                body.insert("detail".into(), self.to_string().into());
            }
            if let Self::Invalid(fields) = &self {
                body.insert("errors".into(), json!(fields));
            }
        }
        problem(status, body)
    }
}

fn problem(status: StatusCode, body: Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
