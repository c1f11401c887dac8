//! The functions of a `#[tenant_scoped]` model against the same statements written by hand, through the same pool: on SQLite,
//! where nothing else takes long.

use sqlx::{Sqlite, query, query_as};
use tenancy::tenant_scoped;
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Budget};
use tenancy_testkit::fixture::TwoTenants;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const FIND: Figure = Figure {
    name: "models: find, against the same statement by hand",
    target: Target::Speed(0.97),
};
const LIST: Figure = Figure {
    name: "models: filter and order_by, against the same statement by hand",
    target: Target::Speed(0.97),
};
const UPDATE: Figure = Figure {
    name: "models: update, against the same statement by hand",
    target: Target::Speed(0.97),
};

#[tenant_scoped(table = "leads")]
#[derive(Debug, sqlx::FromRow)]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if ![FIND, LIST, UPDATE].iter().any(|it| runner.wants(it.name)) {
        return Ok(());
    }
    let tenants = TwoTenants::sqlite(Isolation::Shared).build().await?;
    let cx = TenantContext::for_test(tenants.a.clone());
    let pool = tenants.pool_with(Budget::new(2))?;
    let db = pool.for_tenant(&cx);
    let lead = Lead::find(3).fetch_one(&db).await?;
    let sides = (&db, &lead);
    let compared = runner.compare(
        FIND,
        async |times| find(sides, times).await,
        async |times| find_by_hand(sides, times).await,
    );
    compared.await?;
    let compared = runner.compare(
        LIST,
        async |times| list(sides, times).await,
        async |times| list_by_hand(sides, times).await,
    );
    compared.await?;
    let compared = runner.compare(
        UPDATE,
        async |times| update(sides, times).await,
        async |times| update_by_hand(sides, times).await,
    );
    compared.await?;
    pool.close().await;
    Ok(())
}

type Sides<'a> = (&'a BoundPool<Sqlite>, &'a Lead);

async fn find((db, lead): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        Lead::find(lead.id).fetch_one(db).await?;
    }
    Ok(())
}

async fn find_by_hand((db, lead): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Lead = query_as("SELECT id, name, status, owner_id FROM leads WHERE id = $1")
            .bind(lead.id)
            .fetch_one(db)
            .await?;
    }
    Ok(())
}

async fn list((db, _): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let list = Lead::filter("status = $1").bind("open").order_by("id");
        list.fetch_all(db).await?;
    }
    Ok(())
}

async fn list_by_hand((db, _): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Vec<Lead> = query_as(
            "SELECT id, name, status, owner_id FROM leads WHERE (status = $1) ORDER BY id",
        )
        .bind("open")
        .fetch_all(db)
        .await?;
    }
    Ok(())
}

async fn update((db, lead): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        lead.update().execute(db).await?;
    }
    Ok(())
}

async fn update_by_hand((db, lead): Sides<'_>, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        query("UPDATE leads SET name = $2, status = $3, owner_id = $4 WHERE id = $1")
            .bind(lead.id)
            .bind(&lead.name)
            .bind(&lead.status)
            .bind(lead.owner_id)
            .execute(db)
            .await?;
    }
    Ok(())
}
