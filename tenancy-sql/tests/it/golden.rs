//! What accepted statements become.

use tenancy_sql::{Access, Dialect};

use crate::fixture::{accepts, both, check};
use Dialect::{Postgres, Sqlite};

#[test]
fn select() {
    both("SELECT * FROM leads", "SELECT * FROM <<leads>> AS leads");
    both(
        "SELECT l.id FROM leads l WHERE l.id = 1",
        "SELECT l.id FROM <<leads>> l WHERE l.id = 1",
    );
    both(
        "SELECT l.id FROM leads AS l",
        "SELECT l.id FROM <<leads>> AS l",
    );
    both(
        "select count(*) from Leads l join contacts on contacts.lead_id = l.id where l.status = 'a' or 1 = 1 group by l.status having count(*) > 1 order by 1 limit 3 offset 2",
        "select count(*) from <<leads>> l join <<contacts>> AS contacts on contacts.lead_id = l.id where l.status = 'a' or 1 = 1 group by l.status having count(*) > 1 order by 1 limit 3 offset 2",
    );
    both(
        "SELECT * FROM leads, contacts c",
        "SELECT * FROM <<leads>> AS leads, <<contacts>> c",
    );
    both(
        "SELECT * FROM leads a LEFT JOIN leads b ON a.id = b.id NATURAL JOIN contacts CROSS JOIN countries",
        "SELECT * FROM <<leads>> a LEFT JOIN <<leads>> b ON a.id = b.id NATURAL JOIN <<contacts>> AS contacts CROSS JOIN countries",
    );
    both("SELECT code FROM countries", "SELECT code FROM countries");
    both("SELECT 1", "SELECT 1");
    both("SELECT * FROM my_leads", "SELECT * FROM my_leads");
    accepts(
        Postgres,
        "SELECT public.leads.id, public.leads.* FROM public.leads",
        "SELECT leads.id, leads.* FROM <<leads>> AS leads",
    );
    accepts(
        Sqlite,
        "SELECT main.leads.id FROM main.[LEADS] x",
        "SELECT leads.id FROM <<leads>> x",
    );
    accepts(
        Postgres,
        "SELECT o.\"order\" FROM \"Odd \"\"Name\" o",
        "SELECT o.\"order\" FROM <<\"Odd \"\"Name\">> o",
    );
    // Case means nothing to SQLite.
    accepts(
        Sqlite,
        "SELECT o.\"order\" FROM \"Odd \"\"Name\" o",
        "SELECT o.\"order\" FROM <<\"odd \"\"name\">> o",
    );
    accepts(
        Postgres,
        "SELECT name FROM leads FOR UPDATE",
        "SELECT name FROM <<leads>> AS leads FOR UPDATE",
    );
    accepts(
        Postgres,
        "SELECT * FROM leads l TABLESAMPLE SYSTEM (10) REPEATABLE (42) WHERE id = 1",
        "SELECT * FROM (SELECT * FROM leads TABLESAMPLE SYSTEM (10) REPEATABLE (42) WHERE [[leads]]) l WHERE id = 1",
    );
}

#[test]
fn nested() {
    both(
        "SELECT (SELECT max(c.id) FROM contacts c WHERE c.lead_id = l.id) FROM leads l WHERE id IN (SELECT lead_id FROM contacts) AND EXISTS (SELECT 1 FROM leads)",
        "SELECT (SELECT max(c.id) FROM <<contacts>> c WHERE c.lead_id = l.id) FROM <<leads>> l WHERE id IN (SELECT lead_id FROM <<contacts>> AS contacts) AND EXISTS (SELECT 1 FROM <<leads>> AS leads)",
    );
    both(
        "WITH RECURSIVE t(n) AS (SELECT id FROM leads UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t JOIN leads ON n = leads.id",
        "WITH RECURSIVE t(n) AS (SELECT id FROM <<leads>> AS leads UNION ALL SELECT n + 1 FROM t WHERE n < 9) SELECT n FROM t JOIN <<leads>> AS leads ON n = leads.id",
    );
    both(
        "SELECT id FROM leads UNION SELECT id FROM contacts ORDER BY 1",
        "SELECT id FROM <<leads>> AS leads UNION SELECT id FROM <<contacts>> AS contacts ORDER BY 1",
    );
    accepts(
        Postgres,
        "WITH d AS (DELETE FROM leads WHERE id = $1 RETURNING id) SELECT * FROM d",
        "WITH d AS (DELETE FROM leads WHERE (id = $1) AND [[leads]] RETURNING id) SELECT * FROM d",
    );
}

