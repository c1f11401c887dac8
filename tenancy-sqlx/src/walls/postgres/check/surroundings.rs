//! What lies around the tables: partitions, views, functions, defaults of the role, tables nobody listed.

use sqlx::{PgConnection, Row as _};
use tenancy_sql::Catalog;

use super::super::super::{
    Finding,
    quote::{ident, qualified, text},
};
use super::super::{SETTING, SHARED_SCHEMA};
use super::Names;
use crate::Result;

pub(super) async fn check(
    conn: &mut PgConnection,
    catalog: &Catalog,
    names: &Names,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let grantee = ident(role);
    let schema = ident(SHARED_SCHEMA);
    let row = sqlx::query(
        "SELECT has_schema_privilege($1, to_regnamespace($2), 'CREATE') AS creates, \
                has_schema_privilege($1, to_regnamespace($2), 'USAGE') AS uses, \
                current_setting('standard_conforming_strings') AS strings",
    )
    .bind(role)
    .bind(&schema)
    .fetch_one(&mut *conn)
    .await?;
    if row.try_get::<bool, _>("creates")? {
        findings.push(
            Finding::broken(format!(
                "the role {grantee} can create tables and functions in the schema {schema}"
            ))
            .fix(format!(
                "REVOKE CREATE ON SCHEMA {schema} FROM {grantee}, PUBLIC"
            )),
        );
    }
    if !row.try_get::<bool, _>("uses")? {
        findings.push(
            Finding::broken(format!("the role {grantee} can't use the schema {schema}"))
                .fix(format!("GRANT USAGE ON SCHEMA {schema} TO {grantee}")),
        );
    }
    if row.try_get::<String, _>("strings")? != "on" {
        findings.push(
            Finding::broken("standard_conforming_strings is off: a backslash can end a literal")
                .fix(format!(
                    "ALTER ROLE {grantee} SET standard_conforming_strings = on"
                )),
        );
    }
    unlisted(&mut *conn, catalog, names, findings).await?;
    partitions(&mut *conn, names, role, findings).await?;
    owners_eyes(&mut *conn, names, role, findings).await?;
    default_tenant(&mut *conn, role, findings).await
}

/// Tables with a tenant column that the catalogue does not know: no statement reaches them, and no policy guards them.
async fn unlisted(
    conn: &mut PgConnection,
    catalog: &Catalog,
    names: &Names,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let unlisted: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition \
           AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = c.oid) \
           AND a.attname = $2 AND NOT a.attisdropped AND NOT c.relrowsecurity AND c.relname <> ALL ($3) ORDER BY 1",
    )
    .bind(ident(SHARED_SCHEMA))
    .bind(catalog.tenant_column())
    .bind(&names.all)
    .fetch_all(conn)
    .await?;
    findings.extend(unlisted.iter().map(|table| {
        let table = qualified(SHARED_SCHEMA, table);
        Finding::broken(format!(
            "{table} has a tenant column but is in no migration that the catalogue was read from"
        ))
        .fix(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))
    }));
    Ok(())
}

/// Partitions addressed by their own names are not bound by their parent's policies.
async fn partitions(
    conn: &mut PgConnection,
    names: &Names,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let open: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE below(oid) AS ( \
             SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent \
             WHERE c.relnamespace = to_regnamespace($1) AND c.relname = ANY ($2) \
             UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid) \
         SELECT c.oid::regclass::text FROM below b JOIN pg_class c ON c.oid = b.oid \
         WHERE has_table_privilege($3, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') \
           AND NOT (c.relnamespace = to_regnamespace($1) AND c.relname = ANY ($2)) ORDER BY 1",
    )
    .bind(ident(SHARED_SCHEMA))
    .bind(&names.tenant)
    .bind(role)
    .fetch_all(conn)
    .await?;
    findings.extend(open.iter().map(|child| {
        Finding::broken(format!(
            "the partition {child} can be reached by its own name, past its parent's policies"
        ))
        .fix(format!(
            "REVOKE ALL ON {child} FROM {}, PUBLIC",
            ident(role)
        ))
    }));
    Ok(())
}

/// Views, materialised views and functions that see with their owner's eyes.
async fn owners_eyes(
    conn: &mut PgConnection,
    names: &Names,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let views = sqlx::query(
        "SELECT DISTINCT v.oid::regclass::text AS name, v.relkind = 'm' AS stored \
         FROM pg_class t JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass \
              AND d.classid = 'pg_rewrite'::regclass \
         JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm') \
         WHERE t.relnamespace = to_regnamespace($1) AND t.relname = ANY ($2) AND has_table_privilege($3, v.oid, 'SELECT') \
           AND NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions) o \
                           WHERE o.option_name = 'security_invoker' AND o.option_value::boolean) ORDER BY 1",
    )
    .bind(ident(SHARED_SCHEMA))
    .bind(&names.tenant)
    .bind(role)
    .fetch_all(&mut *conn)
    .await?;
    for row in views {
        let view: String = row.try_get("name")?;
        findings.push(if row.try_get("stored")? {
            Finding::broken(format!(
                "the materialised view {view} holds rows of all tenants and can be read"
            ))
            .fix(format!("REVOKE ALL ON {view} FROM {}, PUBLIC", ident(role)))
        } else {
            Finding::broken(format!("the view {view} reads tenants' rows as its owner"))
                .fix(format!("ALTER VIEW {view} SET (security_invoker = true)"))
        });
    }

    let functions: Vec<String> = sqlx::query_scalar(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') \
           AND has_schema_privilege($1, n.oid, 'USAGE') AND has_function_privilege($1, p.oid, 'EXECUTE') ORDER BY 1",
    )
    .bind(role)
    .fetch_all(conn)
    .await?;
    findings.extend(functions.iter().map(|function| {
        Finding::weak(format!(
            "the function {function} runs as its owner and can be called"
        ))
        .fix(format!(
            "REVOKE EXECUTE ON FUNCTION {function} FROM {}, PUBLIC",
            ident(role)
        ))
    }));
    Ok(())
}

/// A tenant set on the role or the database would be the tenant of every transaction that sets none.
async fn default_tenant(
    conn: &mut PgConnection,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let set: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) AS c(entry) \
                        WHERE split_part(c.entry, '=', 1) = $1 AND split_part(c.entry, '=', 2) <> '' \
                          AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) \
                          AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = $2)))",
    )
    .bind(SETTING)
    .bind(role)
    .fetch_one(conn)
    .await?;
    if set {
        findings.push(
            Finding::broken(format!(
                "the setting {} has a default, so a transaction without a tenant has that one",
                text(SETTING)
            ))
            .fix(format!("ALTER ROLE {} RESET {SETTING}", ident(role))),
        );
    }
    Ok(())
}
