//! Is each table of the catalogue there, owned by somebody else, and open just as far as its class says?

use sqlx::{PgConnection, Row as _};
use tenancy_sql::{Catalog, TableClass};

use super::super::super::{
    Finding,
    quote::{ident, qualified},
};
use super::super::SHARED_SCHEMA;
use super::Names;
use crate::Result;

pub(super) async fn check(
    conn: &mut PgConnection,
    catalog: &Catalog,
    names: &Names,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let rows = sqlx::query(
        "SELECT n.name, c.oid IS NOT NULL AS exists, \
                coalesce(c.relrowsecurity, false) AS enabled, coalesce(c.relforcerowsecurity, false) AS forced, \
                coalesce(pg_has_role(r.oid, c.relowner, 'MEMBER'), false) AS owner, \
                coalesce(has_table_privilege(r.oid, c.oid, 'SELECT'), false) AS reads, \
                coalesce(has_table_privilege(r.oid, c.oid, 'INSERT'), false) \
                    AND coalesce(has_table_privilege(r.oid, c.oid, 'UPDATE'), false) \
                    AND coalesce(has_table_privilege(r.oid, c.oid, 'DELETE'), false) AS writes_all, \
                coalesce(has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE'), false) AS writes_some, \
                coalesce(has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER'), false) AS reaches, \
                coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS column_default \
         FROM unnest($1::text[]) AS n(name) \
         JOIN pg_roles r ON r.rolname = $2 \
         LEFT JOIN pg_class c ON c.relname = n.name AND c.relnamespace = to_regnamespace($3) AND c.relkind IN ('r', 'p') \
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $4 AND NOT a.attisdropped \
         LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum",
    )
    .bind(&names.all)
    .bind(role)
    .bind(ident(SHARED_SCHEMA))
    .bind(catalog.tenant_column())
    .fetch_all(conn)
    .await?;

    let grantee = ident(role);
    for row in rows {
        let name: String = row.try_get("name")?;
        let Some(class) = catalog
            .tables()
            .find(|t| t.name() == name)
            .map(tenancy_sql::Table::class)
        else {
            continue;
        };
        let table = qualified(SHARED_SCHEMA, &name);
        let has = |column: &str| row.try_get::<bool, _>(column);
        if !has("exists")? {
            findings.push(Finding::broken(format!(
                "the table {table} does not exist; run the migrations"
            )));
            continue;
        }
        if has("owner")? {
            findings.push(Finding::broken(format!(
                "the role {grantee} owns {table} or is a member of its owner, who can lift every policy; give the table to another role"
            )));
        }
        match class {
            TableClass::Tenant => {
                if !has("enabled")? {
                    findings.push(
                        Finding::broken(format!("row level security is off on {table}"))
                            .fix(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")),
                    );
                }
                if !has("forced")? {
                    findings.push(
                        Finding::broken(format!(
                            "row level security does not bind the owner of {table}"
                        ))
                        .fix(format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")),
                    );
                }
                if !(has("reads")? && has("writes_all")?) {
                    findings.push(
                        Finding::broken(format!("the role {grantee} can't use {table}")).fix(
                            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {grantee}"),
                        ),
                    );
                }
                if has("reaches")? {
                    findings.push(
                        Finding::broken(format!(
                            "the role {grantee} has TRUNCATE, REFERENCES or TRIGGER on {table}, which no policy binds"
                        ))
                        .fix(format!(
                            "REVOKE TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {grantee}, PUBLIC"
                        )),
                    );
                }
                if !row
                    .try_get::<String, _>("column_default")?
                    .contains(super::super::SETTING)
                {
                    findings.push(Finding::broken(format!(
                        "the tenant column of {table} has no default from the setting; run `Provisioner::migrate_shared`"
                    )));
                }
            }
            TableClass::Global => {
                if has("writes_some")? || has("reaches")? {
                    findings.push(
                        Finding::broken(format!("the role {grantee} can write the global table {table}, which all tenants read"))
                            .fix(format!("REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {table} FROM {grantee}, PUBLIC")),
                    );
                }
                if !has("reads")? {
                    findings.push(
                        Finding::broken(format!("the role {grantee} can't read {table}"))
                            .fix(format!("GRANT SELECT ON {table} TO {grantee}")),
                    );
                }
            }
            TableClass::Central => {
                if has("reads")? || has("writes_some")? || has("reaches")? {
                    findings.push(
                        Finding::broken(format!(
                            "the role {grantee} has rights on the central table {table}"
                        ))
                        .fix(format!("REVOKE ALL ON {table} FROM {grantee}, PUBLIC")),
                    );
                }
            }
        }
    }
    Ok(())
}
