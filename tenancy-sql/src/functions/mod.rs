//! The functions and operators a tenant's statement may use: lists checked in per dialect, extended by the settings.

use crate::catalog::Permission;
use crate::{Catalog, Dialect};

const POSTGRES: &str = include_str!("postgres.txt");
const SQLITE: &str = include_str!("sqlite.txt");
const POSTGRES_OPERATORS: &str = include_str!("postgres_operators.txt");

/// What may be done with a function of that folded name; `None` if it may not be called.
///
/// A name that a migration of the service defines is the service's, whatever else has it: calls go by the types of the
/// arguments, so it must be declared.
pub(crate) fn permission(catalog: &Catalog, name: &str) -> Option<Permission> {
    if let Some(declared) = catalog.function(name) {
        return Some(declared);
    }
    if catalog.creates_routine(name) {
        return None;
    }
    let list = match catalog.dialect() {
        Dialect::Postgres => functions_of_postgres(),
        Dialect::Sqlite => functions_of_sqlite(),
    };
    list.binary_search(&name)
        .is_ok()
        .then_some(Permission::Pure)
}

/// Whether an operator may be used. SQLite has no others than its tokenizer knows.
pub(crate) fn allows_operator(catalog: &Catalog, text: &str) -> bool {
    match catalog.dialect() {
        Dialect::Sqlite => true,
        Dialect::Postgres => {
            operators_of_postgres().binary_search(&text).is_ok() || catalog.operator(text)
        }
    }
}

macro_rules! list {
    ($name:ident, $text:ident) => {
        fn $name() -> &'static [&'static str] {
            static LIST: std::sync::LazyLock<Vec<&'static str>> =
                std::sync::LazyLock::new(|| lines($text));
            &LIST
        }
    };
}

list!(functions_of_postgres, POSTGRES);
list!(functions_of_sqlite, SQLITE);
list!(operators_of_postgres, POSTGRES_OPERATORS);

/// The lines of a list, without the comment at its head.
fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines()
        .skip_while(|line| line.starts_with("# "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_without_repeats() {
        for list in [
            functions_of_postgres(),
            functions_of_sqlite(),
            operators_of_postgres(),
        ] {
            assert!(list.len() > 70);
            for pair in list.windows(2) {
                assert!(pair[0] < pair[1], "{pair:?}");
            }
        }
    }

    #[test]
    fn dangerous_functions_are_not_on_the_lists() {
        for name in [
            "query_to_xml",
            "table_to_xml",
            "schema_to_xml",
            "database_to_xml",
            "cursor_to_xml",
            "ts_stat",
            "ts_rewrite",
            "dblink",
            "crosstab",
            "pg_read_file",
            "lo_export",
            "lo_get",
            "set_config",
            "current_setting",
            "pg_cancel_backend",
            "pg_terminate_backend",
            "pg_advisory_lock",
            "pg_advisory_xact_lock",
            "pg_sleep",
            "setval",
            "nextval",
            "pg_notify",
            "pg_stat_get_activity",
            "has_table_privilege",
            "pg_get_viewdef",
            "to_regclass",
            "txid_current",
            "lastval",
            // Calls a function by the name of a type.
            "treat",
        ] {
            assert!(
                functions_of_postgres().binary_search(&name).is_err(),
                "{name}"
            );
        }
        for name in [
            "load_extension",
            "readfile",
            "writefile",
            "edit",
            "fts3_tokenizer",
            "sqlite_offset",
            "last_insert_rowid",
            "changes",
            "total_changes",
            "pragma_table_info",
            "sqlite_compileoption_get",
            "dbstat",
        ] {
            assert!(
                functions_of_sqlite().binary_search(&name).is_err(),
                "{name}"
            );
        }
    }
}
