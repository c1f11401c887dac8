//! The attacks on reading and on the parser, each with what must happen to it. Numbers are those of the manual's list.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, both_refuse, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::*;

/// Accepted only if every occurrence of the table `leads` is confined; refused is fine too.
fn confined_or_refused(dialect: Dialect, sql: &str) {
    if let Ok(checked) = check(dialect, sql) {
        let text = checked.sql().to_lowercase();
        let confined = text.matches("leads.tenant_id").count();
        let mentions = text.matches("from leads").count()
            + text.matches("only leads").count()
            + text.matches("update leads").count();
        assert!(confined >= mentions.max(1), "{dialect}: {}", checked.sql());
    }
}

#[test]
fn a01_to_a03_only() {
    for sql in [
        "SELECT * FROM ONLY leads",
        "UPDATE ONLY leads SET name = 'a'",
        "DELETE FROM ONLY leads",
        "SELECT * FROM countries JOIN ONLY leads ON true",
    ] {
        confined_or_refused(Postgres, sql);
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
    for sql in ["SELECT * FROM ONLY (leads)", "DELETE FROM ONLY (leads)"] {
        assert!(check(Postgres, sql).is_err(), "{sql}");
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
    // A table of that name would be needed for the parser's mistake, and the word is reserved.
    refuses(
        Postgres,
        "WITH only AS (SELECT 1) SELECT * FROM only leads",
        Syntax,
    );
    accepts(
        Postgres,
        "WITH \"only\" AS (SELECT 1) SELECT * FROM only leads",
        "WITH \"only\" AS (SELECT 1) SELECT * FROM <<leads>> AS leads",
    );
}

#[test]
fn a04_a05_table() {
    for sql in [
        "SELECT 1 UNION ALL TABLE leads",
        "SELECT 1 UNION ALL TABLE \"Leads\"",
    ] {
        confined_or_refused(Postgres, sql);
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
    both_refuse("CREATE VIEW v AS TABLE leads", Statement);
}

#[test]
fn a06_a22_a36_to_a39_statement_kinds() {
    for sql in [
        "COPY leads TO STDOUT",
        "COPY (SELECT * FROM leads) TO STDOUT",
        "COPY leads FROM STDIN",
        "PREPARE p AS SELECT * FROM leads",
        "EXECUTE p",
        "DECLARE c CURSOR FOR SELECT * FROM leads",
        "FETCH 10 FROM c",
        "CLOSE c",
        "LISTEN ch",
        "NOTIFY ch, 'x'",
        "LOCK TABLE leads",
        "EXPLAIN SELECT * FROM leads",
        "EXPLAIN ANALYZE DELETE FROM leads",
        "CREATE TABLE t2 AS SELECT * FROM leads",
        "CREATE MATERIALIZED VIEW m AS SELECT 1",
        "CREATE TEMP TABLE leads (a int)",
        "TRUNCATE leads",
        "ALTER TABLE leads ADD a int",
        "DROP TABLE leads",
        "VACUUM leads",
        "ANALYZE leads",
        "COMMENT ON TABLE leads IS 'x'",
        "SET app.tenant_id = '2'",
        "SET standard_conforming_strings = off",
        "SET ROLE x",
        "RESET ALL",
        "DISCARD ALL",
        "SHOW app.tenant_id",
        "CALL p()",
        "GRANT SELECT ON leads TO x",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "ATTACH 'other.db' AS x",
        "PRAGMA table_info(leads)",
        "VACUUM INTO 'x'",
        "DETACH x",
        "REINDEX",
        "ROLLBACK TO SAVEPOINT a",
        "RELEASE a",
        "REFRESH MATERIALIZED VIEW m",
        "SET SESSION AUTHORIZATION bob",
    ] {
        both_refuse(sql, Statement);
    }
    refuses(
        Sqlite,
        "MERGE INTO leads USING contacts ON true WHEN MATCHED THEN DELETE",
        Statement,
    );
    refuses(Postgres, "DO $$ BEGIN DELETE FROM leads; END $$", Statement);
    assert!(check(Postgres, "SELECT * INTO t2 FROM leads").is_err());
    assert!(check(Postgres, "SELECT INTO t2 FROM leads").is_err());
}

#[test]
fn a07_to_a12_common_table_expressions() {
    for sql in [
        "WITH a AS (SELECT count(*) c FROM leads), leads AS (SELECT 1) SELECT * FROM a",
        "WITH RECURSIVE a AS (SELECT count(*) c FROM leads), leads AS (SELECT 1) SELECT * FROM a",
        "SELECT * FROM (WITH leads AS (SELECT 1 id) SELECT * FROM leads) x, leads",
        "WITH leads AS (SELECT 1 id) DELETE FROM leads",
        "WITH leads AS (SELECT 1 id) UPDATE leads SET name = 'a'",
        "WITH leads AS (SELECT 1 id) INSERT INTO leads (id) SELECT id FROM leads",
        "WITH leads AS (SELECT 1 id) SELECT * FROM LEADS",
        "WITH my_leads AS (SELECT 1) SELECT * FROM my_leads",
        "WITH plans AS (SELECT 1) SELECT * FROM plans",
    ] {
        both_refuse(sql, Relation);
    }
    refuses(
        Sqlite,
        "WITH \"Leads\" AS (SELECT 1) SELECT * FROM Leads",
        Relation,
    );
    // In PostgreSQL the quoted one is another name.
    accepts(
        Postgres,
        "WITH \"Leads\" AS (SELECT 1) SELECT * FROM Leads",
        "WITH \"Leads\" AS (SELECT 1) SELECT * FROM <<leads>> AS leads",
    );
    // A qualified name is never one.
    refuses(
        Postgres,
        "WITH x AS (SELECT 1 id) SELECT * FROM public.x",
        Relation,
    );
    refuses(
        Sqlite,
        "WITH x AS (SELECT 1 id) SELECT * FROM main.x",
        Relation,
    );
    // Its scope ends, and begins behind it.
    both_refuse(
        "SELECT * FROM (WITH pg_stats AS (SELECT 1) SELECT * FROM pg_stats) x, pg_stats",
        Relation,
    );
    both_refuse(
        "WITH a AS (SELECT * FROM pg_stats), pg_stats AS (SELECT 1) SELECT * FROM a",
        Relation,
    );
    both_refuse(
        "WITH pg_stats AS (SELECT * FROM pg_stats) SELECT * FROM pg_stats",
        Relation,
    );
    both_refuse(
        "SELECT (WITH b AS (SELECT 1) SELECT 2), (SELECT 1 FROM b)",
        Relation,
    );
    // The target of a write is a table, whatever expressions there are.
    both_refuse("WITH x AS (SELECT 1 id) DELETE FROM x", Relation);
}

#[test]
fn a13_a14_predicates_are_added_whatever_the_statement_says() {
    both(
        "DELETE FROM contacts WHERE id=1 OR id=2",
        "DELETE FROM contacts WHERE (id=1 OR id=2) AND [[contacts]]",
    );
    both(
        "SELECT * FROM leads WHERE tenant_id = 2",
        "SELECT * FROM <<leads>> AS leads WHERE tenant_id = 2",
    );
    both(
        "UPDATE leads SET name = 'a' WHERE tenant_id = 1 OR true",
        "UPDATE leads SET name = 'a' WHERE (tenant_id = 1 OR true) AND [[leads]]",
    );
    both(
        "DELETE FROM leads WHERE NOT id = 1 -- )",
        "DELETE FROM leads WHERE (NOT id = 1) AND [[leads]] -- )",
    );
}

#[test]
fn a23_a24_spellings_in_sqlite() {
    for name in [
        "[leads]",
        "`leads`",
        "\"LEADS\"",
        "LeAdS",
        "main.leads",
        "MAIN.[Leads]",
    ] {
        accepts(
            Sqlite,
            &format!("SELECT * FROM {name}"),
            "SELECT * FROM <<leads>> AS leads",
        );
        accepts(
            Sqlite,
            &format!("SELECT * FROM {name} x"),
            "SELECT * FROM <<leads>> x",
        );
    }
    for (original, expected) in [
        ("SELECT * FROM 'leads'", "SELECT * FROM <<leads>> AS leads"),
        (
            "SELECT l.id FROM contacts JOIN 'LEADS' AS l ON true",
            "SELECT l.id FROM <<contacts>> AS contacts JOIN <<leads>> AS l ON true",
        ),
        (
            "DELETE FROM 'leads' WHERE id = 1 OR name IS NOT DISTINCT FROM 'leads'",
            "DELETE FROM 'leads' WHERE (id = 1 OR name IS NOT DISTINCT FROM 'leads') AND [[leads]]",
        ),
        (
            "INSERT INTO 'leads' (id) VALUES (1)",
            "INSERT INTO 'leads' (id, tenant_id) VALUES (1, {v})",
        ),
        (
            "UPDATE 'leads' SET name = 'leads'",
            "UPDATE 'leads' SET name = 'leads' WHERE [[leads]]",
        ),
    ] {
        accepts(Sqlite, original, expected);
    }
    refuses(Sqlite, "SELECT * FROM 'plans'", Relation);
    refuses(
        Sqlite,
        "WITH 'leads' AS (SELECT 1) SELECT * FROM 'leads'",
        Relation,
    );
    for sql in [
        "SELECT * FROM 'lea''ds'",
        "SELECT * FROM 'le\"ads'",
        "SELECT * FROM countries, 'leads'",
    ] {
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
    assert!(check(Postgres, "SELECT * FROM 'leads'").is_err());
    accepts(
        Sqlite,
        "SELECT 1 WHERE 1 IN countries",
        "SELECT 1 WHERE 1 IN (SELECT countries.code, countries.name FROM countries)",
    );
    refuses(Sqlite, "SELECT 1 WHERE 1 IN plans", Relation);
    refuses(Sqlite, "SELECT 1 WHERE 1 IN sqlite_master", Relation);
    refuses(Sqlite, "SELECT 1 WHERE 1 IN temp.leads", Qualifier);
    assert!(check(Postgres, "SELECT 1 WHERE 1 IN leads").is_err());
    // Quotes are part of the name in PostgreSQL.
    refuses(Postgres, "SELECT * FROM \"LEADS\"", Relation);
}

#[test]
fn a25_names_are_cut_like_the_engine_cuts_them() {
    let long = "x".repeat(70);
    let catalog = tenancy_sql::Catalog::builder(Postgres)
        .migration(
            "m",
            format!("CREATE TABLE {long} (tenant_id uuid NOT NULL)"),
        )
        .build()
        .unwrap();
    let firewall = tenancy_sql::Firewall::new(catalog);
    let checked = firewall.check(&format!("SELECT * FROM {long}yz")).unwrap();
    assert!(
        checked
            .sql()
            .contains(&format!("FROM {} WHERE", &long[..63])),
        "{}",
        checked.sql()
    );
    assert!(
        firewall
            .check(&format!("WITH {long}yz AS (SELECT 1) SELECT 1"))
            .is_err()
    );
}

#[test]
fn a26_a27_qualifiers() {
    for sql in [
        "SELECT * FROM other_db.public.leads",
        "SELECT * FROM pg_temp.leads",
        "SELECT * FROM temp.leads",
        "SELECT * FROM tb.leads",
        "SELECT tb.leads.id FROM leads",
        "INSERT INTO tb.leads (id) VALUES (1)",
        "UPDATE tb.leads SET name = 'a'",
        "DELETE FROM tb.leads",
        "SELECT tb.lower('a')",
        "SELECT tb.leads.* FROM leads",
    ] {
        both_refuse(sql, Qualifier);
    }
    for sql in [
        "SELECT 1 OPERATOR(evil.=) 1",
        "SELECT 'a'::evil.t",
        "SELECT 'a' COLLATE evil.c",
    ] {
        refuses(Postgres, sql, Qualifier);
    }
}

#[test]
fn a28_views() {
    both_refuse("SELECT * FROM all_leads", Relation);
    both("SELECT * FROM my_leads", "SELECT * FROM my_leads");
    both_refuse("UPDATE my_leads SET name = 'a'", Relation);
}

#[test]
fn a29_to_a35_a45_a52_a53_functions() {
    for call in [
        "query_to_xml('SELECT * FROM leads', true, false, '')",
        "table_to_xml('leads', true, false, '')",
        "schema_to_xml('public', true, false, '')",
        "database_to_xml(true, false, '')",
        "cursor_to_xml('c', 1, true, false, '')",
        "ts_stat('SELECT to_tsvector(email) FROM leads')",
        "ts_rewrite('a'::tsquery, 'SELECT')",
        "dblink('x', 'SELECT 1')",
        "crosstab('SELECT 1')",
        "pg_read_file('/etc/passwd')",
        "lo_export(1, 'x')",
        "lo_get(1)",
        "sd()",
        "set_config('app.t', '2', false)",
        "current_setting('app.t')",
        "f_leak(name)",
        "pg_cancel_backend(1)",
        "pg_terminate_backend(1)",
        "pg_advisory_unlock_all()",
        "pg_advisory_xact_lock(1)",
        "pg_sleep(1)",
        "setval('s', 1)",
        "nextval('s')",
        "pg_stat_get_activity(1)",
        "score(leads)",
        "Pg_SlEeP(1)",
        "\"pg_sleep\"(1)",
        "pg_catalog.pg_sleep(1)",
    ] {
        refuses(Postgres, &format!("SELECT {call} FROM leads"), Function);
        refuses(Postgres, &format!("SELECT 1 FROM {call} x"), Function);
        refuses(
            Postgres,
            &format!("SELECT 1 FROM leads, LATERAL {call} x"),
            Function,
        );
        refuses(
            Postgres,
            &format!(
                "SELECT d.* FROM (SELECT {call} FROM countries) s(x), LATERAL (SELECT * FROM leads WHERE x IS NOT NULL) d"
            ),
            Function,
        );
    }
    for call in [
        "load_extension('x')",
        "readfile('x')",
        "last_insert_rowid()",
        "changes()",
        "fts3_tokenizer('x')",
        "pragma_table_info('leads')",
    ] {
        refuses(Sqlite, &format!("SELECT {call} FROM leads"), Function);
        refuses(Sqlite, &format!("SELECT * FROM {call}"), Function);
    }
    // A migration may define a function of a known name; calls go by types, so it must be declared.
    for (declared, accepted) in [("", false), ("functions = ['lower']", true)] {
        let config = tenancy_sql::Config::parse(&format!("[tenancy]\n{declared}")).unwrap();
        let catalog = tenancy_sql::Catalog::builder(Postgres)
            .config(&config)
            .migration("m", "CREATE TABLE leads (tenant_id uuid NOT NULL, name text); CREATE FUNCTION lower(leads) RETURNS text LANGUAGE sql AS 'SELECT 1'")
            .build();
        let firewall = tenancy_sql::Firewall::new(catalog.unwrap());
        assert_eq!(
            firewall.check("SELECT lower(leads) FROM leads").is_ok(),
            accepted
        );
    }
    // A function in the notation of a column.
    refuses(Postgres, "SELECT l.score FROM leads l", Function);
    refuses(Postgres, "SELECT (l).score FROM leads l", Function);
    both(
        "SELECT lower(name), coalesce(name, 'x'), count(*) FROM leads",
        "SELECT lower(name), coalesce(name, 'x'), count(*) FROM <<leads>> AS leads",
    );
}

#[test]
fn a42_to_a44_forms_that_stay_confined() {
    for sql in [
        "SELECT NULL::leads",
        "SELECT jsonb_populate_record(NULL::leads, '{}')",
    ] {
        accepts(Postgres, sql, sql);
    }
    let checked = check(
        Postgres,
        "SELECT (SELECT count(*) FROM contacts) FROM leads",
    )
    .unwrap();
    assert!(
        checked
            .sql()
            .contains("contacts.tenant_id OPERATOR(pg_catalog.=)")
    );
}

#[test]
fn a48_to_a50_every_occurrence_in_every_join() {
    for join in [
        "LEFT JOIN",
        "RIGHT JOIN",
        "FULL JOIN",
        "FULL OUTER JOIN",
        "INNER JOIN",
        "JOIN",
    ] {
        both(
            &format!("SELECT * FROM leads a {join} leads b ON a.id = b.id AND b.name = 'x'"),
            &format!(
                "SELECT * FROM <<leads>> a {join} <<leads>> b ON a.id = b.id AND b.name = 'x'"
            ),
        );
    }
    both(
        "SELECT * FROM leads a, leads b, contacts",
        "SELECT * FROM <<leads>> a, <<leads>> b, <<contacts>> AS contacts",
    );
    both(
        "SELECT * FROM leads NATURAL JOIN contacts",
        "SELECT * FROM <<leads>> AS leads NATURAL JOIN <<contacts>> AS contacts",
    );
    both(
        "SELECT * FROM leads JOIN contacts USING (id)",
        "SELECT * FROM <<leads>> AS leads JOIN <<contacts>> AS contacts USING (id)",
    );
    both(
        "SELECT * FROM countries JOIN (leads a JOIN contacts b ON a.id = b.lead_id) ON true",
        "SELECT * FROM countries JOIN (<<leads>> a JOIN <<contacts>> b ON a.id = b.lead_id) ON true",
    );
    accepts(
        Postgres,
        "SELECT * FROM leads l JOIN LATERAL (SELECT * FROM contacts c WHERE c.lead_id = l.id LIMIT 3) x ON true",
        "SELECT * FROM <<leads>> l JOIN LATERAL (SELECT * FROM <<contacts>> c WHERE c.lead_id = l.id LIMIT 3) x ON true",
    );
    both(
        "SELECT id FROM leads EXCEPT SELECT id FROM contacts INTERSECT SELECT id FROM leads",
        "SELECT id FROM <<leads>> AS leads EXCEPT SELECT id FROM <<contacts>> AS contacts INTERSECT SELECT id FROM <<leads>> AS leads",
    );
}

#[test]
fn a51_catalogues() {
    for name in [
        "pg_stats",
        "pg_stat_activity",
        "pg_prepared_statements",
        "pg_cursors",
        "pg_class",
        "pg_tables",
        "sqlite_master",
        "sqlite_schema",
        "dbstat",
        "sqlite_sequence",
        "plans",
    ] {
        both_refuse(&format!("SELECT * FROM {name}"), Relation);
    }
    refuses(Postgres, "SELECT * FROM pg_catalog.pg_class", Qualifier);
    refuses(
        Postgres,
        "SELECT * FROM information_schema.columns",
        Qualifier,
    );
    refuses(Sqlite, "SELECT * FROM main.sqlite_master", Relation);
    refuses(Postgres, "SELECT * FROM events_0", Relation);
}
