//! A Redis connection of one tenant beside the bare one, on this machine and through a network of one millisecond.
//!
//! Both sides hold one connection of the same client to the same server; keys of ours are longer by the tenant's prefix. Over
//! the network an extra round trip would halve the speed.

use std::time::Duration;

use tenancy_cache::redis::aio::{ConnectionLike, MultiplexedConnection};
use tenancy_cache::redis::{AsyncConnectionConfig, Client, cmd, pipe};
use tenancy_cache::{TenantCache, TenantRedis, TenantRedisPool};
use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
use tenancy_testkit::{NetworkDelay, RedisServer};

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const GET: Figure = figure("redis, loopback: GET, against the bare client", 0.97);
const SET: Figure = figure("redis, loopback: SET, against the bare client", 0.97);
const MANY: Figure = figure(
    "redis, loopback: pipeline of 100, against the bare client",
    0.85,
);
const FAR: Figure = figure("redis, 1 ms network: GET, against the bare client", 0.97);
const FAR_MANY: Figure = figure(
    "redis, 1 ms network: transaction of 10, against the bare client",
    0.97,
);
const MEMORY: &str = "cache: a value in memory";

const fn figure(name: &'static str, speed: f64) -> Figure {
    Figure {
        name,
        target: Target::Speed(speed),
    }
}

/// The two sides, over one way to the server.
struct Sides {
    ours: TenantRedis,
    bare: MultiplexedConnection,
}

impl Sides {
    async fn through(url: &str, cx: &TenantContext) -> Result<Self, Failure> {
        let pool = TenantRedisPool::builder(url).build()?;
        let config =
            AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
        let client = Client::open(url)?;
        let bare = client.get_multiplexed_async_connection_with_config(&config);
        Ok(Self {
            ours: pool.for_tenant(cx).get().await?,
            bare: bare.await?,
        })
    }
}

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    let names = [
        GET.name,
        SET.name,
        MANY.name,
        FAR.name,
        FAR_MANY.name,
        MEMORY,
    ];
    if !names.iter().any(|name| runner.wants(name)) {
        return Ok(());
    }
    let server = RedisServer::start().await?;
    let tenant = Tenant::builder(TenantId::new_v7(), TenantSlug::parse("acme")?).build()?;
    let cx = TenantContext::for_request(tenant.into(), Actor::user("bench"))?;

    let Sides { mut ours, mut bare } = Sides::through(server.url(), &cx).await?;
    let (ours, bare) = (&mut ours, &mut bare);
    set(ours, 1).await?;
    set(bare, 1).await?;
    runner
        .compare(
            GET,
            async |n| get(ours, n).await,
            async |n| get(bare, n).await,
        )
        .await?;
    runner
        .compare(
            SET,
            async |n| set(ours, n).await,
            async |n| set(bare, n).await,
        )
        .await?;
    runner
        .compare(
            MANY,
            async |n| many(ours, n).await,
            async |n| many(bare, n).await,
        )
        .await?;

    if runner.wants(FAR.name) || runner.wants(FAR_MANY.name) {
        let network = NetworkDelay::to(server.address()?, Duration::from_micros(500))?;
        let url = server.url_through(network.address().port())?;
        let Sides { mut ours, mut bare } = Sides::through(&url, &cx).await?;
        let (ours, bare) = (&mut ours, &mut bare);
        runner
            .compare(
                FAR,
                async |n| get(ours, n).await,
                async |n| get(bare, n).await,
            )
            .await?;
        runner
            .compare(
                FAR_MANY,
                async |n| transaction(ours, n).await,
                async |n| transaction(bare, n).await,
            )
            .await?;
    }

    let cache = TenantCache::<u64>::builder("bench")
        .build()?
        .for_tenant(&cx);
    runner
        .limit(MEMORY, 2_000.0, async |n| {
            for _ in 0..n {
                cache.get_or_load("k", async || Ok::<_, Failure>(1)).await?;
            }
            Ok(())
        })
        .await
}

async fn get(con: &mut impl ConnectionLike, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Option<String> = cmd("GET").arg("leads:4711").query_async(con).await?;
    }
    Ok(())
}

async fn set(con: &mut impl ConnectionLike, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        cmd("SET")
            .arg("leads:4711")
            .arg("Ada Lovelace")
            .exec_async(con)
            .await?;
    }
    Ok(())
}

async fn many(con: &mut impl ConnectionLike, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let mut many = pipe();
        for n in 0..50 {
            many.cmd("SET")
                .arg(format!("lead:{n}"))
                .arg("Ada Lovelace")
                .ignore();
            many.cmd("GET").arg(format!("lead:{n}"));
        }
        let _: Vec<String> = many.query_async(con).await?;
    }
    Ok(())
}

async fn transaction(con: &mut impl ConnectionLike, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let mut many = pipe();
        many.atomic();
        for n in 0..10 {
            many.cmd("INCR").arg(format!("count:{n}")).ignore();
        }
        many.exec_async(con).await?;
    }
    Ok(())
}
