//! Places in a folder of SQLite files. A file is built under another name and renamed when it is whole.

#![expect(
    clippy::disallowed_methods,
    reason = "provisioning works before there is a tenant whose pool could be used"
)]

use std::path::{Path, PathBuf};

use futures_core::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Sqlite, SqliteConnection};
use tenancy_core::{Placement, Tenant, TenantId};
use tenancy_sql::{Catalog, TableClass};

use super::migrate;
use super::step::{AtStep as _, ProvisionStep};
use super::work::{ProvisionDb, Work};
use crate::walls::{Finding, quote::ident};
use crate::{Error, Result, SqliteServer, walls};

use ProvisionStep::{Create, Migrate, Pin, Verify, Wall};

/// Files that SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl ProvisionDb for Sqlite {
    fn migrate_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            std::fs::create_dir_all(work.server.path())
                .map_err(sqlx::Error::Io)
                .at(Create)?;
            let file = work.server.file_of(&Placement::shared());
            let mut conn = SqliteServer::options(&file)
                .create_if_missing(true)
                .connect()
                .await
                .at(Create)?;
            migrated(&mut conn, work, None).await?;
            ensure_tables(&mut conn, work.catalog).await.at(Verify)?;
            conn.close().await.at(Verify)
        })
    }

    fn ensure_shared<'a>(work: &'a Work<'a, Self>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let file = work.server.file_of(&Placement::shared());
            let mut conn = SqliteServer::options(&file).connect().await?;
            ensure_tables(&mut conn, work.catalog).await?;
            Ok(conn.close().await?)
        })
    }

    fn make<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let file = work.server.file_of(tenant.placement());
            remove_leftovers(work, tenant).await.at(Create)?;
            let building = building_folder(work.server);
            for folder in [Some(building.as_path()), file.parent()]
                .into_iter()
                .flatten()
            {
                std::fs::create_dir_all(folder)
                    .map_err(sqlx::Error::Io)
                    .at(Create)?;
            }
            // A name nobody used before: a cancelled attempt may still be writing to its own.
            let draft = building.join(format!(
                "{}{}.db",
                draft_prefix(&tenant.id()),
                uuid::Uuid::new_v4().simple()
            ));
            let mut conn = SqliteServer::options(&draft)
                .create_if_missing(true)
                .connect()
                .await
                .at(Create)?;
            work.done(Create)?;

            migrated(&mut conn, work, Some(tenant.id())).await?;
            work.done(Wall)?; // the file itself is the wall

            ensure_tables(&mut conn, work.catalog).await.at(Verify)?;
            let pin = pin_of(&mut conn).await.at(Verify)?;
            if pin.as_deref() != Some(tenant.id().to_string().as_str()) {
                return Err(Error::WrongPin { what: "file" }).at(Verify);
            }
            // The last connection empties the write-ahead log into the file when it closes.
            conn.close().await.at(Verify)?;
            if beside(&draft)
                .into_iter()
                .any(|companion| companion.exists())
            {
                return Err(Error::Config(
                    "the new file is still open elsewhere; run it again".into(),
                ))
                .at(Verify);
            }
            work.done(Verify)?;
            // Not in a task: a rename that happened after this future was dropped could replace a file in use.
            std::fs::rename(&draft, &file)
                .map_err(sqlx::Error::Io)
                .at(Verify)
        })
    }

    fn unmake<'a>(work: &'a Work<'a, Self>, tenant: &'a Tenant) -> BoxFuture<'a, Result<()>> {
        Box::pin(remove_leftovers(work, tenant))
    }
}

