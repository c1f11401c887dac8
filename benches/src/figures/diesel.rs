//! Diesel behind both walls: diesel-async on PostgreSQL against the bare query, on this machine and through a network of one
//! millisecond; Diesel on SQLite against the predicate written by hand.
//!
//! *Bare* is the statement alone as a role that no policy binds, each task on a connection of its own that it never gives back,
//! which flatters the other side: ours takes its connection out of the budget for each read.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tenancy_core::{IdRepr, Isolation, ServerName, TenantContext};
use tenancy_diesel::{AsyncTenantPool, Budget, PgServer, SqliteServer, TenantPool};
use tenancy_testkit::NetworkDelay;
use tenancy_testkit::fixture::TwoTenants;

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const LOOPBACK: Figure = Figure {
    name: "diesel-async, loopback: read, against the usual transaction+set_config+query",
    target: Target::Time(1.0),
};
const NETWORK: Figure = Figure {
    name: "diesel-async, 1 ms network: read, against the bare query",
    target: Target::Speed(0.9),
};
const SQLITE: Figure = Figure {
    name: "diesel, sqlite: read, against the predicate by hand",
    target: Target::Speed(0.95),
};

const TASKS: usize = 4;

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        status -> Text,
    }
}

mod by_hand {
    //! The same table, as it is without us.
    diesel::table! {
        leads (tenant_id, id) {
            tenant_id -> Binary,
            id -> BigInt,
            name -> Text,
            status -> Text,
        }
    }
}

type Lead = (i64, String, String);

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if [LOOPBACK, NETWORK].iter().any(|it| runner.wants(it.name)) {
        let tenants = TwoTenants::postgres(Isolation::Shared).build().await?;
        loopback(runner, &tenants).await?;
        network(runner, &tenants).await?;
    }
    if runner.wants(SQLITE.name) {
        sqlite(runner).await?;
    }
    Ok(())
}

async fn loopback(
    runner: &mut Runner,
    tenants: &TwoTenants<sqlx::Postgres>,
) -> Result<(), Failure> {
    let cx = TenantContext::for_test(tenants.a.clone());
    let pool = pool(tenants, &tenants.app_options())?;
    let usual = bare(&tenants.app_options()).await?;
    let tenant: Arc<str> = cx.tenant_id().to_string().into();
    let compared = runner.compare(
        LOOPBACK,
        async |times| ours(&pool, &cx, times).await,
        async |times| {
            let tenant = Arc::clone(&tenant);
            each(&usual, times, move |conn, row, times| {
                read_usual(conn, Arc::clone(&tenant), row, times)
            })
            .await
        },
    );
    compared.await
}

async fn network(runner: &mut Runner, tenants: &TwoTenants<sqlx::Postgres>) -> Result<(), Failure> {
    if !runner.wants(NETWORK.name) {
        return Ok(());
    }
    let cx = TenantContext::for_test(tenants.a.clone());
    let network = NetworkDelay::to(tenants.server_address(), Duration::from_micros(500))?;
    let slow = |options: PgConnectOptions| options.host("127.0.0.1").port(network.address().port());
    let pool = pool(tenants, &slow(tenants.app_options()))?;
    let bare = bare(&slow(tenants.admin_options())).await?;
    let compared = runner.compare(
        NETWORK,
        async |times| ours(&pool, &cx, times).await,
        async |times| each(&bare, times, read_bare).await,
    );
    compared.await
}

fn pool(
    tenants: &TwoTenants<sqlx::Postgres>,
    app: &PgConnectOptions,
) -> Result<AsyncTenantPool, Failure> {
    let database = app.get_database().ok_or("the fixture names its database")?;
    let server = PgServer::new(app.get_host(), database)
        .port(app.get_port())
        .user(app.get_username());
    let server = match app.to_url_lossy().password() {
        Some(password) => server.password(password),
        None => server,
    };
    let pool = AsyncTenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), server)
        .budget(Budget::new(TASKS))
        .build()?;
    Ok(pool)
}

/// Connections of the driver, which each task takes and brings back.
type Bare = Vec<Arc<tokio::sync::Mutex<AsyncPgConnection>>>;

async fn bare(options: &PgConnectOptions) -> Result<Bare, Failure> {
    let mut url = options.to_url_lossy();
    // Its other settings are sqlx's own, which tokio-postgres refuses.
    url.set_query(None);
    let mut all = Vec::new();
    for _ in 0..TASKS {
        let conn = AsyncPgConnection::establish(url.as_str()).await?;
        all.push(Arc::new(tokio::sync::Mutex::new(conn)));
    }
    Ok(all)
}

