//! SQLite: a file per place, opened or attached only when it says whose it is.

use std::path::Path;
use std::time::Duration;

use diesel::connection::{CacheSize, Connection as _, SimpleConnection as _};
use diesel::dsl::sql;
use diesel::result::QueryResult;
use diesel::sql_types::Text;
use diesel::{RunQueryDsl as _, SqliteConnection, sql_query};
use tenancy_core::session::{place_name, sqlite_can_turn, sqlite_file};
use tenancy_core::{Isolation, Placement, TenantId};
use tenancy_sql::Access;

use super::{TenantDb, establish, sealed, unreachable};
use crate::{Error, Result, SqliteServer};

impl sealed::Sealed for SqliteConnection {}

/// As tenancy-sqlx and provisioning open it. `recursive_triggers` makes the pins see rows that `REPLACE` removes;
/// `trusted_schema` off keeps functions out of a file's own schema.
const SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = NORMAL; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF";

impl TenantDb for SqliteConnection {
    type Server = SqliteServer;

    const FAILED_STATEMENT_FAILS_TRANSACTION: bool = false;

    // One statement is a transaction of its own, and there is no setting to make.
    const STATEMENT_NEEDS_TRANSACTION: bool = false;

    fn open(
        server: &SqliteServer,
        placement: &Placement,
        tenant: TenantId,
        _server_wall: bool,
        _connect_timeout: Duration,
    ) -> Result<Self> {
        let file = sqlite_file(server.path(), placement);
        ensure_regular_file(&file, placement)?;
        match placement.isolation() {
            Isolation::Shared => open(utf8(&file)?, placement),
            Isolation::Database => {
                let mut conn = open(utf8(&file)?, placement)?;
                ensure_pin(&mut conn, "main", placement, tenant)?;
                Ok(conn)
            }
            Isolation::Schema => {
                // The main database is empty and in memory: a name that the tenant's file lacks is found nowhere.
                let mut conn = open(":memory:", placement)?;
                attach(&mut conn, &file, placement, tenant)?;
                Ok(conn)
            }
        }
    }

    fn can_take_over(from: &Placement, to: &Placement) -> bool {
        sqlite_can_turn(from, to)
    }

    fn take_over(
        &mut self,
        server: &SqliteServer,
        placement: &Placement,
        tenant: TenantId,
    ) -> Result<()> {
        let file = sqlite_file(server.path(), placement);
        ensure_regular_file(&file, placement)?;
        // Prepared statements hold the old file.
        self.set_prepared_statement_cache_size(CacheSize::Disabled);
        self.set_prepared_statement_cache_size(CacheSize::Unbounded);
        self.batch_execute("DETACH DATABASE tenant")?;
        attach(self, &file, placement, tenant)
    }

    fn settle(&mut self) -> QueryResult<()> {
        // As a rule a failed statement is undone alone and the transaction goes on. But a full disk, a failed write or
        // `RAISE(ROLLBACK)` ends it, Diesel does not notice, and what follows would be committed statement by statement.
        // This setting is refused inside a transaction; outside it is set to what it is.
        match self.batch_execute("PRAGMA main.synchronous = NORMAL") {
            Err(diesel::result::Error::DatabaseError(..)) => Ok(()),
            Ok(()) => Err(Error::TransactionFailed.into()),
            Err(error) => Err(error),
        }
    }

    fn begin_sql(
        _placement: &Placement,
        _tenant: TenantId,
        access: Access,
        _server_wall: bool,
    ) -> String {
        match access {
            Access::Read => "BEGIN DEFERRED",
            // Taking the write lock at once avoids the upgrade that fails when somebody else wrote in between.
            Access::Write => "BEGIN IMMEDIATE",
        }
        .to_owned()
    }
}

fn open(path: &str, placement: &Placement) -> Result<SqliteConnection> {
    let mut conn: SqliteConnection =
        establish(path).map_err(|error| unreachable(placement, error))?;
    conn.batch_execute(SETTINGS)
        .map_err(|error| unreachable(placement, error))?;
    Ok(conn)
}

fn utf8(file: &Path) -> Result<&str> {
    file.to_str()
        .ok_or_else(|| Error::Config("the folder of a SQLite server must have a UTF-8 path".into()))
}

/// Refuses a missing file (SQLite would create it) and a link to somewhere else.
fn ensure_regular_file(file: &Path, placement: &Placement) -> Result<()> {
    match std::fs::symlink_metadata(file) {
        Ok(meta) if meta.is_file() => Ok(()),
        Ok(_) => Err(unreachable(placement, "not a regular file")),
        Err(error) => Err(unreachable(placement, error)),
    }
}

fn attach(
    conn: &mut SqliteConnection,
    file: &Path,
    placement: &Placement,
    tenant: TenantId,
) -> Result<()> {
    sql_query("ATTACH DATABASE ? AS tenant")
        .bind::<Text, _>(utf8(file)?)
        .execute(conn)
        .map_err(|error| unreachable(placement, error))?;
    conn.batch_execute("PRAGMA tenant.synchronous = NORMAL")
        .map_err(|error| unreachable(placement, error))?;
    ensure_pin(conn, "tenant", placement, tenant)
}

/// Refuses a file that says it is another tenant's, or nobody's: a restored backup, a copied file.
fn ensure_pin(
    conn: &mut SqliteConnection,
    schema: &'static str,
    placement: &Placement,
    tenant: TenantId,
) -> Result<()> {
    let pins: Vec<String> = sql::<Text>(&format!("SELECT tenant_id FROM {schema}._tenancy_pin"))
        .load(conn)
        .map_err(|error| unreachable(placement, error))?;
    if pins == [tenant.to_string()] {
        Ok(())
    } else {
        Err(Error::WrongPin {
            what: place_name(placement),
        })
    }
}