/// Migrates, and pins for a tenant; all in one transaction if every migration can be.
async fn migrated(
    conn: &mut SqliteConnection,
    work: &Work<'_, Sqlite>,
    tenant: Option<TenantId>,
) -> Result<()> {
    if migrate::outside_transaction(work.migrations).is_some() {
        migrate::run(conn, work.migrations).await.at(Migrate)?;
        work.done(Migrate)?;
        let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.at(Pin)?;
        pinned(&mut tx, work, tenant).await?;
        return tx.commit().await.at(Pin);
    }
    // IMMEDIATE: whoever comes second waits here and then finds nothing to do.
    let mut tx = conn.begin_with("BEGIN IMMEDIATE").await.at(Migrate)?;
    migrate::run(&mut *tx, work.migrations).await.at(Migrate)?;
    work.done(Migrate)?;
    pinned(&mut tx, work, tenant).await?;
    tx.commit().await.at(Pin)
}

async fn pinned(
    conn: &mut SqliteConnection,
    work: &Work<'_, Sqlite>,
    tenant: Option<TenantId>,
) -> Result<()> {
    if let Some(tenant) = tenant {
        for sql in walls::sqlite::pinned(work.catalog, tenant).at(Pin)? {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut *conn)
                .await
                .at(Pin)?;
        }
        work.done(Pin)?;
    }
    Ok(())
}

/// Refuses a file that lacks a table of the catalogue.
async fn ensure_tables(conn: &mut SqliteConnection, catalog: &Catalog) -> Result<()> {
    let there: Vec<String> =
        sqlx::query_scalar("SELECT lower(name) FROM sqlite_schema WHERE type = 'table'")
            .fetch_all(conn)
            .await?;
    let findings: Vec<_> = catalog
        .tables()
        .filter(|table| table.class() == TableClass::Tenant)
        .filter(|table| !there.contains(&table.name().to_lowercase()))
        .map(|table| {
            Finding::broken(format!(
                "the table {} does not exist; run the migrations (`Provisioner::migrate_shared` for shared tables)",
                ident(table.name())
            ))
        })
        .collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Walls { findings })
    }
}

/// Whose file it is; `None` for nobody's.
async fn pin_of(conn: &mut SqliteConnection) -> Result<Option<String>> {
    let pinned: Option<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = '_tenancy_pin'",
    )
    .fetch_optional(&mut *conn)
    .await?;
    if pinned.is_none() {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("SELECT tenant_id FROM _tenancy_pin")
        .fetch_optional(conn)
        .await?)
}

/// Removes drafts of this tenant, and its file if that says it is this tenant's.
async fn remove_leftovers(work: &Work<'_, Sqlite>, tenant: &Tenant) -> Result<()> {
    let prefix = draft_prefix(&tenant.id());
    if let Ok(entries) = std::fs::read_dir(building_folder(work.server)) {
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                remove(&entry.path())?;
            }
        }
    }
    let file = work.server.file_of(tenant.placement());
    let Ok(meta) = std::fs::symlink_metadata(&file) else {
        return Ok(());
    };
    let taken = Error::PlaceTaken { what: "file" };
    if !meta.is_file() {
        return Err(taken);
    }
    // Not as requests open it: that would write its journal mode into a file that may be somebody else's.
    let mut conn = SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .connect()
        .await?;
    let pin = pin_of(&mut conn).await;
    conn.close().await?;
    if pin?.as_deref() != Some(tenant.id().to_string().as_str()) {
        return Err(taken);
    }
    remove(&file)?;
    for companion in beside(&file) {
        remove(&companion)?;
    }
    Ok(())
}

fn building_folder(server: &SqliteServer) -> PathBuf {
    server.path().join("building")
}

/// Ends in a character that no name of a tenant contains: `tenant_i_1` is no prefix of `tenant_i_10.`
fn draft_prefix(tenant: &TenantId) -> String {
    format!("{}.", tenant.schema_name())
}

fn beside(file: &Path) -> Vec<PathBuf> {
    COMPANIONS
        .iter()
        .map(|suffix| {
            let mut name = file.as_os_str().to_owned();
            name.push(suffix);
            name.into()
        })
        .collect()
}

fn remove(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(sqlx::Error::Io(error).into())
        }
        _ => Ok(()),
    }
}
