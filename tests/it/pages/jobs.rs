//! The code of `docs/jobs.md`.

use serde::{Deserialize, Serialize};
use sqlx::Sqlite;
use tenancy::jobs::apalis::worker::builder::WorkerBuilder;
use tenancy::jobs::worker::{Handlers, Run};
use tenancy::jobs::{Enqueue, Job, JobQueue, Outbox};
use tenancy::sqlx::TenantPool;
use tenancy::{InMemoryRegistry, tenant_scoped};

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Welcome {
    lead: i64,
}

impl Job for Welcome {
    const NAME: &'static str = "welcome";
}

#[rustfmt::skip]
async fn sent_and_run(
    jobs: &JobQueue,
    month: String,
    db: TenantPool<Sqlite>,
    registry: InMemoryRegistry,
    stop: impl Future<Output = Result<(), std::io::Error>> + Send + 'static,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    #[derive(Serialize, Deserialize)]
    struct SendReport { month: String }
    impl Job for SendReport {
        const NAME: &'static str = "send_report";
    }

    jobs.enqueue(&SendReport { month }).await?;                        // in a request: for the request's tenant

    let handlers = Handlers::new().on(move |job: SendReport, _: Run| {
        let db = db.clone();
        async move {
            let leads = Lead::all().fetch_all(&db).await?;             // in a worker: the same tenant's rows
            Ok::<(), sqlx::Error>(())
        }
    });
    WorkerBuilder::new("reports").backend(jobs.worker(registry).build()?).build(handlers).run_until(stop).await?;
    Ok(())
}

#[rustfmt::skip]
async fn outboxes(db: &TenantPool<Sqlite>, outbox: &Outbox<Sqlite>, lead: Lead) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut tx = db.begin().await?;
    lead.insert().execute(&mut tx).await?;
    outbox.enqueue(&mut tx, &Welcome { lead: lead.id }, Enqueue::new()).await?;
    outbox.commit(tx).await?;
    Ok(())
}
