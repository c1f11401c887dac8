//! PostgreSQL's walls: policies and grants for shared tables, pins and a role for a schema or a database of its own.

mod check;
mod pinned;
mod role;
mod shared;

pub use check::check;
pub use pinned::{database, pinned};
pub use role::schema_role;
pub use shared::shared;

pub(crate) use check::{check_for, ensure_pinned};
pub(crate) use role::login_role;
pub(crate) use shared::lift_force;

/// The setting that names the tenant of a transaction.
pub(crate) const SETTING: &str = "app.tenant_id";

/// The schema of the shared tables.
pub(crate) const SHARED_SCHEMA: &str = "public";

/// The policy that admits a tenant's own rows.
pub(crate) const PERMIT_POLICY: &str = "tenancy_permit";

/// The policy that no other policy can widen.
pub(crate) const RESTRICT_POLICY: &str = "tenancy_restrict";

/// The constraint that pins a table to its one tenant.
pub(crate) const PIN: &str = "tenancy_pin";

use tenancy_sql::{Catalog, KeyType, Table, TableClass};

use super::quote::{block, ident, qualified, text};

/// `NULLIF(current_setting('app.tenant_id', true), '')::type`: the tenant of the transaction, NULL without one.
///
/// Without `NULLIF` a used connection would answer with an error: after a commit the setting is `''`, not NULL.
fn current_tenant(key_type: KeyType) -> String {
    let setting = format!("NULLIF(current_setting('{SETTING}', true), '')");
    match key_type {
        KeyType::Uuid => format!("{setting}::uuid"),
        KeyType::Integer => format!("{setting}::bigint"),
        KeyType::Text => setting,
        // A UUID kept as its 16 bytes.
        KeyType::Blob => format!("decode(replace({setting}, '-', ''), 'hex')"),
    }
}

/// The grants on the tables of one schema: rows of tenant tables, reading of global ones, nothing on central ones.
///
/// No `TRUNCATE` (it ignores policies), no `REFERENCES` (foreign keys see other tenants' keys), no `TRIGGER` (it runs as
/// whoever writes).
fn grants(catalog: &Catalog, schema: &str, role: &str) -> Vec<String> {
    let role_text = text(role);
    let role = ident(role);
    let mut sql = vec![format!("GRANT USAGE ON SCHEMA {} TO {role}", ident(schema))];
    for table in catalog.tables() {
        let name = qualified(schema, table.name());
        sql.push(format!("REVOKE ALL ON {name} FROM PUBLIC, {role}"));
        match table.class() {
            TableClass::Tenant => sql.push(format!(
                "GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {role}"
            )),
            TableClass::Global => sql.push(format!("GRANT SELECT ON {name} TO {role}")),
            TableClass::Central => {}
        }
    }
    if let Some(oids) = oids(schema, tenant_tables(catalog)) {
        sql.push(block(&format!(
            "DECLARE s regclass;\n\
             BEGIN\n    \
                 FOR s IN\n        \
                     SELECT d.objid::regclass FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'\n        \
                     WHERE d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjid IN ({oids})\n    \
                 LOOP\n        \
                     EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', s, {role_text});\n    \
                 END LOOP;\n\
             END"
        )));
    }
    sql
}

fn tenant_tables(catalog: &Catalog) -> impl Iterator<Item = &Table> {
    catalog
        .tables()
        .filter(|table| table.class() == TableClass::Tenant)
}

/// `'"public"."a"'::regclass, …`, or `None` for no tables.
fn oids<'a>(schema: &str, tables: impl Iterator<Item = &'a Table>) -> Option<String> {
    let oids: Vec<String> = tables
        .map(|table| format!("{}::regclass", text(&qualified(schema, table.name()))))
        .collect();
    (!oids.is_empty()).then(|| oids.join(", "))
}