async fn ours(pool: &AsyncTenantPool, cx: &TenantContext, times: u64) -> Result<(), Failure> {
    let mut all = tokio::task::JoinSet::new();
    for (task, row) in (0..TASKS as u64).zip(1..) {
        all.spawn(read_ours(pool.clone(), cx.clone(), row, share(times, task)));
    }
    joined(all).await
}

async fn each<F>(
    conns: &Bare,
    times: u64,
    work: impl Fn(tokio::sync::OwnedMutexGuard<AsyncPgConnection>, i64, u64) -> F,
) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let mut all = tokio::task::JoinSet::new();
    for ((task, row), conn) in (0..).zip(1..).zip(conns) {
        let conn = Arc::clone(conn).lock_owned().await;
        all.spawn(work(conn, row, share(times, task)));
    }
    joined(all).await
}

fn share(times: u64, task: u64) -> u64 {
    let tasks = TASKS as u64;
    times / tasks + u64::from(task < times % tasks)
}

async fn joined(mut all: tokio::task::JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(())
}

async fn read_ours(
    pool: AsyncTenantPool,
    cx: TenantContext,
    row: i64,
    times: u64,
) -> Result<(), Failure> {
    for _ in 0..times {
        let mut conn = pool.get_for(&cx).await?;
        let _: Lead = leads::table.find(row).first(&mut conn).await?;
    }
    Ok(())
}

async fn read_bare(
    mut conn: tokio::sync::OwnedMutexGuard<AsyncPgConnection>,
    row: i64,
    times: u64,
) -> Result<(), Failure> {
    for _ in 0..times {
        let _: Lead = leads::table.find(row).first(&mut *conn).await?;
    }
    Ok(())
}

async fn read_usual(
    mut conn: tokio::sync::OwnedMutexGuard<AsyncPgConnection>,
    tenant: Arc<str>,
    row: i64,
    times: u64,
) -> Result<(), Failure> {
    for _ in 0..times {
        let tenant = Arc::clone(&tenant);
        let read = async move |conn: &mut AsyncPgConnection| {
            diesel::sql_query("SELECT set_config('app.tenant_id', $1, true)")
                .bind::<Text, _>(&*tenant)
                .execute(conn)
                .await?;
            leads::table.find(row).first::<Lead>(conn).await
        };
        let conn: &mut AsyncPgConnection = &mut conn;
        conn.transaction::<_, diesel::result::Error, _>(read)
            .await?;
    }
    Ok(())
}

/// Both sides on a blocking thread, with one connection each.
async fn sqlite(runner: &mut Runner) -> Result<(), Failure> {
    let tenants = TwoTenants::sqlite(Isolation::Shared).build().await?;
    let file = tenants.file_of(&tenants.a);
    let folder = file.parent().ok_or("the fixture's file is in a folder")?;
    let cx = TenantContext::for_test(tenants.a.clone());
    let pool = TenantPool::<SqliteConnection>::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), SqliteServer::folder(folder)?)
        .budget(Budget::new(1))
        .build()?;
    let pool = pool.for_tenant(&cx);
    let path = file.to_str().ok_or("the path is text")?.to_owned();
    let bare = Arc::new(std::sync::Mutex::new(SqliteConnection::establish(&path)?));
    let id = cx.tenant_id();
    let IdRepr::Uuid(tenant) = id.repr() else {
        return Err("the fixture's tenants have UUIDs".into());
    };
    let compared = runner.compare(
        SQLITE,
        async |times| {
            pool.interact(move |conn| {
                for _ in 0..times {
                    let _: Lead = diesel::RunQueryDsl::first(leads::table.find(3), conn)?;
                }
                Ok::<_, tenancy_diesel::Error>(())
            })
            .await?;
            Ok(())
        },
        async |times| {
            let bare = Arc::clone(&bare);
            tokio::task::spawn_blocking(move || {
                use by_hand::leads::dsl;
                let mut conn = bare.lock().map_err(|_| "poisoned")?;
                for _ in 0..times {
                    let by_hand = dsl::leads
                        .filter(dsl::tenant_id.eq(&tenant.as_bytes()[..]))
                        .filter(dsl::id.eq(3))
                        .select((dsl::id, dsl::name, dsl::status));
                    let _: Lead = diesel::RunQueryDsl::first(by_hand, &mut *conn)?;
                }
                Ok(())
            })
            .await?
        },
    );
    compared.await
}
