//! The queue in a Redis: what is a row in the other databases is a hash here, and what an index finds there is a sorted set.
//!
//! The steps are scripts, in the folder `lua`; `lanes.lua` says which keys there are. Answers are read here with suspicion:
//! a hash holds whatever somebody put there, where a column has a type.

mod line;
mod news;
mod scripts;

use std::collections::BTreeSet;
use std::time::Duration;

use deadpool_redis::redis::{IntoConnectionInfo, RedisResult, Script, ScriptInvocation, cmd};
use futures_core::future::BoxFuture;
use uuid::Uuid;

use super::{
    Answer, Claim, Claimed, DepthRow, Hints, JobRow, Outcome, Settled, Store, StoreError, lease_ms,
};
use crate::sealed::Sealed;
use line::Line;
use scripts::Scripts;

/// How much is done in one script, so that nobody waits long behind it.
const STEP: usize = 500;

/// The oldest server that has what the scripts use.
const OLDEST: &[u32] = &[7];

/// The form of the keys, so that a later one is not mistaken for this.
const FORM: u32 = 1;

#[derive(Debug)]
pub(crate) struct RedisStore {
    line: Line,
    scripts: Scripts,
    /// `tenancy-jobs:{name}:`. The braces put all keys into one slot of a cluster.
    root: String,
    /// Who we are to the others.
    own: String,
}

/// A job as scripts answer it: its id and fields, some of which may be missing.
type Fields = (String, Vec<Option<Vec<u8>>>);

impl RedisStore {
    /// A queue of this name, which must be sound.
    pub(crate) fn new(address: impl IntoConnectionInfo, name: &str) -> RedisResult<Self> {
        Ok(Self {
            line: Line::new(address)?,
            scripts: Scripts::new(),
            root: format!("tenancy-jobs:{{{name}}}:"),
            own: Uuid::new_v4().simple().to_string(),
        })
    }

    fn on<'s>(&self, script: &'s Script) -> ScriptInvocation<'s> {
        script.key(&self.root)
    }

    fn at(&self, what: &str) -> String {
        format!("{}{what}", self.root)
    }

    async fn queues(&self) -> Result<Vec<String>, StoreError> {
        self.line.query(cmd("HKEYS").arg(self.at("queues"))).await
    }

    /// Repeats a script that does so many at a time until there are no more; answers how many.
    async fn to_the_end(&self, script: &ScriptInvocation<'_>) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            match self.line.run::<u64>(script).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// Tenants that have, or had, something in a queue.
    async fn lanes(&self, queue: &str) -> Result<BTreeSet<String>, StoreError> {
        let (mut lanes, mut cursor) = (BTreeSet::new(), 0_u64);
        loop {
            let mut scan = cmd("SSCAN");
            scan.arg(self.at(&format!("lanes:{queue}")))
                .arg(cursor)
                .arg("COUNT")
                .arg(STEP);
            let (next, some): (u64, Vec<String>) = self.line.query(&scan).await?;
            lanes.extend(some);
            if next == 0 {
                return Ok(lanes);
            }
            cursor = next;
        }
    }
}

