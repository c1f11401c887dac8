//! The text of the views and triggers of one connection.

/// Names of one connection that nobody can guess.
pub(crate) struct Names {
    /// The schema that the file is attached as.
    pub(crate) schema: String,
    /// The function that returns the tenant.
    pub(crate) function: String,
    /// What names of views and triggers begin with. Not the same secret: `EXPLAIN` shows names of triggers.
    pub(crate) prefix: String,
}

impl Names {
    pub(crate) fn new() -> Self {
        let secret = || uuid::Uuid::new_v4().simple().to_string();
        Self {
            schema: format!("tenancy_{}", secret()),
            function: format!("tenancy_{}", secret()),
            prefix: format!("tenancy_{}_", secret()),
        }
    }

    /// The view that selects a tenant's rows.
    pub(crate) fn view(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// The triggers that look at each row to be written.
    pub(crate) fn triggers(&self, table: &str) -> [String; 3] {
        ["insert", "update", "delete"].map(|event| format!("{}{table}_{event}", self.prefix))
    }
}

/// Statements that put the wall in front of one table.
///
/// A row of another tenant is passed over by `UPDATE` and `DELETE`, as if it were not there, and can't be written. `strict`: it
/// is an error instead, for a table from which a foreign key without the tenant could delete rows of others.
pub(crate) fn tenant_table(names: &Names, table: &str, column: &str, strict: bool) -> Vec<String> {
    let Names {
        schema, function, ..
    } = names;
    let view = ident(&names.view(table));
    let [insert, update, delete] = names.triggers(table).map(|trigger| ident(&trigger));
    let (base, column) = (format!("{schema}.{}", ident(table)), ident(column));
    let table = ident(table);
    // Neither NULL nor a tenant that is not set is anybody's.
    let foreign = |row: &str| format!("({row}.{column} = {function}()) IS NOT TRUE");
    let (old, new) = (foreign("OLD"), foreign("NEW"));
    let abort = "RAISE(ABORT, 'the row is not of the current tenant')";
    let pass = if strict { abort } else { "RAISE(IGNORE)" };
    vec![
        // With an alias, as EXPLAIN QUERY PLAN would show the schema otherwise.
        format!(
            "CREATE TEMP VIEW {view} AS SELECT * FROM {base} AS {table} WHERE {table}.{column} = {function}()"
        ),
        format!("CREATE TEMP VIEW {table} AS SELECT * FROM {view}"),
        format!(
            "CREATE TEMP TRIGGER {insert} BEFORE INSERT ON {base} WHEN {new} BEGIN SELECT {abort}; END"
        ),
        format!(
            "CREATE TEMP TRIGGER {update} BEFORE UPDATE ON {base} WHEN {old} OR {new} \
             BEGIN SELECT {pass} WHERE {old}; SELECT {abort}; END"
        ),
        format!(
            "CREATE TEMP TRIGGER {delete} BEFORE DELETE ON {base} WHEN {old} BEGIN SELECT {pass}; END"
        ),
    ]
}

/// A statement that hides a closed table whose keys foreign keys look at: its name leads to a view that nobody may read.
pub(crate) fn closed_table(table: &str) -> String {
    format!("CREATE TEMP VIEW {} AS SELECT NULL WHERE 0", ident(table))
}

/// A name in quotes.
fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_this() {
        let names = Names {
            schema: "s".into(),
            function: "f".into(),
            prefix: "p_".into(),
        };
        assert_eq!(
            tenant_table(&names, "le\"ads", "tenant_id", false),
            [
                r#"CREATE TEMP VIEW "p_le""ads" AS SELECT * FROM s."le""ads" AS "le""ads" WHERE "le""ads"."tenant_id" = f()"#,
                r#"CREATE TEMP VIEW "le""ads" AS SELECT * FROM "p_le""ads""#,
                r#"CREATE TEMP TRIGGER "p_le""ads_insert" BEFORE INSERT ON s."le""ads" WHEN (NEW."tenant_id" = f()) IS NOT TRUE BEGIN SELECT RAISE(ABORT, 'the row is not of the current tenant'); END"#,
                r#"CREATE TEMP TRIGGER "p_le""ads_update" BEFORE UPDATE ON s."le""ads" WHEN (OLD."tenant_id" = f()) IS NOT TRUE OR (NEW."tenant_id" = f()) IS NOT TRUE BEGIN SELECT RAISE(IGNORE) WHERE (OLD."tenant_id" = f()) IS NOT TRUE; SELECT RAISE(ABORT, 'the row is not of the current tenant'); END"#,
                r#"CREATE TEMP TRIGGER "p_le""ads_delete" BEFORE DELETE ON s."le""ads" WHEN (OLD."tenant_id" = f()) IS NOT TRUE BEGIN SELECT RAISE(IGNORE); END"#,
            ]
        );
    }

    #[test]
    fn no_two_connections_share_a_secret() {
        let (a, b) = (Names::new(), Names::new());
        assert_ne!(a.schema, b.schema);
        assert_ne!(a.schema, a.function);
        assert!(!a.prefix.contains(&a.schema) && !a.prefix.contains(&a.function));
        assert!(
            a.schema
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        );
    }
}
