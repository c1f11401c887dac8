//! Tables that stay as they are because a derived table would lose something: system columns and row types. Attack A40, A42.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::{SystemColumn, Type};

#[test]
fn a40_system_columns_of_the_only_table() {
    for column in ["ctid", "xmin", "tableoid", "leads.ctid", "CTID", "\"ctid\""] {
        accepts(
            Postgres,
            &format!("SELECT {column} FROM leads WHERE id = 1 OR true ORDER BY {column}"),
            &format!(
                "SELECT {column} FROM leads WHERE (id = 1 OR true) AND [[leads]] ORDER BY {column}"
            ),
        );
    }
    for column in ["rowid", "oid", "_rowid_", "leads.rowid", "[RowID]"] {
        accepts(
            Sqlite,
            &format!("SELECT {column} FROM leads LIMIT 3"),
            &format!("SELECT {column} FROM leads WHERE [[leads]] LIMIT 3"),
        );
        accepts(
            Sqlite,
            &format!("DELETE FROM leads WHERE {column} = 1 OR 1 = 1"),
            &format!("DELETE FROM leads WHERE ({column} = 1 OR 1 = 1) AND [[leads]]"),
        );
        accepts(
            Sqlite,
            &format!("SELECT 1 FROM leads ORDER BY {column}"),
            &format!("SELECT 1 FROM leads WHERE [[leads]] ORDER BY {column}"),
        );
    }
}

#[test]
fn a40_in_joins_subqueries_and_writes() {
    for (dialect, name) in [(Postgres, "ctid"), (Sqlite, "rowid")] {
        let check = |original: &str, expected: &str| {
            accepts(
                dialect,
                &original.replace("SYS", name),
                &expected.replace("SYS", name),
            );
        };
        check(
            "SELECT l.SYS, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE c.id > 1 GROUP BY 1, 2",
            "SELECT l.SYS, c.name FROM leads l JOIN <<contacts>> c ON c.lead_id = l.id WHERE (c.id > 1) AND [[l]] GROUP BY 1, 2",
        );
        check(
            "SELECT l.SYS, c.SYS FROM leads l, contacts c",
            "SELECT l.SYS, c.SYS FROM leads l, contacts c WHERE [[l]] AND [[c]]",
        );
        check(
            "SELECT l.SYS FROM leads l LEFT JOIN contacts c ON true",
            "SELECT l.SYS FROM leads l LEFT JOIN <<contacts>> c ON true WHERE [[l]]",
        );
        check(
            "DELETE FROM leads WHERE SYS IN (SELECT SYS FROM leads WHERE status = 'lost' LIMIT 100)",
            "DELETE FROM leads WHERE (SYS IN (SELECT SYS FROM leads WHERE (status = 'lost') AND [[leads]] LIMIT 100)) AND [[leads]]",
        );
        check(
            "WITH doomed AS (SELECT SYS AS s FROM leads LIMIT 5) DELETE FROM leads WHERE leads.SYS IN (SELECT s FROM doomed)",
            "WITH doomed AS (SELECT SYS AS s FROM leads WHERE [[leads]] LIMIT 5) DELETE FROM leads WHERE (leads.SYS IN (SELECT s FROM doomed)) AND [[leads]]",
        );
        check(
            "SELECT id FROM leads l WHERE EXISTS (SELECT 1 FROM contacts c WHERE c.id = l.SYS)",
            "SELECT id FROM leads l WHERE (EXISTS (SELECT 1 FROM <<contacts>> c WHERE c.id = l.SYS)) AND [[l]]",
        );
        check(
            "SELECT SYS FROM leads UNION SELECT id FROM contacts ORDER BY 1",
            "SELECT SYS FROM leads WHERE [[leads]] UNION SELECT id FROM <<contacts>> AS contacts ORDER BY 1",
        );
        check(
            "INSERT INTO contacts (id) SELECT SYS FROM leads WHERE id > 1 ON CONFLICT (id) DO NOTHING",
            "INSERT INTO contacts (id, tenant_id) SELECT SYS, {v} FROM leads WHERE (id > 1) AND [[leads]] ON CONFLICT (tenant_id, id) DO NOTHING",
        );
        check(
            "UPDATE leads SET name = 'a' WHERE SYS = 1 RETURNING SYS",
            "UPDATE leads SET name = 'a' WHERE (SYS = 1) AND [[leads]] RETURNING SYS",
        );
        check(
            "SELECT SYS, x.SYS FROM countries x",
            "SELECT SYS, x.SYS FROM countries x",
        );
    }
    accepts(
        Postgres,
        "WITH doomed AS (SELECT ctid FROM leads FOR UPDATE SKIP LOCKED) DELETE FROM leads USING doomed WHERE leads.ctid = doomed.ctid",
        "WITH doomed AS (SELECT ctid FROM leads WHERE [[leads]] FOR UPDATE SKIP LOCKED) DELETE FROM leads USING doomed WHERE (leads.ctid = doomed.ctid) AND [[leads]]",
    );
    accepts(
        Postgres,
        "SELECT x.c FROM leads l, LATERAL (SELECT l.ctid AS c) x",
        "SELECT x.c FROM leads l, LATERAL (SELECT l.ctid AS c) x WHERE [[l]]",
    );
    accepts(
        Postgres,
        "TABLE leads ORDER BY ctid",
        "SELECT * FROM leads WHERE [[leads]] ORDER BY ctid",
    );
}

