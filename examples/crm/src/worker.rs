//! The worker: does the jobs of all tenants, each in its tenant's scope.

use std::sync::Arc;
use std::time::Duration;

use tenancy::TenantRegistry;
use tenancy::jobs::Outbox;
use tenancy::jobs::apalis::worker::builder::WorkerBuilder;

use crate::db::{Db, on_db};
use crate::tasks::jobs;
use crate::tools::Tools;

/// How often to look for jobs that a process left behind when it died between a commit and the queue.
const SWEEP: Duration = Duration::from_secs(60);

/// Works until `stop` is there, and brings what is begun to its end.
///
/// # Errors
/// What makes no worker: settings that can't be.
pub async fn run(
    tools: Tools,
    db: Db,
    registry: Arc<dyn TenantRegistry>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let backend = tools
        .jobs
        .worker(registry)
        .at_once(8)
        .poll_every(Duration::from_millis(250))
        .build()?;
    let worker = WorkerBuilder::new("crm")
        .backend(backend)
        .build(jobs::handlers(&tools, &db));
    let working = worker.run_until(async move {
        stop.await;
        Ok::<(), std::io::Error>(())
    });
    tokio::select! {
        worked = working => Ok(worked?),
        never = sweep(&tools, &db) => never,
    }
}

async fn sweep(tools: &Tools, db: &Db) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    loop {
        let swept = on_db!(db, pool => {
            Outbox::new(tools.jobs.clone(), pool.clone())?.sweep(&*tools.tenants).await
        });
        if let Err(error) = swept {
            tracing::warn!(%error, "outboxes could not be swept");
        }
        tokio::time::sleep(SWEEP).await;
    }
}
