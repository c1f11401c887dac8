//! Is the role one that policies and grants bind?

use sqlx::{PgConnection, Row as _};

use super::super::super::{Finding, quote::ident};
use crate::Result;

/// Predefined roles that read or write past grants, or reach the server's files.
const MIGHTY: &[&str] = &[
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_database_owner",
];

pub(super) async fn check(
    conn: &mut PgConnection,
    role: &str,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let row = sqlx::query(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication \
         FROM pg_roles WHERE rolname = $1",
    )
    .bind(role)
    .fetch_optional(&mut *conn)
    .await?;
    let name = ident(role);
    let Some(row) = row else {
        findings.push(Finding::broken(format!("there is no role {name}")));
        return Ok(());
    };
    let superuser: bool = row.try_get("rolsuper")?;
    for (column, attribute, effect) in [
        ("rolsuper", "SUPERUSER", "no policy and no grant binds it"),
        ("rolbypassrls", "BYPASSRLS", "no policy binds it"),
        (
            "rolcreaterole",
            "CREATEROLE",
            "it can lend itself other roles",
        ),
        (
            "rolreplication",
            "REPLICATION",
            "it can read the write-ahead log of all tenants",
        ),
    ] {
        if row.try_get::<bool, _>(column)? {
            findings.push(
                Finding::broken(format!("the role {name} has {attribute}: {effect}"))
                    .fix(format!("ALTER ROLE {name} NO{attribute}")),
            );
        }
    }
    if row.try_get::<bool, _>("rolcreatedb")? {
        findings.push(
            Finding::weak(format!(
                "the role {name} has CREATEDB, which it has no use for"
            ))
            .fix(format!("ALTER ROLE {name} NOCREATEDB")),
        );
    }
    if superuser {
        // A superuser is a member of everything; more findings would say nothing new.
        return Ok(());
    }

    // MEMBER: could say `SET ROLE`. USAGE: has the other role's rights all the time.
    let rows = sqlx::query(
        "SELECT g.rolname::text AS name, g.rolsuper OR g.rolbypassrls OR g.rolname = ANY ($2) AS mighty, \
                pg_has_role(r.oid, g.oid, 'USAGE') AS inherits \
         FROM pg_roles r, pg_roles g \
         WHERE r.rolname = $1 AND g.oid <> r.oid AND pg_has_role(r.oid, g.oid, 'MEMBER')",
    )
    .bind(role)
    .bind(MIGHTY)
    .fetch_all(&mut *conn)
    .await?;
    let mut inherits = false;
    for row in rows {
        let other = ident(&row.try_get::<String, _>("name")?);
        if row.try_get::<bool, _>("mighty")? {
            findings.push(
                Finding::broken(format!(
                    "the role {name} is a member of {other}, which no wall binds"
                ))
                .fix(format!("REVOKE {other} FROM {name}")),
            );
        } else if other.starts_with("\"tenant_") && row.try_get::<bool, _>("inherits")? {
            inherits = true;
        }
    }
    if inherits {
        findings.push(
            Finding::broken(format!(
                "the role {name} has the rights of tenants' roles without `SET ROLE`; make it NOINHERIT and grant them again"
            ))
            .fix(format!("ALTER ROLE {name} NOINHERIT")),
        );
    }
    Ok(())
}
