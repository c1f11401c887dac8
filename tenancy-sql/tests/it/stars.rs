//! Stars where rows are written or compared: the tenant column must not come along, nor a value be shifted. Attacks A4, A5, A24,
//! B56, B59.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, both_refuse, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::Statement;

const COLUMNS: &str = "(id, lead_id, email, name, is_primary, tenant_id)";

fn of(name: &str) -> String {
    ["id", "lead_id", "email", "name", "is_primary"]
        .map(|column| format!("{name}.{column}"))
        .join(", ")
}

#[test]
fn of_what_the_statement_names_itself() {
    both(
        "WITH x AS (SELECT * FROM contacts) INSERT INTO contacts SELECT * FROM x",
        &format!(
            "WITH x AS (SELECT * FROM <<contacts>> AS contacts) INSERT INTO contacts {COLUMNS} SELECT {}, {{v}} FROM x",
            of("x")
        ),
    );
    both(
        "INSERT INTO contacts SELECT * FROM (SELECT c.* FROM contacts c WHERE id > 1) AS y",
        &format!(
            "INSERT INTO contacts {COLUMNS} SELECT {}, {{v}} FROM (SELECT c.* FROM <<contacts>> c WHERE id > 1) AS y",
            of("y")
        ),
    );
    both(
        "WITH RECURSIVE r AS (SELECT * FROM contacts UNION ALL SELECT c.* FROM contacts c JOIN r ON r.id = c.lead_id) INSERT INTO contacts SELECT r.* FROM r",
        &format!(
            "WITH RECURSIVE r AS (SELECT * FROM <<contacts>> AS contacts UNION ALL SELECT c.* FROM <<contacts>> c JOIN r ON r.id = c.lead_id) INSERT INTO contacts {COLUMNS} SELECT {}, {{v}} FROM r",
            of("r")
        ),
    );
    for (write, confined) in [
        (
            "DELETE FROM contacts WHERE id = 1 RETURNING *",
            "DELETE FROM contacts WHERE (id = 1) AND [[contacts]] RETURNING *",
        ),
        (
            "UPDATE contacts c SET name = 'a' RETURNING c.*",
            "UPDATE contacts c SET name = 'a' WHERE [[c]] RETURNING c.*",
        ),
        (
            "INSERT INTO contacts (id) VALUES (1) RETURNING *",
            "INSERT INTO contacts (id, tenant_id) VALUES (1, {v}) RETURNING *",
        ),
    ] {
        accepts(
            Postgres,
            &format!("WITH moved AS ({write}) INSERT INTO contacts SELECT * FROM moved"),
            &format!(
                "WITH moved AS ({confined}) INSERT INTO contacts {COLUMNS} SELECT {}, {{v}} FROM moved",
                of("moved")
            ),
        );
    }
    // What brings no tenant along stays a star, also beside what does.
    both(
        "WITH x AS (SELECT id, name FROM contacts) INSERT INTO leads (id, name) SELECT * FROM x",
        "WITH x AS (SELECT id, name FROM <<contacts>> AS contacts) INSERT INTO leads (id, name, tenant_id) SELECT *, {v} FROM x",
    );
    accepts(
        Postgres,
        "INSERT INTO leads (id, name) SELECT * FROM unnest($1::bigint[], $2::text[])",
        "INSERT INTO leads (id, name, tenant_id) SELECT *, {v} FROM unnest($1::bigint[], $2::text[])",
    );
    accepts(
        Postgres,
        "INSERT INTO leads (owner_id, id) SELECT o.*, * FROM \"Odd \"\"Name\" o, generate_series(1, 2) g",
        "INSERT INTO leads (owner_id, id, tenant_id) SELECT o.\"order\", o.\"order\", g.*, {v} FROM <<\"Odd \"\"Name\">> o, generate_series(1, 2) g",
    );
}

