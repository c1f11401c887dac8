//! [`Schedules`]: one line of cron, a job for each tenant.

mod calendar;
mod tenants;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use croner::Cron;
use futures_core::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tenancy_core::{Tenant, TenantContext, TenantId};

pub use tenants::Tenants;

pub(crate) use tenants::Pages;

use crate::job::{Enqueue, Job, millis};
use crate::queue::JobQueue;
use crate::{Error, Result};
use calendar::Utc;

type Send = dyn for<'a> Fn(&'a JobQueue, &'a TenantContext, Enqueue) -> BoxFuture<'a, Result<()>>
    + std::marker::Send
    + Sync;

/// Jobs for every tenant at certain times, by lines of cron in UTC.
///
/// Run it in every process: whoever comes first sends, and keys see to it that each tenant gets each time's job once. A
/// process that dies half way through the tenants is made up for by the next.
///
/// Times that passed while no process ran are made up for once, not once each. A tenant that is closed at the time gets
/// nothing for that time.
///
/// # Example: at three in the morning, spread over half an hour
/// ```
/// # #[cfg(feature = "sqlite")]
/// # fn example(jobs: tenancy_jobs::JobQueue, registry: tenancy_sqlx::SqlRegistry<sqlx::Sqlite>) -> tenancy_jobs::Result<()> {
/// use std::time::Duration;
/// use serde::{Deserialize, Serialize};
/// use tenancy_jobs::{Job, Schedules};
///
/// #[derive(Serialize, Deserialize)]
/// struct CleanUp {}
/// impl Job for CleanUp { const NAME: &'static str = "clean_up"; }
///
/// let schedules = Schedules::new(jobs, registry)
///     .every("clean-up", "0 3 * * *", Duration::from_secs(1_800), |_tenant| Some(CleanUp {}))?;
/// // In a task of the service: schedules.run().await
/// # let _ = schedules;
/// # Ok(()) }
/// ```
pub struct Schedules {
    queue: JobQueue,
    tenants: Arc<dyn Tenants>,
    lines: Vec<Line>,
}

struct Line {
    name: String,
    cron: Cron,
    spread: Duration,
    send: Box<Send>,
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.lines.iter().map(|line| &line.name))
            .finish()
    }
}

impl Schedules {
    /// None yet, for these tenants.
    pub fn new(queue: JobQueue, tenants: impl Tenants + 'static) -> Self {
        Self {
            queue,
            tenants: Arc::new(tenants),
            lines: Vec::new(),
        }
    }

    /// Sends a job to each tenant at the times of `cron`, spread over the time after them: each tenant at its own moment,
    /// the same each time. `make` says what the job of a tenant is, or that it has none.
    ///
    /// The name is how the times that were done are remembered: keep it.
    ///
    /// # Errors
    /// [`Error::Config`] if `cron` is no line of cron (five fields, or six with seconds), or the name is taken.
    pub fn every<J, F>(
        mut self,
        name: impl Into<String>,
        cron: &str,
        spread: Duration,
        make: F,
    ) -> Result<Self>
    where
        J: Job + Sync,
        F: Fn(&Tenant) -> Option<J> + std::marker::Send + Sync + 'static,
    {
        let name = name.into();
        if name.is_empty() || name.len() > 64 || self.lines.iter().any(|line| line.name == name) {
            return Err(Error::Config(
                "the name of a schedule has 1 to 64 bytes, and each has its own",
            ));
        }
        let cron = calendar::parse(cron)?;
        self.lines.push(Line {
            name,
            cron,
            spread,
            send: Box::new(move |queue, cx, how| {
                let job = make(cx.tenant());
                Box::pin(async move {
                    if let Some(job) = job {
                        let _ = queue.enqueue_for(cx, &job, how).await?;
                    }
                    Ok(())
                })
            }),
        });
        Ok(self)
    }

    /// Sends what is due, for ever. Outages are waited for.
    pub async fn run(&self) {
        loop {
            let wait = match self.run_due(SystemTime::now()).await {
                Ok(_) => self.until_next(SystemTime::now()),
                Err(error) => {
                    tracing::warn!(%error, "schedules could not be sent; trying again");
                    Duration::from_secs(5)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends what is due at this time and was not sent yet; answers how many tenants were asked.
    ///
    /// # Errors
    /// The queue's database or the list of tenants is away; what was not sent will be when this is called again.
    pub async fn run_due(&self, now: SystemTime) -> Result<u64> {
        let store = &self.queue.core.store;
        let mut asked = 0;
        for line in &self.lines {
            let done = store
                .schedule(&line.name, millis(now))
                .await
                .map_err(Error::Store)?;
            let Some(due) = calendar::last(&line.cron, Utc::at(now)) else {
                continue;
            };
            if due.millis() <= done {
                continue;
            }
            asked += self.fan_out(line, due).await?;
            store
                .scheduled(&line.name, due.millis())
                .await
                .map_err(Error::Store)?;
        }
        Ok(asked)
    }

    async fn fan_out(&self, line: &Line, due: Utc) -> Result<u64> {
        let mut asked = 0;
        let mut pages = Pages::new(&*self.tenants, "schedule");
        while let Some(contexts) = pages.next().await? {
            for cx in contexts {
                let at = due.time() + moment(&line.name, cx.tenant_id(), line.spread);
                let how = Enqueue::new()
                    .key(format!("schedule:{}:{}", line.name, due.millis()))
                    .at(at);
                match (line.send)(&self.queue, &cx, how).await {
                    Ok(()) => asked += 1,
                    // Closed between the list and now.
                    Err(Error::Tenancy(error)) if error.is_suspended() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(asked)
    }

    /// How long until something is due; not too long, since clocks are set.
    fn until_next(&self, now: SystemTime) -> Duration {
        let next = self
            .lines
            .iter()
            .filter_map(|line| calendar::next(&line.cron, Utc::at(now)))
            .filter_map(|next| next.time().duration_since(now).ok())
            .min();
        next.unwrap_or(Duration::MAX)
            .clamp(Duration::from_millis(50), Duration::from_secs(30))
    }
}

/// A tenant's own moment of the spread.
fn moment(name: &str, tenant: TenantId, spread: Duration) -> Duration {
    let digest: [u8; 32] = Sha256::digest(format!("{name}\0{tenant}")).into();
    let (first, _) = digest.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    spread.mul_f64(f64::from(u32::from_be_bytes(*first)) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spread_and_stay() {
        let spread = Duration::from_secs(1_000);
        let moments: Vec<_> = (1..=1_000)
            .map(|n| moment("a", TenantId::from_integer(n).unwrap(), spread))
            .collect();
        assert!(moments.iter().all(|moment| *moment <= spread));
        let early = moments.iter().filter(|m| m.as_secs() < 500).count();
        assert!((400..600).contains(&early), "{early}");
        let one = TenantId::from_integer(1).unwrap();
        assert_eq!(moment("a", one, spread), moments[0]);
        assert_ne!(moment("b", one, spread), moments[0]);
    }
}
