//! SQLite's engine as the second wall of shared tables: how it is built from a catalogue. The wall itself is
//! `tenancy-sqlite-wall`.

use std::path::Path;

use sqlx::SqliteConnection;
use tenancy_core::{IdRepr, Placement, TenantId};
use tenancy_sql::{Catalog, KeyType, TableClass};
use tenancy_sqlite_wall::{Error as WallError, Key, Rules, Wall};

use super::{Guard, unreachable};
use crate::{Error, Result};

impl Guard for Option<Wall> {
    fn enter(&self, tenant: TenantId, key_type: KeyType) -> Result<()> {
        if let Some(wall) = self {
            wall.enter(key(tenant, key_type)?);
        }
        Ok(())
    }

    fn leave(&self) {
        if let Some(wall) = self {
            wall.leave();
        }
    }

    fn target_schema(&self) -> Option<&str> {
        self.as_ref().map(Wall::schema)
    }

    fn is_of_connection(&self) -> bool {
        self.is_some()
    }

    fn is_breached(&self) -> bool {
        self.as_ref().is_some_and(Wall::is_breached)
    }
}

/// The value that `bind_tenant` binds.
fn key(tenant: TenantId, key_type: KeyType) -> Result<Key> {
    match (tenant.repr(), key_type) {
        (IdRepr::Uuid(id), KeyType::Uuid | KeyType::Blob) => Ok(Key::Blob(id.into_bytes().into())),
        (IdRepr::Integer(id), KeyType::Integer) => Ok(Key::Integer(id)),
        (IdRepr::Text(_) | IdRepr::Uuid(_) | IdRepr::Integer(_), KeyType::Text) => {
            Ok(Key::Text(tenant.to_string().into()))
        }
        _ => Err(Error::KeyType { key_type }),
    }
}

/// Attaches the shared tables to an empty connection, behind the wall.
pub(super) async fn build(
    conn: &mut SqliteConnection,
    file: &Path,
    placement: &Placement,
    catalog: &Catalog,
    trusted_triggers: &[String],
) -> Result<Wall> {
    let Some(path) = file.to_str() else {
        return Err(Error::Config(
            "the folder of a SQLite server must have a UTF-8 path".into(),
        ));
    };
    let mut rules = Rules::new(catalog.tenant_column());
    for table in catalog.tables() {
        rules = match table.class() {
            TableClass::Tenant => rules.tenant_table(table.name()),
            TableClass::Global => rules.open_table(table.name()),
            TableClass::Central => rules,
        };
    }
    rules = catalog.views().fold(rules, Rules::open_table);
    rules = trusted_triggers.iter().fold(rules, Rules::trust_trigger);
    Wall::build(conn, path, &rules)
        .await
        .map_err(|error| match error {
            WallError::Driver(error) => unreachable(placement, error),
            error => Error::Config(format!(
                "no wall can stand before the shared tables: {error}"
            )),
        })
}
