//! The attacks on writing, each with what must happen to it. Numbers are those of the manual's list.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, both_refuse, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::*;

#[test]
fn b56_b59_without_columns() {
    both(
        "INSERT INTO contacts VALUES (1, 2, 'e', 'n', NULL), (2, 2, 'f', 'n', NULL)",
        "INSERT INTO contacts (id, lead_id, email, name, is_primary, tenant_id) VALUES (1, 2, 'e', 'n', NULL, {v}), (2, 2, 'f', 'n', NULL, {v})",
    );
    accepts(
        Postgres,
        "INSERT INTO leads VALUES (1, 'a')",
        "INSERT INTO leads (id, name, tenant_id) VALUES (1, 'a', {v})",
    );
    refuses(Sqlite, "INSERT INTO leads VALUES (1, 'a')", Statement);
    both_refuse(
        "INSERT INTO contacts VALUES (1, 2, 3, 4, 5, 6, 7)",
        Statement,
    );
    both(
        "INSERT INTO leads DEFAULT VALUES RETURNING id",
        "INSERT INTO leads (tenant_id) VALUES ({v}) RETURNING id",
    );
}

#[test]
fn b57_b60_b62_the_tenant_column_is_never_written() {
    for sql in [
        "INSERT INTO leads (tenant_id, id) VALUES (2, 1)",
        "INSERT INTO leads (id, TENANT_ID) VALUES (1, 2)",
        "INSERT INTO leads (\"tenant_id\") VALUES (2)",
        "UPDATE leads SET tenant_id = 2 WHERE id = 1",
        "UPDATE leads SET name = 'a', \"tenant_id\" = 2",
        "UPDATE leads SET (name, tenant_id) = ('a', 2)",
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET tenant_id = excluded.tenant_id",
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET (name, tenant_id) = (1, 2)",
    ] {
        both_refuse(sql, TenantColumn);
    }
    refuses(
        Postgres,
        "WITH x AS (UPDATE leads SET tenant_id = '2' RETURNING 1) SELECT 1",
        TenantColumn,
    );
    refuses(Sqlite, "UPDATE leads SET [Tenant_Id] = 2", TenantColumn);
}

#[test]
fn b58_b59_rows_of_a_query() {
    both(
        "INSERT INTO leads (id, created_at) SELECT 1, '2020-01-01'",
        "INSERT INTO leads (id, created_at, tenant_id) SELECT 1, '2020-01-01', {v}",
    );
    both(
        "INSERT INTO leads (id) SELECT id FROM leads UNION SELECT id FROM contacts EXCEPT SELECT 3",
        "INSERT INTO leads (id, tenant_id) SELECT id, {v} FROM <<leads>> AS leads UNION SELECT id, {v} FROM <<contacts>> AS contacts EXCEPT SELECT 3, {v}",
    );
    accepts(
        Postgres,
        "INSERT INTO leads (id) (SELECT id FROM contacts WHERE id > 1) RETURNING id",
        "INSERT INTO leads (id, tenant_id) (SELECT id, {v} FROM <<contacts>> AS contacts WHERE id > 1) RETURNING id",
    );
    both(
        "WITH x AS (SELECT 1 AS id) INSERT INTO leads (id) SELECT id FROM x WHERE true",
        "WITH x AS (SELECT 1 AS id) INSERT INTO leads (id, tenant_id) SELECT id, {v} FROM x WHERE true",
    );
    both(
        "INSERT INTO leads (id) WITH x AS (SELECT id FROM contacts) SELECT id FROM x",
        "INSERT INTO leads (id, tenant_id) WITH x AS (SELECT id FROM <<contacts>> AS contacts) SELECT id, {v} FROM x",
    );
    both(
        "INSERT INTO leads (id) SELECT (SELECT max(id) FROM leads) + 1",
        "INSERT INTO leads (id, tenant_id) SELECT (SELECT max(id) FROM <<leads>> AS leads) + 1, {v}",
    );
}

#[test]
fn a_star_never_brings_a_tenant_along() {
    let columns = |name: &str| {
        ["id", "lead_id", "email", "name", "is_primary"]
            .map(|column| format!("{name}.{column}"))
            .join(", ")
    };
    both(
        "INSERT INTO contacts SELECT * FROM contacts",
        &format!(
            "INSERT INTO contacts (id, lead_id, email, name, is_primary, tenant_id) SELECT {}, {{v}} FROM <<contacts>> AS contacts",
            columns("contacts")
        ),
    );
    both(
        "INSERT INTO contacts (id, lead_id, email, name, is_primary) SELECT * FROM contacts c WHERE id > 1",
        &format!(
            "INSERT INTO contacts (id, lead_id, email, name, is_primary, tenant_id) SELECT {}, {{v}} FROM <<contacts>> c WHERE id > 1",
            columns("c")
        ),
    );
    accepts(
        Postgres,
        "INSERT INTO leads (id, name) SELECT * FROM countries UNION SELECT *, 1 FROM \"Odd \"\"Name\" x",
        "INSERT INTO leads (id, name, tenant_id) SELECT countries.code, countries.name, {v} FROM countries UNION SELECT x.\"order\", 1, {v} FROM <<\"Odd \"\"Name\">> x",
    );
}

