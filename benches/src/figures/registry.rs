//! The registry's cache: a million tenants in memory, found at random, and how long a suspension takes to another node.
//!
//! First of the figures: what a million tenants take is read off the process, whose heap must not have holes yet.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Postgres;
use tenancy_core::{
    Actor, CachedRegistry, Error, Isolation, Known, LookupKey, RegistryExt, Tenant, TenantContext,
    TenantId, TenantRegistry, TenantSlug, TenantStatus,
};
use tenancy_sqlx::SqlRegistry;
use tenancy_testkit::fixture::TwoTenants;

use crate::{Failure, runner::Runner};

const TENANTS: u32 = 1_000_000;
const MEMORY: &str = "registry, MB of 1,000,000 tenants";
const BY_ID: &str = "registry, look-up by id among 1,000,000";
const BY_SLUG: &str = "registry, look-up by slug among 1,000,000";
const SUSPEND: &str = "suspension, from commit to refusal on another node";

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if [MEMORY, BY_ID, BY_SLUG].iter().any(|it| runner.wants(it)) {
        cached(runner).await?;
    }
    if runner.wants(SUSPEND) {
        suspended(runner).await?;
    }
    Ok(())
}

/// Makes the tenant that it is asked for.
#[derive(Debug)]
struct Made;

fn id(n: u32) -> Result<TenantId, Error> {
    TenantId::from_integer(i64::from(n) + 1)
}

fn slug(n: u32) -> Result<TenantSlug, Error> {
    TenantSlug::parse(&format!("tenant-{n}"))
}

impl TenantRegistry for Made {
    fn lookup<'a>(
        &'a self,
        key: &'a LookupKey,
    ) -> futures_util::future::BoxFuture<'a, Result<Option<Arc<Tenant>>, Error>> {
        Box::pin(async move {
            let LookupKey::Slug(wanted) = key else {
                return Ok(None);
            };
            let n = wanted.as_str().trim_start_matches("tenant-").parse();
            let Ok(n) = n else { return Ok(None) };
            let tenant = Tenant::builder(id(n)?, *wanted)
                .name(format!("Tenant {n} Ltd."))
                .plan("gold");
            Ok(Some(Arc::new(tenant.epoch(u64::from(n) + 1).build()?)))
        })
    }
}

async fn cached(runner: &mut Runner) -> Result<(), Failure> {
    let before = resident()?;
    let registry = CachedRegistry::builder(Made)
        .capacity(TENANTS as usize)
        .ttl(Duration::from_secs(3600))
        .build();
    for n in 0..TENANTS {
        registry.by_slug(&slug(n)?).await?;
    }
    let bytes = resident()?.saturating_sub(before);
    runner.count(MEMORY, bytes.div_ceil(1_000_000), 0, 400);

    // The order is random, the list of keys is read from one end to the other: what is measured is the registry.
    let order = shuffled();
    let ids: Result<Vec<_>, _> = order.iter().map(|n| id(*n).map(LookupKey::Id)).collect();
    let ids = ids?;
    let mut at = 0;
    let by_id = async |times| find(&registry, &ids, &mut at, times);
    runner.limit(BY_ID, 300.0, by_id).await?;
    drop(ids);
    let slugs: Result<Vec<_>, _> = order
        .iter()
        .map(|n| slug(*n).map(LookupKey::Slug))
        .collect();
    let slugs = slugs?;
    let mut at = 0;
    let by_slug = async |times| find(&registry, &slugs, &mut at, times);
    runner.limit(BY_SLUG, 300.0, by_slug).await
}

/// Looks up the next keys, beginning again at the end.
fn find(
    registry: &CachedRegistry<Made>,
    keys: &[LookupKey],
    at: &mut usize,
    times: u64,
) -> Result<(), Failure> {
    for _ in 0..times {
        let Some(key) = keys.get(*at) else {
            return Err("there are no keys".into());
        };
        let Known::Tenant(tenant) = registry.peek(key) else {
            return Err("a tenant is not in the cache".into());
        };
        black_box(tenant);
        *at = (*at + 1) % keys.len();
    }
    Ok(())
}

/// All tenants, in an order that looks random: a generator of full period.
fn shuffled() -> Vec<u32> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut all: Vec<u32> = (0..TENANTS).collect();
    for last in (1..all.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = usize::try_from((state >> 33) % (last as u64 + 1)).unwrap_or_default();
        all.swap(last, other);
    }
    all
}

/// What the process has in memory, in bytes.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let digits = line.unwrap_or_default().split_whitespace().nth(1);
    let kib: u64 = digits
        .ok_or("this system does not say what a process takes")?
        .parse()?;
    Ok(kib * 1024)
}

/// Two nodes with a cache each over one PostgreSQL. One suspends; measured until work under way on the other is refused.
async fn suspended(runner: &mut Runner) -> Result<(), Failure> {
    let place = TwoTenants::postgres(Isolation::Shared).build().await?;
    let here = SqlRegistry::<Postgres>::new(place.admin_options());
    let there = SqlRegistry::<Postgres>::new(place.admin_options());
    let cache = Arc::new(CachedRegistry::new(there.clone()));
    // So seldom that only the announcement can be in time.
    let watch = there.watch(&cache, Duration::from_secs(3600)).await?;
    let (tenant, by) = (place.a.id(), Actor::user("bench"));
    let mut samples = Vec::new();
    for _ in 0..runner.rounds() * 3 {
        let cx = loop {
            let found = cache.by_id(&tenant).await?;
            if let Ok(cx) = TenantContext::for_request(found, Actor::user("u")) {
                break cx;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let ended = tokio::spawn(async move {
            cx.ended().await;
            Instant::now()
        });
        here.set_status(tenant, TenantStatus::Suspended, &by, "measuring")
            .await?;
        let committed = Instant::now();
        let refused = ended.await?;
        samples.push(refused.saturating_duration_since(committed).as_nanos() as f64);
        here.set_status(tenant, TenantStatus::Active, &by, "measuring")
            .await?;
    }
    runner.limited(SUSPEND, 50e6, samples);
    drop(watch);
    here.close().await;
    there.close().await;
    Ok(())
}
