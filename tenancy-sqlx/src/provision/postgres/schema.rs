//! A schema of its own, with its role: one transaction.

use sqlx::{Connection as _, PgConnection, Postgres};
use tenancy_core::Tenant;

use super::super::migrate;
use super::super::step::{AtStep as _, ProvisionStep};
use super::super::work::Work;
use super::{admin, app_role, enter, lock_until_commit, name_of, run};
use crate::walls::postgres as walls;
use crate::walls::quote::{block, ident, text};
use crate::{Error, Result};

use ProvisionStep::{Create, Migrate, Pin, Verify, Wall};

pub(super) async fn make(work: &Work<'_, Postgres>, tenant: &Tenant) -> Result<()> {
    let name = name_of(tenant)?;
    if let Some(version) = migrate::outside_transaction(work.migrations) {
        return Err(migrate::refuse_outside_transaction(version)).at(Migrate);
    }
    let mut conn = admin(work.server, None).await.at(Create)?;
    let mut tx = conn.begin().await.at(Create)?;
    lock_until_commit(&mut tx, name).await.at(Create)?;
    drop_ours(&mut tx, work, name).await.at(Create)?;
    let schema = ident(name);
    let create = [
        walls::schema_role(name, app_role(work.server)),
        format!("CREATE SCHEMA {schema}"),
        format!("COMMENT ON SCHEMA {schema} IS {}", text(&work.mark())),
        format!("SET LOCAL search_path TO {schema}, pg_temp"),
    ];
    run(&mut tx, &create).await.at(Create)?;
    work.done(Create)?;

    migrate::run(&mut *tx, work.migrations).await.at(Migrate)?;
    work.done(Migrate)?;

    let pins = walls::pinned(work.catalog, name, tenant.id(), name).at(Pin)?;
    run(&mut tx, &pins).await.at(Pin)?;
    work.done(Pin)?;
    work.done(Wall)?; // its grants came with the pins

    walls::ensure_pinned(&mut tx, work.catalog, name, tenant.id(), name)
        .await
        .at(Verify)?;
    tx.commit().await.at(Verify)?;
    conn.close().await.at(Verify)?;
    enter(work.server, tenant).await.at(Verify)?;
    work.done(Verify)
}

pub(super) async fn unmake(work: &Work<'_, Postgres>, tenant: &Tenant) -> Result<()> {
    let name = name_of(tenant)?;
    let mut conn = admin(work.server, None).await?;
    let mut tx = conn.begin().await?;
    lock_until_commit(&mut tx, name).await?;
    if drop_ours(&mut tx, work, name).await? {
        run(&mut tx, &[drop_role(name)]).await?;
    }
    tx.commit().await?;
    Ok(conn.close().await?)
}

/// Drops the schema if it was made for this registry; says whether it did.
///
/// # Errors
/// [`Error::PlaceTaken`] if it was not.
async fn drop_ours(conn: &mut PgConnection, work: &Work<'_, Postgres>, name: &str) -> Result<bool> {
    let mark: Option<Option<String>> = sqlx::query_scalar(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1",
    )
    .bind(name)
    .fetch_optional(&mut *conn)
    .await?;
    match mark {
        None => Ok(false),
        Some(mark) if mark.as_deref() == Some(work.mark().as_str()) => {
            run(conn, &[format!("DROP SCHEMA {} CASCADE", ident(name))]).await?;
            Ok(true)
        }
        Some(_) => Err(Error::PlaceTaken { what: "schema" }),
    }
}

/// Drops a role that nothing depends on; roles are shared by all databases of a server, and another may use it.
pub(super) fn drop_role(name: &str) -> String {
    let role = ident(name);
    block(&format!(
        "BEGIN\n    DROP ROLE IF EXISTS {role};\nEXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN NULL;\nEND"
    ))
}