#[test]
fn b61_b63_b64_b67_conflicts() {
    // A key over all tenants.
    both_refuse(
        "INSERT INTO contacts (id, email) VALUES (1, 'e') ON CONFLICT (email) DO UPDATE SET name = 'x'",
        Conflict,
    );
    both_refuse(
        "INSERT INTO contacts (id, email) VALUES (1, 'e') ON CONFLICT (email) DO NOTHING",
        Conflict,
    );
    both_refuse(
        "INSERT INTO contacts (id, email) VALUES (1, 'e') ON CONFLICT DO NOTHING",
        Conflict,
    );
    // No key at all.
    both_refuse(
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (status) DO NOTHING",
        Conflict,
    );
    refuses(
        Sqlite,
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT DO UPDATE SET name = 'x'",
        Conflict,
    );
    both(
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) ON CONFLICT DO NOTHING",
    );
    both(
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id, tenant_id) DO NOTHING",
        "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) ON CONFLICT (id, tenant_id) DO NOTHING",
    );
    accepts(
        Postgres,
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT ON CONSTRAINT leads_name_key DO UPDATE SET name = 'x' RETURNING id",
        "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) ON CONFLICT ON CONSTRAINT leads_name_key DO UPDATE SET name = 'x' WHERE [[leads]] RETURNING id",
    );
    refuses(
        Postgres,
        "INSERT INTO contacts (id) VALUES (1) ON CONFLICT ON CONSTRAINT contacts_email_key DO NOTHING",
        Conflict,
    );
    refuses(
        Postgres,
        "INSERT INTO contacts (id) VALUES (1) ON CONFLICT ON CONSTRAINT nope DO NOTHING",
        Conflict,
    );
    let refused = refuses(
        Postgres,
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (status) DO NOTHING",
        Conflict,
    );
    assert!(
        refused.instead().contains("(id), (email), (name)"),
        "{refused}"
    );
}

#[test]
fn b65_b68_statements_of_other_kinds() {
    both_refuse(
        "MERGE INTO leads l USING contacts s ON l.id = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE",
        Statement,
    );
    for sql in [
        "INSERT INTO leads (id) VALUES (1) ON DUPLICATE KEY UPDATE name = 'x'",
        "INSERT IGNORE INTO leads (id) VALUES (1)",
        "UPDATE leads l JOIN contacts c SET l.name = c.name",
        "DELETE l, c FROM leads l JOIN contacts c ON true",
        "DELETE FROM leads l JOIN contacts c ON true",
        "UPDATE leads, contacts SET name = 'x'",
        "INSERT leads (id) VALUES (1)",
        "DELETE leads WHERE id = 1",
    ] {
        assert!(
            check(Postgres, sql).is_err() && check(Sqlite, sql).is_err(),
            "{sql}"
        );
    }
}

#[test]
fn b66_or_replace() {
    for sql in [
        "INSERT OR REPLACE INTO contacts (id) VALUES (1)",
        "REPLACE INTO contacts (id) VALUES (1)",
        "UPDATE OR REPLACE contacts SET id = 1",
        "INSERT OR IGNORE INTO contacts (id) VALUES (1)",
        "UPDATE OR IGNORE contacts SET id = 1",
    ] {
        refuses(Sqlite, sql, Conflict);
    }
    refuses(
        Sqlite,
        "INSERT OR ROLLBACK INTO leads (id) VALUES (1)",
        Statement,
    );
    // All keys of this one are the tenant's.
    accepts(
        Sqlite,
        "INSERT OR REPLACE INTO leads (id) VALUES (1)",
        "INSERT OR REPLACE INTO leads (id, tenant_id) VALUES (1, {v})",
    );
    accepts(
        Sqlite,
        "UPDATE OR IGNORE leads SET id = 1",
        "UPDATE OR IGNORE leads SET id = 1 WHERE [[leads]]",
    );
}

#[test]
fn b69_b70_other_tables_in_a_write() {
    both(
        "UPDATE leads SET name = c.name FROM contacts c JOIN leads d ON d.id = c.lead_id WHERE c.lead_id = leads.id",
        "UPDATE leads SET name = c.name FROM <<contacts>> c JOIN <<leads>> d ON d.id = c.lead_id WHERE (c.lead_id = leads.id) AND [[leads]]",
    );
    both(
        "UPDATE leads SET name = (SELECT max(name) FROM contacts) RETURNING (SELECT count(*) FROM leads)",
        "UPDATE leads SET name = (SELECT max(name) FROM <<contacts>> AS contacts) WHERE [[leads]] RETURNING (SELECT count(*) FROM <<leads>> AS leads)",
    );
    both(
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = (SELECT max(name) FROM contacts) WHERE leads.id IN (SELECT id FROM contacts)",
        "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) ON CONFLICT (tenant_id, id) DO UPDATE SET name = (SELECT max(name) FROM <<contacts>> AS contacts) WHERE (leads.id IN (SELECT id FROM <<contacts>> AS contacts)) AND [[leads]]",
    );
}

#[test]
fn writes_to_global_and_central_tables() {
    for sql in [
        "INSERT INTO countries (code) VALUES ('x')",
        "UPDATE countries SET name = 'x'",
        "DELETE FROM countries",
        "DELETE FROM plans",
        "INSERT INTO plans (id) VALUES (1)",
    ] {
        both_refuse(sql, Relation);
    }
    refuses(
        Postgres,
        "WITH d AS (DELETE FROM countries RETURNING 1) SELECT 1",
        Relation,
    );
}

#[test]
fn b74_no_null_safe_equality() {
    for dialect in [Postgres, Sqlite] {
        let checked = check(dialect, "SELECT * FROM leads").unwrap();
        assert!(
            !checked.sql().contains("DISTINCT") && !checked.sql().contains(" IS "),
            "{}",
            checked.sql()
        );
    }
}
