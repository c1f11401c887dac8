//! The seam between the queue and its database: what is asked of it, and the rows. The SQL is in `sql.rs` and the two below,
//! the scripts for Redis are in `redis/lua`.
//!
//! Nothing here decides who may do what: callers pass the tenant that they have proof of.

mod error;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(test, feature = "postgres", feature = "sqlite"))]
#[allow(
    clippy::disallowed_methods,
    reason = "a test looks at the tables from outside"
)]
mod tests;

use std::fmt::Debug;
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::sealed::Sealed;

pub use error::StoreError;

#[cfg(feature = "postgres")]
pub(crate) use postgres::PgStore;
#[cfg(feature = "redis")]
pub(crate) use redis::RedisStore;
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::SqliteStore;

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// What the queue asks of its database.
pub(crate) trait Store: Debug + Send + Sync {
    /// Brings the queue's own tables up to date.
    fn migrate(&self) -> Answer<'_, ()>;

    /// Puts a job into a queue; `None` if it is there, or its key is.
    fn push<'a>(&'a self, queue: &'a str, job: &'a Sealed) -> Answer<'a, bool>;

    /// The id of the job that has this job's id or key.
    fn existing<'a>(&'a self, job: &'a Sealed) -> Answer<'a, Option<String>>;

    /// Says what a tenant gets of a queue.
    fn share<'a>(
        &'a self,
        queue: &'a str,
        tenant: &'a str,
        weight: u32,
        at_once: u32,
    ) -> Answer<'a, ()>;

    /// Makes a queue known.
    fn open_queue<'a>(&'a self, queue: &'a str) -> Answer<'a, ()>;

    /// Takes the next jobs out of a queue, in fair order, for one worker.
    fn claim<'a>(&'a self, claim: &'a Claim<'a>) -> Answer<'a, Vec<Claimed>>;

    /// Notes what became of claimed jobs. A job that the worker has lost meanwhile is left alone.
    fn settle<'a>(&'a self, worker: &'a str, settled: &'a [Settled]) -> Answer<'a, ()>;

    /// Extends the leases of these jobs, as far as the worker has them.
    fn extend<'a>(
        &'a self,
        queue: &'a str,
        worker: &'a str,
        jobs: &'a [String],
        lease: Duration,
    ) -> Answer<'a, ()>;

    /// Puts back the jobs of workers that stopped extending their leases.
    fn recover<'a>(&'a self, queue: &'a str) -> Answer<'a, u64>;

    /// Holds a tenant's jobs back, in every queue, or lets them go.
    fn pause<'a>(&'a self, queue: Option<&'a str>, tenant: &'a str, paused: bool)
    -> Answer<'a, ()>;

    /// The tenants whose jobs are held back.
    fn paused(&self) -> Answer<'_, Vec<String>>;

    /// Gives up what waits of a tenant that is gone.
    fn bury<'a>(&'a self, tenant: &'a str, error: &'a str) -> Answer<'a, u64>;

    /// One job of a tenant.
    fn find<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, Option<JobRow>>;

    /// The dead jobs of a tenant, the newest first.
    fn dead<'a>(&'a self, tenant: &'a str, most: i64) -> Answer<'a, Vec<JobRow>>;

    /// Makes a dead job of a tenant wait again, from its first attempt.
    fn revive<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool>;

    /// Removes a job of a tenant that does not run.
    fn discard<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool>;

    /// Counts and ages, per queue and tenant.
    fn depths(&self) -> Answer<'_, Vec<DepthRow>>;

    /// Forgets the keys of what was done before this time.
    fn vacuum(&self, done_before: i64) -> Answer<'_, u64>;

    /// Up to when a schedule was done; begins it now if it is new.
    fn schedule<'a>(&'a self, name: &'a str, now: i64) -> Answer<'a, i64>;

    /// Notes that a schedule was done up to this time.
    fn scheduled<'a>(&'a self, name: &'a str, up_to: i64) -> Answer<'a, ()>;

    /// Begins to listen for jobs that other processes send; `None` where the database does not tell.
    fn hints(&self) -> Answer<'_, Option<Box<dyn Hints>>>;

    /// Closes the connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What is heard of other processes. It may be wrong and it may be lost: somebody polls behind it.
