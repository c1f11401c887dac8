//! Forms the parser does not know by itself.

use tenancy_sql::{Dialect, RefusedKind};

use crate::fixture::{accepts, both, check, refuses};
use Dialect::{Postgres, Sqlite};

#[test]
fn only_and_table_and_star() {
    accepts(
        Postgres,
        "SELECT * FROM ONLY leads l",
        "SELECT * FROM <<leads>> l",
    );
    accepts(
        Postgres,
        "SELECT * FROM countries, ONLY public.leads",
        "SELECT * FROM countries, <<leads>> AS leads",
    );
    accepts(
        Postgres,
        "UPDATE ONLY leads SET name = 'a'",
        "UPDATE leads SET name = 'a' WHERE [[leads]]",
    );
    accepts(
        Postgres,
        "DELETE FROM ONLY leads",
        "DELETE FROM leads WHERE [[leads]]",
    );
    accepts(Postgres, "TABLE leads", "SELECT * FROM <<leads>> AS leads");
    accepts(
        Postgres,
        "SELECT 1 UNION ALL (TABLE leads)",
        "SELECT 1 UNION ALL (SELECT * FROM <<leads>> AS leads)",
    );
    accepts(
        Postgres,
        "SELECT * FROM leads * WHERE id = 1",
        "SELECT * FROM <<leads>> AS leads WHERE id = 1",
    );
    accepts(
        Postgres,
        "SELECT (l).* FROM leads l",
        "SELECT l.* FROM <<leads>> l",
    );
    accepts(
        Postgres,
        "SELECT 1 FROM countries JOIN (ONLY leads l CROSS JOIN ((ONLY contacts AS c JOIN countries d ON true) CROSS JOIN leads)) ON true",
        "SELECT 1 FROM countries JOIN (<<leads>> l CROSS JOIN ((<<contacts>> AS c JOIN countries d ON true) CROSS JOIN <<leads>> AS leads)) ON true",
    );
    accepts(
        Postgres,
        "DELETE FROM leads USING (ONLY contacts c CROSS JOIN countries) WHERE c.id = 1",
        "DELETE FROM leads USING (<<contacts>> c CROSS JOIN countries) WHERE (c.id = 1) AND [[leads]]",
    );
    // Elsewhere it is no relation.
    for sql in [
        "SELECT (ONLY leads)",
        "SELECT count(ONLY leads)",
        "SELECT 1 WHERE 1 IN (ONLY leads)",
        "SELECT * FROM ONLY (leads)",
    ] {
        assert!(check(Postgres, sql).is_err(), "{sql}");
    }
    // Of a table with parts `ONLY` means something else.
    for sql in [
        "SELECT * FROM ONLY events",
        "SELECT * FROM (ONLY events CROSS JOIN leads)",
        "DELETE FROM ONLY events",
        "UPDATE ONLY events SET id = 1",
    ] {
        refuses(Postgres, sql, RefusedKind::Statement);
    }
    refuses(Postgres, "TABLE \"Leads\"", RefusedKind::Relation);
    refuses(Postgres, "TABLE pg_stats", RefusedKind::Relation);
    accepts(
        Postgres,
        "SELECT 1 FETCH FIRST 1 ROWS ONLY",
        "SELECT 1 FETCH FIRST 1 ROWS ONLY",
    );
    // A product is not a star.
    let sql = "SELECT id IS DISTINCT FROM amount * 2 FROM countries";
    accepts(Postgres, sql, sql);
}

