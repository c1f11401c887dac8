//! [`Outbox`]: jobs that are sent with the rows of a tenant, or not at all.

use std::fmt;

use sqlx::{ColumnIndex, Decode, Encode, Executor, IntoArguments, Type};
use tenancy_core::TenantContext;
use tenancy_sql::TableClass;
use tenancy_sqlx::{TenantDb, TenantPool, TenantTx};

use crate::job::{Enqueue, Job, JobId};
use crate::queue::JobQueue;
use crate::schedule::Tenants;
use crate::sealed::Sealed;
use crate::{Error, Result};

const TABLE: &str = "tenancy_outbox";
const PUT: &str = "INSERT INTO tenancy_outbox (id, body) VALUES ($1, $2)";
const NEXT: &str = "SELECT id, body FROM tenancy_outbox WHERE id > $1 ORDER BY id LIMIT 100";
const REMOVE: &str = "DELETE FROM tenancy_outbox WHERE id = $1";

/// Jobs that are sent with the rows of a tenant, or not at all.
///
/// The job is put into a table of the tenant's own, `tenancy_outbox`, in the tenant's transaction; after the commit it is
/// carried over to the queue. If the process dies in between, [`Self::sweep`] carries it over later. A job that was carried
/// over twice is in the queue once.
///
/// # Guarantee
/// After a rollback there is no job; after a commit there is one, sooner or later.
///
/// # Isolation
/// The table is an ordinary tenant table, so this works wherever the tenant lives: shared tables, a schema or a database of
/// its own, on either database, behind both walls. Add it to the migrations, with a tenant column of your type:
/// ```sql
/// CREATE TABLE tenancy_outbox (
///     tenant_id uuid NOT NULL,
///     id text NOT NULL,
///     body text NOT NULL,
///     PRIMARY KEY (tenant_id, id)
/// );
/// ```
/// Tenants' connections have no rights on the queue's own tables. That is why they are not written to directly: the role of a
/// tenant with a schema or a database of its own would have to be given rights on a table of everybody's.
pub struct Outbox<DB: TenantDb> {
    queue: JobQueue,
    pool: TenantPool<DB>,
}

impl<DB: TenantDb> Clone for Outbox<DB> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            pool: self.pool.clone(),
        }
    }
}

impl<DB: TenantDb> fmt::Debug for Outbox<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl<DB> Outbox<DB>
where
    DB: TenantDb,
    DB::Arguments: IntoArguments<DB>,
    String: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// An outbox in the tables of this pool, before this queue.
    ///
    /// # Errors
    /// [`Error::Config`] if the pool knows no tenant table `tenancy_outbox`.
    pub fn new(queue: JobQueue, pool: TenantPool<DB>) -> Result<Self> {
        let is_there = pool
            .catalog()
            .table(TABLE)
            .is_some_and(|table| table.class() == TableClass::Tenant);
        if is_there {
            Ok(Self { queue, pool })
        } else {
            Err(Error::Config(
                "there is no tenant table `tenancy_outbox`; add it to the migrations, as the documentation of `Outbox` has it",
            ))
        }
    }

    /// Sends a job when this transaction commits; end it with [`Self::commit`] to have it run at once.
    ///
    /// It is for the transaction's tenant. A key does not make this fail or be skipped: it counts when the job is carried over.
    ///
    /// # Errors
    /// A tenant that may not work; [`Error::Outbox`]; [`Error::TooLarge`], [`Error::Encode`].
    pub async fn enqueue<J: Job>(
        &self,
        tx: &mut TenantTx<'_, DB>,
        job: &J,
        how: Enqueue,
    ) -> Result<JobId> {
        let sealed = self.queue.core.seal(tx.context(), job, &how)?;
        let id = JobId::parse(&sealed.id)?;
        let body = serde_json::to_string(&sealed).map_err(Error::Encode)?;
        sqlx::query(PUT)
            .bind(sealed.id)
            .bind(body)
            .execute(tx)
            .await
            .map_err(Error::Outbox)?;
        Ok(id)
    }

    /// Commits, and carries the jobs over.
    ///
    /// # Errors
    /// As `TenantTx::commit`: then nothing was sent. A queue that is away is no error: the jobs are carried over later.
    pub async fn commit(&self, tx: TenantTx<'static, DB>) -> Result<()> {
        let cx = tx.context().clone();
        tx.commit()
            .await
            .map_err(|error| Error::Outbox(error.into()))?;
        if let Err(error) = self.relay(&cx).await {
            tracing::warn!(%error, tenant.id = %cx.tenant_id(), "jobs wait in an outbox");
        }
        Ok(())
    }

    /// Carries a tenant's jobs over to the queue; answers how many.
    ///
    /// What is in the outbox is taken for this tenant only, and only if it is signed for it; anything else stays there.
    ///
    /// # Errors
    /// The tenant may not work; its database or the queue's is away. What was not carried over stays.
    pub async fn relay(&self, cx: &TenantContext) -> Result<u64> {
        cx.ensure_writable()?;
        let own = self.pool.for_tenant(cx);
        let (mut after, mut carried) = (String::new(), 0);
        loop {
            let rows = (&own)
                .fetch_all(sqlx::query(NEXT).bind(after.clone()))
                .await
                .map_err(Error::Outbox)?;
            if rows.is_empty() {
                return Ok(carried);
            }
            for row in rows {
                use sqlx::Row as _;
                let id: String = row.try_get(0).map_err(Error::Outbox)?;
                let body: String = row.try_get(1).map_err(Error::Outbox)?;
                after.clone_from(&id);
                let Some(sealed) = self.ours(cx, &id, &body) else {
                    tracing::error!(tenant.id = %cx.tenant_id(), job.id = %id, "something in an outbox was not put there by us; it stays");
                    continue;
                };
                let _ = self.queue.core.push(cx, &sealed).await?;
                sqlx::query(REMOVE)
                    .bind(id)
                    .execute(&own)
                    .await
                    .map_err(Error::Outbox)?;
                carried += 1;
            }
        }
    }

    /// A job that we sealed for this tenant under this id.
    fn ours(&self, cx: &TenantContext, id: &str, body: &str) -> Option<Sealed> {
        let sealed: Sealed = serde_json::from_str(body).ok()?;
        let (tenant, _) = sealed.verify(&self.queue.core.keys).ok()?;
        (tenant == cx.tenant_id() && sealed.id == id).then_some(sealed)
    }

    /// Carries over what processes that died left in the outboxes of all tenants; answers how many jobs. Run it at the start
    /// and every few minutes: it asks each tenant's database once.
    ///
    /// # Errors
    /// The list of tenants can't be read. A tenant whose database is away is left for the next time.
    pub async fn sweep(&self, tenants: &dyn Tenants) -> Result<u64> {
        let mut carried = 0;
        let mut pages = crate::schedule::Pages::new(tenants, "outbox");
        while let Some(contexts) = pages.next().await? {
            for cx in contexts {
                match self.relay(&cx).await {
                    Ok(jobs) => carried += jobs,
                    Err(error) => {
                        tracing::warn!(%error, tenant.id = %cx.tenant_id(), "an outbox could not be swept");
                    }
                }
            }
        }
        Ok(carried)
    }
}
