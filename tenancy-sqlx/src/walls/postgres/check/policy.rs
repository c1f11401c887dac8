//! Are the policies of each tenant table ours, word for word?

use sqlx::{PgConnection, Row as _};
use tenancy_sql::Catalog;

use super::super::super::{
    Finding,
    quote::{ident, qualified},
};
use super::super::{PERMIT_POLICY, RESTRICT_POLICY, SHARED_SCHEMA, current_tenant};
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
        "SELECT c.relname::text AS relation, p.polname::text AS name, p.polpermissive AS permissive, p.polcmd = '*' AS all_commands, \
                coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS visible, \
                coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') AS writable \
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_roles r ON r.rolname = $3 \
         WHERE c.relnamespace = to_regnamespace($2) AND c.relname = ANY ($1) AND (r.oid = ANY (p.polroles) OR 0 = ANY (p.polroles))",
    )
    .bind(&names.tenant)
    .bind(ident(SHARED_SCHEMA))
    .bind(role)
    .fetch_all(conn)
    .await?;

    let expected = fold(&format!(
        "{} = (SELECT {})",
        ident(catalog.tenant_column()),
        current_tenant(catalog.key_type())
    ));
    for table in &names.tenant {
        for (policy, permissive) in [(PERMIT_POLICY, true), (RESTRICT_POLICY, false)] {
            let mut stands = false;
            for row in &rows {
                stands |= row.try_get::<String, _>("relation")? == *table
                    && row.try_get::<String, _>("name")? == policy
                    && row.try_get::<bool, _>("permissive")? == permissive
                    && row.try_get::<bool, _>("all_commands")?
                    && fold(&row.try_get::<String, _>("visible")?) == expected
                    && fold(&row.try_get::<String, _>("writable")?) == expected;
            }
            if !stands {
                findings.push(Finding::broken(format!(
                    "the policy {policy} of {} is missing or was changed; run `Provisioner::migrate_shared`",
                    qualified(SHARED_SCHEMA, table)
                )));
            }
        }
    }
    Ok(())
}

/// An expression without what PostgreSQL adds or drops when it writes one out: space, brackets, quotes of names, casts to
/// text, and the name of a column that nobody gave one.
fn fold(expression: &str) -> String {
    let spaced = expression.replace("::text", "").to_lowercase();
    let words: Vec<&str> = spaced
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | ','))
        .filter(|word| !word.is_empty())
        .collect();
    let mut folded = String::with_capacity(expression.len());
    let mut rest = words.into_iter();
    while let Some(word) = rest.next() {
        if word == "as" {
            rest.next();
            continue;
        }
        if !folded.is_empty() && !word.starts_with("::") {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenancy_sql::KeyType;

    #[test]
    fn what_postgresql_writes_out_is_recognised() {
        let ours = fold(&format!(
            "\"tenant_id\" = (SELECT {})",
            current_tenant(KeyType::Uuid)
        ));
        let theirs = r#"(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS "nullif"))"#;
        assert_eq!(fold(theirs), ours);
    }

    #[test]
    fn another_predicate_is_not() {
        let ours = fold(&format!(
            "\"tenant_id\" = (SELECT {})",
            current_tenant(KeyType::Uuid)
        ));
        for other in [
            "true",
            "(tenant_id IS NOT NULL)",
            "(tenant_id = (current_setting('app.tenant_id'::text, true))::uuid)",
            "((tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\")) OR true)",
        ] {
            assert_ne!(fold(other), ours, "{other}");
        }
    }
}