#[test]
fn a40_what_a_derived_table_has_lost_is_refused() {
    for (dialect, name) in [(Postgres, "ctid"), (Sqlite, "rowid")] {
        for sql in [
            // The side of an outer join that may be missing.
            "SELECT c.SYS FROM leads l LEFT JOIN contacts c ON true",
            "SELECT l.SYS FROM leads l RIGHT JOIN contacts c ON true",
            "SELECT l.SYS FROM leads l FULL JOIN contacts c ON true",
            // Whose it is can't be told.
            "SELECT SYS FROM leads l, contacts c",
            "SELECT SYS FROM leads JOIN contacts ON true",
            "DELETE FROM leads WHERE SYS = (SELECT SYS FROM contacts, countries)",
            // Not of a name that is one thing's only, nor of a hidden one.
            "SELECT l.SYS FROM leads l, countries l",
            "SELECT l.SYS FROM countries x LEFT JOIN (leads l JOIN contacts c ON true) ON true",
            "SELECT x.c FROM leads l, (SELECT l.SYS AS c) x",
            "SELECT y.SYS FROM leads",
            // Written, renamed, merged, of the row that was refused.
            "UPDATE leads SET SYS = 3",
            "INSERT INTO leads (SYS, id) VALUES (1, 2)",
            "SELECT 1 FROM leads a JOIN leads b USING (SYS)",
            "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = excluded.SYS",
            "SELECT SYS",
        ] {
            refuses(dialect, &sql.replace("SYS", name), SystemColumn);
        }
    }
    refuses(Postgres, "SELECT l.ctid FROM leads l (a, b)", SystemColumn);
    refuses(Postgres, "SELECT (l).ctid FROM leads l", SystemColumn);
    refuses(
        Postgres,
        "SELECT leads.ctid FROM leads TABLESAMPLE SYSTEM (10)",
        SystemColumn,
    );
    refuses(
        Postgres,
        "DELETE FROM leads USING contacts c WHERE c.ctid = leads.ctid",
        SystemColumn,
    );
}

