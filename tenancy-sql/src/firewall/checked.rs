//! A statement that passed: its new text and what a pool has to know to run it.

use std::sync::Arc;

use crate::names;
use crate::rewrite::Splice;

/// Whether a statement may change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a third answer would have to be thought about wherever one is matched"
)]
pub enum Access {
    /// It provably changes nothing: no write anywhere in it, no row locks, only functions known to be pure.
    Read,
    /// It writes, locks, or calls something that may.
    Write,
}

/// A statement confined to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    sql: Arc<str>,
    params: usize,
    binds_tenant: bool,
    access: Access,
    splices: Box<[Splice]>,
}

impl Checked {
    pub(crate) fn new(
        sql: Arc<str>,
        params: usize,
        binds_tenant: bool,
        access: Access,
        splices: Vec<Splice>,
    ) -> Self {
        Self {
            sql,
            params,
            binds_tenant,
            access,
            splices: splices.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn untouched(sql: &str, params: usize, access: Access) -> Self {
        Self::new(sql.into(), params, false, access, Vec::new())
    }

    /// The rewritten text. The tenant is placeholder number [`params()`](Self::params)` + 1`; on SQLite it is written `$N`,
    /// or `?N` in a statement that itself uses `?N`.
    #[must_use]
    pub fn sql(&self) -> &Arc<str> {
        &self.sql
    }

    /// How many values the original text takes. Bind exactly as many before the tenant: one more, and the caller's value
    /// would be taken for the tenant.
    #[must_use]
    pub fn params(&self) -> usize {
        self.params
    }

    /// Whether the rewritten text takes the tenant. False when no tenant table occurs in it.
    #[must_use]
    pub fn binds_tenant(&self) -> bool {
        self.binds_tenant
    }

    /// Whether it may change anything.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// The replacements, for macros: start and length in characters of the original, length of what
    /// replaces it, and 1 where the name of a written table comes next.
    #[doc(hidden)]
    pub fn compiled_splices(&self) -> impl Iterator<Item = [usize; 4]> {
        self.splices.iter().map(|splice| {
            [
                splice.start,
                splice.removed,
                splice.inserted,
                usize::from(splice.target),
            ]
        })
    }

    /// [`sql`](Self::sql) with this schema in front of the name of each table that is written, and of nothing that is read;
    /// `None` if nothing is. For engines where what is read and what is written go by different names.
    ///
    /// ```
    /// # use tenancy_sql::{Catalog, Dialect, Firewall};
    /// # let catalog = Catalog::builder(Dialect::Sqlite)
    /// #     .migration("1", "CREATE TABLE leads (tenant_id TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (tenant_id, id))")
    /// #     .build()?;
    /// let firewall = Firewall::new(catalog);
    /// let checked = firewall.check("INSERT INTO leads (id) VALUES (?)")?;
    /// assert_eq!(checked.sql_into("own").unwrap(), "INSERT INTO own.leads (id, tenant_id) VALUES (?, $2)");
    /// assert_eq!(firewall.check("SELECT id FROM leads")?.sql_into("own"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sql_into(&self, schema: &str) -> Option<String> {
        let mut shift = 0_isize;
        let mut places = Vec::new();
        for splice in &self.splices {
            shift +=
                isize::try_from(splice.inserted).ok()? - isize::try_from(splice.removed).ok()?;
            if splice.target {
                let behind = splice.start + splice.removed;
                places.push((behind.checked_add_signed(shift)?, 0));
            }
        }
        with_schema(&self.sql, &places, schema)
    }

    /// The same of the text that was checked, which is to be the one given here.
    #[must_use]
    pub fn original_into(&self, original: &str, schema: &str) -> Option<String> {
        let targets = self.splices.iter().filter(|splice| splice.target);
        let places: Vec<_> = targets
            .map(|splice| (splice.start, splice.removed))
            .collect();
        with_schema(original, &places, schema)
    }

    /// Where a position in the rewritten text was in the original, both in characters counted from 1 as PostgreSQL reports
    /// them. A position inside text of ours maps to the original text it stands for. `None` if it is past the end.
    #[must_use]
    pub fn original_position(&self, rewritten_char_pos: usize) -> Option<usize> {
        let wanted = rewritten_char_pos.checked_sub(1)?;
        if wanted > self.sql.chars().count() {
            return None;
        }
        let mut shift = 0_isize;
        for splice in &self.splices {
            let start = splice.start.checked_add_signed(shift)?;
            if wanted < start {
                break;
            }
            if wanted < start + splice.inserted {
                return Some(splice.start + 1);
            }
            shift +=
                isize::try_from(splice.inserted).ok()? - isize::try_from(splice.removed).ok()?;
        }
        wanted
            .checked_add_signed(-shift)
            .map(|position| position + 1)
    }
}

/// Puts a schema at places of a text, each given as a position and a length in characters, in order.
fn with_schema(sql: &str, places: &[(usize, usize)], schema: &str) -> Option<String> {
    let schema = names::text(&names::written(schema));
    let byte = |character: usize| {
        sql.char_indices()
            .map(|(at, _)| at)
            .chain([sql.len()])
            .nth(character)
    };
    let mut text = String::with_capacity(sql.len() + places.len() * (schema.len() + 1));
    let mut at = 0;
    for (start, removed) in places {
        text.push_str(sql.get(at..byte(*start)?)?);
        text.push_str(&schema);
        text.push('.');
        at = byte(start + removed)?;
    }
    text.push_str(sql.get(at..)?);
    (!places.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use crate::{Catalog, Dialect, Firewall};

    fn check(sql: &str, rewritten: Option<&str>, original: Option<&str>) {
        let ddl = "CREATE TABLE leads (tenant_id TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, PRIMARY KEY (tenant_id, id));";
        let catalog = Catalog::builder(Dialect::Sqlite)
            .migration("1", ddl)
            .build();
        let checked = Firewall::new(catalog.unwrap()).check(sql).unwrap();
        assert_eq!(checked.sql_into("own").as_deref(), rewritten, "{sql}");
        assert_eq!(
            checked.original_into(sql, "own").as_deref(),
            original,
            "{sql}"
        );
    }

    #[test]
    fn the_schema_goes_in_front_of_what_is_written() {
        check("SELECT id FROM main.leads", None, None);
        check(
            "/* é */ UPDATE main . leads AS l SET name = 'é' WHERE id IN (SELECT id FROM leads)",
            Some(
                "/* é */ UPDATE own.leads AS l SET name = 'é' WHERE (id IN (SELECT id FROM (SELECT * FROM leads WHERE leads.tenant_id = $1) AS leads)) AND l.tenant_id = $1",
            ),
            Some("/* é */ UPDATE own.leads AS l SET name = 'é' WHERE id IN (SELECT id FROM leads)"),
        );
        check(
            "WITH x AS (SELECT id FROM leads) DELETE FROM \"LEADS\" WHERE id IN (SELECT id FROM x) RETURNING name",
            Some(
                "WITH x AS (SELECT id FROM (SELECT * FROM leads WHERE leads.tenant_id = $1) AS leads) DELETE FROM own.\"LEADS\" WHERE (id IN (SELECT id FROM x)) AND leads.tenant_id = $1 RETURNING name",
            ),
            Some(
                "WITH x AS (SELECT id FROM leads) DELETE FROM own.\"LEADS\" WHERE id IN (SELECT id FROM x) RETURNING name",
            ),
        );
        check(
            "INSERT INTO leads SELECT id, name FROM leads",
            Some(
                "INSERT INTO own.leads (id, name, tenant_id) SELECT id, name, $1 FROM (SELECT * FROM leads WHERE leads.tenant_id = $1) AS leads",
            ),
            Some("INSERT INTO own.leads SELECT id, name FROM leads"),
        );
    }

    #[test]
    fn a_name_that_needs_quotes_gets_them() {
        let catalog = Catalog::builder(Dialect::Sqlite)
            .migration("1", "CREATE TABLE leads (tenant_id TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id));")
            .build();
        let checked = Firewall::new(catalog.unwrap())
            .check("DELETE FROM leads")
            .unwrap();
        let sql = checked.sql_into("a\".b; --").unwrap();
        assert_eq!(
            sql,
            "DELETE FROM \"a\"\".b; --\".leads WHERE leads.tenant_id = $1"
        );
    }
}