#[test]
fn what_is_left_out_for_the_parser_stays_in_the_text() {
    for sql in [
        "SELECT id FROM <<leads>> AS leads FOR NO KEY UPDATE",
        "SELECT id FROM <<leads>> AS leads FOR KEY SHARE",
        "SELECT status FROM <<leads>> AS leads GROUP BY DISTINCT status",
        "SELECT sum(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM <<leads>> AS leads",
        "SELECT id FROM <<leads>> AS leads WHERE id BETWEEN SYMMETRIC $1 AND $2",
        "SELECT concat(VARIADIC tags) FROM <<leads>> AS leads",
        "SELECT * FROM <<leads>> a JOIN <<contacts>> b USING (id) AS j WHERE j.id = 1",
        "WITH RECURSIVE x AS (SELECT id FROM <<leads>> AS leads) SEARCH DEPTH FIRST BY id SET o SELECT * FROM x ORDER BY o",
        "WITH RECURSIVE x AS (SELECT id FROM <<leads>> AS leads) CYCLE id SET c TO true DEFAULT false USING p SELECT * FROM x",
        "UPDATE leads SET tags[1] = 'x', data['a']['b'] = '1' WHERE (id = 1) AND [[leads]]",
        "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY[1])) WITH ORDINALITY AS t(a, b, n), <<leads>> AS leads",
        "SELECT * FROM (ROWS FROM (generate_series(1, 2)) AS t(a) CROSS JOIN <<leads>> AS leads)",
        "DELETE FROM leads USING ROWS FROM (generate_series(1, 2)) AS t(a) WHERE (id = 1) AND [[leads]]",
        "SELECT XMLELEMENT(NAME foo, XMLATTRIBUTES(id AS b), 'x') FROM <<leads>> AS leads",
    ] {
        let original = sql
            .replace("<<leads>> AS leads", "leads")
            .replace("<<leads>>", "leads")
            .replace("<<contacts>>", "contacts")
            .replace("(id = 1) AND [[leads]]", "id = 1");
        accepts(Postgres, &original, sql);
    }
    accepts(
        Postgres,
        "INSERT INTO leads (id, tags[1]) OVERRIDING SYSTEM VALUE VALUES (1, 'x')",
        "INSERT INTO leads (id, tags[1], tenant_id) OVERRIDING SYSTEM VALUE VALUES (1, 'x', {v})",
    );
    refuses(
        Postgres,
        "UPDATE leads SET tenant_id[1] = 'x'",
        RefusedKind::TenantColumn,
    );
    refuses(
        Postgres,
        "INSERT INTO leads (id, tenant_id[1]) VALUES (1, 2)",
        RefusedKind::TenantColumn,
    );
    refuses(
        Postgres,
        "SELECT * FROM ROWS FROM (pg_ls_dir('.')) AS t",
        RefusedKind::Function,
    );
    refuses(
        Postgres,
        "DELETE FROM leads USING ROWS FROM (pg_ls_dir('.')) AS t",
        RefusedKind::Function,
    );
    assert!(check(Postgres, "SELECT * FROM ROWS FROM (pg_stats) AS t").is_err());
    // Only a literal is left out.
    for sql in [
        "SELECT json_value(data, '$.a' DEFAULT name ON EMPTY) FROM leads",
        "WITH RECURSIVE t AS (SELECT 1 AS id) CYCLE id SET c TO name DEFAULT false USING p SELECT * FROM t",
    ] {
        refuses(Postgres, sql, RefusedKind::Syntax);
    }
    assert!(
        check(
            Postgres,
            "UPDATE leads SET data[(SELECT 1 FROM contacts)] = '1'"
        )
        .is_err()
    );
}

