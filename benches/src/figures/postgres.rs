//! Both walls on PostgreSQL, on this machine and through a network of one millisecond there and back.
//!
//! The other sides: *the usual way*, `begin`, `set_config`, the statement, `commit`, each awaited, under the same row level
//! security; and *bare*, the statement alone as a role that no policy binds, on a pool of sqlx. Four tasks share four
//! connections on every side, each with a row of its own. The sign of life that sqlx's pool asks for before each use is off, which flatters the others.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, query, query_as};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Budget};
use tenancy_testkit::NetworkDelay;
use tenancy_testkit::fixture::TwoTenants;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const TASKS: u64 = 4;

/// The figures of one network.
struct Figures {
    read_usual: Figure,
    read_bare: Figure,
    write_usual: Figure,
}

const LOOPBACK: Figures = Figures {
    read_usual: figure(
        "postgres, loopback: read, against begin+set_config+query+commit",
        Target::Time(1.0),
    ),
    read_bare: figure(
        "postgres, loopback: read, against the bare query",
        Target::Speed(1.0),
    ),
    write_usual: figure(
        "postgres, loopback: update, against begin+set_config+query+commit",
        Target::Time(1.0),
    ),
};

const NETWORK: Figures = Figures {
    read_usual: figure(
        "postgres, 1 ms network: read, against begin+set_config+query+commit",
        Target::Time(0.55),
    ),
    read_bare: figure(
        "postgres, 1 ms network: read, against the bare query",
        Target::Speed(1.0),
    ),
    write_usual: figure(
        "postgres, 1 ms network: update, against begin+set_config+query+commit",
        Target::Time(0.8),
    ),
};

const fn figure(name: &'static str, target: Target) -> Figure {
    Figure { name, target }
}

impl Figures {
    fn wanted(&self, runner: &Runner) -> bool {
        [self.read_usual, self.read_bare, self.write_usual]
            .iter()
            .any(|it| runner.wants(it.name))
    }
}

type Lead = (i64, String, String);

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if !LOOPBACK.wanted(runner) && !NETWORK.wanted(runner) {
        return Ok(());
    }
    let tenants = TwoTenants::postgres(Isolation::Shared).build().await?;
    if LOOPBACK.wanted(runner) {
        let pool = tenants.pool_with(Budget::new(4))?;
        let (app, owner) = (tenants.app_options(), tenants.admin_options());
        compare(runner, &LOOPBACK, &tenants, pool, app, owner).await?;
    }
    if NETWORK.wanted(runner) {
        let network = NetworkDelay::to(tenants.server_address(), Duration::from_micros(500))?;
        let slow =
            |options: PgConnectOptions| options.host("127.0.0.1").port(network.address().port());
        let pool = tenants.pool_through(&network, Budget::new(4))?;
        let (app, owner) = (slow(tenants.app_options()), slow(tenants.admin_options()));
        compare(runner, &NETWORK, &tenants, pool, app, owner).await?;
    }
    Ok(())
}

async fn compare(
    runner: &mut Runner,
    figures: &Figures,
    tenants: &TwoTenants<sqlx::Postgres>,
    pool: tenancy_sqlx::TenantPool<sqlx::Postgres>,
    app: PgConnectOptions,
    owner: PgConnectOptions,
) -> Result<(), Failure> {
    let cx = TenantContext::for_test(tenants.a.clone());
    let tenant = cx.tenant_id().to_string();
    let ours = pool.for_tenant(&cx);
    let usual = sqlx_pool(app).await?;
    let bare = sqlx_pool(owner).await?;

    runner
        .compare(
            figures.read_usual,
            async |times| tasks(times, |row, n| read_ours(ours.clone(), row, n)).await,
            async |times| {
                tasks(times, |row, n| {
                    read_usual(usual.clone(), tenant.clone(), row, n)
                })
                .await
            },
        )
        .await?;
    runner
        .compare(
            figures.read_bare,
            async |times| tasks(times, |row, n| read_ours(ours.clone(), row, n)).await,
            async |times| tasks(times, |row, n| read_bare(bare.clone(), row, n)).await,
        )
        .await?;
    runner
        .compare(
            figures.write_usual,
            async |times| tasks(times, |row, n| write_ours(ours.clone(), row, n)).await,
            async |times| {
                tasks(times, |row, n| {
                    write_usual(usual.clone(), tenant.clone(), row, n)
                })
                .await
            },
        )
        .await?;
    usual.close().await;
    bare.close().await;
    pool.close().await;
    Ok(())
}

async fn sqlx_pool(options: PgConnectOptions) -> Result<PgPool, Failure> {
    Ok(PgPoolOptions::new()
        .max_connections(4)
        .test_before_acquire(false)
        .connect_with(options)
        .await?)
}

/// Shares the work between the tasks.
async fn tasks<F>(times: u64, work: impl Fn(i64, u64) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let mut all = tokio::task::JoinSet::new();
    for (task, row) in (0..TASKS).zip(1..) {
        let share = times / TASKS + u64::from(task < times % TASKS);
        all.spawn(work(row, share));
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(())
}

async fn read_ours(pool: BoundPool<sqlx::Postgres>, row: i64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Lead = query_as("SELECT id, name, status FROM leads WHERE id = $1")
            .bind(row)
            .fetch_one(&pool)
            .await?;
    }
    Ok(())
}

async fn read_usual(pool: PgPool, tenant: String, row: i64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let mut tx = pool.begin().await?;
        query("SELECT set_config('app.tenant_id', $1, true)")
            .bind(&tenant)
            .execute(&mut *tx)
            .await?;
        let _: Lead = query_as("SELECT id, name, status FROM leads WHERE id = $1")
            .bind(row)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn read_bare(pool: PgPool, row: i64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Lead = query_as("SELECT id, name, status FROM leads WHERE id = $1 LIMIT 1")
            .bind(row)
            .fetch_one(&pool)
            .await?;
    }
    Ok(())
}

async fn write_ours(pool: BoundPool<sqlx::Postgres>, row: i64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        query("UPDATE leads SET status = $1 WHERE id = $2")
            .bind("open")
            .bind(row)
            .execute(&pool)
            .await?;
    }
    Ok(())
}

async fn write_usual(pool: PgPool, tenant: String, row: i64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let mut tx = pool.begin().await?;
        query("SELECT set_config('app.tenant_id', $1, true)")
            .bind(&tenant)
            .execute(&mut *tx)
            .await?;
        query("UPDATE leads SET status = $1 WHERE id = $2")
            .bind("open")
            .bind(row)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}
