//! Shared tables: row level security that even the owner is subject to.

use tenancy_sql::Catalog;

use super::super::quote::{block, ident, qualified, text};
use super::{
    PERMIT_POLICY, RESTRICT_POLICY, SHARED_SCHEMA, current_tenant, grants, oids, tenant_tables,
};

/// Statements that wall the shared tables of a database off for the application role `app_role`.
///
/// Per tenant table: row level security enabled and forced (the owner is subject to it too); one permissive and one
/// *restrictive* policy with the same `USING` and `WITH CHECK`, so that a policy somebody adds later can only narrow what is
/// seen; the tenant column's default from the setting; `SELECT`, `INSERT`, `UPDATE`, `DELETE` for the application role and
/// nothing for anybody else. Partitions are closed to direct access. Global tables can be read, central ones not at all.
///
/// Without a tenant in the transaction (`SET LOCAL app.tenant_id`) a read finds nothing and a write is an error.
///
/// Can be run again after each migration, as the owner of the tables; run it in one transaction, since it takes each table's
/// lock.
///
/// # Example: reading what will be run
/// ```
/// use tenancy_sql::{Catalog, Dialect};
/// use tenancy_sqlx::walls;
///
/// let catalog = Catalog::builder(Dialect::Postgres)
///     .migration("1_leads.sql", "CREATE TABLE leads (tenant_id uuid NOT NULL, id uuid NOT NULL, PRIMARY KEY (tenant_id, id));")
///     .build()?;
/// let sql = walls::postgres::shared(&catalog, "crm_app").join(";\n");
/// assert!(sql.contains(r#"ALTER TABLE "public"."leads" FORCE ROW LEVEL SECURITY"#));
/// assert!(!sql.contains("TRUNCATE"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn shared(catalog: &Catalog, app_role: &str) -> Vec<String> {
    let role = ident(app_role);
    let column = ident(catalog.tenant_column());
    let current = current_tenant(catalog.key_type());
    // A sub-select is evaluated once per statement; inline, PostgreSQL would evaluate the setting once per row.
    let predicate = format!("{column} = (SELECT {current})");

    let mut sql = vec![format!(
        "REVOKE CREATE ON SCHEMA {} FROM PUBLIC",
        ident(SHARED_SCHEMA)
    )];
    sql.extend(grants(catalog, SHARED_SCHEMA, app_role));
    for table in tenant_tables(catalog) {
        let name = qualified(SHARED_SCHEMA, table.name());
        sql.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        sql.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        for (policy, kind) in [
            (PERMIT_POLICY, "PERMISSIVE"),
            (RESTRICT_POLICY, "RESTRICTIVE"),
        ] {
            sql.push(format!("DROP POLICY IF EXISTS {} ON {name}", ident(policy)));
            sql.push(format!(
                "CREATE POLICY {} ON {name} AS {kind} FOR ALL TO {role} USING ({predicate}) WITH CHECK ({predicate})",
                ident(policy)
            ));
        }
        sql.push(format!(
            "ALTER TABLE {name} ALTER COLUMN {column} SET DEFAULT {current}"
        ));
    }
    sql.extend(close_partitions(catalog, app_role));
    sql
}

/// Lifts `FORCE` so that the owner's migrations can change rows of all tenants; the walls put it back in the same
/// transaction, so that nobody ever sees it lifted.
pub(crate) fn lift_force(catalog: &Catalog) -> Option<String> {
    let tables: Vec<String> = tenant_tables(catalog)
        .map(|table| text(&qualified(SHARED_SCHEMA, table.name())))
        .collect();
    (!tables.is_empty()).then(|| {
        block(&format!(
            "DECLARE t regclass;\n\
             BEGIN\n    \
                 FOR t IN SELECT c.oid::regclass FROM unnest(ARRAY[{tables}]) AS n(name) JOIN pg_class c ON c.oid = to_regclass(n.name)\n        \
                     WHERE c.relforcerowsecurity\n    \
                 LOOP\n        \
                     EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY', t);\n    \
                 END LOOP;\n\
             END",
            tables = tables.join(", "),
        ))
    })
}

/// A partition addressed by its own name is a table like any other: its parent's policies do not apply to it.
fn close_partitions(catalog: &Catalog, app_role: &str) -> Option<String> {
    let oids = oids(SHARED_SCHEMA, tenant_tables(catalog))?;
    Some(block(&format!(
        "DECLARE child regclass;\n\
         BEGIN\n    \
             FOR child IN\n        \
                 WITH RECURSIVE below(oid) AS (\n            \
                     SELECT inhrelid FROM pg_inherits WHERE inhparent IN ({oids})\n            \
                     UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid\n        \
                 ) SELECT c.oid::regclass FROM below b JOIN pg_class c ON c.oid = b.oid\n          \
                 WHERE c.relkind IN ('r', 'p') AND c.oid NOT IN ({oids})\n    \
             LOOP\n        \
                 EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %I', child, {role});\n        \
                 EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', child);\n        \
                 EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', child);\n    \
             END LOOP;\n\
         END",
        role = text(app_role),
    )))
}
