//! Statements that both databases understand: only the schema's prefix and the clock differ.

/// Puts a job into the queue, unless it or its key is there.
macro_rules! insert {
    ($s:literal, $now:literal) => {
        concat!(
            "INSERT INTO ", $s, "jobs (id, queue, tenant, run_at, max_attempts, name, version, key, body, signer, mark, \
             created_at, changed_at) \
             VALUES ($1, $2, $3, COALESCE($4, ", $now, "), $5, $6, $7, $8, $9, $10, $11, ", $now, ", ", $now, ") \
             ON CONFLICT DO NOTHING"
        )
    };
}

/// The constants of these statements, for a schema's prefix and an expression of the present time.
macro_rules! shared {
    ($s:literal, $now:literal) => {
        pub(super) const EXISTING: &str = concat!(
            "SELECT id FROM ", $s, "jobs WHERE tenant = $1 AND (id = $2 OR (name = $3 AND key = $4)) LIMIT 1"
        );
        pub(super) const SHARE: &str = concat!(
            "INSERT INTO ", $s, "lanes (queue, tenant, weight, at_once) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (queue, tenant) DO UPDATE SET weight = excluded.weight, at_once = excluded.at_once"
        );
        pub(super) const OPEN_QUEUE: &str =
            concat!("INSERT INTO ", $s, "queues (name) VALUES ($1) ON CONFLICT DO NOTHING");
        pub(super) const RECOVER: &str = concat!(
            "UPDATE ", $s, "jobs SET state = CASE WHEN attempt >= max_attempts THEN 2 ELSE 0 END, \
             error = CASE WHEN attempt >= max_attempts THEN 'its worker stopped in the middle of the last attempt' ELSE error END, \
             lease_by = NULL, lease_until = NULL, changed_at = ", $now, " \
             WHERE queue = $1 AND state = 1 AND lease_until < ", $now
        );
        pub(super) const PAUSE: &str = concat!(
            "INSERT INTO ", $s, "lanes (queue, tenant, paused) VALUES ($1, $2, $3) \
             ON CONFLICT (queue, tenant) DO UPDATE SET paused = excluded.paused"
        );
        pub(super) const PAUSE_EVERYWHERE: &str =
            concat!("UPDATE ", $s, "lanes SET paused = $2 WHERE tenant = $1 AND paused <> $2");
        pub(super) const PAUSED: &str = concat!("SELECT DISTINCT tenant FROM ", $s, "lanes WHERE paused");
        pub(super) const BURY: &str = concat!(
            "UPDATE ", $s, "jobs SET state = 2, error = $2, changed_at = ", $now, " WHERE state = 0 AND id IN \
             (SELECT id FROM ", $s, "jobs WHERE state = 0 AND queue IN (SELECT name FROM ", $s, "queues) AND tenant = $1 LIMIT 5000)"
        );
        pub(super) const FIND: &str = concat!(
            "SELECT id, name, state, attempt, error, created_at, run_at FROM ", $s, "jobs WHERE tenant = $1 AND id = $2"
        );
        pub(super) const DEAD: &str = concat!(
            "SELECT id, name, state, attempt, error, created_at, run_at FROM ", $s, "jobs \
             WHERE tenant = $1 AND state = 2 ORDER BY changed_at DESC, id LIMIT $2"
        );
        pub(super) const REVIVE: &str = concat!(
            "UPDATE ", $s, "jobs SET state = 0, attempt = 0, run_at = ", $now, ", changed_at = ", $now, " \
             WHERE tenant = $1 AND id = $2 AND state = 2"
        );
        pub(super) const DISCARD: &str =
            concat!("DELETE FROM ", $s, "jobs WHERE tenant = $1 AND id = $2 AND state <> 1");
        pub(super) const DEPTHS: &str = concat!(
            "SELECT j.queue, j.tenant, j.state, count(*), count(*) FILTER (WHERE j.run_at <= ", $now, "), \
             ", $now, " - min(j.run_at), CAST(CASE WHEN l.paused THEN 1 ELSE 0 END AS BIGINT) \
             FROM ", $s, "jobs j LEFT JOIN ", $s, "lanes l ON l.queue = j.queue AND l.tenant = j.tenant \
             WHERE j.state < 3 GROUP BY j.queue, j.tenant, j.state, l.paused ORDER BY j.queue, j.tenant, j.state"
        );
        pub(super) const VACUUM: &str = concat!("DELETE FROM ", $s, "jobs WHERE state = 3 AND changed_at < $1");
        pub(super) const SCHEDULE: &str = concat!(
            "INSERT INTO ", $s, "schedules (name, done_at) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING done_at"
        );
        pub(super) const SCHEDULED: &str =
            concat!("UPDATE ", $s, "schedules SET done_at = $2 WHERE name = $1 AND done_at < $2");
    };
}