#[test]
fn b59_a_star_that_may_bring_the_tenant_is_refused() {
    for sql in [
        "INSERT INTO leads (id, name) SELECT * FROM contacts a JOIN contacts b USING (id)",
        "INSERT INTO leads (id, name) SELECT * FROM contacts NATURAL JOIN countries",
        "INSERT INTO leads (id, name) SELECT * FROM my_leads",
        "INSERT INTO leads (id, name) SELECT x.* FROM (SELECT *, 1 AS one, 2 AS one FROM contacts) x",
        "INSERT INTO leads (id, name) SELECT * FROM (SELECT *, tenant_id FROM contacts) x",
        "INSERT INTO leads (id, name) SELECT * FROM (SELECT a.*, b.* FROM contacts a, contacts b) x",
        "WITH x AS (WITH y AS (SELECT * FROM contacts) SELECT * FROM y) INSERT INTO leads (id) SELECT * FROM x",
        "WITH x (a, b) AS (SELECT * FROM contacts) INSERT INTO leads (id) SELECT * FROM x",
        "INSERT INTO leads (id) SELECT * FROM contacts, (SELECT 1)",
        "INSERT INTO leads (id) SELECT c.* FROM contacts c, contacts C",
        "INSERT INTO leads (id) SELECT nope.* FROM contacts",
    ] {
        both_refuse(sql, Statement);
    }
    for sql in [
        "WITH x AS (DELETE FROM contacts USING leads RETURNING *) INSERT INTO contacts SELECT * FROM x",
        "WITH x AS (UPDATE contacts SET name = 'a' FROM leads RETURNING *) INSERT INTO contacts SELECT * FROM x",
        "INSERT INTO leads (id) SELECT * FROM contacts AS c (a, b, c, d, e, f)",
        "INSERT INTO leads (id) SELECT * FROM jsonb_populate_recordset(NULL::leads, '[]') r",
        "INSERT INTO leads (id) SELECT * FROM touch(1) t",
    ] {
        refuses(Postgres, sql, Statement);
    }
}

#[test]
fn a05_table() {
    accepts(
        Postgres,
        "INSERT INTO contacts TABLE contacts",
        &format!(
            "INSERT INTO contacts {COLUMNS} SELECT {}, {{v}} FROM <<contacts>> AS contacts",
            of("contacts")
        ),
    );
    accepts(
        Postgres,
        "INSERT INTO leads (owner_id) TABLE \"Odd \"\"Name\" UNION ALL TABLE \"Odd \"\"Name\"",
        "INSERT INTO leads (owner_id, tenant_id) SELECT \"Odd \"\"Name\".\"order\", {v} FROM <<\"Odd \"\"Name\">> AS \"Odd \"\"Name\" UNION ALL SELECT \"Odd \"\"Name\".\"order\", {v} FROM <<\"Odd \"\"Name\">> AS \"Odd \"\"Name\"",
    );
    accepts(
        Postgres,
        "WITH x AS (SELECT 1 AS id) INSERT INTO leads (id) TABLE x",
        "WITH x AS (SELECT 1 AS id) INSERT INTO leads (id, tenant_id) SELECT *, {v} FROM x",
    );
}

#[test]
fn a24_in_a_table() {
    for (original, expected) in [
        (
            "SELECT * FROM leads WHERE id IN \"Odd \"\"Name\" AND 1 = 1",
            "SELECT * FROM <<leads>> AS leads WHERE id IN (SELECT \"odd \"\"name\".\"order\" FROM <<\"odd \"\"name\">> AS \"odd \"\"name\") AND 1 = 1",
        ),
        (
            "DELETE FROM leads WHERE id NOT IN main.[ODD \"NAME]",
            "DELETE FROM leads WHERE (id NOT IN (SELECT \"odd \"\"name\".\"order\" FROM <<\"odd \"\"name\">> AS \"odd \"\"name\")) AND [[leads]]",
        ),
        (
            "WITH x AS (SELECT id FROM contacts) SELECT 1 FROM leads WHERE id IN x",
            "WITH x AS (SELECT id FROM <<contacts>> AS contacts) SELECT 1 FROM <<leads>> AS leads WHERE id IN (SELECT * FROM x)",
        ),
        (
            "SELECT rowid FROM leads WHERE id IN \"Odd \"\"Name\"",
            "SELECT rowid FROM leads WHERE (id IN (SELECT \"odd \"\"name\".\"order\" FROM <<\"odd \"\"name\">> AS \"odd \"\"name\")) AND [[leads]]",
        ),
    ] {
        accepts(Sqlite, original, expected);
    }
    for sql in [
        "SELECT 1 WHERE 1 IN my_leads",
        "SELECT 1 WHERE 1 IN pragma_table_info('leads')",
        "SELECT 1 WHERE 1 IN 'leads'",
        "SELECT 1 WHERE 1 IN leads l",
    ] {
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
}
