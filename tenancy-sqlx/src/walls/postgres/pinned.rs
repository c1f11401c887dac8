//! A schema or a database of its own: every tenant table pinned to its one tenant.

use tenancy_core::TenantId;
use tenancy_sql::{Catalog, Dialect};

use super::super::quote::{block, ident, qualified, tenant as tenant_literal, text};
use super::{PIN, grants, tenant_tables};
use crate::Result;

/// Statements that pin the tables in `schema` to one tenant and open them to one role.
///
/// Per tenant table: the tenant column's default is the tenant, and a `CHECK` named `tenancy_pin` refuses every other. So a
/// connection that went to the wrong place finds nothing (statements carry their own tenant) and can write nothing. The role
/// may use that schema, rows of its tenant tables, and read its global ones.
///
/// Used for `schema = tenant.schema_name()` (isolation *schema*, the role is [`schema_role`](super::schema_role)) and, in a
/// database of its own, for `schema = "public"`.
///
/// Can be run again after each migration, as the owner of the tables; a pin that stands is not validated again.
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
/// let catalog = Catalog::builder(Dialect::Postgres)
///     .migration("1_leads.sql", "CREATE TABLE leads (tenant_id text NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));")
///     .build()?;
/// let tenant = TenantId::parse("acme")?;
/// let name = tenant.schema_name();
/// let sql = walls::postgres::pinned(&catalog, &name, tenant, &name)?.join(";\n");
/// assert!(sql.contains(r#"CHECK ("tenant_id" IS NOT NULL AND "tenant_id" = 'acme')"#));
///
/// // An id that the column can't hold is refused before anything is run.
/// let number = TenantId::parse("42")?;
/// let uuids = Catalog::builder(Dialect::Postgres)
///     .migration("1.sql", "CREATE TABLE leads (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));")
///     .build()?;
/// assert!(walls::postgres::pinned(&uuids, &name, number, &name).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pinned(
    catalog: &Catalog,
    schema: &str,
    tenant: TenantId,
    role: &str,
) -> Result<Vec<String>> {
    let literal = tenant_literal(Dialect::Postgres, catalog.key_type(), tenant)?;
    let column = ident(catalog.tenant_column());
    let mut sql = vec![format!(
        "REVOKE ALL ON SCHEMA {} FROM PUBLIC",
        ident(schema)
    )];
    for table in tenant_tables(catalog) {
        let name = qualified(schema, table.name());
        sql.push(format!(
            "ALTER TABLE {name} ALTER COLUMN {column} SET DEFAULT {literal}"
        ));
        sql.push(block(&format!(
            "BEGIN\n    \
                 IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = {oid}::regclass AND conname = '{PIN}') THEN\n        \
                     ALTER TABLE {name} ADD CONSTRAINT {PIN} CHECK ({column} IS NOT NULL AND {column} = {literal});\n    \
                 END IF;\n\
             END",
            oid = text(&name),
        )));
    }
    sql.extend(grants(catalog, schema, role));
    Ok(sql)
}

/// Statements that open a database to one login role and close it to everybody else.
///
/// Only its owner (and superusers) and `role` can connect afterwards. Run as the owner, from any database of the server.
///
/// # Example: reading what will be run
/// ```
/// let sql = tenancy_sqlx::walls::postgres::database("tenant_t_acme", "tenant_t_acme");
/// assert_eq!(sql[0], r#"REVOKE ALL ON DATABASE "tenant_t_acme" FROM PUBLIC"#);
/// assert_eq!(sql[1], r#"GRANT CONNECT ON DATABASE "tenant_t_acme" TO "tenant_t_acme""#);
/// ```
pub fn database(database: &str, role: &str) -> Vec<String> {
    let (database, role) = (ident(database), ident(role));
    vec![
        format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {database} TO {role}"),
    ]
}
