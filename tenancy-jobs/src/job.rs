//! [`Job`]: what a type must say to be sent, [`JobId`], and [`Enqueue`], how one is sent.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result};

/// A kind of work, with what is needed to do it.
///
/// The payload travels as JSON. It says nothing about whom it is for: the envelope does.
///
/// # Example
/// ```
/// use serde::{Deserialize, Serialize};
/// use tenancy_jobs::Job;
///
/// #[derive(Serialize, Deserialize)]
/// struct SendReport { month: String }
///
/// impl Job for SendReport {
///     const NAME: &'static str = "send_report";
/// }
/// ```
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// What this kind of work is called in the queue: at most 64 bytes, the same for ever.
    const NAME: &'static str;

    /// Raise it when the payload changes in a way that old code can't read, and keep a handler for the old one until its
    /// jobs are done.
    const VERSION: u32 = 1;

    /// How often it is begun before it is given up; a worker that dies counts.
    const MAX_ATTEMPTS: u32 = 10;
}

/// The name of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    pub(crate) fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    ///
    /// # Errors
    /// [`Error::Config`] if it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| Error::Config("not the id of a job"))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// How a job is sent.
///
/// # Example: once a month, and not before tomorrow
/// ```
/// use std::time::Duration;
/// use tenancy_jobs::Enqueue;
///
/// let how = Enqueue::new().key("report-2026-11").after(Duration::from_secs(86_400));
/// # let _ = how;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it does nothing until it is given to `enqueue_with`"]
pub struct Enqueue {
    pub(crate) key: Option<String>,
    pub(crate) at: Option<SystemTime>,
    pub(crate) max_attempts: Option<u32>,
}

impl Enqueue {
    /// At once, without a key.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the effect: of several jobs of one tenant, one type and one key, the first is taken and the others are not.
    ///
    /// The key is the tenant's own: another tenant's job of the same key is another job. It is remembered while the job is
    /// there and, once it is done, until [`JobQueue::vacuum`](crate::JobQueue::vacuum) forgets it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Not before this time from now.
    pub fn after(self, delay: Duration) -> Self {
        self.at(SystemTime::now() + delay)
    }

    /// Not before this time.
    pub fn at(mut self, at: SystemTime) -> Self {
        self.at = Some(at);
        self
    }

    /// How often it is begun before it is given up.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }
}

/// What became of a job that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "says whether the job is new"]
pub struct Enqueued {
    pub(crate) id: JobId,
    pub(crate) is_new: bool,
}

impl Enqueued {
    /// The job: this one, or the one that had the key before.
    pub fn id(self) -> JobId {
        self.id
    }

    /// Whether it was taken; if not, a job of this key was there.
    pub fn is_new(self) -> bool {
        self.is_new
    }
}

/// Milliseconds since 1970, as the queue counts.
pub(crate) fn millis(at: SystemTime) -> i64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}
