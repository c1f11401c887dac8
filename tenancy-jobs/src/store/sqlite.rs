//! The queue in a SQLite file of its own. Each statement goes to a thread and back, so there are few, whatever the number of jobs.

#![expect(
    clippy::disallowed_methods,
    reason = "the queue is of no tenant: a connection of its own, and transactions begun in a task"
)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use futures_core::future::BoxFuture;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite, Transaction};

use super::sql::{insert, plain_methods, shared};
use super::{
    Answer, Claim, Claimed, ClaimedColumns, DepthRow, Hints, JobRow, Outcome, Settled, Store,
    claimed, depth_row, job_row, lease_ms, migrator,
};
use crate::sealed::Sealed;

shared!("", "CAST(unixepoch('subsec') * 1000 AS INTEGER)");

const PUSH: &str = insert!("", "CAST(unixepoch('subsec') * 1000 AS INTEGER)");

/// As on PostgreSQL: from tenant to tenant along the index, then the first few jobs of each that may have more.
pub(super) const TURNS: &str = "\
WITH RECURSIVE waiting(tenant) AS (
    SELECT * FROM (SELECT tenant FROM jobs WHERE queue = $1 AND state = 0 ORDER BY tenant LIMIT 1)
    UNION ALL
    SELECT (SELECT j.tenant FROM jobs j WHERE j.queue = $1 AND j.state = 0 AND j.tenant > w.tenant ORDER BY j.tenant LIMIT 1)
    FROM waiting w WHERE w.tenant IS NOT NULL
),
running AS MATERIALIZED (SELECT tenant, count(*) AS jobs FROM jobs WHERE queue = $1 AND state = 1 GROUP BY tenant)
SELECT w.tenant, MAX(COALESCE(l.finish, 0), q.clock) AS start, 1000000 / COALESCE(l.weight, 1) AS step,
       MIN($2, COALESCE(l.at_once, 1000) - COALESCE(r.jobs, 0)) AS room
FROM waiting w
JOIN queues q ON q.name = $1
LEFT JOIN lanes l ON l.queue = $1 AND l.tenant = w.tenant
LEFT JOIN running r ON r.tenant = w.tenant
WHERE w.tenant IS NOT NULL AND NOT COALESCE(l.paused, FALSE)
  AND COALESCE(l.at_once, 1000) > COALESCE(r.jobs, 0)
  AND EXISTS (SELECT 1 FROM jobs d WHERE d.queue = $1 AND d.state = 0 AND d.tenant = w.tenant
              AND d.run_at <= CAST(unixepoch('subsec') * 1000 AS INTEGER))
ORDER BY 2, 1 LIMIT $2";

pub(super) const FIRST: &str = "\
SELECT id FROM jobs WHERE queue = $1 AND state = 0 AND tenant = $2
    AND run_at <= CAST(unixepoch('subsec') * 1000 AS INTEGER)
ORDER BY run_at, id LIMIT $3";

const TAKE: &str = "\
UPDATE jobs SET state = 1, attempt = attempt + 1, lease_by = $2,
    lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + $3, changed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE id IN (SELECT value FROM json_each($1)) AND state = 0
RETURNING id, tenant, name, version, key, body, signer, mark, max_attempts, attempt, created_at";

const FINISH: &str = "\
INSERT INTO lanes (queue, tenant, finish) VALUES ($1, $2, $3)
ON CONFLICT (queue, tenant) DO UPDATE SET finish = excluded.finish";

const CLOCK: &str = "UPDATE queues SET clock = MAX(clock, $2) WHERE name = $1";

/// `[[id, attempt], ..]`: those that the worker still has, found one by one by their id.
const GONE: &str = "\
DELETE FROM jobs WHERE key IS NULL AND rowid IN
    (SELECT j.rowid FROM json_each($2) d CROSS JOIN jobs j ON j.id = d.value ->> 0
     WHERE j.attempt = d.value ->> 1 AND j.state = 1 AND j.lease_by = $1)";

const KEPT: &str = "\
UPDATE jobs SET state = 3, body = '', error = NULL, lease_by = NULL, lease_until = NULL,
    changed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE key IS NOT NULL AND rowid IN
    (SELECT j.rowid FROM json_each($2) d CROSS JOIN jobs j ON j.id = d.value ->> 0
     WHERE j.attempt = d.value ->> 1 AND j.state = 1 AND j.lease_by = $1)";

const OTHERWISE: &str = "\
UPDATE jobs SET state = $4, attempt = attempt + $6, error = COALESCE($7, error), lease_by = NULL, lease_until = NULL,
    run_at = CAST(unixepoch('subsec') * 1000 AS INTEGER) + $5, changed_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)
WHERE id = $2 AND attempt = $3 AND state = 1 AND lease_by = $1";

const EXTEND: &str = "\
UPDATE jobs SET lease_until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + $3
WHERE queue = $1 AND state = 1 AND lease_by = $2 AND id IN (SELECT value FROM json_each($4))";

