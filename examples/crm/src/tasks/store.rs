//! The statements over tasks.

use tenancy::jobs::{Enqueue, Job, JobQueue, Outbox};
use uuid::Uuid;

use super::model::TaskRow;
use crate::clock;
use crate::db::{Db, on_db};
use crate::error::AppError;

/// A task that waits.
pub fn waiting(kind: &str, title: &str) -> TaskRow {
    TaskRow {
        id: Uuid::now_v7(),
        kind: kind.to_owned(),
        title: title.to_owned(),
        state: "waiting".to_owned(),
        total: 0,
        done: 0,
        rejected: 0,
        note: String::new(),
        created_at: clock::now(),
        finished_at: None,
    }
}

/// Writes a task down and sends its job: both or neither.
pub async fn begin<J: Job + Sync>(
    db: &Db,
    jobs: &JobQueue,
    task: &TaskRow,
    job: &J,
) -> Result<(), AppError> {
    on_db!(db, pool => {
        let outbox = Outbox::new(jobs.clone(), pool.clone())?;
        let mut tx = pool.begin().await?;
        task.insert().execute(&mut tx).await?;
        outbox.enqueue(&mut tx, job, Enqueue::new()).await?;
        outbox.commit(tx).await?;
    });
    Ok(())
}

/// One task.
pub async fn one(db: &Db, id: Uuid) -> Result<TaskRow, AppError> {
    Ok(on_db!(db, pool => TaskRow::find(id).fetch_one(pool).await)?)
}

/// The newest tasks.
pub async fn latest(db: &Db, rows: u64) -> Result<Vec<TaskRow>, AppError> {
    let tasks = on_db!(db, pool => TaskRow::all()
        .order_by(TaskRow::CREATED_AT.desc())
        .page(rows)
        .fetch_all(pool)
        .await)?;
    Ok(tasks)
}

/// Writes down how far a task is.
pub async fn save(db: &Db, task: &TaskRow) -> Result<(), AppError> {
    on_db!(db, pool => task.update().execute(pool).await.map(|_done| ()))?;
    Ok(())
}

/// Writes down that a task is over.
pub async fn finish(db: &Db, mut task: TaskRow, state: &str, note: String) -> Result<(), AppError> {
    task.state = state.to_owned();
    task.note = note;
    task.finished_at = Some(clock::now());
    save(db, &task).await
}
