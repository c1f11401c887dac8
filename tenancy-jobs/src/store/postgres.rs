//! The queue in a schema of a PostgreSQL database.

#![expect(
    clippy::disallowed_methods,
    reason = "the queue is of no tenant: a small pool of its own, and transactions begun in a task"
)]

use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Postgres};
use uuid::Uuid;

use super::sql::{insert, plain_methods, shared};
use super::{
    Answer, Claim, Claimed, ClaimedColumns, DepthRow, Hints, JobRow, Outcome, Settled, Store,
    claimed, depth_row, job_row, lease_ms, migrator,
};
use crate::sealed::Sealed;

shared!(
    "tenancy_jobs.",
    "(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
);

/// Others are told which queue got something, and who says so: nothing of the tenant, since whoever may connect can listen.
const PUSH: &str = concat!(
    "WITH put AS (",
    insert!(
        "tenancy_jobs.",
        "(extract(epoch FROM statement_timestamp()) * 1000)::bigint"
    ),
    " RETURNING 1) SELECT pg_notify('tenancy_jobs', $12) FROM put"
);

const CHANNEL: &str = "tenancy_jobs";

/// From tenant to tenant along the index, then the first few jobs of each that may have more; the fewest turns first.
///
/// What it costs grows with the tenants that have something waiting, not with how much. The first job of each is asked for with a
/// limit, and not with `EXISTS`, which a planner that knows nothing of the table yet turns into a join with all that waits.
pub(super) const CLAIM: &str = "\
WITH RECURSIVE waiting(tenant) AS (
    (SELECT tenant FROM tenancy_jobs.jobs WHERE queue = $1 AND state = 0 ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT j.tenant FROM tenancy_jobs.jobs j
            WHERE j.queue = $1 AND j.state = 0 AND j.tenant > w.tenant ORDER BY j.tenant LIMIT 1)
    FROM waiting w WHERE w.tenant IS NOT NULL
),
running AS MATERIALIZED (
    SELECT tenant, count(*) AS jobs FROM tenancy_jobs.jobs WHERE queue = $1 AND state = 1 GROUP BY tenant
),
present AS MATERIALIZED (SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint AS ms),
turns AS (
    SELECT w.tenant, GREATEST(COALESCE(l.finish, 0), q.clock) AS start, 1000000 / COALESCE(l.weight, 1) AS step,
           LEAST($2, COALESCE(l.at_once, 1000) - COALESCE(r.jobs, 0)) AS room
    FROM waiting w
    JOIN tenancy_jobs.queues q ON q.name = $1
    LEFT JOIN tenancy_jobs.lanes l ON l.queue = $1 AND l.tenant = w.tenant
    LEFT JOIN running r ON r.tenant = w.tenant
    WHERE w.tenant IS NOT NULL AND NOT COALESCE(l.paused, FALSE)
      AND COALESCE(l.at_once, 1000) > COALESCE(r.jobs, 0)
      AND (SELECT d.run_at FROM tenancy_jobs.jobs d WHERE d.queue = $1 AND d.state = 0 AND d.tenant = w.tenant
           ORDER BY d.run_at, d.id LIMIT 1) <= (SELECT ms FROM present)
    ORDER BY 2, 1 LIMIT $2
),
ranked AS (
    SELECT t.tenant, t.step, c.id, t.start + (c.nth - 1) * t.step AS turn
    FROM turns t CROSS JOIN LATERAL (
        SELECT f.id, row_number() OVER (ORDER BY f.run_at, f.id) AS nth
        FROM (SELECT j.id, j.run_at FROM tenancy_jobs.jobs j
              WHERE j.queue = $1 AND j.state = 0 AND j.tenant = t.tenant AND j.run_at <= (SELECT ms FROM present)
              ORDER BY j.run_at, j.id LIMIT t.room) f
    ) c
),
picked AS MATERIALIZED (SELECT * FROM ranked ORDER BY turn, tenant, id LIMIT $2),
lane AS (
    INSERT INTO tenancy_jobs.lanes (queue, tenant, finish)
    SELECT $1, tenant, max(turn + step) FROM picked GROUP BY tenant
    ON CONFLICT (queue, tenant) DO UPDATE SET finish = excluded.finish
),
clock AS (
    UPDATE tenancy_jobs.queues SET clock = GREATEST(clock, (SELECT max(turn) FROM picked))
    WHERE name = $1 AND EXISTS (SELECT FROM picked)
),
taken AS (
    UPDATE tenancy_jobs.jobs j
    SET state = 1, attempt = j.attempt + 1, lease_by = $3, lease_until = (SELECT ms FROM present) + $4,
        changed_at = (SELECT ms FROM present)
    FROM picked p WHERE j.id = p.id AND j.state = 0
    RETURNING j.*, p.turn
)
SELECT id, tenant, name, version, key, body, signer, mark, max_attempts, attempt, created_at FROM taken ORDER BY turn, id";