#[test]
fn grouping_by_the_primary_key() {
    accepts(
        Postgres,
        "SELECT id, name, count(*) FROM leads GROUP BY id HAVING count(*) > 1",
        "SELECT id, name, count(*) FROM leads WHERE [[leads]] GROUP BY id, leads.tenant_id HAVING count(*) > 1",
    );
    accepts(
        Postgres,
        "SELECT l.name, c.name FROM public.leads l JOIN contacts AS c ON c.lead_id = l.id WHERE l.id = 1 OR true GROUP BY l.id, c.id ORDER BY 1",
        "SELECT l.name, c.name FROM leads l JOIN contacts AS c ON c.lead_id = l.id WHERE (l.id = 1 OR true) AND [[l]] AND [[c]] GROUP BY l.id, c.id, l.tenant_id, c.tenant_id ORDER BY 1",
    );
    // The side of an outer join that may be missing stays derived: a condition in WHERE would drop rows.
    accepts(
        Postgres,
        "SELECT l.name, count(c.id) FROM leads l LEFT JOIN contacts c ON c.lead_id = l.id GROUP BY l.id, c.id",
        "SELECT l.name, count(c.id) FROM leads l LEFT JOIN <<contacts>> c ON c.lead_id = l.id WHERE [[l]] GROUP BY l.id, c.id, l.tenant_id",
    );
    accepts(
        Postgres,
        "SELECT c.name FROM leads l RIGHT JOIN contacts c ON true GROUP BY l.id, c.id",
        "SELECT c.name FROM <<leads>> l RIGHT JOIN contacts c ON true WHERE [[c]] GROUP BY l.id, c.id, c.tenant_id",
    );
    accepts(
        Postgres,
        "SELECT 1 FROM leads l FULL JOIN contacts c ON true GROUP BY l.id, c.id",
        "SELECT 1 FROM <<leads>> l FULL JOIN <<contacts>> c ON true GROUP BY l.id, c.id",
    );
    // Not the key, or one dimension of many, or nothing else of the table is looked at.
    for sql in [
        "SELECT id, count(*), sum(amount), max(lower(name)) * 2 FROM <<leads>> AS leads GROUP BY id HAVING min(amount) > 1 ORDER BY id",
        "SELECT l.id, c.name FROM <<leads>> l JOIN <<contacts>> c ON c.lead_id = l.id GROUP BY l.id, c.name",
        "SELECT id, name FROM <<leads>> AS leads GROUP BY id, name",
        "SELECT status FROM <<leads>> AS leads GROUP BY status",
        "SELECT id FROM <<leads>> AS leads GROUP BY ROLLUP (id)",
        "SELECT id FROM <<leads>> AS leads GROUP BY GROUPING SETS ((id), ())",
        "SELECT 1 FROM <<leads>> a, <<leads>> b GROUP BY id",
    ] {
        let original = sql
            .replace("<<leads>> AS leads", "leads")
            .replace("<<leads>>", "leads")
            .replace("<<contacts>>", "contacts");
        accepts(Postgres, &original, sql);
    }
    // A column beyond the key in any clause, a window over one, a star, a whole row.
    for (list, behind) in [
        ("id", " HAVING name <> ''"),
        ("id", " ORDER BY name"),
        ("id, max(amount) OVER ()", ""),
        ("id, count(amount) FILTER (WHERE true) OVER ()", ""),
        ("*", ""),
        ("leads.*", ""),
        ("1, leads.*", ""),
        ("to_jsonb(leads)", ""),
    ] {
        accepts(
            Postgres,
            &format!("SELECT {list} FROM leads GROUP BY id{behind}"),
            &format!(
                "SELECT {list} FROM leads WHERE [[leads]] GROUP BY id, leads.tenant_id{behind}"
            ),
        );
    }
    accepts(
        Sqlite,
        "SELECT id, name FROM leads GROUP BY id",
        "SELECT id, name FROM <<leads>> AS leads GROUP BY id",
    );
}

#[test]
fn insert() {
    both(
        "INSERT INTO leads (id, name) VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO leads (id, name, tenant_id) VALUES (1, 'a', {v}), (2, 'b', {v})",
    );
    both(
        "INSERT INTO leads DEFAULT VALUES",
        "INSERT INTO leads (tenant_id) VALUES ({v})",
    );
    both(
        "INSERT INTO contacts VALUES (1, 2, 'e', 'n', NULL) RETURNING *",
        "INSERT INTO contacts (id, lead_id, email, name, is_primary, tenant_id) VALUES (1, 2, 'e', 'n', NULL, {v}) RETURNING *",
    );
    both(
        "INSERT INTO leads (id, name) SELECT id, name FROM contacts UNION ALL SELECT 1, 'x' ORDER BY 1",
        "INSERT INTO leads (id, name, tenant_id) SELECT id, name, {v} FROM <<contacts>> AS contacts UNION ALL SELECT 1, 'x', {v} ORDER BY 1",
    );
    accepts(
        Postgres,
        "INSERT INTO public.leads AS l (id) VALUES ((SELECT max(id) FROM leads)) ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE l.id = 1 OR true RETURNING l.id",
        "INSERT INTO leads AS l (id, tenant_id) VALUES ((SELECT max(id) FROM <<leads>> AS leads), {v}) ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name WHERE (l.id = 1 OR true) AND [[l]] RETURNING l.id",
    );
    both(
        "INSERT INTO leads (id, email) VALUES (1, 'e') ON CONFLICT (email) DO NOTHING",
        "INSERT INTO leads (id, email, tenant_id) VALUES (1, 'e', {v}) ON CONFLICT (tenant_id, email) DO NOTHING",
    );
    both(
        "INSERT INTO leads (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x'",
        "INSERT INTO leads (id, tenant_id) VALUES (1, {v}) ON CONFLICT (tenant_id, id) DO UPDATE SET name = 'x' WHERE [[leads]]",
    );
    accepts(
        Postgres,
        "INSERT INTO leads (id) SELECT a IS DISTINCT FROM b, extract(day FROM now()) FROM contacts ON CONFLICT ON CONSTRAINT leads_pkey DO NOTHING",
        "INSERT INTO leads (id, tenant_id) SELECT a IS DISTINCT FROM b, extract(day FROM now()), {v} FROM <<contacts>> AS contacts ON CONFLICT ON CONSTRAINT leads_pkey DO NOTHING",
    );
}

