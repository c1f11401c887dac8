//! The pin of a tenant's own SQLite file: whose it is, and triggers that refuse rows of anybody else.

use tenancy_core::TenantId;
use tenancy_sql::{Catalog, Dialect, TableClass};

use super::quote::{ident, tenant as tenant_literal, text};
use crate::Result;

/// Statements that pin a file of its own to one tenant.
///
/// The table `_tenancy_pin` holds the tenant's id in one row; the pool reads it whenever it opens or attaches the file and
/// refuses one that is another tenant's, such as a backup restored to the wrong place. Two triggers on each tenant table
/// refuse a row whose tenant column is not that tenant.
///
/// Can be run again after each migration. A pin is never changed: run for another tenant, the statements leave the first one
/// in place.
///
/// # Isolation
/// Schema and database on SQLite. Shared tables have another wall there, and only if asked: `SqliteServer::engine_wall`.
///
/// # Errors
/// [`Error::KeyType`](crate::Error::KeyType) if the id can't be stored in the tenant column.
///
/// # Example: reading what will be run
/// ```
/// use tenancy_core::TenantId;
/// use tenancy_sql::{Catalog, Dialect};
/// use tenancy_sqlx::walls;
///
/// let catalog = Catalog::builder(Dialect::Sqlite)
///     .migration("1_leads.sql", "CREATE TABLE leads (tenant_id TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id));")
///     .build()?;
/// let sql = walls::sqlite::pinned(&catalog, TenantId::parse("acme")?)?.join(";\n");
/// assert!(sql.contains(r#"WHEN NEW."tenant_id" IS NOT 'acme'"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pinned(catalog: &Catalog, tenant: TenantId) -> Result<Vec<String>> {
    let literal = tenant_literal(Dialect::Sqlite, catalog.key_type(), tenant)?;
    let column = ident(catalog.tenant_column());
    let mut sql = vec![
        "CREATE TABLE IF NOT EXISTS _tenancy_pin (\n    \
             tenant_id TEXT NOT NULL,\n    \
             only_row INTEGER NOT NULL DEFAULT 1 UNIQUE CHECK (only_row = 1)\n\
         )"
        .to_owned(),
        format!(
            "INSERT INTO _tenancy_pin (tenant_id) VALUES ({}) ON CONFLICT DO NOTHING",
            text(&tenant.to_string())
        ),
    ];
    for table in catalog.tables().filter(|t| t.class() == TableClass::Tenant) {
        for event in ["INSERT", "UPDATE"] {
            sql.push(format!(
                "CREATE TRIGGER IF NOT EXISTS {trigger}\nBEFORE {event} ON {table}\n\
                 WHEN NEW.{column} IS NOT {literal}\n\
                 BEGIN SELECT RAISE(ABORT, 'this file is pinned to another tenant'); END",
                trigger = ident(&format!(
                    "tenancy_pin_{}_{}",
                    table.name(),
                    event.to_ascii_lowercase()
                )),
                table = ident(table.name()),
            ));
        }
    }
    Ok(sql)
}
