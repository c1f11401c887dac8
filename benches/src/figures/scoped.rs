//! What the firewall alone costs on PostgreSQL: a statement looked up and sent as it was rewritten, against the predicate
//! written by hand, on two connections of a role that no policy binds. No transaction, no setting: those are in `postgres`.

use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection, query_as};
use tenancy_core::{IdRepr, Isolation};
use tenancy_sql::Firewall;
use tenancy_testkit::fixture::TwoTenants;
use uuid::Uuid;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const READ: Figure = Figure {
    name: "postgres, firewall only: read by key, against hand-written",
    target: Target::Speed(0.97),
};
const LIST: Figure = Figure {
    name: "postgres, firewall only: list with a join, against hand-written",
    target: Target::Speed(0.97),
};

const OUR_READ: &str = "SELECT id, name, status FROM leads WHERE id = $1";
const THEIR_READ: &str = "SELECT id, name, status FROM leads WHERE id = $1 AND tenant_id = $2";
const OUR_LIST: &str = "SELECT l.id, l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id > $1 ORDER BY l.id";
const THEIR_LIST: &str = "SELECT l.id, l.name, u.name FROM leads l \
    JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.owner_id WHERE l.id > $1 AND l.tenant_id = $2 ORDER BY l.id";

type Lead = (i64, String, String);

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if ![READ, LIST].iter().any(|it| runner.wants(it.name)) {
        return Ok(());
    }
    let tenants = TwoTenants::postgres(Isolation::Shared).build().await?;
    let IdRepr::Uuid(tenant) = tenants.a.id().repr() else {
        return Err("the fixture's tenants have UUIDs".into());
    };
    let firewall = Firewall::new(tenants.pool.catalog().clone());
    let mut ours = tenants.admin_options().connect().await?;
    let mut theirs = tenants.admin_options().connect().await?;
    for (figure, our_text, their_text) in
        [(READ, OUR_READ, THEIR_READ), (LIST, OUR_LIST, THEIR_LIST)]
    {
        runner
            .compare(
                figure,
                async |times| {
                    for _ in 0..times {
                        let checked = firewall.check(our_text)?;
                        // Rewritten by the firewall just now.
                        send(&mut ours, AssertSqlSafe(checked.sql().clone()), tenant).await?;
                    }
                    Ok(())
                },
                async |times| {
                    for _ in 0..times {
                        send(&mut theirs, their_text, tenant).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    Ok(())
}

async fn send(
    conn: &mut PgConnection,
    text: impl sqlx::SqlSafeStr,
    tenant: Uuid,
) -> Result<(), sqlx::Error> {
    let rows: Vec<Lead> = query_as(text)
        .bind(2_i64)
        .bind(tenant)
        .fetch_all(conn)
        .await?;
    std::hint::black_box(rows);
    Ok(())
}
