//! Shared tables: migrations and walls in one transaction.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres};

use super::super::migrate;
use super::super::step::{AtStep as _, ProvisionStep};
use super::super::work::Work;
use super::{admin, app_role, lock_until_closed, lock_until_commit, run};
use crate::walls::{Severity, postgres as walls};
use crate::{Error, Result};

use ProvisionStep::{Create, Migrate, Verify, Wall};

/// The name of the lock.
const PLACE: &str = "shared tables";

pub(super) async fn migrate(work: &Work<'_, Postgres>) -> Result<()> {
    let mut conn = admin(work.server, None).await.at(Create)?;
    if is_up_to_date(&mut conn, work).await.at(Verify)? {
        return conn.close().await.at(Verify);
    }
    if migrate::outside_transaction(work.migrations).is_some() {
        // Not all in one transaction, then. New tables have no grants, so nobody sees them before their walls stand.
        lock_until_closed(&mut conn, PLACE).await.at(Migrate)?;
        migrate::run(&mut conn, work.migrations).await.at(Migrate)?;
        work.done(Migrate)?;
    }
    let mut tx = conn.begin().await.at(Migrate)?;
    lock_until_commit(&mut tx, PLACE).await.at(Migrate)?;
    if let Some(lift) = crate::walls::postgres::lift_force(work.catalog) {
        sqlx::raw_sql(AssertSqlSafe(lift))
            .execute(&mut *tx)
            .await
            .at(Migrate)?;
    }
    migrate::run(&mut *tx, work.migrations).await.at(Migrate)?;
    work.done(Migrate)?;
    run(&mut tx, &walls::shared(work.catalog, app_role(work.server)))
        .await
        .at(Wall)?;
    work.done(Wall)?;
    ensure_walls(&mut tx, work).await.at(Verify)?;
    work.done(Verify)?;
    tx.commit().await.at(Verify)?;
    conn.close().await.at(Verify)
}

pub(super) async fn ensure(work: &Work<'_, Postgres>) -> Result<()> {
    let mut conn = admin(work.server, None).await?;
    ensure_walls(&mut conn, work).await?;
    Ok(conn.close().await?)
}

/// Nothing pending and the walls stand. Reading takes no table's lock; putting walls up again would take each one's.
async fn is_up_to_date(conn: &mut PgConnection, work: &Work<'_, Postgres>) -> Result<bool> {
    let ledger: bool =
        sqlx::query_scalar("SELECT to_regclass('public._sqlx_migrations') IS NOT NULL")
            .fetch_one(&mut *conn)
            .await?;
    if !ledger || migrate::is_pending(conn, work.migrations).await? {
        return Ok(false);
    }
    Ok(ensure_walls(conn, work).await.is_ok())
}

async fn ensure_walls(conn: &mut PgConnection, work: &Work<'_, Postgres>) -> Result<()> {
    let mut findings = walls::check_for(conn, work.catalog, app_role(work.server)).await?;
    findings.retain(|finding| finding.severity() == Severity::Broken);
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Walls { findings })
    }
}
