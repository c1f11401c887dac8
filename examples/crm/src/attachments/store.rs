//! Adding, listing, reading and removing files of a lead.

use axum::body::Bytes;
use sqlx::Error::RowNotFound;
use tenancy::object_store::object_store::{GetResult, ObjectStoreExt as _};
use uuid::Uuid;

use super::model::{AttachmentRow, file_name};
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;
use crate::tools::Files;

/// Adds a file to a lead: the bytes first, so that there is no row without them.
pub async fn add(
    db: &Db,
    files: &Files,
    lead: Uuid,
    name: &str,
    bytes: Bytes,
) -> Result<Uuid, AppError> {
    let row = AttachmentRow {
        id: Uuid::now_v7(),
        lead_id: lead,
        name: file_name(name),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        added_at: clock::now(),
    };
    files.put(&row.path(), bytes.into()).await?;
    let added = on_db!(db, pool => row.insert().execute(pool).await.map(|_done| ()));
    if let Err(error) = added {
        files.delete(&row.path()).await?;
        return Err(error.into());
    }
    Ok(row.id)
}

/// The files of a lead, newest first.
pub async fn of_lead(db: &Db, lead: Uuid) -> Result<Vec<AttachmentRow>, AppError> {
    let rows = on_db!(db, pool => AttachmentRow::filter("lead_id = $1")
        .bind(lead)
        .order_by(AttachmentRow::ADDED_AT.desc())
        .page(200)
        .fetch_all(pool)
        .await)?;
    Ok(rows)
}

/// One file.
pub async fn one(db: &Db, id: Uuid) -> Result<AttachmentRow, AppError> {
    Ok(on_db!(db, pool => AttachmentRow::find(id).fetch_one(pool).await)?)
}

/// What is in it.
pub async fn read(files: &Files, row: &AttachmentRow) -> Result<GetResult, AppError> {
    Ok(files.get(&row.path()).await?)
}

/// Removes a file: the row first, so that nobody is offered what is gone. Answers the lead it was of.
pub async fn remove(db: &Db, files: &Files, id: Uuid) -> Result<Uuid, AppError> {
    let row = one(db, id).await?;
    let removed = on_db!(db, pool => AttachmentRow::delete(id).execute(pool).await.map(|_done| ()));
    match removed {
        Ok(()) | Err(RowNotFound) => {}
        Err(error) => return Err(error.into()),
    }
    files.delete(&row.path()).await?;
    Ok(row.lead_id)
}
