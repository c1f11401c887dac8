//! Places on a PostgreSQL server: shared tables, a schema in one transaction, a database under another name until it is whole.

#![expect(
    clippy::disallowed_methods,
    reason = "provisioning works before there is a tenant whose pool could be used"
)]

mod bootstrap;
mod database;
mod schema;
mod scram;
mod shared;

use std::time::Duration;

use futures_core::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Postgres};
use tenancy_core::{Isolation, Placement, Tenant};
use tenancy_sql::Access;

use super::work::{ProvisionDb, Work};
use crate::db::{Begin, TenantDb as _};
use crate::{Error, PgServer, Result};

pub use bootstrap::bootstrap;

impl ProvisionDb for Postgres {
    fn migrate_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>> {
        Box::pin(shared::migrate(work))
    }

    fn ensure_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>> {
        Box::pin(shared::ensure(work))
    }

    fn make<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match tenant.placement().isolation() {
                Isolation::Shared => Ok(()),
                Isolation::Schema => schema::make(work, tenant).await,
                Isolation::Database => database::make(work, tenant).await,
            }
        })
    }

    fn unmake<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match tenant.placement().isolation() {
                Isolation::Shared => Ok(()),
                Isolation::Schema => schema::unmake(work, tenant).await,
                Isolation::Database => database::unmake(work, tenant).await,
            }
        })
    }
}

/// Connects as the owner; `None` for the database of the shared tables.
async fn admin(server: &PgServer, database: Option<&str>) -> Result<PgConnection> {
    let mut options = server.admin_options()?.clone();
    if let Some(database) = database {
        options = options.database(database);
    }
    Ok(pinned(options).connect().await?)
}

/// Options whose sessions look for tables where we think they do.
fn pinned(options: PgConnectOptions) -> PgConnectOptions {
    options.options([
        ("search_path", "public,pg_temp"),
        ("standard_conforming_strings", "on"),
    ])
}

/// The name of the application role, which the server's options log in as.
fn app_role(server: &PgServer) -> &str {
    server.app_options().get_username()
}

/// The name of a placement of its own.
fn name_of(tenant: &Tenant) -> Result<&str> {
    tenant.placement().name().ok_or_else(|| {
        Error::Config("a schema or database of its own needs a name in the registry".into())
    })
}

/// Runs statements in one message.
async fn run(conn: &mut PgConnection, statements: &[String]) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements.join(";\n")))
        .execute(conn)
        .await?;
    Ok(())
}

/// Waits for whoever else works on this place of this server: a lock until the end of the transaction.
async fn lock_until_commit(conn: &mut PgConnection, place: &str) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(lock_number(place))
        .execute(conn)
        .await?;
    Ok(())
}

/// The same until the connection is closed, for statements that can't run in a transaction.
async fn lock_until_closed(conn: &mut PgConnection, place: &str) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(lock_number(place))
        .execute(conn)
        .await?;
    Ok(())
}

fn lock_number(place: &str) -> i64 {
    let digest: [u8; 32] = Sha256::digest(format!("tenancy place {place}")).into();
    let (first, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    i64::from_be_bytes(*first)
}

/// Goes in as a request will, and looks around: the role logs in, the schema is there, the tenant is set.
async fn enter(server: &PgServer, tenant: &Tenant) -> Result<()> {
    let placement: &Placement = tenant.placement();
    let mut conn = server.options_for(placement).connect().await?;
    if let Some(begin) =
        Postgres::begin_sql(placement, tenant.id(), Begin::Statement(Access::Read), true)
    {
        sqlx::raw_sql(begin).execute(&mut conn).await?;
    }
    let seen: (Option<String>, String, String) = sqlx::query_as(
        "SELECT current_schema()::text, current_database()::text, current_user::text",
    )
    .fetch_one(&mut conn)
    .await?;
    conn.close().await?;

    let (schema, database, user) = seen;
    let name = name_of(tenant)?;
    let arrived = match placement.isolation() {
        Isolation::Shared => true,
        Isolation::Schema => schema.as_deref() == Some(name) && user == name,
        Isolation::Database => database == name && user == name,
    };
    if arrived {
        Ok(())
    } else {
        Err(Error::Config(
            "a request of this tenant would not arrive at its place; check the application role's rights".into(),
        ))
    }
}

/// One statement in a message of its own: several would be a transaction, which `CREATE DATABASE` refuses to run in.
async fn execute(conn: &mut PgConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}

/// The same for a statement that fails while others are connected to a database: their backends end a moment after they do.
async fn execute_once_left(conn: &mut PgConnection, sql: String) -> Result<()> {
    const ATTEMPTS: u32 = 60;
    for _ in 1..ATTEMPTS {
        match execute(conn, sql.clone()).await {
            // object_in_use
            Err(Error::Driver(sqlx::Error::Database(error)))
                if error.code().as_deref() == Some("55006") =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
    execute(conn, sql).await
}
