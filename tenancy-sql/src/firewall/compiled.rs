//! Statements that were checked while the program was compiled. The macros write them; a firewall that meets the text of
//! one, over the very catalogue it was checked against, takes the answer instead of parsing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use super::{Access, Checked};
use crate::rewrite::Splice;

/// One statement, and what became of it over each catalogue of the project.
#[derive(Debug)]
pub struct Compiled {
    text: &'static str,
    answers: &'static [Answer],
    registered: AtomicBool,
}

/// What a statement became over one catalogue.
#[derive(Debug)]
pub struct Answer {
    fingerprint: u128,
    sql: &'static str,
    params: usize,
    binds_tenant: bool,
    writes: bool,
    splices: &'static [[usize; 4]],
}

impl Compiled {
    /// For macros only: whoever writes one by hand vouches for the statement.
    #[must_use]
    pub const fn new(text: &'static str, answers: &'static [Answer]) -> Self {
        Self {
            text,
            answers,
            registered: AtomicBool::new(false),
        }
    }

    /// Makes it known to all firewalls of the process, once, and gives its text.
    #[inline]
    pub fn text(&'static self) -> &'static str {
        if !self.registered.load(Ordering::Acquire) {
            self.register();
        }
        self.text
    }

    #[cold]
    fn register(&'static self) {
        let mut known = known().write().unwrap_or_else(PoisonError::into_inner);
        for answer in self.answers {
            known.insert((answer.fingerprint, self.text), answer);
        }
        drop(known);
        self.registered.store(true, Ordering::Release);
    }
}

impl Answer {
    /// For macros only, as [`Compiled::new`].
    #[must_use]
    pub const fn new(
        fingerprint: u128,
        sql: &'static str,
        params: usize,
        binds_tenant: bool,
        writes: bool,
        splices: &'static [[usize; 4]],
    ) -> Self {
        Self {
            fingerprint,
            sql,
            params,
            binds_tenant,
            writes,
            splices,
        }
    }

    fn checked(&self) -> Checked {
        let Self {
            fingerprint: _,
            sql,
            params,
            binds_tenant,
            writes,
            splices,
        } = self;
        let access = if *writes { Access::Write } else { Access::Read };
        let splices = splices
            .iter()
            .map(|[start, removed, inserted, target]| Splice {
                start: *start,
                removed: *removed,
                inserted: *inserted,
                target: *target == 1,
            });
        Checked::new(
            (*sql).into(),
            *params,
            *binds_tenant,
            access,
            splices.collect(),
        )
    }
}

type Known = HashMap<(u128, &'static str), &'static Answer>;

/// As many entries as the program has such statements.
fn known() -> &'static RwLock<Known> {
    static KNOWN: std::sync::OnceLock<RwLock<Known>> = std::sync::OnceLock::new();
    KNOWN.get_or_init(RwLock::default)
}

/// What a text became over a catalogue, if a macro checked it.
pub(super) fn find(fingerprint: u128, text: &str) -> Option<Checked> {
    let known = known().read().unwrap_or_else(PoisonError::into_inner);
    known
        .get(&(fingerprint, text))
        .map(|answer| answer.checked())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, Dialect, Firewall};

    const LEADS: &str = "CREATE TABLE leads (tenant_id TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id));";
    const TEXT: &str = "SELECT id FROM leads /* compiled */";

    fn catalog(file: &str, ddl: &str) -> Catalog {
        let builder = Catalog::builder(Dialect::Sqlite).migration(file, ddl);
        builder.build().unwrap()
    }

    #[test]
    fn known_over_its_own_catalogue_alone() {
        let here = catalog("1.sql", LEADS);
        let parsed = Firewall::new(here.clone()).check(TEXT).unwrap();
        // As the macros do; but for a mark, to tell who answered.
        let marked = format!("{} -- compiled", parsed.sql());
        let splices: Vec<_> = parsed.compiled_splices().collect();
        let answer = Answer::new(
            here.fingerprint(),
            Box::leak(marked.clone().into()),
            parsed.params(),
            parsed.binds_tenant(),
            parsed.access() == Access::Write,
            Box::leak(splices.into()),
        );
        let compiled: &'static Compiled =
            Box::leak(Box::new(Compiled::new(TEXT, Box::leak(Box::new([answer])))));
        assert_eq!(compiled.text(), TEXT);

        let answered = Firewall::new(catalog("renamed.sql", LEADS))
            .check(TEXT)
            .unwrap();
        assert_eq!(&**answered.sql(), marked);
        assert_eq!(answered.params(), 0);
        assert!(answered.binds_tenant());
        assert_eq!(answered.original_position(8), parsed.original_position(8));

        let one_more = format!("{LEADS} ALTER TABLE leads ADD COLUMN name TEXT");
        let other = Firewall::new(catalog("1.sql", &one_more))
            .check(TEXT)
            .unwrap();
        assert_eq!(other, parsed, "over another catalogue it is parsed");
    }
}
