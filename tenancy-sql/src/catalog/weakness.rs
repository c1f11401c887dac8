//! What the migrations make that the firewall can't see in a statement: keys that reach over tenants, and code that runs on its
//! own. Nothing here refuses a catalogue; a check of the walls says it, and a test of the service may insist.

use std::fmt;

use super::{Catalog, ForeignKey, Table, TableClass};

/// Which kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WeaknessKind {
    /// A key of all tenants: whoever inserts a value learns whether somebody has it.
    KeyOfAllTenants,
    /// A reference without the tenant: a row may point at another tenant's, and be deleted with it.
    ReferenceOfAllTenants,
    /// A trigger or rule, which reads and writes with rights of its own.
    Trigger,
}

/// One thing about a table of tenants that only its owner can put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    kind: WeaknessKind,
    table: Box<str>,
    message: String,
}

impl Weakness {
    /// Which kind of thing it is.
    #[must_use]
    pub fn kind(&self) -> WeaknessKind {
        self.kind
    }

    /// The table, folded.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Catalog {
    /// What a statement can't show and the firewall can't confine: unique keys and foreign keys without the tenant column,
    /// triggers and rules.
    ///
    /// # Example: a test of the service that insists on none
    /// ```
    /// use tenancy_sql::{Catalog, Dialect, WeaknessKind};
    ///
    /// let catalog = Catalog::builder(Dialect::Postgres)
    ///     .migration("1", "CREATE TABLE leads (tenant_id uuid NOT NULL, id uuid, email text UNIQUE, PRIMARY KEY (tenant_id, id))")
    ///     .build()?;
    /// let found = catalog.weaknesses();
    /// assert_eq!(found.len(), 1);
    /// assert_eq!(found[0].kind(), WeaknessKind::KeyOfAllTenants);
    /// assert!(found[0].to_string().contains("begin it with `tenant_id`"), "{}", found[0]);
    /// # Ok::<(), tenancy_sql::CatalogError>(())
    /// ```
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let mut found = Vec::new();
        let tables = self
            .tables()
            .filter(|table| table.class() == TableClass::Tenant && table.partition_of().is_none());
        for table in tables {
            let mut add = |kind, message| {
                found.push(Weakness {
                    kind,
                    table: table.name().into(),
                    message,
                });
            };
            let keys = std::iter::once(table.primary_key())
                .chain(table.uniques().iter().map(|unique| unique.columns()));
            for key in keys.filter(|key| !key.is_empty() && !self.has_tenant(key)) {
                let message = format!(
                    "the unique key ({}) of `{}` is one of all tenants, so that a tenant learns what another has: begin it with `{}`",
                    key.join(", "),
                    table.name(),
                    self.tenant_column(),
                );
                add(WeaknessKind::KeyOfAllTenants, message);
            }
            for key in table.foreign_keys() {
                if self
                    .table(key.references())
                    .is_some_and(|to| self.reaches_over(key, to))
                {
                    let message = format!(
                        "the foreign key ({}) of `{}` names a row of `{}` without its tenant, so that a row can point at another \
                         tenant's: reference (`{}`, ...) with both",
                        key.columns().join(", "),
                        table.name(),
                        key.references(),
                        self.tenant_column(),
                    );
                    add(WeaknessKind::ReferenceOfAllTenants, message);
                }
            }
            for trigger in table.triggers() {
                let message = format!(
                    "`{trigger}` runs when `{}` is written, and what it does can't be seen from a statement: see to it that it \
                     stays with the tenant of the row",
                    table.name(),
                );
                add(WeaknessKind::Trigger, message);
            }
        }
        found
    }

    fn has_tenant(&self, columns: &[Box<str>]) -> bool {
        columns
            .iter()
            .any(|column| **column == *self.tenant_column())
    }

    /// Whether the reference to a table of tenants leaves the tenant open, or takes it from another column.
    fn reaches_over(&self, key: &ForeignKey, to: &Table) -> bool {
        let referenced = match key.referenced_columns() {
            [] => to.primary_key(),
            columns => columns,
        };
        let tenant = self.tenant_column();
        to.class() == TableClass::Tenant
            && !key
                .columns()
                .iter()
                .zip(referenced)
                .any(|(from, to)| **from == *tenant && **to == *tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dialect;

    fn found(dialect: Dialect, sql: &str) -> Vec<(WeaknessKind, String)> {
        let catalog = Catalog::builder(dialect)
            .global(["countries"])
            .migration(
                "0",
                "CREATE TABLE countries (code text PRIMARY KEY);
                 CREATE TABLE a (tenant_id bigint NOT NULL, id bigint NOT NULL UNIQUE, code text, PRIMARY KEY (tenant_id, id));",
            )
            .migration("1", sql)
            .build()
            .unwrap_or_else(|error| panic!("{error}"));
        let weaknesses = catalog.weaknesses();
        weaknesses
            .iter()
            .filter(|weakness| weakness.table() != "a" || weakness.kind() == WeaknessKind::Trigger)
            .map(|weakness| (weakness.kind(), weakness.to_string()))
            .collect()
    }

    #[test]
    fn keys_of_all_tenants() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let table =
                |rest: &str| format!("CREATE TABLE b (tenant_id bigint NOT NULL, id bigint{rest}");
            for sound in [
                table(", PRIMARY KEY (tenant_id, id));"),
                table(", UNIQUE (id, tenant_id));"),
                table(");"),
                table("); CREATE UNIQUE INDEX i ON b (tenant_id, lower(id));"),
                table(" UNIQUE); DROP TABLE b;"),
            ] {
                assert_eq!(found(dialect, &sound), [], "{sound}");
            }
            for weak in [
                table(" PRIMARY KEY);"),
                table(" UNIQUE);"),
                table("); CREATE UNIQUE INDEX i ON b (id) WHERE id > 1;"),
            ] {
                let found = found(dialect, &weak);
                assert_eq!(found.len(), 1, "{weak}");
                assert_eq!(found[0].0, WeaknessKind::KeyOfAllTenants);
                assert!(found[0].1.contains("(id) of `b`"), "{found:?}");
            }
        }
    }

    #[test]
    fn references_of_all_tenants() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let table = |key: &str| {
                format!(
                    "CREATE TABLE b (tenant_id bigint NOT NULL, other bigint, a_id bigint, code text, {key});"
                )
            };
            for sound in [
                "FOREIGN KEY (tenant_id, a_id) REFERENCES a",
                "FOREIGN KEY (a_id, tenant_id) REFERENCES a (id, tenant_id)",
                "FOREIGN KEY (code) REFERENCES countries",
            ] {
                assert_eq!(found(dialect, &table(sound)), [], "{sound}");
            }
            for weak in [
                "FOREIGN KEY (a_id) REFERENCES a (id)",
                "FOREIGN KEY (other, a_id) REFERENCES a",
                "FOREIGN KEY (a_id, tenant_id) REFERENCES a (tenant_id, id)",
                "FOREIGN KEY (tenant_id) REFERENCES a (id)",
            ] {
                let found = found(dialect, &table(weak));
                assert_eq!(found.len(), 1, "{weak}: {found:?}");
                assert_eq!(found[0].0, WeaknessKind::ReferenceOfAllTenants);
            }
        }
    }

    #[test]
    fn triggers_and_rules() {
        let postgres = "CREATE OR REPLACE TRIGGER t AFTER INSERT OR UPDATE OF code ON public.a FOR EACH ROW EXECUTE FUNCTION f();
             CREATE CONSTRAINT TRIGGER c AFTER DELETE ON a DEFERRABLE FOR EACH ROW EXECUTE FUNCTION f();
             CREATE RULE r AS ON INSERT TO a DO ALSO NOTHING;
             CREATE TRIGGER other AFTER INSERT ON countries FOR EACH ROW EXECUTE FUNCTION f();";
        let names = |found: &[(WeaknessKind, String)]| {
            found
                .iter()
                .map(|(kind, text)| {
                    assert_eq!(*kind, WeaknessKind::Trigger);
                    text.split('`').nth(1).unwrap().to_owned()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&found(Dialect::Postgres, postgres)), ["t", "c", "r"]);
        let dropped = format!(
            "{postgres} DROP TRIGGER t ON a; DROP TRIGGER IF EXISTS c ON countries; DROP RULE r ON a;"
        );
        assert_eq!(names(&found(Dialect::Postgres, &dropped)), ["c"]);
        let sqlite = "CREATE TRIGGER IF NOT EXISTS t BEFORE UPDATE OF code ON a WHEN NEW.id > 1 BEGIN UPDATE a SET code = CASE WHEN 1 THEN 'x' END; DELETE FROM a; END;
             CREATE TEMP TRIGGER u AFTER DELETE ON [A] BEGIN SELECT 1; END; ALTER TABLE a RENAME TO z;";
        let found_sqlite = found(
            Dialect::Sqlite,
            &format!("{sqlite} ALTER TABLE z RENAME TO a;"),
        );
        assert_eq!(names(&found_sqlite), ["t", "u"]);
        assert_eq!(
            found(
                Dialect::Sqlite,
                &format!(
                    "{sqlite} DROP TRIGGER t; DROP TRIGGER IF EXISTS u; DROP TABLE z; CREATE TABLE z (tenant_id bigint NOT NULL);"
                )
            ),
            []
        );
    }
}