impl Store for RedisStore {
    /// There are no tables to make; it is found out whether this server can be relied on.
    fn migrate(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let info: String = self.line.query(&cmd("INFO")).await?;
            ensure_suited(&info)?;
            let mut form = cmd("SET");
            form.arg(self.at("form")).arg(FORM).arg("NX");
            let () = self.line.query(&form).await?;
            let form: u32 = self.line.query(cmd("GET").arg(self.at("form"))).await?;
            if form != FORM {
                return Err(StoreError::unsuited(
                    "the queue in this redis was made by a newer version of tenancy-jobs",
                ));
            }
            Ok(())
        })
    }

    fn push<'a>(&'a self, queue: &'a str, job: &'a Sealed) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut push = self.on(&self.scripts.push);
            push.arg(queue).arg(&self.own).arg(&job.tenant).arg(&job.id);
            push.arg(job.run_at.map_or_else(String::new, |at| at.to_string()));
            push.arg(job.max_attempts).arg(&job.name).arg(job.version);
            push.arg(i32::from(job.key.is_some()))
                .arg(job.key.as_deref().unwrap_or_default());
            push.arg(&job.body)
                .arg(&job.signer)
                .arg(job.mark.as_slice());
            self.line.run(&push).await
        })
    }

    fn existing<'a>(&'a self, job: &'a Sealed) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let mut existing = self.on(&self.scripts.existing);
            existing.arg(&job.tenant).arg(&job.id).arg(&job.name);
            existing
                .arg(i32::from(job.key.is_some()))
                .arg(job.key.as_deref().unwrap_or_default());
            self.line.run(&existing).await
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
            let mut share = self.on(&self.scripts.share);
            share.arg(queue).arg(tenant).arg(weight).arg(at_once);
            self.line.run(&share).await
        })
    }

    fn open_queue<'a>(&'a self, queue: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut open = self.on(&self.scripts.open_queue);
            open.arg(queue);
            self.line.run(&open).await
        })
    }

    fn claim<'a>(&'a self, claim: &'a Claim<'a>) -> Answer<'a, Vec<Claimed>> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.claim);
            script.arg(claim.queue).arg(claim.worker).arg(claim.most);
            script.arg(lease_ms(claim.lease)).arg(STEP);
            let taken: Vec<Fields> = self.line.run(&script).await?;
            Ok(taken.into_iter().map(claimed).collect())
        })
    }

    fn settle<'a>(&'a self, worker: &'a str, settled: &'a [Settled]) -> Answer<'a, ()> {
        Box::pin(async move {
            for part in settled.chunks(STEP) {
                let mut script = self.on(&self.scripts.settle);
                script.arg(worker);
                for Settled {
                    id,
                    attempt,
                    outcome,
                } in part
                {
                    script.arg(id).arg(attempt);
                    match outcome.columns() {
                        None => {
                            debug_assert_eq!(*outcome, Outcome::Done);
                            script.arg("done").arg(0).arg(0).arg(0).arg("");
                        }
                        Some((state, delay, counted, error)) => {
                            script.arg(state).arg(delay).arg(counted);
                            script
                                .arg(i32::from(error.is_some()))
                                .arg(error.unwrap_or_default());
                        }
                    }
                }
                let () = self.line.run(&script).await?;
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
            for part in jobs.chunks(STEP) {
                let mut script = self.on(&self.scripts.extend);
                script.arg(queue).arg(worker).arg(lease_ms(lease)).arg(part);
                let () = self.line.run(&script).await?;
            }
            Ok(())
        })
    }

    fn recover<'a>(&'a self, queue: &'a str) -> Answer<'a, u64> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.recover);
            script.arg(queue).arg(STEP).arg(super::STOPPED);
            self.to_the_end(&script).await
        })
    }

    fn pause<'a>(
        &'a self,
        queue: Option<&'a str>,
        tenant: &'a str,
        paused: bool,
    ) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.pause);
            script
                .arg(queue.unwrap_or_default())
                .arg(tenant)
                .arg(i32::from(paused));
            self.line.run(&script).await
        })
    }

    fn paused(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async move { self.line.run(&self.on(&self.scripts.paused)).await })
    }

    fn bury<'a>(&'a self, tenant: &'a str, error: &'a str) -> Answer<'a, u64> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.bury);
            script.arg(tenant).arg(error).arg(STEP);
            self.to_the_end(&script).await
        })
    }

    fn find<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, Option<JobRow>> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.find);
            script.arg(tenant).arg(id);
            let found: Option<Fields> = self.line.run(&script).await?;
            Ok(found.map(|found| job_row(found).1))
        })
    }

    fn dead<'a>(&'a self, tenant: &'a str, most: i64) -> Answer<'a, Vec<JobRow>> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.dead);
            script.arg(tenant).arg(most);
            let found: Vec<Fields> = self.line.run(&script).await?;
            let mut rows: Vec<(i64, JobRow)> = found.into_iter().map(job_row).collect();
            rows.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.id.cmp(&y.id)));
            rows.truncate(usize::try_from(most).unwrap_or_default());
            Ok(rows.into_iter().map(|(_, row)| row).collect())
        })
    }

    fn revive<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.revive);
            script.arg(tenant).arg(id);
            self.line.run(&script).await
        })
    }

    fn discard<'a>(&'a self, tenant: &'a str, id: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.discard);
            script.arg(tenant).arg(id);
            self.line.run(&script).await
        })
    }

    fn depths(&self) -> Answer<'_, Vec<DepthRow>> {
        Box::pin(async move {
            let mut queues = self.queues().await?;
            queues.sort();
            let mut rows = Vec::new();
            for queue in queues {
                let lanes: Vec<String> = self.lanes(&queue).await?.into_iter().collect();
                for part in lanes.chunks(STEP) {
                    let mut script = self.on(&self.scripts.depths);
                    script.arg(&queue).arg(part);
                    let counts: Vec<Counts> = self.line.run(&script).await?;
                    rows.extend(
                        counts
                            .into_iter()
                            .flat_map(|counts| depth_rows(&queue, counts)),
                    );
                }
            }
            Ok(rows)
        })
    }

    fn vacuum(&self, done_before: i64) -> Answer<'_, u64> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.vacuum);
            script.arg(done_before).arg(STEP);
            self.to_the_end(&script).await
        })
    }

    fn schedule<'a>(&'a self, name: &'a str, now: i64) -> Answer<'a, i64> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.schedule);
            script.arg(name).arg(now).arg("");
            self.line.run(&script).await
        })
    }

    fn scheduled<'a>(&'a self, name: &'a str, up_to: i64) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut script = self.on(&self.scripts.schedule);
            script.arg(name).arg(up_to).arg(up_to);
            self.line.run::<i64>(&script).await.map(drop)
        })
    }

    fn hints(&self) -> Answer<'_, Option<Box<dyn Hints>>> {
        Box::pin(async move {
            let heard = self.line.listen(&self.at("news")).await?;
            let hints = news::RedisHints::new(heard, self.own.clone());
            Ok(Some(Box::new(hints) as Box<dyn Hints>))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.line.close())
    }
}