/// The methods of a store that only run one of the statements.
macro_rules! plain_methods {
    () => {
        fn push<'a>(&'a self, queue: &'a str, job: &'a Sealed) -> Answer<'a, bool> {
            Box::pin(async move {
                let query = sqlx::query(PUSH).bind(&job.id).bind(queue);
                let query = query
                    .bind(&job.tenant)
                    .bind(job.run_at)
                    .bind(job.max_attempts);
                let query = query.bind(&job.name).bind(job.version).bind(&job.key);
                let query = query.bind(&job.body).bind(&job.signer).bind(&job.mark);
                let done = self.announced(query, queue).execute(&self.pool).await?;
                Ok(done.rows_affected() == 1)
            })
        }

        fn existing<'a>(&'a self, job: &'a Sealed) -> Answer<'a, Option<String>> {
            Box::pin(async move {
                let query = sqlx::query_scalar(EXISTING).bind(&job.tenant).bind(&job.id);
                let query = query.bind(&job.name).bind(&job.key);
                Ok(query.fetch_optional(&self.pool).await?)
            })
        }

        fn share<'a>(
            &'a self,
            queue: &'a str,
            tenant: &'a str,
            weight: u32,
            at_once: u32,
        ) -> Answer<'a, ()> {
            Box::pin(async move {
                sqlx::query(SHARE)
                    .bind(queue)
                    .bind(tenant)
                    .bind(i64::from(weight))
                    .bind(i64::from(at_once))
                    .execute(&self.pool)
                    .await?;
                Ok(())
            })
        }

        fn open_queue<'a>(&'a self, queue: &'a str) -> Answer<'a, ()> {
            Box::pin(async move {
                let query = sqlx::query(OPEN_QUEUE).bind(queue);
                query.execute(&self.pool).await?;
                Ok(())
            })
        }

        fn recover<'a>(&'a self, queue: &'a str) -> Answer<'a, u64> {
            Box::pin(async move {
                let done = sqlx::query(RECOVER).bind(queue).execute(&self.pool).await?;
                Ok(done.rows_affected())
            })
        }

        fn pause<'a>(
            &'a self,
            queue: Option<&'a str>,
            tenant: &'a str,
            paused: bool,
        ) -> Answer<'a, ()> {
            Box::pin(async move {
                let query = match queue {
                    Some(queue) => sqlx::query(PAUSE).bind(queue).bind(tenant),
                    None => sqlx::query(PAUSE_EVERYWHERE).bind(tenant),
                };
                query.bind(paused).execute(&self.pool).await?;
                Ok(())
            })
        }

        fn paused(&self) -> Answer<'_, Vec<String>> {
            Box::pin(async move { Ok(sqlx::query_scalar(PAUSED).fetch_all(&self.pool).await?) })
        }

        fn bury<'a>(&'a self, tenant: &'a str, error: &'a str) -> Answer<'a, u64> {
            Box::pin(async move {
                let mut buried = 0;
                loop {
                    let query = sqlx::query(BURY).bind(tenant).bind(error);
                    match query.execute(&self.pool).await?.rows_affected() {
                        0 => return Ok(buried),
                        some => buried += some,
                    }
                }
            })
        }

        fn find<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, Option<JobRow>> {
            Box::pin(async move {
                let query = sqlx::query_as(FIND).bind(tenant).bind(id);
                Ok(query.fetch_optional(&self.pool).await?.map(job_row))
            })
        }

        fn dead<'a>(&'a self, tenant: &'a str, most: i64) -> Answer<'a, Vec<JobRow>> {
            Box::pin(async move {
                let query = sqlx::query_as(DEAD).bind(tenant).bind(most);
                let rows = query.fetch_all(&self.pool).await?;
                Ok(rows.into_iter().map(job_row).collect())
            })
        }

        fn revive<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool> {
            Box::pin(async move {
                let query = sqlx::query(REVIVE).bind(tenant).bind(id);
                Ok(query.execute(&self.pool).await?.rows_affected() == 1)
            })
        }

        fn discard<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool> {
            Box::pin(async move {
                let query = sqlx::query(DISCARD).bind(tenant).bind(id);
                Ok(query.execute(&self.pool).await?.rows_affected() == 1)
            })
        }

        fn depths(&self) -> Answer<'_, Vec<DepthRow>> {
            Box::pin(async move {
                let rows = sqlx::query_as(DEPTHS).fetch_all(&self.pool).await?;
                Ok(rows.into_iter().map(depth_row).collect())
            })
        }

        fn vacuum(&self, done_before: i64) -> Answer<'_, u64> {
            Box::pin(async move {
                let query = sqlx::query(VACUUM).bind(done_before);
                Ok(query.execute(&self.pool).await?.rows_affected())
            })
        }

        fn schedule<'a>(&'a self, name: &'a str, now: i64) -> Answer<'a, i64> {
            Box::pin(async move {
                let query = sqlx::query_scalar(SCHEDULE).bind(name).bind(now);
                Ok(query.fetch_one(&self.pool).await?)
            })
        }

        fn scheduled<'a>(&'a self, name: &'a str, up_to: i64) -> Answer<'a, ()> {
            Box::pin(async move {
                let query = sqlx::query(SCHEDULED).bind(name).bind(up_to);
                query.execute(&self.pool).await?;
                Ok(())
            })
        }

        fn close(&self) -> BoxFuture<'_, ()> {
            Box::pin(self.pool.close())
        }
    };
}

pub(super) use {insert, plain_methods, shared};
