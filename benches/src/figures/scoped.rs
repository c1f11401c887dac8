//! What the firewall alone costs: a statement looked up and sent as it was rewritten, against the predicate
//! written by hand, on a connection of a role that no policy binds. No transaction, no setting: those are in `postgres`.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Database, Encode, Executor, FromRow, IntoArguments,
    Postgres, SqlSafeStr as _, SqlStr, Sqlite, Type, query_as,
};
use tenancy_core::{IdRepr, Isolation, TenantId};
use tenancy_sql::{Catalog, Firewall};
use tenancy_testkit::fixture::TwoTenants;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const POSTGRES: [Figure; 2] = [
    figure(
        "postgres, firewall only: read by key, against hand-written",
        0.97,
    ),
    figure(
        "postgres, firewall only: list with a join, against hand-written",
        0.97,
    ),
];
const SQLITE: [Figure; 2] = [
    figure(
        "sqlite, firewall only: read by key, against hand-written",
        0.95,
    ),
    figure(
        "sqlite, firewall only: list with a join, against hand-written",
        0.95,
    ),
];

const fn figure(name: &'static str, least: f64) -> Figure {
    Figure {
        name,
        target: Target::Speed(least),
    }
}

const OUR_READ: &str = "SELECT id, name, status FROM leads WHERE id = $1";
const THEIR_READ: &str = "SELECT id, name, status FROM leads WHERE id = $1 AND tenant_id = $2";
const OUR_LIST: &str = "SELECT l.id, l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id > $1 ORDER BY l.id";
const THEIR_LIST: &str = "SELECT l.id, l.name, u.name FROM leads l \
    JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.owner_id WHERE l.id > $1 AND l.tenant_id = $2 ORDER BY l.id";

type Lead = (i64, String, String);

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if POSTGRES.iter().any(|it| runner.wants(it.name)) {
        let tenants = TwoTenants::postgres(Isolation::Shared).build().await?;
        let conn = tenants.admin_options().connect().await?;
        let catalog = tenants.pool.catalog();
        compare::<Postgres>(runner, POSTGRES, tenants.a.id(), catalog, conn).await?;
    }
    if SQLITE.iter().any(|it| runner.wants(it.name)) {
        let tenants = TwoTenants::sqlite(Isolation::Shared).build().await?;
        let options = SqliteConnectOptions::new().filename(tenants.file_of(&tenants.a));
        let (catalog, conn) = (tenants.pool.catalog(), options.connect().await?);
        compare::<Sqlite>(runner, SQLITE, tenants.a.id(), catalog, conn).await?;
    }
    Ok(())
}

/// One connection for both sides, in turn: two would run in two processes or threads, each where it happens to be.
async fn compare<DB: Database>(
    runner: &mut Runner,
    [read, list]: [Figure; 2],
    tenant: TenantId,
    catalog: &Catalog,
    conn: DB::Connection,
) -> Result<(), Failure>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'r> Lead: FromRow<'r, DB::Row>,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
    for<'q> Uuid: Encode<'q, DB> + Type<DB>,
{
    let IdRepr::Uuid(tenant) = tenant.repr() else {
        return Err("the fixture's tenants have UUIDs".into());
    };
    let firewall = Firewall::new(catalog.clone());
    let conn = Mutex::new(conn);
    let send = async |conn: &mut DB::Connection, text: SqlStr| {
        let rows: Vec<Lead> = query_as(text)
            .bind(2_i64)
            .bind(tenant)
            .fetch_all(conn)
            .await?;
        std::hint::black_box(rows);
        Ok::<_, Failure>(())
    };
    for (figure, our_text, their_text) in
        [(read, OUR_READ, THEIR_READ), (list, OUR_LIST, THEIR_LIST)]
    {
        runner
            .compare(
                figure,
                async |times| {
                    let mut conn = conn.lock().await;
                    for _ in 0..times {
                        let checked = firewall.check(our_text)?;
                        // Rewritten by the firewall just now.
                        let text = AssertSqlSafe(checked.sql().clone());
                        send(&mut conn, text.into_sql_str()).await?;
                    }
                    Ok(())
                },
                async |times| {
                    let mut conn = conn.lock().await;
                    for _ in 0..times {
                        send(&mut conn, their_text.into_sql_str()).await?;
                    }
                    Ok(())
                },
            )
            .await?;
    }
    Ok(())
}
