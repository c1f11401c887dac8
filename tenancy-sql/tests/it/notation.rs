//! Functions that are called without parentheses behind their names, as PostgreSQL lets one: in the notation of a column, and
//! by `TREAT`. `ts_stat` runs the text that it is given, so each of these read the rows of all tenants.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::Function;

#[test]
fn behind_an_expression() {
    for value in [
        "('SELECT to_tsvector(email) FROM leads'::text)",
        "(ARRAY['SELECT to_tsvector(email) FROM leads'])[1]",
        "(SELECT name FROM leads LIMIT 1)",
        "($1::text)",
        "(leads.name)",
        "(name)",
    ] {
        for call in [
            "ts_stat",
            "\"ts_stat\"",
            "pg_read_file",
            "Pg_Sleep",
            "dblink",
            "nope",
        ] {
            let refused = refuses(
                Postgres,
                &format!("SELECT {value}.{call} FROM leads"),
                Function,
            );
            assert!(refused.instead().contains("pure_functions"), "{refused}");
        }
        let written = format!("UPDATE leads SET name = {value}.ts_stat");
        refuses(Postgres, &written, Function);
    }
    // That another name of the statement is the same says nothing.
    refuses(
        Postgres,
        "SELECT ('x'::text).ts_stat FROM (SELECT 1 AS ts_stat) t (ts_stat)",
        Function,
    );
    for sql in [
        "SELECT (jsonb_each('{}')).key, (jsonb_each('{}')).value, (ROW(1, 2)).f2",
        "SELECT ('a'::text).upper",
        "SELECT (NULL::leads).name",
    ] {
        accepts(Postgres, sql, sql);
    }
}

#[test]
fn behind_what_a_function_makes() {
    for from in [
        "unnest(ARRAY['SELECT to_tsvector(email) FROM leads']) t",
        "unnest(ARRAY['SELECT to_tsvector(email) FROM leads']) AS t (x)",
        "regexp_split_to_table('a', 'b') t",
        "ROWS FROM (unnest(ARRAY['a'])) AS t",
        "leads l, LATERAL unnest(ARRAY[l.name]) t",
        "unnest(ARRAY['a']) t JOIN countries u (ts_stat) ON true",
    ] {
        refuses(Postgres, &format!("SELECT t.ts_stat FROM {from}"), Function);
        refuses(
            Postgres,
            &format!("SELECT (t).ts_stat FROM {from}"),
            Function,
        );
        refuses(
            Postgres,
            &format!("SELECT 1 FROM {from} ORDER BY t.ts_stat"),
            Function,
        );
        refuses(
            Postgres,
            &format!("SELECT (SELECT t.ts_stat) FROM {from}"),
            Function,
        );
    }
    refuses(
        Postgres,
        "SELECT unnest.ts_stat FROM unnest(ARRAY['a'])",
        Function,
    );
    refuses(
        Postgres,
        "SELECT generate_series.pg_sleep FROM generate_series(1, 2)",
        Function,
    );
    refuses(
        Postgres,
        "DELETE FROM leads USING unnest(ARRAY['a']) t WHERE t.ts_stat IS NULL",
        Function,
    );
    refuses(Postgres, "SELECT nowhere.ts_stat", Function);
    // Inside of a join with an alias `t` is the function's, outside it is the table's.
    refuses(
        Postgres,
        "SELECT 1 FROM leads t, (unnest(ARRAY['a']) t JOIN countries ON t.ts_stat IS NULL) AS j",
        Function,
    );
    refuses(
        Postgres,
        "MERGE INTO leads USING unnest(ARRAY['a']) t ON t.ts_stat IS NULL WHEN MATCHED THEN DELETE",
        Function,
    );
    // Its own columns, by whatever name, and those of what is no function.
    for sql in [
        "SELECT t.t, unnest.unnest FROM unnest($1::text[]) t, unnest($1::text[])",
        "SELECT t.a, t.\"B\" FROM jsonb_to_recordset('[]') AS t (a int, \"B\" text)",
        "SELECT e.key, e.value, u.ordinality FROM jsonb_each('{}') e, unnest($1::int[]) WITH ORDINALITY u",
        "SELECT x.odd FROM (SELECT 1 AS odd) x",
        "WITH x (odd) AS (SELECT 1) SELECT x.odd FROM x",
        "SELECT x.odd FROM (VALUES (1)) x (odd)",
        "SELECT j.odd FROM JSON_TABLE('{}', '$' COLUMNS (odd int PATH '$.a')) AS j",
    ] {
        accepts(Postgres, sql, sql);
    }
    // SQLite has no such notation.
    accepts(
        Sqlite,
        "SELECT j.fullkey FROM json_tree('{}') j",
        "SELECT j.fullkey FROM json_tree('{}') j",
    );
}

#[test]
fn treat_calls_the_function_of_a_types_name() {
    for sql in [
        "SELECT treat('SELECT to_tsvector(email) FROM leads' AS ts_stat)",
        "SELECT TREAT ('/etc/passwd' AS pg_read_file)",
        "SELECT 1 FROM leads WHERE \"treat\"(1 AS pg_sleep) IS NULL",
    ] {
        refuses(Postgres, sql, Function);
    }
    assert!(check(Sqlite, "SELECT treat(1 AS pg_sleep)").is_err());
}

#[test]
fn a_function_of_the_migrations_that_is_called_like_a_column_of_another_table() {
    let catalog = tenancy_sql::Catalog::builder(Postgres)
        .migration(
            "m",
            "CREATE TABLE leads (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id));
             CREATE TABLE games (tenant_id uuid NOT NULL, score int);
             CREATE FUNCTION score(leads) RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM leads';",
        )
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let firewall = tenancy_sql::Firewall::new(catalog);
    for sql in [
        "SELECT l.score, l.ctid FROM leads l",
        "SELECT (l).score FROM leads l",
        "DELETE FROM leads WHERE leads.score > 1",
        "UPDATE leads l SET id = 1 RETURNING l.score",
        "SELECT t.score FROM unnest($1::leads[]) t",
        "SELECT ($1::leads).score",
    ] {
        let refused = firewall.check(sql).map(|checked| checked.sql().to_string());
        assert_eq!(
            refused.map_err(|refused| refused.kind()),
            Err(Function),
            "{sql}"
        );
    }
    for sql in [
        "SELECT g.score, g.ctid FROM games g",
        "UPDATE games SET score = 1 WHERE games.score > 1",
        "SELECT q.score FROM (SELECT 1 AS score) q",
        "SELECT t.score FROM unnest($1::int[]) t (score)",
    ] {
        assert!(firewall.check(sql).is_ok(), "{sql}");
    }
}
