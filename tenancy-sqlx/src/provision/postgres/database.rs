//! A database of its own, with a login role: built under another name and renamed when it is whole.

use sqlx::{Connection as _, PgConnection, Postgres};
use tenancy_core::Tenant;

use super::super::migrate;
use super::super::step::{AtStep as _, ProvisionStep};
use super::super::work::Work;
use super::schema::drop_role;
use super::{admin, enter, execute, execute_once_left, lock_until_closed, name_of, run, scram};
use crate::walls::postgres as walls;
use crate::walls::quote::{ident, text};
use crate::{Error, Result};

use ProvisionStep::{Create, Migrate, Pin, Verify, Wall};

pub(super) async fn make(work: &Work<'_, Postgres>, tenant: &Tenant) -> Result<()> {
    let name = name_of(tenant)?;
    let building = building_name(work, name);
    let mut main = admin(work.server, None).await.at(Create)?;
    lock_until_closed(&mut main, name).await.at(Create)?;
    drop_ours(&mut main, work, name).await.at(Create)?;

    let verifier = work
        .server
        .deployment_secret()
        .map(|secret| scram::verifier(&secret.password_for(name), name));
    run(&mut main, &[walls::login_role(name, verifier.as_deref())])
        .await
        .at(Create)?;
    // template0: nobody is ever connected to it, and it holds nothing of anybody.
    let database = ident(&building);
    execute(
        &mut main,
        format!("CREATE DATABASE {database} TEMPLATE template0"),
    )
    .await
    .at(Create)?;
    execute(
        &mut main,
        format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
    )
    .await
    .at(Create)?;
    work.done(Create)?;

    fill(work, tenant, &building, name).await?;

    // The mark first: what bears the final name is known to be ours.
    execute(
        &mut main,
        format!("COMMENT ON DATABASE {database} IS {}", text(&work.mark())),
    )
    .await
    .at(Wall)?;
    run(&mut main, &walls::database(&building, name))
        .await
        .at(Wall)?;
    work.done(Wall)?;
    let rename = format!("ALTER DATABASE {database} RENAME TO {}", ident(name));
    execute_once_left(&mut main, rename).await.at(Verify)?;
    enter(work.server, tenant).await.at(Verify)?;
    work.done(Verify)?;
    main.close().await.at(Verify)
}

/// Migrates and pins, in the new database.
async fn fill(
    work: &Work<'_, Postgres>,
    tenant: &Tenant,
    building: &str,
    role: &str,
) -> Result<()> {
    let mut conn = admin(work.server, Some(building)).await.at(Migrate)?;
    let pins = walls::pinned(work.catalog, walls::SHARED_SCHEMA, tenant.id(), role).at(Pin)?;
    if migrate::outside_transaction(work.migrations).is_some() {
        migrate::run(&mut conn, work.migrations).await.at(Migrate)?;
    }
    let mut tx = conn.begin().await.at(Migrate)?;
    migrate::run(&mut *tx, work.migrations).await.at(Migrate)?;
    work.done(Migrate)?;
    run(&mut tx, &pins).await.at(Pin)?;
    work.done(Pin)?;
    walls::ensure_pinned(
        &mut tx,
        work.catalog,
        walls::SHARED_SCHEMA,
        tenant.id(),
        role,
    )
    .await
    .at(Verify)?;
    tx.commit().await.at(Pin)?;
    conn.close().await.at(Pin)
}

pub(super) async fn unmake(work: &Work<'_, Postgres>, tenant: &Tenant) -> Result<()> {
    let name = name_of(tenant)?;
    let mut main = admin(work.server, None).await?;
    lock_until_closed(&mut main, name).await?;
    drop_ours(&mut main, work, name).await?;
    run(&mut main, &[drop_role(name)]).await?;
    Ok(main.close().await?)
}

/// Drops what was being built for this registry, and what was finished for it.
///
/// # Errors
/// [`Error::PlaceTaken`] if a database of the final name is there that was not made for it.
async fn drop_ours(main: &mut PgConnection, work: &Work<'_, Postgres>, name: &str) -> Result<()> {
    let mark: Option<Option<String>> = sqlx::query_scalar(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
    )
    .bind(name)
    .fetch_optional(&mut *main)
    .await?;
    let mut drops = vec![building_name(work, name)];
    match mark {
        None => {}
        Some(mark) if mark.as_deref() == Some(work.mark().as_str()) => drops.push(name.to_owned()),
        Some(_) => return Err(Error::PlaceTaken { what: "database" }),
    }
    for database in drops {
        let sql = format!("DROP DATABASE IF EXISTS {}", ident(&database));
        execute_once_left(main, sql).await?;
    }
    Ok(())
}

/// Says for which registry, so that what bears it can be dropped: at most 45 + 5 + 8 bytes of the 63 that a name may have.
fn building_name(work: &Work<'_, Postgres>, name: &str) -> String {
    let registry = work.registry.get(..8).unwrap_or(work.registry);
    format!("{name}_new_{registry}")
}