#[test]
fn update_and_delete() {
    both(
        "UPDATE leads SET name = 'a'",
        "UPDATE leads SET name = 'a' WHERE [[leads]]",
    );
    both(
        "UPDATE leads SET name = 'a', amount = (SELECT max(amount) FROM leads) WHERE id = 1 OR 2 = 2 -- x\n RETURNING id;",
        "UPDATE leads SET name = 'a', amount = (SELECT max(amount) FROM <<leads>> AS leads) WHERE (id = 1 OR 2 = 2) AND [[leads]] -- x\n RETURNING id;",
    );
    both(
        "UPDATE leads AS l SET name = c.name FROM contacts c WHERE c.lead_id = l.id",
        "UPDATE leads AS l SET name = c.name FROM <<contacts>> c WHERE (c.lead_id = l.id) AND [[l]]",
    );
    both("DELETE FROM leads", "DELETE FROM leads WHERE [[leads]]");
    both(
        "DELETE FROM leads WHERE id = 1 OR id = 2",
        "DELETE FROM leads WHERE (id = 1 OR id = 2) AND [[leads]]",
    );
    accepts(
        Postgres,
        "DELETE FROM leads l USING contacts c WHERE c.lead_id = l.id RETURNING l.id",
        "DELETE FROM leads l USING <<contacts>> c WHERE (c.lead_id = l.id) AND [[l]] RETURNING l.id",
    );
    accepts(
        Postgres,
        "DELETE FROM leads AS l USING contacts",
        "DELETE FROM leads AS l USING <<contacts>> AS contacts WHERE [[l]]",
    );
}

#[test]
fn placeholders_and_access() {
    let seen = |dialect, sql: &str| {
        let checked =
            check(dialect, sql).unwrap_or_else(|refused| panic!("{}", refused.render(sql)));
        (checked.params(), checked.binds_tenant(), checked.access())
    };
    assert_eq!(
        seen(Postgres, "SELECT * FROM leads WHERE id = $2 OR id = $1"),
        (2, true, Access::Read)
    );
    assert_eq!(
        seen(Sqlite, "SELECT * FROM leads WHERE id = ? OR id = ?"),
        (2, true, Access::Read)
    );
    assert_eq!(seen(Sqlite, "SELECT ?2, ?1, ?2"), (2, false, Access::Read));
    assert_eq!(
        seen(Postgres, "SELECT * FROM leads FOR SHARE").2,
        Access::Write
    );
    assert_eq!(seen(Postgres, "SELECT touch(1)").2, Access::Write);
    assert_eq!(
        seen(
            Postgres,
            "WITH d AS (DELETE FROM leads RETURNING 1) SELECT 1"
        )
        .2,
        Access::Write
    );
    let checked = check(Sqlite, "SELECT * FROM leads WHERE id = ?1").unwrap();
    assert_eq!(
        &**checked.sql(),
        "SELECT * FROM (SELECT * FROM leads WHERE leads.tenant_id = ?2) AS leads WHERE id = ?1"
    );
    let checked = check(Sqlite, "SELECT * FROM leads WHERE id = $1").unwrap();
    assert_eq!(
        &**checked.sql(),
        "SELECT * FROM (SELECT * FROM leads WHERE leads.tenant_id = $2) AS leads WHERE id = $1"
    );
}

#[test]
fn positions_map_back() {
    let sql = "SELECT ü, nope FROM leads WHERE oops = 1";
    let checked = check(Postgres, sql).unwrap();
    let position = |text: &str, word: &str| text[..text.find(word).unwrap()].chars().count() + 1;
    for word in ["nope", "oops"] {
        assert_eq!(
            checked.original_position(position(checked.sql(), word)),
            Some(position(sql, word)),
            "{word}"
        );
    }
    assert_eq!(
        checked.original_position(position(checked.sql(), "pg_catalog")),
        Some(position(sql, "leads"))
    );
    assert_eq!(checked.original_position(0), None);
    assert_eq!(checked.original_position(10_000), None);
}