#[test]
fn words_of_the_shims_in_other_places() {
    accepts(
        Postgres,
        "SELECT rows FROM (SELECT id AS rows FROM leads) x",
        "SELECT rows FROM (SELECT id AS rows FROM <<leads>> AS leads) x",
    );
    for sql in [
        "SELECT 1, rows FROM (leads CROSS JOIN contacts)",
        "SELECT * FROM countries a JOIN countries b ON conflict (1) WHERE EXISTS (SELECT 1 FROM leads) do",
        "SELECT * FROM countries a JOIN countries b ON conflict ((SELECT 1 FROM leads)) do",
        "SELECT * FROM countries a JOIN countries b ON conflict (1) WHERE EXISTS (SELECT 1 FROM leads)",
    ] {
        for dialect in [Postgres, Sqlite] {
            if let Ok(checked) = check(dialect, sql) {
                assert!(
                    checked.sql().contains("leads.tenant_id"),
                    "{dialect}: {}",
                    checked.sql()
                );
            }
        }
    }
    both(
        "SELECT name AS search, id AS cycle FROM leads",
        "SELECT name AS search, id AS cycle FROM <<leads>> AS leads",
    );
    both(
        "INSERT INTO leads (id) SELECT c.id FROM contacts c JOIN leads l ON l.id = c.id WHERE true ON CONFLICT (id) DO NOTHING",
        "INSERT INTO leads (id, tenant_id) SELECT c.id, {v} FROM <<contacts>> c JOIN <<leads>> l ON l.id = c.id WHERE true ON CONFLICT (tenant_id, id) DO NOTHING",
    );
}

#[test]
fn sqlite_forms() {
    accepts(
        Sqlite,
        "SELECT * FROM leads WHERE name IS owner_id AND name IS NOT 'x' AND email IS NULL AND email IS NOT NULL",
        "SELECT * FROM <<leads>> AS leads WHERE name IS owner_id AND name IS NOT 'x' AND email IS NULL AND email IS NOT NULL",
    );
    let checked = check(Sqlite, "SELECT id << 1 | id >> 2, ~id, id == 1 FROM leads").unwrap();
    assert!(
        checked
            .sql()
            .starts_with("SELECT id << 1 | id >> 2, ~id, id == 1 FROM (SELECT * FROM leads WHERE")
    );
    accepts(
        Sqlite,
        "SELECT * FROM leads AS l INDEXED BY i, contacts NOT INDEXED WHERE l.id = 1",
        "SELECT * FROM (SELECT * FROM leads INDEXED BY i WHERE [[leads]]) AS l, (SELECT * FROM contacts NOT INDEXED WHERE [[contacts]]) AS contacts WHERE l.id = 1",
    );
    accepts(
        Sqlite,
        "WITH x AS MATERIALIZED (SELECT * FROM leads) SELECT * FROM x",
        "WITH x AS MATERIALIZED (SELECT * FROM <<leads>> AS leads) SELECT * FROM x",
    );
    accepts(
        Sqlite,
        "WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x",
        "WITH x AS NOT MATERIALIZED (SELECT 1) SELECT * FROM x",
    );
    accepts(
        Sqlite,
        "UPDATE leads INDEXED BY i SET name = 'a' WHERE id = 1",
        "UPDATE leads INDEXED BY i SET name = 'a' WHERE (id = 1) AND [[leads]]",
    );
    accepts(
        Sqlite,
        "SELECT id FROM leads LIMIT 1, 2",
        "SELECT id FROM <<leads>> AS leads LIMIT 1, 2",
    );
    accepts(
        Sqlite,
        "SELECT j.value FROM leads, json_each(data) AS j",
        "SELECT j.value FROM <<leads>> AS leads, json_each(data) AS j",
    );
}

#[test]
fn top_is_a_name() {
    both(
        "SELECT top + 1, x.top FROM (SELECT max(id) AS top FROM leads) x WHERE TOP > 1",
        "SELECT top + 1, x.top FROM (SELECT max(id) AS top FROM <<leads>> AS leads) x WHERE TOP > 1",
    );
    both(
        "SELECT DISTINCT TOP FROM countries",
        "SELECT DISTINCT TOP FROM countries",
    );
    assert!(check(Postgres, "SELECT TOP 10 id FROM leads").is_err());
    assert!(check(Sqlite, "SELECT TOP (10) id FROM leads").is_err());
}

