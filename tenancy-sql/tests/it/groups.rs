//! Grouping by a key where the table can't simply stay in its place: in parentheses, behind outer joins, named by number.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, refuses};
use Dialect::Postgres;

#[test]
fn a_table_in_joined_parentheses_stays_in_place() {
    accepts(
        Postgres,
        "SELECT l.id, l.name FROM countries x JOIN (leads l JOIN contacts c ON c.lead_id = l.id) ON true WHERE c.id > 1 OR true GROUP BY l.id",
        "SELECT l.id, l.name FROM countries x JOIN (leads l JOIN <<contacts>> c ON c.lead_id = l.id) ON true WHERE (c.id > 1 OR true) AND [[l]] GROUP BY l.id, l.tenant_id",
    );
    accepts(
        Postgres,
        "SELECT l.name FROM ((leads l CROSS JOIN countries x) JOIN contacts c ON c.lead_id = l.id) GROUP BY l.id ORDER BY 1",
        "SELECT l.name FROM ((leads l CROSS JOIN countries x) JOIN <<contacts>> c ON c.lead_id = l.id) WHERE [[l]] GROUP BY l.id, l.tenant_id ORDER BY 1",
    );
    accepts(
        Postgres,
        "SELECT l.ctid FROM countries x JOIN (leads l JOIN contacts c ON true) ON true",
        "SELECT l.ctid FROM countries x JOIN (leads l JOIN <<contacts>> c ON true) ON true WHERE [[l]]",
    );
    // SQLite makes a subquery of the parentheses, and there is no row id in it.
    refuses(
        Dialect::Sqlite,
        "SELECT l.rowid FROM countries x JOIN (leads l JOIN contacts c ON true) ON true",
        RefusedKind::SystemColumn,
    );
}

#[test]
fn behind_an_outer_join_the_columns_are_grouped_by_as_well() {
    accepts(
        Postgres,
        "SELECT x.code, l.name, count(*) FROM countries x LEFT JOIN leads l ON true GROUP BY x.code, l.id HAVING l.amount > 1 ORDER BY 2",
        "SELECT x.code, l.name, count(*) FROM countries x LEFT JOIN <<leads>> l ON true GROUP BY x.code, l.id, l.name, l.amount HAVING l.amount > 1 ORDER BY 2",
    );
    accepts(
        Postgres,
        "SELECT c.name, l.status AS name, max(l.amount) FROM contacts c LEFT JOIN leads l ON l.id = c.lead_id GROUP BY c.id, l.id",
        "SELECT c.name, l.status AS name, max(l.amount) FROM contacts c LEFT JOIN <<leads>> l ON l.id = c.lead_id WHERE [[c]] GROUP BY c.id, l.id, l.status, c.tenant_id",
    );
    accepts(
        Postgres,
        "SELECT mode() WITHIN GROUP (ORDER BY x.name), c.name FROM countries x LEFT JOIN contacts c ON true GROUP BY c.id",
        "SELECT mode() WITHIN GROUP (ORDER BY x.name), c.name FROM countries x LEFT JOIN <<contacts>> c ON true GROUP BY c.id, c.name",
    );
    // The whole of what is in parentheses is on the side that may be missing.
    accepts(
        Postgres,
        "SELECT c.name FROM countries x LEFT JOIN (leads l JOIN contacts c ON true) ON true GROUP BY c.id",
        "SELECT c.name FROM countries x LEFT JOIN (<<leads>> l JOIN <<contacts>> c ON true) ON true GROUP BY c.id, c.name",
    );
    accepts(
        Postgres,
        "SELECT c.* FROM leads l FULL JOIN contacts c ON true GROUP BY c.id",
        "SELECT c.* FROM <<leads>> l FULL JOIN <<contacts>> c ON true GROUP BY c.id, c.tenant_id, c.lead_id, c.email, c.name, c.is_primary",
    );
    // Nothing leans on the key.
    accepts(
        Postgres,
        "SELECT c.id, count(c.name) FROM leads l LEFT JOIN contacts c ON true GROUP BY c.id",
        "SELECT c.id, count(c.name) FROM <<leads>> l LEFT JOIN <<contacts>> c ON true GROUP BY c.id",
    );
}

#[test]
fn behind_an_outer_join_what_nothing_can_be_grouped_by_is_refused() {
    let from = "FROM countries x LEFT JOIN shapes s ON true GROUP BY s.id";
    for list in ["s.raw", "s.outline", "*", "s.*", "to_jsonb(s)", "s"] {
        let sql = format!("SELECT {list} {from}");
        refuses(Postgres, &sql, RefusedKind::Type);
    }
    accepts(
        Postgres,
        &format!("SELECT count(*) AS s {from}"),
        "SELECT count(*) AS s FROM countries x LEFT JOIN <<shapes>> s ON true GROUP BY s.id",
    );
    accepts(
        Postgres,
        "SELECT s.raw FROM shapes s LEFT JOIN countries x ON true GROUP BY s.id",
        "SELECT s.raw FROM shapes s LEFT JOIN countries x ON true WHERE [[s]] GROUP BY s.id, s.tenant_id",
    );
}

#[test]
fn a_key_by_its_number_or_its_name_in_the_list() {
    for (list, by) in [
        ("l.id, l.name", "1"),
        ("l.name, l.id", "2"),
        ("l.id AS lead, l.name", "lead"),
    ] {
        accepts(
            Postgres,
            &format!("SELECT {list} FROM leads l GROUP BY {by}"),
            &format!("SELECT {list} FROM leads l WHERE [[l]] GROUP BY {by}, l.tenant_id"),
        );
    }
    // Which column a number means behind a star is not looked into; the engine refuses what leans on it.
    accepts(
        Postgres,
        "SELECT x.*, l.id, l.name FROM leads l, countries x GROUP BY 3",
        "SELECT x.*, l.id, l.name FROM <<leads>> l, countries x GROUP BY 3",
    );
    for by in ["0", "9", "2"] {
        accepts(
            Postgres,
            &format!("SELECT l.id, l.name FROM leads l GROUP BY {by}"),
            &format!("SELECT l.id, l.name FROM <<leads>> l GROUP BY {by}"),
        );
    }
}

#[test]
fn behind_a_star_a_number_may_be_any_column() {
    for list in ["*, id", "leads.*, id"] {
        accepts(
            Postgres,
            &format!("SELECT {list} FROM leads GROUP BY 2"),
            &format!("SELECT {list} FROM <<leads>> AS leads GROUP BY 2"),
        );
    }
}