pub(crate) trait Hints: Send {
    /// The name of a queue in which there may be something to do now.
    fn next(&mut self) -> Answer<'_, String>;
}

/// What is said of a job whose worker never came back, and that has no attempt left. The statements have it, too.
#[cfg(feature = "redis")]
const STOPPED: &str = "its worker stopped in the middle of the last attempt";

/// Who claims how much of what.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) queue: &'a str,
    pub(crate) worker: &'a str,
    pub(crate) most: i64,
    pub(crate) lease: Duration,
}

/// A job that a worker holds.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) job: Sealed,
    pub(crate) attempt: i64,
    pub(crate) created_at: i64,
}

/// What became of a claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) id: String,
    pub(crate) attempt: i64,
    pub(crate) outcome: Outcome,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Well.
    Done,
    /// Badly; once more later.
    Again { delay: Duration, error: String },
    /// It was no attempt; later.
    Back { delay: Duration },
    /// For good.
    Dead { error: String },
}

impl Outcome {
    /// State, delay in milliseconds, what is added to the attempts, error; of everything but `Done`.
    fn columns(&self) -> Option<(i64, i64, i64, Option<&str>)> {
        let ms = |delay: &Duration| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX / 4);
        match self {
            Self::Done => None,
            Self::Again { delay, error } => Some((0, ms(delay), 0, Some(error))),
            Self::Back { delay } => Some((0, ms(delay), -1, None)),
            Self::Dead { error } => Some((2, 0, 0, Some(error))),
        }
    }
}

/// What is shown of a job.
#[derive(Clone, Debug)]
pub(crate) struct JobRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: i64,
    pub(crate) attempt: i64,
    pub(crate) error: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) run_at: i64,
}

/// What is counted of a tenant in a queue.
#[derive(Clone, Debug)]
pub(crate) struct DepthRow {
    pub(crate) queue: String,
    pub(crate) tenant: String,
    pub(crate) state: i64,
    pub(crate) jobs: i64,
    pub(crate) due: i64,
    pub(crate) oldest_ms: i64,
    pub(crate) paused: bool,
}

/// The queue's own migrations, with a ledger of their own and without sqlx's lock (it is never let go after a failure).
fn migrator(sql: &'static str, ledger: &'static str) -> Migrator {
    let first = Migration::new(
        1,
        "jobs".into(),
        MigrationType::Simple,
        sql.into_sql_str(),
        false,
    );
    let mut migrator = Migrator::with_migrations(vec![first]);
    migrator.set_locking(false);
    migrator.dangerous_set_table_name(ledger);
    migrator
}

/// A job as `FIND` and `DEAD` select it.
type JobColumns = (String, String, i64, i64, Option<String>, i64, i64);

fn job_row((id, name, state, attempt, error, created_at, run_at): JobColumns) -> JobRow {
    JobRow {
        id,
        name,
        state,
        attempt,
        error,
        created_at,
        run_at,
    }
}

/// A count as `DEPTHS` selects it.
type DepthColumns = (String, String, i64, i64, i64, i64, i64);

fn depth_row((queue, tenant, state, jobs, due, oldest_ms, paused): DepthColumns) -> DepthRow {
    DepthRow {
        queue,
        tenant,
        state,
        jobs,
        due,
        oldest_ms,
        paused: paused != 0,
    }
}

/// A job as it is claimed.
type ClaimedColumns = (
    String,
    String,
    String,
    i64,
    Option<String>,
    String,
    String,
    Vec<u8>,
    i64,
    i64,
    i64,
);

fn claimed(row: ClaimedColumns) -> Claimed {
    let (id, tenant, name, version, key, body, signer, mark, max_attempts, attempt, created_at) =
        row;
    Claimed {
        job: Sealed {
            id,
            tenant,
            name,
            version,
            key,
            body,
            signer,
            mark,
            run_at: None,
            max_attempts,
        },
        attempt,
        created_at,
    }
}

fn lease_ms(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 4)
}
