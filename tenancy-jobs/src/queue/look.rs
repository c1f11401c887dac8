//! Looking at jobs, and at what died: a tenant at its own, an operator at counts.

use std::time::{Duration, SystemTime};

use tenancy_core::TenantContext;

use super::JobQueue;
use crate::job::{JobId, millis};
use crate::store::JobRow;
use crate::{Error, Result};

/// What a job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobState {
    /// Waiting for its turn, or for its time.
    Waiting,
    /// In a worker's hands.
    Running,
    /// Given up.
    Dead,
    /// Done, and kept for its key. Jobs without a key are gone when they are done.
    Done,
}

impl JobState {
    fn of(state: i64) -> Self {
        match state {
            0 => Self::Waiting,
            1 => Self::Running,
            2 => Self::Dead,
            _ => Self::Done,
        }
    }
}

/// What is shown of a job: not its payload.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobInfo {
    /// Which.
    pub id: JobId,
    /// Of which kind.
    pub name: String,
    /// What it is at.
    pub state: JobState,
    /// How often it was begun.
    pub attempt: u32,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was sent.
    pub created_at: SystemTime,
    /// When it may run.
    pub run_at: SystemTime,
}

impl JobInfo {
    fn of(row: JobRow) -> Result<Self> {
        Ok(Self {
            id: JobId::parse(&row.id)?,
            name: row.name,
            state: JobState::of(row.state),
            attempt: u32::try_from(row.attempt).unwrap_or_default(),
            error: row.error,
            created_at: time(row.created_at),
            run_at: time(row.run_at),
        })
    }
}

fn time(ms: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

/// How much of a tenant is in a queue, and for how long: what metrics want to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// The queue.
    pub queue: String,
    /// The tenant, as the queue's table has it: a label, not a proof.
    pub tenant: String,
    /// How many wait for their turn.
    pub waiting: u64,
    /// How many wait for a later time.
    pub later: u64,
    /// How many run.
    pub running: u64,
    /// How many were given up.
    pub dead: u64,
    /// Whether they are held back, since the tenant is closed for now.
    pub parked: bool,
    /// How long the first in line has been waiting for its turn.
    pub age: Duration,
}

impl JobQueue {
    /// A job of the current tenant; `None` if there is none of this id, or it is another tenant's, or it is done and gone.
    ///
    /// # Errors
    /// No tenant, or one that may not work; [`Error::Store`].
    pub async fn find(&self, id: JobId) -> Result<Option<JobInfo>> {
        let tenant = current()?;
        let row = self.core.store.find(&tenant, &id.to_string()).await;
        row.map_err(Error::Store)?.map(JobInfo::of).transpose()
    }

    /// The jobs of the current tenant that were given up, the newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn dead(&self, most: u32) -> Result<Vec<JobInfo>> {
        let tenant = current()?;
        let rows = self.core.store.dead(&tenant, i64::from(most)).await;
        rows.map_err(Error::Store)?
            .into_iter()
            .map(JobInfo::of)
            .collect()
    }

    /// Has a dead job of the current tenant run again, with all its attempts before it.
    ///
    /// What was refused for its signature will be refused again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such dead job of this tenant; as [`Self::find`].
    pub async fn retry(&self, id: JobId) -> Result<()> {
        let tenant = current()?;
        let done = self.core.store.revive(&tenant, &id.to_string()).await;
        if !done.map_err(Error::Store)? {
            return Err(Error::NotFound(id));
        }
        self.core.ring();
        Ok(())
    }

    /// Removes a job of the current tenant that does not run.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such job of this tenant; as [`Self::find`].
    pub async fn discard(&self, id: JobId) -> Result<()> {
        let tenant = current()?;
        let done = self.core.store.discard(&tenant, &id.to_string()).await;
        if done.map_err(Error::Store)? {
            Ok(())
        } else {
            Err(Error::NotFound(id))
        }
    }

    /// Holds the current tenant's jobs back, or lets them go, without waiting for a worker to notice that the tenant was
    /// suspended or resumed.
    ///
    /// It does not replace a suspension: a worker that finds the tenant open lets its jobs go again
    /// ([`notice_every`](crate::worker::BackendBuilder::notice_every)).
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn park(&self, parked: bool) -> Result<()> {
        let tenant = current()?;
        let done = self.core.store.pause(None, &tenant, parked).await;
        done.map_err(Error::Store)?;
        self.core.ring();
        Ok(())
    }

    /// How much waits, of whom and for how long. For operators and metrics: it counts, and shows nobody's data.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn depths(&self) -> Result<Vec<Depth>> {
        let rows = self.core.store.depths().await.map_err(Error::Store)?;
        let mut depths: Vec<Depth> = Vec::new();
        for row in rows {
            let is_new = depths
                .last()
                .is_none_or(|last| (&last.queue, &last.tenant) != (&row.queue, &row.tenant));
            if is_new {
                depths.push(Depth {
                    queue: row.queue,
                    tenant: row.tenant,
                    parked: row.paused,
                    ..Depth::default()
                });
            }
            let Some(depth) = depths.last_mut() else {
                continue;
            };
            let number = |n: i64| u64::try_from(n).unwrap_or_default();
            match JobState::of(row.state) {
                JobState::Waiting => {
                    depth.waiting = number(row.due);
                    depth.later = number(row.jobs - row.due);
                    depth.age = Duration::from_millis(number(row.oldest_ms));
                }
                JobState::Running => depth.running = number(row.jobs),
                JobState::Dead => depth.dead = number(row.jobs),
                JobState::Done => {}
            }
        }
        Ok(depths)
    }

    /// Forgets the keys of jobs that were done longer ago than this; answers how many.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn vacuum(&self, older_than: Duration) -> Result<u64> {
        let before = SystemTime::now().checked_sub(older_than).map_or(0, millis);
        self.core.store.vacuum(before).await.map_err(Error::Store)
    }
}

/// The current tenant, if it may work.
fn current() -> Result<String> {
    let cx = TenantContext::current()?;
    cx.ensure_live()?;
    Ok(cx.tenant_id().to_string())
}