/// What was done goes, but for those that have a key.
const DONE: &str = "\
WITH done AS (SELECT * FROM unnest($2::text[], $3::bigint[]) AS d(id, attempt)),
gone AS (
    DELETE FROM tenancy_jobs.jobs j USING done d
    WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 1 AND j.lease_by = $1 AND j.key IS NULL
)
UPDATE tenancy_jobs.jobs j
SET state = 3, body = '', error = NULL, lease_by = NULL, lease_until = NULL,
    changed_at = (extract(epoch FROM statement_timestamp()) * 1000)::bigint
FROM done d
WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 1 AND j.lease_by = $1 AND j.key IS NOT NULL";

const OTHERWISE: &str = "\
UPDATE tenancy_jobs.jobs j
SET state = o.state, attempt = j.attempt + o.counted, error = COALESCE(o.error, j.error), lease_by = NULL, lease_until = NULL,
    run_at = (extract(epoch FROM statement_timestamp()) * 1000)::bigint + o.delay,
    changed_at = (extract(epoch FROM statement_timestamp()) * 1000)::bigint
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
     AS o(id, attempt, state, delay, counted, error)
WHERE j.id = o.id AND j.attempt = o.attempt AND j.state = 1 AND j.lease_by = $1";

const EXTEND: &str = "\
UPDATE tenancy_jobs.jobs SET lease_until = (extract(epoch FROM statement_timestamp()) * 1000)::bigint + $3
WHERE queue = $1 AND state = 1 AND lease_by = $2 AND id = ANY($4)";

#[derive(Debug)]
pub(crate) struct PgStore {
    pool: PgPool,
    options: PgConnectOptions,
    /// Who we are to the others.
    own: String,
}

impl PgStore {
    pub(crate) fn new(options: PgConnectOptions, connections: u32) -> Self {
        // Whoever waits for a lock longer than this says so instead, and tries again. No statement here is worth compiling.
        let options = options.options([("lock_timeout", "5s"), ("jit", "off")]);
        Self {
            pool: PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(Duration::from_secs(10))
                .connect_lazy_with(options.clone()),
            options,
            own: Uuid::new_v4().simple().to_string(),
        }
    }

    fn announced<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
        queue: &str,
    ) -> Query<'q, Postgres, PgArguments> {
        query.bind(format!("{} {queue}", self.own))
    }
}

/// A connection of its own that hears what other processes announce.
struct PgHints {
    listener: PgListener,
    own: String,
}

impl Hints for PgHints {
    fn next(&mut self) -> Answer<'_, String> {
        Box::pin(async move {
            loop {
                // `None` is a lost connection, and with it what was said meanwhile.
                let Some(heard) = self.listener.try_recv().await? else {
                    return Err(
                        sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into()).into(),
                    );
                };
                match heard.payload().split_once(' ') {
                    Some((sender, queue)) if sender != self.own => return Ok(queue.to_owned()),
                    _ => {}
                }
            }
        })
    }
}

