//! What SQLite's engine costs as a second wall: the same statements through the same pool, with it and without it.

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{Sqlite, query, query_as, query_scalar};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Budget};
use tenancy_testkit::fixture::TwoTenants;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const READ: Figure = Figure {
    name: "sqlite: engine wall, read by key, against none",
    target: Target::Speed(0.9),
};
const SCAN: Figure = Figure {
    name: "sqlite: engine wall, 5,000 rows counted, against none",
    target: Target::Speed(0.9),
};
const INSERT: Figure = Figure {
    name: "sqlite: engine wall, insert, against none",
    target: Target::Speed(0.9),
};
const OPEN: Figure = Figure {
    name: "sqlite: engine wall, first read of a new pool, against none",
    target: Target::Time(10.0),
};

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if ![READ, SCAN, INSERT, OPEN]
        .iter()
        .any(|it| runner.wants(it.name))
    {
        return Ok(());
    }
    let walled = TwoTenants::sqlite(Isolation::Shared)
        .engine_wall()
        .build()
        .await?;
    let plain = TwoTenants::sqlite(Isolation::Shared).build().await?;
    let bound = |tenants: &TwoTenants<Sqlite>| {
        let cx = TenantContext::for_test(tenants.a.clone());
        Ok::<_, Failure>(tenants.pool_with(Budget::new(2))?.for_tenant(&cx))
    };
    let (ours, other) = (bound(&walled)?, bound(&plain)?);
    for pool in [&ours, &other] {
        query(
            "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 5999) \
             INSERT INTO leads (id, name, status, owner_id) SELECT i, 'x', 'open', 1 FROM n",
        )
        .execute(pool)
        .await?;
    }
    let side = (&ours, &other);
    runner
        .compare(
            READ,
            async |times| read(side.0, times).await,
            async |times| read(side.1, times).await,
        )
        .await?;
    runner
        .compare(
            SCAN,
            async |times| scan(side.0, times).await,
            async |times| scan(side.1, times).await,
        )
        .await?;
    let next = AtomicI64::new(10_000);
    runner
        .compare(
            INSERT,
            async |times| insert(side.0, &next, times).await,
            async |times| insert(side.1, &next, times).await,
        )
        .await?;
    runner
        .compare(
            OPEN,
            async |times| {
                for _ in 0..times {
                    read(&bound(&walled)?, 1).await?;
                }
                Ok(())
            },
            async |times| {
                for _ in 0..times {
                    read(&bound(&plain)?, 1).await?;
                }
                Ok(())
            },
        )
        .await
}

async fn read(pool: &BoundPool<Sqlite>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: (i64, String, String) = query_as("SELECT id, name, status FROM leads WHERE id = $1")
            .bind(3_i64)
            .fetch_one(pool)
            .await?;
    }
    Ok(())
}

async fn scan(pool: &BoundPool<Sqlite>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: i64 = query_scalar("SELECT count(*) FROM leads WHERE name = $1")
            .bind("x")
            .fetch_one(pool)
            .await?;
    }
    Ok(())
}

async fn insert(pool: &BoundPool<Sqlite>, next: &AtomicI64, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        query("INSERT INTO leads (id, name, status, owner_id) VALUES ($1, $2, 'open', 1)")
            .bind(next.fetch_add(1, Ordering::Relaxed))
            .bind("new")
            .execute(pool)
            .await?;
    }
    Ok(())
}
