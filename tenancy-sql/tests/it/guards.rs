//! One statement for each guard of the rewriter that no other test needs: see `cargo xtask guards`.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, both_refuse, check, refuses};
use Dialect::{Postgres, Sqlite};

#[test]
fn what_does_not_read_as_it_was_meant_is_refused() {
    // The value goes in front of a word that ends the list elsewhere; here it is the name of a result.
    let sql = "INSERT INTO contacts (id) SELECT id AS offset FROM leads";
    both_refuse(sql, RefusedKind::Unverified);
    both(
        "INSERT INTO contacts (id) SELECT id AS \"offset\" FROM leads",
        "INSERT INTO contacts (id, tenant_id) SELECT id AS \"offset\", {v} FROM <<leads>> AS leads",
    );
}

#[test]
fn statements_that_begin_like_others() {
    both_refuse(
        "INSERT OVERWRITE DIRECTORY 'x' SELECT 1",
        RefusedKind::Statement,
    );
    for source in [
        "DELETE FROM contacts RETURNING id",
        "UPDATE contacts SET name = 'a' RETURNING id",
        "INSERT INTO contacts (id) VALUES (1) RETURNING id",
    ] {
        both_refuse(
            &format!("INSERT INTO leads (id) {source}"),
            RefusedKind::Statement,
        );
    }
}

#[test]
fn what_an_insert_returns_is_confined() {
    both(
        "INSERT INTO contacts (id) VALUES (1) RETURNING (SELECT count(*) FROM leads), id",
        "INSERT INTO contacts (id, tenant_id) VALUES (1, {v}) RETURNING (SELECT count(*) FROM <<leads>> AS leads), id",
    );
    both_refuse(
        "INSERT INTO contacts (id) VALUES (1) RETURNING (SELECT id FROM plans)",
        RefusedKind::Relation,
    );
}

#[test]
fn a_target_may_not_be_called_by_a_reserved_word() {
    for word in ["offset", "window", "fetch"] {
        let sql = format!("INSERT INTO contacts AS {word} (id) VALUES (1)");
        assert!(check(Postgres, &sql).is_err(), "{sql}");
    }
    refuses(
        Postgres,
        "INSERT INTO contacts AS offset (id) VALUES (1)",
        RefusedKind::Syntax,
    );
}

#[test]
fn types_of_other_engines() {
    for name in ["HUGEINT", "DATETIME64(3)", "INT64"] {
        refuses(
            Postgres,
            &format!("SELECT CAST(id AS {name}) FROM leads"),
            RefusedKind::Type,
        );
    }
    refuses(
        Postgres,
        "SELECT CAST(id AS other.mood) FROM leads",
        RefusedKind::Qualifier,
    );
    accepts(
        Postgres,
        "SELECT CAST(name AS mood), name::public.mood FROM leads",
        "SELECT CAST(name AS mood), name::public.mood FROM <<leads>> AS leads",
    );
}

#[test]
fn as_many_values_as_the_engine_takes_less_the_tenants() {
    let sql = |count: usize| format!("SELECT 1 WHERE 1 IN ({}?)", "?,".repeat(count - 1));
    assert_eq!(check(Sqlite, &sql(32_765)).unwrap().params(), 32_765);
    refuses(Sqlite, &sql(32_766), RefusedKind::Placeholder);
}

#[test]
fn subqueries_in_places_that_are_seldom_written() {
    let (q, confined) = (
        "(SELECT name FROM leads)",
        "(SELECT name FROM <<leads>> AS leads)",
    );
    for sql in [
        "SELECT * FROM JSON_TABLE({q}, '$' COLUMNS (a int PATH '$.a')) AS t",
        "SELECT * FROM XMLTABLE({q} PASSING '<a/>' COLUMNS a int PATH 'a') AS t",
        "SELECT * FROM XMLTABLE(XMLNAMESPACES({q} AS n), '/a' PASSING '<a/>' COLUMNS a int PATH 'a') AS t",
        "SELECT * FROM XMLTABLE('/a' PASSING {q} COLUMNS a int PATH 'a') AS t",
        "SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a int PATH {q}) AS t",
        "SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a int PATH 'a' DEFAULT {q}) AS t",
        "SELECT json_object({q} : 1)",
        "SELECT json_object({q} VALUE 1)",
    ] {
        accepts(
            Postgres,
            &sql.replace("{q}", q),
            &sql.replace("{q}", confined),
        );
    }
    accepts(
        Sqlite,
        &format!("SELECT 1 LIMIT {q}, {q}"),
        &format!("SELECT 1 LIMIT {confined}, {confined}"),
    );
    accepts(
        Postgres,
        &format!(
            "MERGE INTO leads USING countries x ON true WHEN MATCHED AND {q} = 'a' THEN DELETE"
        ),
        &format!(
            "MERGE INTO leads USING countries x ON (true) AND [[leads]] WHEN MATCHED AND {confined} = 'a' THEN DELETE"
        ),
    );
    refuses(
        Postgres,
        &format!("SELECT * FROM leads TABLESAMPLE BERNOULLI ({q})"),
        RefusedKind::Statement,
    );
    for sql in [
        "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a regrole PATH '$.a')) AS t",
        "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (NESTED PATH '$.b' COLUMNS (a regrole PATH '$.a'))) AS t",
        "SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a regrole PATH 'a') AS t",
    ] {
        refuses(Postgres, sql, RefusedKind::Type);
    }
}
