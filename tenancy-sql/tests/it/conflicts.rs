//! Several conflict clauses of one INSERT, as SQLite has them: each is the tenant's, or none passes.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, check, refuses};
use Dialect::{Postgres, Sqlite};

const ROWS: &str = "INSERT INTO leads (id, email) VALUES (1, 'a')";

/// `KEY` stands for what precedes a key, `OWN` for the predicate on the table.
fn passes(clauses: &str, expected: &str) {
    accepts(
        Sqlite,
        &format!("{ROWS} {clauses}"),
        &format!("INSERT INTO leads (id, email, tenant_id) VALUES (1, 'a', {{v}}) {expected}"),
    );
}

#[test]
fn each_key_becomes_one_of_the_tenants() {
    passes(
        "ON CONFLICT (id) DO UPDATE SET name = 'x' ON CONFLICT (email) DO NOTHING",
        "ON CONFLICT (tenant_id, id) DO UPDATE SET name = 'x' WHERE [[leads]] ON CONFLICT (tenant_id, email) DO NOTHING",
    );
    passes(
        "on conflict(id)do nothing/* a */On Conflict ( email ) DO UPDATE SET name = excluded.name WHERE leads.id > 1 OR 1 = 1 ON CONFLICT DO NOTHING",
        "on conflict(tenant_id, id)do nothing/* a */On Conflict ( tenant_id, email ) DO UPDATE SET name = excluded.name WHERE (leads.id > 1 OR 1 = 1) AND [[leads]] ON CONFLICT DO NOTHING",
    );
    passes(
        "ON CONFLICT (id) DO UPDATE SET name = (SELECT max(name) FROM leads), owner_id = 1 WHERE name IN (SELECT name FROM leads) ON CONFLICT (email) DO UPDATE SET name = 'b' RETURNING id",
        "ON CONFLICT (tenant_id, id) DO UPDATE SET name = (SELECT max(name) FROM <<leads>> AS leads), owner_id = 1 WHERE (name IN (SELECT name FROM <<leads>> AS leads)) AND [[leads]] ON CONFLICT (tenant_id, email) DO UPDATE SET name = 'b' WHERE [[leads]] RETURNING id",
    );
    accepts(
        Sqlite,
        "WITH c AS (SELECT 1 AS id) INSERT INTO leads AS l (id) SELECT id FROM c WHERE true ON CONFLICT (id) DO UPDATE SET name = l.name || ? ON CONFLICT (email) DO UPDATE SET name = ?",
        "WITH c AS (SELECT 1 AS id) INSERT INTO leads AS l (id, tenant_id) SELECT id, {v} FROM c WHERE true ON CONFLICT (tenant_id, id) DO UPDATE SET name = l.name || ? WHERE [[l]] ON CONFLICT (tenant_id, email) DO UPDATE SET name = ? WHERE [[l]]",
    );
}

#[test]
fn none_passes_that_would_not_pass_alone() {
    let own = "ON CONFLICT (id) DO NOTHING";
    for (clause, kind) in [
        ("ON CONFLICT (name) DO NOTHING", RefusedKind::Conflict),
        (
            "ON CONFLICT DO UPDATE SET name = 'x'",
            RefusedKind::Conflict,
        ),
        (
            "ON CONFLICT (email) DO UPDATE SET tenant_id = 'x'",
            RefusedKind::TenantColumn,
        ),
        (
            "ON CONFLICT (email) DO UPDATE SET name = (SELECT name FROM plans)",
            RefusedKind::Relation,
        ),
        (
            "ON CONFLICT (email) DO UPDATE SET name = load_extension('x')",
            RefusedKind::Function,
        ),
        (
            "ON CONFLICT (email) DO UPDATE SET name = 'x' WHERE rowid IN plans",
            RefusedKind::Relation,
        ),
    ] {
        for clauses in [
            format!("{clause} {own}"),
            format!("{own} {clause}"),
            format!("{own} {clause} {own}"),
        ] {
            refuses(Sqlite, &format!("{ROWS} {clauses}"), kind);
        }
    }
    // Keys of contacts reach over tenants.
    refuses(
        Sqlite,
        "INSERT INTO contacts (id) VALUES (1) ON CONFLICT (id) DO NOTHING ON CONFLICT DO NOTHING",
        RefusedKind::Conflict,
    );
}

#[test]
fn nothing_else_hides_between_them() {
    let own = "ON CONFLICT (id) DO NOTHING";
    for sql in [
        format!("{ROWS} ON CONFLICT (id) {own}"),
        format!("{ROWS} ON CONFLICT (id) WHERE name = 'a' {own}"),
        format!("{ROWS} ON CONFLICT (id) DO NOTHING RETURNING id {own}"),
        format!("{ROWS} {own} SELECT name FROM plans {own}"),
        format!("{ROWS} {own} , (2, 'b') {own}"),
        format!("{ROWS} {own} ; {own}"),
        format!("{own} {ROWS} {own}"),
        format!("SELECT 1 {own} {own}"),
        format!("SELECT 1 FROM leads {own} {own}"),
        format!("SELECT 1 FROM countries JOIN leads {own} {own}"),
        format!("DELETE FROM leads {own} {own}"),
        format!("UPDATE leads SET name = 'a' {own} {own}"),
        format!("{ROWS} {own} {own} ON CONFLICT"),
        format!("INSERT INTO leads DEFAULT VALUES {own} DEFAULT VALUES {own}"),
        format!("INSERT INTO leads SELECT * FROM contacts JOIN countries ON conflict (id) {own}"),
        format!(
            "INSERT INTO leads (id) SELECT 1 FROM (INSERT INTO contacts (id) VALUES (1) {own}) {own} {own}"
        ),
        format!(
            "INSERT INTO leads (id) SELECT 1 FROM (INSERT INTO leads (id) VALUES (1)) x WHERE true {own} {own}"
        ),
    ] {
        assert!(check(Sqlite, &sql).is_err(), "{sql}");
        assert!(check(Postgres, &sql).is_err(), "{sql}");
    }
    // PostgreSQL has one at most.
    assert!(check(Postgres, &format!("{ROWS} {own} {own}")).is_err());
}