#[derive(Debug)]
pub(crate) struct SqliteStore {
    pool: SqlitePool,
    options: SqliteConnectOptions,
}

impl SqliteStore {
    pub(crate) fn new(options: SqliteConnectOptions) -> Self {
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "OFF");
        Self {
            // One writer at a time is what SQLite has; a second connection would only wait for the first.
            pool: SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(Duration::from_secs(10))
                .connect_lazy_with(options.clone()),
            options,
        }
    }

    /// A file tells nobody.
    fn announced<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
        _queue: &str,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        query
    }

    /// A transaction that takes the write lock at once. In a task of its own, as on PostgreSQL.
    async fn begin(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with("BEGIN IMMEDIATE").await });
        begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
}

impl Store for SqliteStore {
    fn migrate(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let file: PathBuf = self.options.get_filename().into();
            if let Some(folder) = file.parent() {
                tokio::fs::create_dir_all(folder)
                    .await
                    .map_err(sqlx::Error::Io)?;
            }
            let migrator = migrator(
                include_str!("migrations/1_jobs.sqlite.sql"),
                "_sqlx_migrations",
            );
            let options = self.options.clone().create_if_missing(true);
            let mut conn = options.connect().await?;
            let mut tx = conn.begin_with("BEGIN IMMEDIATE").await?;
            migrator.run_direct(None, &mut *tx, false).await?;
            tx.commit().await?;
            Ok(conn.close().await?)
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim<'a>) -> Answer<'a, Vec<Claimed>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let turns: Vec<(String, i64, i64, i64)> = sqlx::query_as(TURNS)
                .bind(claim.queue)
                .bind(claim.most)
                .fetch_all(&mut *tx)
                .await?;
            // (turn, tenant, id, finish), as the other database computes it in SQL.
            let mut ranked = Vec::new();
            for (tenant, start, step, room) in &turns {
                let first: Vec<String> = sqlx::query_scalar(FIRST)
                    .bind(claim.queue)
                    .bind(tenant)
                    .bind(room)
                    .fetch_all(&mut *tx)
                    .await?;
                for (nth, id) in (0_i64..).zip(first) {
                    let turn = start + nth * step;
                    ranked.push((turn, tenant, id, turn + step));
                }
            }
            ranked.sort_unstable();
            ranked.truncate(usize::try_from(claim.most).unwrap_or_default());
            let finished: HashMap<_, _> = ranked
                .iter()
                .map(|(_, tenant, _, finish)| (*tenant, *finish))
                .collect();
            let ids: Vec<&str> = ranked.iter().map(|(.., id, _)| id.as_str()).collect();
            let rows: Vec<ClaimedColumns> = sqlx::query_as(TAKE)
                .bind(serde_json::Value::from(ids).to_string())
                .bind(claim.worker)
                .bind(lease_ms(claim.lease))
                .fetch_all(&mut *tx)
                .await?;
            // In the order of turns again.
            let mut rows: HashMap<String, Claimed> = rows
                .into_iter()
                .map(claimed)
                .map(|row| (row.job.id.clone(), row))
                .collect();
            let taken = ranked
                .iter()
                .filter_map(|(.., id, _)| rows.remove(id))
                .collect();
            for (tenant, finish) in finished {
                sqlx::query(FINISH)
                    .bind(claim.queue)
                    .bind(tenant)
                    .bind(finish)
                    .execute(&mut *tx)
                    .await?;
            }
            if let Some((turn, ..)) = ranked.last() {
                sqlx::query(CLOCK)
                    .bind(claim.queue)
                    .bind(turn)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
            Ok(taken)
        })
    }

    fn settle<'a>(&'a self, worker: &'a str, settled: &'a [Settled]) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let mut done = Vec::new();
            for Settled {
                id,
                attempt,
                outcome,
            } in settled
            {
                let Some((state, delay, counted, error)) = outcome.columns() else {
                    debug_assert_eq!(*outcome, Outcome::Done);
                    done.push((id, attempt));
                    continue;
                };
                let query = sqlx::query(OTHERWISE).bind(worker).bind(id).bind(attempt);
                let query = query.bind(state).bind(delay).bind(counted).bind(error);
                query.execute(&mut *tx).await?;
            }
            if !done.is_empty() {
                let done = serde_json::json!(done).to_string();
                for sql in [GONE, KEPT] {
                    sqlx::query(sql)
                        .bind(worker)
                        .bind(&done)
                        .execute(&mut *tx)
                        .await?;
                }
            }
            Ok(tx.commit().await?)
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
            query
                .bind(serde_json::Value::from(jobs).to_string())
                .execute(&self.pool)
                .await?;
            Ok(())
        })
    }

    fn hints(&self) -> Answer<'_, Option<Box<dyn Hints>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    plain_methods!();
}