/// The predicate names the table, and a name that is hidden would be looked for further out.
#[test]
fn a_name_that_another_level_has_does_not_take_the_predicate() {
    let alias =
        "SELECT (SELECT count(l.ctid) FROM (leads l JOIN contacts c ON true) AS j) FROM leads l";
    let checked = accepts(
        Postgres,
        alias,
        "SELECT (SELECT count(l.ctid) FROM (<<leads>> l JOIN <<contacts>> c ON true) AS j) FROM leads l WHERE [[l]]",
    );
    assert!(checked.binds_tenant());
    accepts(
        Postgres,
        "SELECT l.ctid FROM leads l WHERE EXISTS (SELECT 1 FROM leads l WHERE l.ctid IS NOT NULL)",
        "SELECT l.ctid FROM leads l WHERE (EXISTS (SELECT 1 FROM leads l WHERE (l.ctid IS NOT NULL) AND [[l]])) AND [[l]]",
    );
}

#[test]
fn a_column_may_be_called_like_a_system_column() {
    let catalog = |dialect, ddl: &str| {
        tenancy_sql::Firewall::new(
            tenancy_sql::Catalog::builder(dialect)
                .migration("m", ddl)
                .build()
                .unwrap(),
        )
    };
    let firewall = catalog(
        Sqlite,
        "CREATE TABLE a (tenant_id TEXT NOT NULL, oid INTEGER);
         CREATE TABLE b (tenant_id TEXT NOT NULL, id INTEGER, PRIMARY KEY (tenant_id, id)) WITHOUT ROWID;",
    );
    let text = |sql: &str| firewall.check(sql).map(|checked| checked.sql().to_string());
    let derived = "(SELECT * FROM a WHERE a.tenant_id = $1)";
    assert_eq!(
        text("SELECT oid FROM a").unwrap(),
        format!("SELECT oid FROM {derived} AS a")
    );
    assert_eq!(
        text("SELECT a.oid FROM b LEFT JOIN a ON true").unwrap(),
        format!(
            "SELECT a.oid FROM (SELECT * FROM b WHERE b.tenant_id = $1) AS b LEFT JOIN {derived} AS a ON true"
        )
    );
    // That another table has such a column does not give one to this.
    for sql in [
        "SELECT oid FROM b",
        "SELECT b.rowid FROM b",
        "DELETE FROM b WHERE rowid = 1",
        "SELECT (SELECT rowid FROM b) FROM a",
    ] {
        assert_eq!(text(sql).unwrap_err().kind(), SystemColumn, "{sql}");
    }
}

#[test]
fn a42_whole_rows_keep_their_type() {
    for (original, expected) in [
        ("SELECT l FROM leads l", "SELECT l FROM leads l WHERE [[l]]"),
        (
            "SELECT leads AS it, 1 FROM leads JOIN contacts ON true WHERE leads.id = 1",
            "SELECT leads AS it, 1 FROM leads JOIN <<contacts>> AS contacts ON true WHERE (leads.id = 1) AND [[leads]]",
        ),
        (
            "SELECT array_agg(l), coalesce((l), NULL), ARRAY[l], CASE WHEN true THEN l END FROM leads l",
            "SELECT array_agg(l), coalesce((l), NULL), ARRAY[l], CASE WHEN true THEN l END FROM leads l WHERE [[l]]",
        ),
        (
            "SELECT (SELECT l) FROM leads l",
            "SELECT (SELECT l) FROM leads l WHERE [[l]]",
        ),
        (
            "SELECT ARRAY(SELECT l FROM leads l)",
            "SELECT ARRAY(SELECT l FROM leads l WHERE [[l]])",
        ),
        (
            "DELETE FROM leads l RETURNING l",
            "DELETE FROM leads l WHERE [[l]] RETURNING l",
        ),
        (
            "INSERT INTO leads (id) VALUES (1) RETURNING leads",
            "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) RETURNING leads",
        ),
        // What does not look at the type, and what is a column.
        (
            "SELECT row_to_json(c), to_jsonb(l), json_agg(l), count(l), touch(l) FROM leads l LEFT JOIN contacts c ON true",
            "SELECT row_to_json(c), to_jsonb(l), json_agg(l), count(l), touch(l) FROM <<leads>> l LEFT JOIN <<contacts>> c ON true",
        ),
        (
            "SELECT 1 FROM leads l WHERE l IS NOT NULL ORDER BY l",
            "SELECT 1 FROM <<leads>> l WHERE l IS NOT NULL ORDER BY l",
        ),
        (
            "SELECT name FROM leads name",
            "SELECT name FROM <<leads>> name",
        ),
    ] {
        accepts(Postgres, original, expected);
    }
    for sql in [
        "SELECT c FROM leads l LEFT JOIN contacts c ON true",
        "SELECT array_agg(c) FROM leads l LEFT JOIN contacts c ON true",
        "SELECT (SELECT c) FROM leads l LEFT JOIN contacts c ON true",
        "SELECT l FROM leads l (a, b)",
        "UPDATE leads SET name = 'a' FROM contacts c RETURNING c",
    ] {
        refuses(Postgres, sql, Type);
    }
}

