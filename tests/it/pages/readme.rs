//! The code of `README.md`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use sqlx::Postgres;
use tenancy::sqlx::TenantPool;
use tenancy::tenant_scoped;
use uuid::Uuid;

struct ApiError;

impl From<sqlx::Error> for ApiError {
    fn from(_: sqlx::Error) -> Self {
        Self
    }
}

#[rustfmt::skip]
#[tenant_scoped(table = "leads")]     // no field for the tenant: the column is the framework's business
#[derive(Serialize)]
struct Lead { id: Uuid, name: String, status: String }

// A handler. No tenant in sight, and no way to read another's rows.
async fn list(State(db): State<TenantPool<Postgres>>) -> Result<Json<Vec<Lead>>, ApiError> {
    let open = Lead::filter("status = $1")
        .bind("open")
        .order_by("name")
        .fetch_all(&db)
        .await?;
    // Or any SQL: the pool is an executor of sqlx.
    let all: i64 = sqlx::query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&db)
        .await?;
    tracing::debug!(all, "listed");
    Ok(Json(open))
}
