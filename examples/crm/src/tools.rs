//! What the program has beside the tenants' tables: a cache, files, and a queue of jobs. Each opens for the tenant of the
//! request or job, as the tables do.
//!
//! Embedded these are memory, a folder and a SQLite file. With a PostgreSQL database the queue is in it; with a Redis the cache
//! and the queue are there, whichever database the tables are in.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Postgres, Sqlite};
use tenancy::ServerName;
use tenancy::cache::{TenantCache, TenantRedisPool};
use tenancy::jobs::{JobKeys, JobQueue, Share, Tenants};
use tenancy::object_store::object_store::local::LocalFileSystem;
use tenancy::object_store::{Limits, ObjectServer, TenantStore};
use tenancy::sqlx::{Secret, SqlRegistry};

use crate::attachments;
use crate::reports::counts::Counts;

/// Where tenants keep their files.
pub type Files = TenantStore<LocalFileSystem>;

/// What the queue is called in a Redis that others may use too.
const QUEUE: &str = "crm";

/// How much a tenant may keep in files.
const FILES: u64 = 200 * 1024 * 1024;

/// A cache, files, and a queue of jobs.
#[derive(Clone)]
pub struct Tools {
    /// What the dashboard counts, until leads change.
    pub counts: TenantCache<Counts>,
    /// Attachments, imports and exports.
    pub files: Files,
    /// Work in the background.
    pub jobs: JobQueue,
    /// All tenants, for what is done for each of them.
    pub tenants: Arc<dyn Tenants>,
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

impl Tools {
    /// Opens them: files in `folder`; the cache and the queue in the Redis at this address. Without one the cache is in memory and
    /// the queue in `database`, or else in the folder. `secret` signs jobs.
    ///
    /// # Errors
    /// The folder can't be made, the database or the Redis can't be reached, or the address is none.
    pub async fn open(
        folder: &Path,
        database: Option<PgConnectOptions>,
        redis: Option<&str>,
        secret: &Secret,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut counts = TenantCache::<Counts>::builder("counts").ttl(Duration::from_secs(60));
        if let Some(address) = redis {
            counts = counts.redis(&TenantRedisPool::builder(address).build()?);
        }
        let files = folder.join("files");
        std::fs::create_dir_all(&files)?;
        let files = ObjectServer::new(LocalFileSystem::new_with_prefix(files)?).prefixes_only();
        let files = TenantStore::builder()
            .server(ServerName::default(), files)
            .limits(|_| {
                let most = u64::try_from(attachments::LARGEST).unwrap_or(u64::MAX);
                Limits::none().bytes(FILES).object_bytes(most)
            })
            .build()?;
        let keys = JobKeys::new("1", secret)?;
        let tenants: Arc<dyn Tenants> = match &database {
            Some(owner) => Arc::new(SqlRegistry::<Postgres>::new(owner.clone())),
            None => Arc::new(SqlRegistry::<Sqlite>::new(folder)),
        };
        let jobs = match (redis, database) {
            (Some(address), _) => JobQueue::redis_named(address, QUEUE, keys),
            (None, Some(owner)) => JobQueue::postgres(owner, keys),
            (None, None) => JobQueue::sqlite(folder, keys),
        };
        // However much one tenant imports, the others' jobs find a free hand.
        let jobs = jobs.shares(|_| Share::new().at_once(2)).build()?;
        jobs.migrate().await?;
        Ok(Self {
            counts: counts.build()?,
            files,
            jobs,
            tenants,
        })
    }
}