#[test]
fn a51_types_that_read_the_catalogues() {
    for sql in [
        "SELECT 1259::regclass",
        "SELECT n::regclass FROM generate_series(1, 99999) n",
        "SELECT CAST(1 AS pg_catalog.regrole)",
        "SELECT 1::\"regnamespace\", 2",
        "SELECT '{1}'::regtype[]",
        "SELECT '{1}'::_regproc",
        "SELECT regclass 'x'",
        "SELECT ''::aclitem",
        "SELECT 'plans'::regclass",
        "SELECT 'pg_authid'::regclass",
        "SELECT * FROM json_to_record('{}') AS t (a regclass)",
        "UPDATE leads SET name = 1::regrole",
        // Called like the column that may be cast.
        "SELECT tableoid::regclass FROM (SELECT 1259 AS tableoid) x",
        "SELECT x.tableoid::regclass FROM (SELECT 1259) x (tableoid)",
        "WITH x (tableoid) AS (SELECT 1259) SELECT tableoid::regclass FROM x",
        "SELECT c.tableoid::regclass FROM countries c (tableoid, x)",
        "SELECT tableoid::regclass FROM generate_series(1, 20000) tableoid",
        "SELECT tableoid.tableoid::regclass FROM generate_series(1, 20000) tableoid",
        "SELECT (SELECT x.tableoid::regclass FROM leads) FROM (SELECT 1 AS tableoid) x",
        "SELECT tableoid::regclass FROM leads, (SELECT 1 AS tableoid) x",
        "SELECT tableoid::regtype FROM leads",
    ] {
        refuses(Postgres, sql, RefusedKind::Type);
    }
    accepts(
        Postgres,
        "SELECT tableoid::regclass, leads.tableoid::regclass FROM leads WHERE tableoid = 'leads'::regclass",
        "SELECT tableoid::regclass, leads.tableoid::regclass FROM leads WHERE (tableoid = 'leads'::regclass) AND [[leads]]",
    );
    for sql in ["SELECT 'english'::regconfig", "SELECT 1::\"RegClass\""] {
        accepts(Postgres, sql, sql);
    }
}

#[test]
fn a_refusal_points_to_its_place() {
    for (sql, place) in [
        ("SELECT id,\n 1::regrole", "1::regrole"),
        (
            "SELECT id FROM leads WHERE id OPERATOR(evil.=) 1",
            "OPERATOR(evil.=) 1",
        ),
        (
            "SELECT id FROM leads WHERE id = $1 OR id = $3 OR id = $3",
            "$3 OR id = $3",
        ),
    ] {
        let refused = check(Postgres, sql).unwrap_err();
        let rendered = refused.render(sql);
        let text: String = sql.chars().collect();
        let start = text.find(place).unwrap();
        let line = text[..start].matches('\n').count() + 1;
        let column = start - text[..start].rfind('\n').map_or(0, |at| at + 1) + 1;
        let column = if place == "1::regrole" {
            column + 3
        } else {
            column
        };
        assert!(rendered.contains(&format!("{line}:{column}")), "{rendered}");
    }
}
