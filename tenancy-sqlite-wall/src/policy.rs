//! Which actions of a statement are allowed, by what SQLite says they are. Safe, and without any state.

use std::ffi::c_int;

use libsqlite3_sys as sqlite;

/// What SQLite asks its authorizer: the code of an action, what it is about, and the innermost trigger, view or common table
/// expression in whose text it stands (`None` for the text of the statement itself).
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) action: c_int,
    pub(crate) first: Option<&'a [u8]>,
    pub(crate) second: Option<&'a [u8]>,
    pub(crate) schema: Option<&'a [u8]>,
    pub(crate) accessor: Option<&'a [u8]>,
}

impl Call<'_> {
    pub(crate) fn is_rollback(&self) -> bool {
        self.action == sqlite::SQLITE_TRANSACTION && is(self.first, "ROLLBACK")
    }
}

/// Names that a wall was built with. Compared without regard to ASCII case, as SQLite does.
#[derive(Default)]
pub(crate) struct Policy {
    /// The name under which the file of shared tables is attached. Nobody can guess it.
    pub(crate) schema: String,
    /// The function that returns the tenant.
    pub(crate) function: String,
    /// Tables with a wall.
    pub(crate) tenant_tables: Vec<String>,
    /// Tables and views that all tenants may read.
    pub(crate) open_tables: Vec<String>,
    /// Temporary views that stand in front of tables: what tenants read.
    pub(crate) views: Vec<String>,
    /// Views and triggers of the wall: the only text that may name what is behind it.
    pub(crate) inner: Vec<String>,
    /// Table and column that checks of foreign keys look at, in tables that are otherwise closed.
    pub(crate) keys: Vec<(String, String)>,
    /// Triggers of the file that may look at all rows.
    pub(crate) trusted_triggers: Vec<String>,
}

/// Table-valued functions that only look at their arguments. All others, such as `pragma_table_info`, `dbstat` or
/// `sqlite_stmt`, tell about the engine or the schema.
const TABLE_FUNCTIONS: &[&str] = &["json_each", "json_tree", "jsonb_each", "jsonb_tree"];

/// Functions that load code, or that tell what others did on this connection.
const REFUSED_FUNCTIONS: &[&str] = &[
    "load_extension",
    "fts3_tokenizer",
    "last_insert_rowid",
    "changes",
    "total_changes",
    "sqlite_offset",
];

impl Policy {
    /// Closed: an action that is not known here is refused.
    pub(crate) fn allows(&self, call: &Call<'_>) -> bool {
        match call.action {
            sqlite::SQLITE_SELECT
            | sqlite::SQLITE_RECURSIVE
            | sqlite::SQLITE_TRANSACTION
            | sqlite::SQLITE_SAVEPOINT => true,
            sqlite::SQLITE_READ => self.may_read(call),
            sqlite::SQLITE_INSERT | sqlite::SQLITE_UPDATE | sqlite::SQLITE_DELETE => {
                self.may_write(call)
            }
            sqlite::SQLITE_FUNCTION => self.may_call(call),
            // Outside a transaction it sets the empty main database to what it is; inside one it fails. It is how a pool
            // finds out where it is.
            sqlite::SQLITE_PRAGMA => {
                is(call.first, "synchronous")
                    && is(call.second, "NORMAL")
                    && is(call.schema, "main")
                    && call.accessor.is_none()
            }
            _ => false,
        }
    }

    fn may_read(&self, call: &Call<'_>) -> bool {
        let Some(table) = call.first else {
            return false;
        };
        if is(call.schema, &self.schema) {
            if is_one_of(table, &self.tenant_tables) {
                // The statement itself can only get here as the writer of a table that it was told the name of, or by a
                // foreign key: what it calls `leads` is a view.
                return call.accessor.is_none_or(|accessor| {
                    is_one_of(accessor, &self.inner) || is_one_of(accessor, &self.trusted_triggers)
                });
            }
            return is_one_of(table, &self.open_tables)
                || call.accessor.is_none()
                    && self
                        .keys
                        .iter()
                        .any(|(of, column)| is(Some(table), of) && is(call.second, column));
        }
        if is(call.schema, "temp") {
            let is_view = is_one_of(table, &self.views);
            return is_view || is_one_of(table, &self.inner);
        }
        is(call.schema, "main") && is_one_of(table, TABLE_FUNCTIONS)
    }

    fn may_write(&self, call: &Call<'_>) -> bool {
        is(call.schema, &self.schema)
            && call
                .first
                .is_some_and(|table| is_one_of(table, &self.tenant_tables))
            && call
                .accessor
                .is_none_or(|accessor| is_one_of(accessor, &self.trusted_triggers))
    }

    fn may_call(&self, call: &Call<'_>) -> bool {
        let Some(function) = call.second else {
            return false;
        };
        if is(Some(function), &self.function) {
            return call
                .accessor
                .is_some_and(|accessor| is_one_of(accessor, &self.inner));
        }
        !is_one_of(function, REFUSED_FUNCTIONS)
    }
}

