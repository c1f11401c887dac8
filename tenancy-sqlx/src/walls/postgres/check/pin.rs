//! Is a schema or a database of its own really pinned to its tenant?

use sqlx::{PgConnection, Row as _};
use tenancy_core::{IdRepr, TenantId};
use tenancy_sql::Catalog;

use super::super::super::{
    Finding,
    quote::{ident, qualified},
};
use super::super::PIN;
use super::Names;
use crate::{Error, Result};

/// Looks at every tenant table in `schema`: there, pinned to `tenant`, usable by `role`.
///
/// # Errors
/// [`Error::Walls`] names the first tables that are not as they should be.
pub(crate) async fn ensure_pinned(
    conn: &mut PgConnection,
    catalog: &Catalog,
    schema: &str,
    tenant: TenantId,
    role: &str,
) -> Result<()> {
    let names = Names::of(catalog);
    let rows = sqlx::query(
        "SELECT n.name, c.oid IS NOT NULL AS exists, \
                coalesce(p.convalidated AND p.contype = 'c', false) AS pinned, coalesce(pg_get_constraintdef(p.oid), '') AS pin, \
                coalesce(has_table_privilege($3, c.oid, 'SELECT'), false) AS usable \
         FROM unnest($1::text[]) AS n(name) \
         LEFT JOIN pg_class c ON c.relname = n.name AND c.relnamespace = to_regnamespace($2) AND c.relkind IN ('r', 'p') \
         LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.conname = $4",
    )
    .bind(&names.tenant)
    .bind(ident(schema))
    .bind(role)
    .bind(PIN)
    .fetch_all(conn)
    .await?;

    let mut findings = Vec::new();
    for row in rows {
        let table = qualified(schema, &row.try_get::<String, _>("name")?);
        if !row.try_get::<bool, _>("exists")? {
            findings.push(Finding::broken(format!(
                "the table {table} does not exist; is it in the migrations that were run?"
            )));
        } else if !row.try_get::<bool, _>("pinned")?
            || !names_tenant(&row.try_get::<String, _>("pin")?, tenant)
        {
            findings.push(Finding::broken(format!(
                "the table {table} is not pinned to its tenant"
            )));
        } else if !row.try_get::<bool, _>("usable")? {
            findings.push(Finding::broken(format!(
                "the tenant's role can't read {table}"
            )));
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(Error::Walls { findings })
    }
}

/// Whether the constraint, as PostgreSQL writes it out, compares with this tenant.
fn names_tenant(definition: &str, tenant: TenantId) -> bool {
    match tenant.repr() {
        IdRepr::Integer(id) => {
            definition.contains(&format!("= {id})")) || definition.contains(&format!("'{id}'"))
        }
        IdRepr::Uuid(id) => {
            definition.contains(&format!("'{}'", id.as_hyphenated()))
                || definition.contains(&format!("'\\x{}'", id.as_simple()))
        }
        IdRepr::Text(id) => definition.contains(&format!("'{id}'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_names_exactly_its_tenant() {
        let check = |definition, tenant, expect| {
            assert_eq!(
                names_tenant(definition, TenantId::parse(tenant).unwrap()),
                expect,
                "{definition}"
            );
        };
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = 42)))",
            "42",
            true,
        );
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = 42)))",
            "4",
            false,
        );
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = 42)))",
            "2",
            false,
        );
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = '5000000000'::bigint)))",
            "5000000000",
            true,
        );
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = 'acme'::text)))",
            "acme",
            true,
        );
        check(
            "CHECK (((tenant_id IS NOT NULL) AND (tenant_id = 'acme'::text)))",
            "acm",
            false,
        );
    }
}