impl Store for PgStore {
    fn migrate(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let migrator = migrator(
                include_str!("migrations/1_jobs.postgres.sql"),
                "tenancy_jobs._sqlx_migrations",
            );
            let mut conn = self.options.connect().await?;
            let mut tx = conn.begin().await?;
            sqlx::query(
                "SELECT pg_advisory_xact_lock(hashtextextended('tenancy jobs migration', 0))",
            )
            .execute(&mut *tx)
            .await?;
            sqlx::query("CREATE SCHEMA IF NOT EXISTS tenancy_jobs")
                .execute(&mut *tx)
                .await?;
            migrator.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
            Ok(conn.close().await?)
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim<'a>) -> Answer<'a, Vec<Claimed>> {
        Box::pin(async move {
            let pool = self.pool.clone();
            let (queue, worker) = (claim.queue.to_owned(), claim.worker.to_owned());
            let (most, lease) = (claim.most, lease_ms(claim.lease));
            // In a task of its own: a `BEGIN` whose future is dropped on the way would leave its connection inside a
            // transaction that nobody knows of (sqlx issue 4385).
            let claiming = tokio::spawn(async move {
                // Names of queues need no quotes. The row is held so that no two workers count the same jobs.
                let begin = format!(
                    "BEGIN; SELECT 1 FROM tenancy_jobs.queues WHERE name = '{queue}' FOR UPDATE"
                );
                let mut tx = pool.begin_with(AssertSqlSafe(begin)).await?;
                let rows: Vec<ClaimedColumns> = sqlx::query_as(CLAIM)
                    .bind(&queue)
                    .bind(most)
                    .bind(&worker)
                    .bind(lease)
                    .fetch_all(&mut *tx)
                    .await?;
                tx.commit().await?;
                Ok(rows.into_iter().map(claimed).collect())
            });
            let claimed: sqlx::Result<_> =
                claiming.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
            Ok(claimed?)
        })
    }

    fn settle<'a>(&'a self, worker: &'a str, settled: &'a [Settled]) -> Answer<'a, ()> {
        Box::pin(async move {
            let (done, otherwise): (Vec<&Settled>, Vec<&Settled>) =
                settled.iter().partition(|s| s.outcome == Outcome::Done);
            if !done.is_empty() {
                sqlx::query(DONE)
                    .bind(worker)
                    .bind(done.iter().map(|s| s.id.as_str()).collect::<Vec<_>>())
                    .bind(done.iter().map(|s| s.attempt).collect::<Vec<_>>())
                    .execute(&self.pool)
                    .await?;
            }
            let columns: Vec<_> = otherwise
                .iter()
                .filter_map(|s| Some((s, s.outcome.columns()?)))
                .collect();
            if !columns.is_empty() {
                sqlx::query(OTHERWISE)
                    .bind(worker)
                    .bind(
                        columns
                            .iter()
                            .map(|(s, _)| s.id.as_str())
                            .collect::<Vec<_>>(),
                    )
                    .bind(columns.iter().map(|(s, _)| s.attempt).collect::<Vec<_>>())
                    .bind(columns.iter().map(|(_, c)| c.0).collect::<Vec<_>>())
                    .bind(columns.iter().map(|(_, c)| c.1).collect::<Vec<_>>())
                    .bind(columns.iter().map(|(_, c)| c.2).collect::<Vec<_>>())
                    .bind(columns.iter().map(|(_, c)| c.3).collect::<Vec<_>>())
                    .execute(&self.pool)
                    .await?;
            }
            Ok(())
        })
    }

    fn extend<'a>(
        &'a self,
        queue: &'a str,
        worker: &'a str,
        jobs: &'a [String],
        lease: Duration,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let query = sqlx::query(EXTEND)
                .bind(queue)
                .bind(worker)
                .bind(lease_ms(lease));
            query.bind(jobs).execute(&self.pool).await?;
            Ok(())
        })
    }

    fn hints(&self) -> Answer<'_, Option<Box<dyn Hints>>> {
        Box::pin(async move {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .max_lifetime(None)
                .idle_timeout(None)
                .connect_with(self.options.clone())
                .await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(CHANNEL).await?;
            let own = self.own.clone();
            Ok(Some(Box::new(PgHints { listener, own }) as Box<dyn Hints>))
        })
    }

    plain_methods!();
}
