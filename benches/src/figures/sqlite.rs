//! A scoped statement on SQLite against the one that people write by hand, `WHERE tenant_id = ?`, on a pool of sqlx.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{SqlitePool, query, query_as};
use tenancy_core::{IdRepr, Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Budget};
use tenancy_testkit::fixture::TwoTenants;

use crate::{
    Failure,
    runner::{Figure, PARTS, Runner, Target},
};

const READ: Figure = Figure {
    name: "sqlite: read by key, against hand-written",
    target: Target::Speed(0.95),
};
const LIST: Figure = Figure {
    name: "sqlite: list with a join, against hand-written",
    target: Target::Speed(0.95),
};
const WRITE: Figure = Figure {
    name: "sqlite: update by key, against hand-written",
    target: Target::Speed(0.95),
};

type Lead = (i64, String, String);

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if ![READ, LIST, WRITE].iter().any(|it| runner.wants(it.name)) {
        return Ok(());
    }
    for _ in 0..PARTS {
        part(runner).await?;
    }
    Ok(())
}

/// A pool of each side, whose threads are where they happen to be.
async fn part(runner: &mut Runner) -> Result<(), Failure> {
    let tenants = TwoTenants::sqlite(Isolation::Shared).build().await?;
    let cx = TenantContext::for_test(tenants.a.clone());
    let pool = tenants.pool_with(Budget::new(2))?;
    let ours = pool.for_tenant(&cx);
    let options = SqliteConnectOptions::new()
        .filename(tenants.file_of(&tenants.a))
        .synchronous(sqlx::sqlite::SqliteSynchronous::Normal)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let bare = SqlitePoolOptions::new()
        .max_connections(2)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let IdRepr::Uuid(id) = cx.tenant_id().repr() else {
        return Err("the fixture's tenants have UUIDs".into());
    };

    runner
        .compare_part(
            READ,
            async |times| read_ours(&ours, times).await,
            async |times| {
                for _ in 0..times {
                    let _: Lead = query_as(
                        "SELECT id, name, status FROM leads WHERE tenant_id = $1 AND id = $2",
                    )
                    .bind(id)
                    .bind(3_i64)
                    .fetch_one(&bare)
                    .await?;
                }
                Ok(())
            },
        )
        .await?;
    runner
        .compare_part(
            LIST,
            async |times| list_ours(&ours, times).await,
            async |times| list_bare(&bare, id, times).await,
        )
        .await?;
    runner
        .compare_part(
            WRITE,
            async |times| {
                for _ in 0..times {
                    query("UPDATE leads SET status = $1 WHERE id = $2")
                        .bind("open")
                        .bind(3_i64)
                        .execute(&ours)
                        .await?;
                }
                Ok(())
            },
            async |times| {
                for _ in 0..times {
                    query("UPDATE leads SET status = $1 WHERE tenant_id = $2 AND id = $3")
                        .bind("open")
                        .bind(id)
                        .bind(3_i64)
                        .execute(&bare)
                        .await?;
                }
                Ok(())
            },
        )
        .await?;
    bare.close().await;
    pool.close().await;
    Ok(())
}

async fn read_ours(ours: &BoundPool<sqlx::Sqlite>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Lead = query_as("SELECT id, name, status FROM leads WHERE id = $1")
            .bind(3_i64)
            .fetch_one(ours)
            .await?;
    }
    Ok(())
}

async fn list_ours(ours: &BoundPool<sqlx::Sqlite>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Vec<Lead> = query_as(
            "SELECT l.id, l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id \
             WHERE l.status = $1 ORDER BY l.id",
        )
        .bind("open")
        .fetch_all(ours)
        .await?;
    }
    Ok(())
}

async fn list_bare(bare: &SqlitePool, id: uuid::Uuid, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Vec<Lead> = query_as(
            "SELECT l.id, l.name, u.name FROM leads l \
             JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.owner_id \
             WHERE l.tenant_id = $1 AND l.status = $2 ORDER BY l.id",
        )
        .bind(id)
        .bind("open")
        .fetch_all(bare)
        .await?;
    }
    Ok(())
}
