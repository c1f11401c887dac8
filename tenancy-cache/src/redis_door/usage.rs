//! What concerns all keys of a tenant: counting them and removing them.

use deadpool_redis::redis::{cmd, pipe};

use super::connection::TenantRedis;
use super::pool::TenantRedisPool;
use crate::{Error, Result};

const PAGE: usize = 500;

/// What one tenant keeps in Redis.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RedisUsage {
    /// Keys.
    pub keys: u64,
    /// Bytes, as the server estimates them.
    pub bytes: u64,
}

impl TenantRedisPool {
    /// Counts the tenant's keys and bytes. It walks over the whole server: for reports, not for requests.
    ///
    /// A key that is moved by the server while it is counted may count twice.
    ///
    /// # Errors
    /// As [`get`](Self::get), and whatever the server answers.
    pub async fn usage(&self) -> Result<RedisUsage> {
        let mut redis = self.get().await?;
        let mut usage = RedisUsage::default();
        let mut cursor = 0;
        loop {
            let (next, keys) = page(&mut redis, cursor).await?;
            let mut sizes = pipe();
            for key in &keys {
                sizes.cmd("MEMORY").arg("USAGE").arg(key);
            }
            let sizes: Vec<Option<u64>> = if keys.is_empty() {
                Vec::new()
            } else {
                sizes.query_async(&mut redis).await?
            };
            let present = sizes.into_iter().flatten();
            usage = present.fold(usage, |sum, size| RedisUsage {
                keys: sum.keys + 1,
                bytes: sum.bytes + size,
            });
            cursor = next;
            if cursor == 0 {
                return Ok(usage);
            }
        }
    }

    /// Removes every key of the tenant and says how many there were, having looked again that none is left.
    ///
    /// For offboarding, take a [maintenance](tenancy_core::TenantContext::for_maintenance) context: it works on a tenant that
    /// takes no more work, so that nothing is added meanwhile.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`Error::Config`] if keys are added as fast as they are removed.
    pub async fn flush(&self) -> Result<u64> {
        let mut redis = self.get().await?;
        let mut removed = 0;
        for _ in 0..16 {
            let before = removed;
            let mut cursor = 0;
            loop {
                let (next, keys) = page(&mut redis, cursor).await?;
                if !keys.is_empty() {
                    let count: u64 = cmd("UNLINK").arg(&keys).query_async(&mut redis).await?;
                    removed += count;
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
            if removed == before {
                return Ok(removed);
            }
        }
        Err(Error::Config(
            "the tenant adds keys while they are removed; suspend it first",
        ))
    }
}

async fn page(redis: &mut TenantRedis, cursor: u64) -> Result<(u64, Vec<Vec<u8>>)> {
    let mut scan = cmd("SCAN");
    scan.arg(cursor).arg("COUNT").arg(PAGE);
    Ok(scan.query_async(redis).await?)
}