/// Refuses a server that is too old, or that throws keys away when it is full.
fn ensure_suited(info: &str) -> Result<(), StoreError> {
    let says = |key: &str| {
        let mut lines = info.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.trim())
    };
    let version = says("redis_version").unwrap_or_default();
    let version: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    if version.as_slice() < OLDEST {
        return Err(StoreError::unsuited("a queue needs redis 7 or newer"));
    }
    let evicts = says("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys"));
    if evicts {
        return Err(StoreError::unsuited(
            "this redis throws any key away when it is full, jobs too; set its `maxmemory-policy` to `noeviction`, or to one \
             that begins with `volatile-`",
        ));
    }
    Ok(())
}

/// The fields of a job in their order. What can't be read is empty or -1: such a job is no longer what was signed.
struct Reader(std::vec::IntoIter<Option<Vec<u8>>>);

impl Reader {
    fn of(fields: Vec<Option<Vec<u8>>>) -> Self {
        Self(fields.into_iter())
    }

    fn maybe(&mut self) -> Option<String> {
        let bytes = self.0.next().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn text(&mut self) -> String {
        self.maybe().unwrap_or_default()
    }

    fn bytes(&mut self) -> Vec<u8> {
        self.0.next().flatten().unwrap_or_default()
    }

    fn number(&mut self) -> i64 {
        self.text().parse().unwrap_or(-1)
    }
}

fn claimed((id, fields): Fields) -> Claimed {
    let mut field = Reader::of(fields);
    let job = Sealed {
        id,
        tenant: field.text(),
        name: field.text(),
        version: field.number(),
        key: field.maybe(),
        body: field.text(),
        signer: field.text(),
        mark: field.bytes(),
        run_at: None,
        max_attempts: field.number(),
    };
    Claimed {
        job,
        attempt: field.number(),
        created_at: field.number(),
    }
}

/// With when it changed last.
fn job_row((id, fields): Fields) -> (i64, JobRow) {
    let mut field = Reader::of(fields);
    let _tenant = field.text();
    let row = JobRow {
        id,
        name: field.text(),
        state: field.number(),
        attempt: field.number(),
        error: field.maybe(),
        created_at: field.number(),
        run_at: field.number(),
    };
    (field.number(), row)
}

/// Tenant, what waits, how much of it is due, for how many milliseconds, what runs, what is dead, whether it is held back.
type Counts = (String, i64, i64, i64, i64, i64, bool);

/// A row for each state that there is something in.
fn depth_rows(queue: &str, counts: Counts) -> impl Iterator<Item = DepthRow> {
    let (tenant, waiting, due, oldest_ms, running, dead, paused) = counts;
    let queue = queue.to_owned();
    [
        (0, waiting, due, oldest_ms),
        (1, running, 0, 0),
        (2, dead, 0, 0),
    ]
    .into_iter()
    .filter(|(_, jobs, ..)| *jobs > 0)
    .map(move |(state, jobs, due, oldest_ms)| DepthRow {
        queue: queue.clone(),
        tenant: tenant.clone(),
        state,
        jobs,
        due,
        oldest_ms,
        paused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_lose_jobs_are_refused() {
        let info = |version: &str, policy: &str| {
            format!(
                "# Server\r\nredis_version:{version}\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        let check = |version, policy, is_suited| {
            assert_eq!(
                ensure_suited(&info(version, policy)).is_ok(),
                is_suited,
                "{version} {policy}"
            );
        };
        check("7.0.15", "noeviction", true);
        check("8.2.1", "volatile-lru", true);
        check("10.0", "volatile-ttl", true);
        check("6.2.14", "noeviction", false);
        check("", "noeviction", false);
        check("7.2.0", "allkeys-lru", false);
        assert!(ensure_suited("").is_err());
    }
}