fn is(text: Option<&[u8]>, name: &str) -> bool {
    text.is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
}

fn is_one_of<N: AsRef<str>>(text: &[u8], names: &[N]) -> bool {
    names
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name.as_ref().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Policy {
            schema: "t_1".to_owned(),
            function: "f_2".to_owned(),
            tenant_tables: names(&["leads"]),
            open_tables: names(&["countries"]),
            views: names(&["leads"]),
            inner: names(&["v_3_leads"]),
            keys: vec![("accounts".to_owned(), "id".to_owned())],
            trusted_triggers: names(&["touch"]),
        }
    }

    /// `[first, second, schema, accessor]`; empty for NULL.
    fn check(action: c_int, arguments: [&str; 4], expect: bool) {
        let [first, second, schema, accessor] =
            arguments.map(|text| (!text.is_empty()).then_some(text.as_bytes()));
        let call = Call {
            action,
            first,
            second,
            schema,
            accessor,
        };
        assert_eq!(policy().allows(&call), expect, "{call:?}");
    }

    #[test]
    fn the_base_table_is_read_by_the_walls_own_text_only() {
        let read = |arguments, expect| check(sqlite::SQLITE_READ, arguments, expect);
        read(["leads", "id", "t_1", "v_3_leads"], true);
        read(["LEADS", "id", "T_1", "V_3_Leads"], true);
        read(["leads", "id", "t_1", "touch"], true);
        // The target of a write, which can only be named with the name of the schema.
        read(["leads", "id", "t_1", ""], true);
        // A view of the file, or a common table expression that is called like one.
        read(["leads", "id", "t_1", "some_view"], false);
        read(["leads", "id", "t_1", "leads"], false);
        read(["notes", "id", "t_1", ""], false);
        read(["notes", "id", "t_1", "v_3_leads"], false);
        read(["countries", "id", "t_1", ""], true);
        read(["accounts", "id", "t_1", ""], true);
        read(["accounts", "name", "t_1", ""], false);
        read(["accounts", "id", "t_1", "touch"], false);
        read(["", "", "t_1", ""], false);
    }

    #[test]
    fn other_schemas_hold_the_views_and_nothing_else() {
        let read = |arguments, expect| check(sqlite::SQLITE_READ, arguments, expect);
        read(["leads", "id", "temp", ""], true);
        read(["v_3_leads", "id", "temp", "leads"], true);
        read(["sqlite_temp_master", "sql", "temp", ""], false);
        read(["sqlite_master", "sql", "main", ""], false);
        read(["sqlite_master", "sql", "t_1", ""], false);
        read(["pragma_database_list", "name", "main", ""], false);
        read(["dbstat", "name", "main", ""], false);
        read(["json_each", "value", "main", ""], true);
        read(["leads", "id", "", ""], false);
    }

    #[test]
    fn tenants_write_their_tables_and_nothing_else() {
        for action in [
            sqlite::SQLITE_INSERT,
            sqlite::SQLITE_UPDATE,
            sqlite::SQLITE_DELETE,
        ] {
            check(action, ["leads", "", "t_1", ""], true);
            check(action, ["leads", "", "t_1", "touch"], true);
            check(action, ["leads", "", "t_1", "some_trigger"], false);
            check(action, ["leads", "", "temp", ""], false);
            check(action, ["leads", "", "main", ""], false);
            check(action, ["countries", "", "t_1", ""], false);
            check(action, ["accounts", "", "t_1", ""], false);
            check(action, ["sqlite_master", "", "t_1", ""], false);
        }
    }

    #[test]
    fn functions_that_tell_or_load_are_refused() {
        let call = |arguments, expect| check(sqlite::SQLITE_FUNCTION, arguments, expect);
        call(["", "lower", "", ""], true);
        call(["", "f_2", "", "v_3_leads"], true);
        call(["", "f_2", "", ""], false);
        call(["", "f_2", "", "leads"], false);
        call(["", "Load_Extension", "", ""], false);
        call(["", "last_insert_rowid", "", ""], false);
    }

    #[test]
    fn every_other_action_is_refused() {
        // 0 to 40, and what later versions may add.
        let known = [
            sqlite::SQLITE_SELECT,
            sqlite::SQLITE_RECURSIVE,
            sqlite::SQLITE_TRANSACTION,
            sqlite::SQLITE_SAVEPOINT,
        ];
        for action in 0..64 {
            check(action, ["", "", "", ""], known.contains(&action));
        }
        check(
            sqlite::SQLITE_PRAGMA,
            ["synchronous", "NORMAL", "main", ""],
            true,
        );
        check(
            sqlite::SQLITE_PRAGMA,
            ["synchronous", "OFF", "main", ""],
            false,
        );
        check(
            sqlite::SQLITE_PRAGMA,
            ["synchronous", "NORMAL", "t_1", ""],
            false,
        );
        check(sqlite::SQLITE_PRAGMA, ["database_list", "", "", ""], false);
    }
}
