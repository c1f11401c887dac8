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

#[test]
fn clauses_of_other_engines_that_the_parser_reads() {
    for sql in [
        "SELECT 1 FROM leads GLOBAL JOIN contacts ON true",
        "SELECT 1 FROM leads LEFT SEMI JOIN contacts ON leads.id = contacts.id",
        "SELECT 1 FROM leads ANTI JOIN contacts ON leads.id = contacts.id",
        "SELECT * FROM leads PIVOT (sum(amount) FOR status IN ('a'))",
        "SELECT * FROM leads WITH ORDINALITY",
        "SELECT * FROM (SELECT id FROM leads) AS l TABLESAMPLE SYSTEM (1)",
        "SELECT 1 FROM leads QUALIFY true",
        "SELECT name FROM leads GROUP BY ALL",
        "SELECT * FROM (VALUES ROW(1)) v",
        "DELETE FROM leads ORDER BY id",
        "DELETE FROM leads LIMIT 1",
    ] {
        both_refuse(sql, RefusedKind::Statement);
    }
    for sql in [
        "SELECT * FROM leads TABLESAMPLE (BUCKET 1 OUT OF 2)",
        "SELECT * FROM generate_series(1, 2) TABLESAMPLE SYSTEM (1)",
    ] {
        refuses(Postgres, sql, RefusedKind::Statement);
    }
}

#[test]
fn names_where_they_are_seldom_written() {
    refuses(
        Postgres,
        "SELECT 1 FROM leads FOR UPDATE OF public.leads",
        RefusedKind::Qualifier,
    );
    both_refuse("SELECT a.b.c.* FROM leads", RefusedKind::Qualifier);
    for sql in [
        "SELECT offset.id FROM leads",
        "SELECT xmlforest(name AS 'x') FROM leads",
        "WITH x (offset) AS (SELECT 1) SELECT 1",
        "SELECT 1 FROM leads AS offset",
        "SELECT 1 FROM leads AS l (id, offset)",
        "SELECT 1 FROM (SELECT 1) AS offset",
        "SELECT 1 FROM generate_series(1, 2) AS offset",
        "SELECT 1 FROM LATERAL generate_series(1, 2) AS offset",
        "SELECT 1 FROM unnest(ARRAY[1]) AS offset",
        "SELECT 1 FROM (leads CROSS JOIN contacts) AS offset",
        "SELECT 1 FROM JSON_TABLE('{}', '$' COLUMNS (a int PATH '$.a')) AS offset",
        "SELECT 1 FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS a int PATH 'a') AS offset",
        "SELECT 1 FROM leads WINDOW offset AS (ORDER BY id)",
        "UPDATE leads AS offset SET name = 'a'",
        "DELETE FROM leads AS offset",
    ] {
        let refused = refuses(Postgres, sql, RefusedKind::Syntax);
        assert!(
            refused.met().contains("as a name") || refused.met() == "a literal behind a name",
            "{refused}"
        );
    }
}

#[test]
fn a_whole_row_under_another_name_keeps_its_type() {
    refuses(
        Postgres,
        "SELECT c AS x FROM leads l LEFT JOIN contacts c ON true",
        RefusedKind::Type,
    );
}

#[test]
fn only_of_a_global_table_with_parts() {
    let catalog = tenancy_sql::Catalog::builder(Postgres)
        .global(["g", "g_0", "h"])
        .migration(
            "m",
            "CREATE TABLE g (id int) PARTITION BY HASH (id); CREATE TABLE g_0 PARTITION OF g FOR VALUES WITH (MODULUS 1, REMAINDER 0);
             CREATE TABLE h (id int);",
        )
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let firewall = tenancy_sql::Firewall::new(catalog);
    let refused = firewall.check("SELECT * FROM ONLY g").unwrap_err();
    assert_eq!(refused.met(), "ONLY of a table with parts");
    assert!(firewall.check("SELECT * FROM ONLY h").is_ok());
}
