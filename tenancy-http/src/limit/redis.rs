//! [`SharedCounts`]: counts in Redis that all nodes share, by one script in one round trip.
//!
//! Keys are the tenant's own, below its prefix: `limit:rate` and `limit:{quota}`. A rate is kept as the time at which it
//! would be whole again (the generic cell rate algorithm), a quota as its period and what of it was used. Redis's clock is
//! the only one, so that nodes need not agree about the time.

use std::sync::Arc;
use std::time::Duration;

use tenancy_cache::{TenantRedisPool, TenantScript};
use tenancy_core::TenantContext;

use super::count::{Refused, Standing, Verdict};
use super::future::Unanswered;
use super::local::Entry;
use crate::Problem;

/// For each key: requests, window in milliseconds, and 1 for a rate or 0 for a quota. Nothing is written unless all allow it.
/// Answers the number of the first policy that refused (0: none) and how long to wait, then for each policy what remains and
/// when it is whole; times in milliseconds.
const SCRIPT: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local refused, wait, writes, out = 0, 0, {}, {0, 0}
for i, key in ipairs(KEYS) do
  local most, window = tonumber(ARGV[i * 3 - 2]), tonumber(ARGV[i * 3 - 1])
  local kept = redis.call('GET', key)
  local remaining, reset, write
  if ARGV[i * 3] == '1' then
    local each = window / most
    local whole = math.max(tonumber(kept or '0') or 0, now)
    local next_whole = whole + each
    if next_whole - now > window + 0.001 then
      if refused == 0 then refused, wait = i, next_whole - now - window end
      remaining, reset = 0, whole - now
    else
      remaining, reset = math.floor((window - (next_whole - now)) / each + 0.000001), next_whole - now
      write = string.format('%.3f', next_whole)
    end
  else
    local period = math.floor(now / window)
    local of, used = string.match(kept or '', '^(%d+) (%d+)$')
    used = tonumber(of) == period and tonumber(used) or 0
    reset = (period + 1) * window - now
    if used >= most then
      if refused == 0 then refused, wait = i, reset end
      remaining = 0
    else
      remaining, write = most - used - 1, string.format('%d %d', period, used + 1)
    end
  end
  writes[i] = {write, math.ceil(reset) + 1000}
  out[i * 2 + 1], out[i * 2 + 2] = remaining, math.ceil(reset)
end
if refused == 0 then
  for i, key in ipairs(KEYS) do redis.call('SET', key, writes[i][1], 'PX', writes[i][2]) end
end
out[1], out[2] = refused, math.ceil(wait)
return out
";

/// Counts in Redis. Cheap to clone; clones share a connection.
#[derive(Debug, Clone)]
pub struct SharedCounts {
    script: TenantScript,
}

impl SharedCounts {
    /// Counts in the Redis of this pool. An answer that takes longer than `patience` is an outage.
    #[must_use]
    pub fn new(pool: &TenantRedisPool, patience: Duration) -> Self {
        Self {
            script: TenantScript::new(pool, SCRIPT, patience),
        }
    }

    /// Counts a request.
    pub(super) async fn take(
        self,
        context: TenantContext,
        entry: Arc<Entry>,
    ) -> Result<Verdict, Unanswered> {
        let has_rate = entry.allowance.rate_policy().is_some();
        let (mut keys, mut arguments) = (Vec::new(), Vec::new());
        for (at, (name, policy)) in entry.allowance.policies().enumerate() {
            keys.push(format!("limit:{name}"));
            arguments.push(i64::from(policy.requests.get()));
            arguments.push(i64::from(policy.seconds.get()) * 1000);
            arguments.push(i64::from(has_rate && at == 0));
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let answer: Vec<i64> =
            self.script
                .run(&context, &keys, &arguments)
                .await
                .map_err(|error| {
                    if let Some(refused) = error.tenancy() {
                        return Unanswered::Refused(Problem::from(refused));
                    }
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "the shared counts can't be reached");
                    Unanswered::Away(Problem::unavailable())
                })?;
        read(&answer, keys.len()).ok_or_else(|| {
            tracing::error!("the shared counts answered something else");
            Unanswered::Away(Problem::unavailable())
        })
    }
}

fn read(answer: &[i64], policies: usize) -> Option<Verdict> {
    let (head, rest) = answer.split_at_checked(2)?;
    let millis = |n: &i64| Some(Duration::from_millis(u64::try_from(*n).ok()?));
    let refused = match head {
        [0, _] => None,
        [policy, wait] => Some(Refused {
            policy: usize::try_from(*policy).ok()?.checked_sub(1)?,
            wait: millis(wait)?,
        }),
        _ => return None,
    };
    let standings = rest.chunks_exact(2).map(|pair| match pair {
        [remaining, reset] => Some(Standing {
            remaining: u32::try_from(*remaining).ok()?,
            reset: millis(reset)?,
        }),
        _ => None,
    });
    let standings: Vec<_> = standings.collect::<Option<_>>()?;
    (standings.len() == policies).then_some(Verdict { standings, refused })
}
