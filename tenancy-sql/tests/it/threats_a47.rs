//! Attack A47: a table in every position of an expression, and the expressions that no engine of ours has.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::*;

#[test]
fn a47_every_position_of_an_expression() {
    let query = "(SELECT max(id) FROM leads)";
    let confined = "(SELECT max(id) FROM <<leads>> AS leads)";
    let everywhere = [
        "SELECT {q}",
        "SELECT 1 WHERE 1 = {q}",
        "SELECT -{q}",
        "SELECT CASE {q} WHEN {q} THEN {q} ELSE {q} END",
        "SELECT coalesce({q}, {q})",
        "SELECT 1 WHERE {q} BETWEEN {q} AND {q}",
        "SELECT 1 WHERE {q} IN (1, {q})",
        "SELECT 1 WHERE {q} IS NULL",
        "SELECT 1 WHERE NOT {q} = 1",
        "SELECT 1 WHERE 'a' LIKE {q}",
        "SELECT CAST({q} AS int)",
        "SELECT count(*) FILTER (WHERE {q} > 1) FROM countries",
        "SELECT sum(1) OVER (PARTITION BY {q} ORDER BY {q}) FROM countries",
        "SELECT 1 FROM countries GROUP BY code HAVING {q} > 1",
        "SELECT 1 FROM countries ORDER BY {q}",
        "SELECT 1 LIMIT {q} OFFSET {q}",
        "SELECT 1 FROM countries a JOIN countries b ON {q} = 1",
        "VALUES ({q}), ({q})",
        "SELECT * FROM (SELECT {q}) x",
        "WITH x AS (SELECT {q}) SELECT * FROM x",
        "SELECT {q} UNION SELECT {q}",
        "SELECT 1 WHERE EXISTS {q}",
        "SELECT 1 WHERE 1 IN {q}",
        "SELECT 1 FROM countries WINDOW w AS (ORDER BY {q})",
        "SELECT substr('a', {q})",
        "SELECT (({q}))",
        "SELECT 1 FROM countries GROUP BY {q}",
        "INSERT INTO leads (id) VALUES ({q})",
    ];
    let postgres = [
        "SELECT ARRAY{q}",
        "SELECT ARRAY[{q}]",
        "SELECT 1 = ANY {q}",
        "SELECT 1 = ALL {q}",
        "SELECT {q}::text",
        "SELECT ('{1}'::int[])[{q}]",
        "SELECT ('{1}'::int[])[{q}:{q}]",
        "SELECT ROW({q}, 1)",
        "SELECT ({q}, 1) = (1, 2)",
        "SELECT extract(day FROM {q})",
        "SELECT {q} AT TIME ZONE {q}",
        "SELECT substring('a' FROM {q} FOR {q})",
        "SELECT overlay('a' PLACING 'b' FROM {q})",
        "SELECT position({q} IN 'a')",
        "SELECT trim(BOTH {q} FROM 'a')",
        "SELECT string_agg('a', 'b' ORDER BY {q}) FROM countries",
        "SELECT percentile_cont({q}) WITHIN GROUP (ORDER BY {q}) FROM countries",
        "SELECT DISTINCT ON ({q}) 1 FROM countries",
        "SELECT 1 FROM countries GROUP BY GROUPING SETS (({q}), ())",
        "SELECT 1 FROM countries GROUP BY ROLLUP (coalesce({q}, 1))",
        "SELECT * FROM generate_series(1, {q}) g",
        "SELECT * FROM unnest(ARRAY[{q}]) g",
        "SELECT * FROM LATERAL (SELECT {q}) g",
        "SELECT sum(1) OVER (ORDER BY 1 ROWS BETWEEN {q} PRECEDING AND {q} FOLLOWING) FROM countries",
        "SELECT {q} IS DISTINCT FROM {q}",
        "SELECT 'a' SIMILAR TO {q}",
        "SELECT 'a' COLLATE \"C\" < {q}::text",
        "SELECT substring({q}::text FROM {q}::int)",
        "SELECT trim({q}::text)",
        "SELECT overlay({q}::text PLACING {q}::text FROM 1 FOR {q}::int)",
        "SELECT 'a' LIKE 'b' ESCAPE {q}",
        "SELECT 'a' ILIKE {q} ESCAPE {q}",
        "SELECT 'a' SIMILAR TO 'b' ESCAPE {q}",
        "SELECT 'a' LIKE ANY (ARRAY[{q}])",
        "SELECT 'a' NOT LIKE ALL (ARRAY[{q}])",
        "SELECT 'a' ILIKE ANY {q}",
        "SELECT 'a' LIKE ANY ($1)",
        "SELECT ({q}).id",
        "SELECT xmlelement(NAME a, XMLATTRIBUTES({q} AS b))",
        "SELECT jsonb_build_object('a', {q})",
        "SELECT make_interval(days => {q})",
        "SELECT * FROM json_to_recordset({q}::json) AS x(a int)",
    ];
    for form in everywhere.iter().chain(&postgres) {
        let expected = form.replace("{q}", confined);
        let expected = if form.starts_with("INSERT") {
            expected
                .replacen("(id)", "(id, tenant_id)", 1)
                .replace("AS leads))", "AS leads), {v})")
        } else {
            expected
        };
        accepts(Postgres, &form.replace("{q}", query), &expected);
    }
    for form in everywhere {
        let expected = form.replace("{q}", confined);
        let expected = if form.starts_with("INSERT") {
            expected
                .replacen("(id)", "(id, tenant_id)", 1)
                .replace("AS leads))", "AS leads), {v})")
        } else {
            expected
        };
        accepts(Sqlite, &form.replace("{q}", query), &expected);
    }
}

#[test]
fn a47_expressions_of_other_engines() {
    for sql in [
        "SELECT CAST(1 AS text FORMAT 'x')",
        "SELECT name RLIKE 'a' FROM leads",
        "SELECT extract(WEEK(MONDAY) FROM now())",
        "SELECT {d '2025-01-01'}",
        "SELECT id MEMBER OF ('[1]') FROM leads",
        "SELECT CONVERT(1 USING utf8)",
        "SELECT xmlelement(NAME a, XMLATTRIBUTES(1 select))",
        "SELECT (pg_sleep(1)).x",
        "SELECT \"\"",
    ] {
        assert!(check(Postgres, sql).is_err(), "{sql}");
    }
    // A type of another schema before a literal is no column with an alias.
    for sql in [
        "SELECT evil.t '1'",
        "SELECT 1 FROM leads WHERE (SELECT evil.t '1') = 1",
        "DELETE FROM leads RETURNING evil.t '1'",
    ] {
        refuses(Postgres, sql, Syntax);
    }
    both(
        "SELECT id \"x\" FROM leads",
        "SELECT id \"x\" FROM <<leads>> AS leads",
    );
    accepts(
        Sqlite,
        "SELECT id 'x' FROM leads",
        "SELECT id 'x' FROM <<leads>> AS leads",
    );
    // A byte order mark is a part of a name for SQLite, and nothing for those who look at it.
    for sql in [
        "\u{feff}SELECT 1",
        "SELECT \u{feff}",
        "SELECT 1 FROM \u{feff}leads",
    ] {
        refuses(Sqlite, sql, Token);
    }
}