#[test]
fn an_alias_of_the_target_in_sqlite() {
    accepts(
        Sqlite,
        "INSERT INTO main.leads AS l (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = l.name || excluded.name WHERE l.id > 1 OR true",
        "INSERT INTO leads AS l (id, tenant_id) VALUES (1, {v}) ON CONFLICT (tenant_id, id) DO UPDATE SET name = l.name || excluded.name WHERE (l.id > 1 OR true) AND [[l]]",
    );
    accepts(
        Sqlite,
        "INSERT INTO contacts AS [C d] VALUES (1, 2, 3, 4, 5) ON CONFLICT (id) DO UPDATE SET name = 'x'",
        "INSERT INTO contacts AS [C d] (id, lead_id, email, name, is_primary, tenant_id) VALUES (1, 2, 3, 4, 5, {v}) ON CONFLICT (tenant_id, id) DO UPDATE SET name = 'x' WHERE \"c d\".tenant_id = {v}",
    );
    accepts(
        Sqlite,
        "INSERT INTO leads AS l DEFAULT VALUES",
        "INSERT INTO leads AS l (tenant_id) VALUES ({v})",
    );
    // Behind another INTO it is not an alias of the target.
    for sql in [
        "INSERT INTO leads AS (id) VALUES (1)",
        "INSERT INTO leads AS l AS m (id) VALUES (1)",
        "INSERT INTO leads AS 1 (id) VALUES (1)",
    ] {
        assert!(check(Sqlite, sql).is_err(), "{sql}");
    }
}

#[test]
fn keys_of_expressions() {
    let catalog = tenancy_sql::Catalog::builder(Postgres)
        .migration(
            "m",
            "CREATE TABLE leads (tenant_id uuid NOT NULL, id int, email text, gone date, PRIMARY KEY (tenant_id, id));
             CREATE UNIQUE INDEX a ON leads (tenant_id, lower(email)) WHERE gone IS NULL;
             CREATE UNIQUE INDEX b ON leads (upper(email));",
        )
        .build()
        .unwrap();
    let firewall = tenancy_sql::Firewall::new(catalog);
    let insert = "INSERT INTO leads (id) VALUES (1) ON CONFLICT";
    let checked = firewall
        .check(&format!(
            "{insert} (LOWER(email)) WHERE gone is null DO UPDATE SET email = excluded.email"
        ))
        .unwrap();
    assert!(checked.sql().contains("ON CONFLICT (tenant_id, LOWER(email)) WHERE gone is null DO UPDATE SET email = excluded.email WHERE leads.tenant_id"), "{}", checked.sql());
    for target in [
        "(upper(email))",
        "(lower(email))",
        "(lower(email)) WHERE gone IS NOT NULL",
        "(lower(id))",
        "(id) WHERE gone IS NULL",
        "((SELECT 1))",
        "(lower(email)) WHERE gone IS NULL OR true",
    ] {
        let refused = firewall
            .check(&format!("{insert} {target} DO NOTHING"))
            .unwrap_err();
        assert_eq!(refused.kind(), RefusedKind::Conflict, "{target}: {refused}");
    }
}

#[test]
fn replace_behind_with() {
    accepts(
        Sqlite,
        "WITH c AS (SELECT id FROM leads) REPLACE INTO leads (id) SELECT id FROM c",
        "WITH c AS (SELECT id FROM <<leads>> AS leads) REPLACE INTO leads (id, tenant_id) SELECT id, {v} FROM c",
    );
    // The row in the way may be another tenant's.
    refuses(
        Sqlite,
        "WITH c AS (SELECT 1 AS id) REPLACE INTO contacts (id) SELECT id FROM c",
        RefusedKind::Conflict,
    );
    // A call, and a name like any other.
    assert!(check(Sqlite, "SELECT (1) REPLACE INTO leads").is_err());
    assert!(
        check(
            Sqlite,
            "WITH c AS (SELECT 1) REPLACE INTO leads DEFAULT VALUES SELECT 1"
        )
        .is_err()
    );
}
