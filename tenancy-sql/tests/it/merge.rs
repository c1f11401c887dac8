//! MERGE, which PostgreSQL has since 15. Attack B65.

use tenancy_sql::{Access, Dialect, RefusedKind};

use crate::fixture::{accepts, check, refuses};
use Dialect::{Postgres, Sqlite};
use RefusedKind::*;

#[test]
fn b65_on_is_confined_and_rows_are_the_tenants() {
    let checked = accepts(
        Postgres,
        "MERGE INTO leads l USING contacts c ON l.id = c.lead_id OR true \
         WHEN MATCHED AND c.name IS NULL THEN DELETE \
         WHEN MATCHED THEN UPDATE SET name = c.name, amount = (SELECT max(amount) FROM leads) \
         WHEN NOT MATCHED AND c.id > 1 THEN INSERT (id, name) VALUES (c.id, c.name) \
         WHEN NOT MATCHED THEN DO NOTHING",
        "MERGE INTO leads l USING <<contacts>> c ON (l.id = c.lead_id OR true) AND [[l]] \
         WHEN MATCHED AND c.name IS NULL THEN DELETE \
         WHEN MATCHED THEN UPDATE SET name = c.name, amount = (SELECT max(amount) FROM <<leads>> AS leads) \
         WHEN NOT MATCHED AND c.id > 1 THEN INSERT (id, name, tenant_id) VALUES (c.id, c.name, {v}) \
         WHEN NOT MATCHED THEN DO NOTHING",
    );
    assert!(checked.binds_tenant());
    assert_eq!(checked.access(), Access::Write);
}

#[test]
fn targets_and_sources_of_every_kind() {
    for (original, expected) in [
        (
            "MERGE INTO public.leads USING countries ON leads.name = countries.code WHEN MATCHED THEN DELETE",
            "MERGE INTO leads USING countries ON (leads.name = countries.code) AND [[leads]] WHEN MATCHED THEN DELETE",
        ),
        (
            "MERGE INTO ONLY leads AS l USING (SELECT * FROM contacts) c ON l.id = c.id WHEN MATCHED THEN DO NOTHING",
            "MERGE INTO leads AS l USING (SELECT * FROM <<contacts>> AS contacts) c ON (l.id = c.id) AND [[l]] WHEN MATCHED THEN DO NOTHING",
        ),
        (
            "MERGE INTO leads USING (VALUES ($1, $2)) v (id, name) ON leads.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name)",
            "MERGE INTO leads USING (VALUES ($1, $2)) v (id, name) ON (leads.id = v.id) AND [[leads]] WHEN NOT MATCHED THEN INSERT (id, name, tenant_id) VALUES (v.id, v.name, {v})",
        ),
        (
            "MERGE INTO leads USING (contacts c JOIN leads d ON d.id = c.lead_id) ON leads.id = c.id WHEN MATCHED THEN DELETE",
            "MERGE INTO leads USING (<<contacts>> c JOIN <<leads>> d ON d.id = c.lead_id) ON (leads.id = c.id) AND [[leads]] WHEN MATCHED THEN DELETE",
        ),
        (
            "WITH s AS (SELECT id FROM contacts) MERGE INTO leads USING s ON leads.id = s.id WHEN MATCHED THEN DELETE",
            "WITH s AS (SELECT id FROM <<contacts>> AS contacts) MERGE INTO leads USING s ON (leads.id = s.id) AND [[leads]] WHEN MATCHED THEN DELETE",
        ),
        (
            "MERGE INTO leads USING leads AS s ON leads.id = CASE WHEN s.id > 1 THEN s.id ELSE 2 END WHEN MATCHED THEN UPDATE SET name = CASE WHEN true THEN 'a' END",
            "MERGE INTO leads USING <<leads>> AS s ON (leads.id = CASE WHEN s.id > 1 THEN s.id ELSE 2 END) AND [[leads]] WHEN MATCHED THEN UPDATE SET name = CASE WHEN true THEN 'a' END",
        ),
        (
            "MERGE INTO leads USING contacts s ON s.id IN (SELECT id FROM leads) WHEN NOT MATCHED THEN INSERT (id, name) OVERRIDING SYSTEM VALUE VALUES ((SELECT max(id) FROM leads), 'x')",
            "MERGE INTO leads USING <<contacts>> s ON (s.id IN (SELECT id FROM <<leads>> AS leads)) AND [[leads]] WHEN NOT MATCHED THEN INSERT (id, name, tenant_id) OVERRIDING SYSTEM VALUE VALUES ((SELECT max(id) FROM <<leads>> AS leads), 'x', {v})",
        ),
        (
            "MERGE INTO leads l USING leads s ON l.ctid = s.id WHEN MATCHED THEN DELETE",
            "MERGE INTO leads l USING <<leads>> s ON (l.ctid = s.id) AND [[l]] WHEN MATCHED THEN DELETE",
        ),
    ] {
        accepts(Postgres, original, expected);
    }
}

#[test]
fn b65_what_reaches_other_rows_is_refused() {
    let merge = |rest: &str| format!("MERGE INTO leads l USING contacts c ON l.id = c.id {rest}");
    for rest in [
        "WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE AND l.id > 1 THEN UPDATE SET name = 'x'",
        "WHEN NOT MATCHED BY TARGET THEN INSERT (id) VALUES (1)",
        "WHEN MATCHED THEN DELETE RETURNING l.*",
        "WHEN MATCHED THEN DELETE RETURNING merge_action()",
    ] {
        let refused = refuses(Postgres, &merge(rest), Statement);
        assert!(refused.instead().contains("write"), "{refused}");
    }
    for rest in [
        "WHEN MATCHED THEN UPDATE SET tenant_id = c.tenant_id",
        "WHEN MATCHED THEN UPDATE SET (name, \"tenant_id\") = ('a', c.tenant_id)",
        "WHEN NOT MATCHED THEN INSERT (id, tenant_id) VALUES (c.id, c.tenant_id)",
        "WHEN NOT MATCHED THEN INSERT (TENANT_ID) VALUES (c.tenant_id)",
    ] {
        refuses(Postgres, &merge(rest), TenantColumn);
    }
    for sql in [
        "MERGE INTO countries USING leads ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO plans USING leads ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO my_leads USING leads ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO events_0 USING leads ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING plans ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING all_leads ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING pg_class ON true WHEN MATCHED THEN DELETE",
        "WITH s AS (SELECT 1 id) MERGE INTO s USING leads ON true WHEN MATCHED THEN DELETE",
        "WITH leads AS (SELECT 1 id) MERGE INTO leads USING contacts ON true WHEN MATCHED THEN DELETE",
    ] {
        refuses(Postgres, sql, Relation);
    }
    for sql in [
        "MERGE INTO tb.leads USING contacts ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING tb.contacts ON true WHEN MATCHED THEN DELETE",
    ] {
        refuses(Postgres, sql, Qualifier);
    }
    for sql in [
        "MERGE INTO ONLY events USING contacts ON true WHEN MATCHED THEN DELETE",
        "MERGE leads USING contacts ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING contacts ON true",
        "MERGE INTO leads USING contacts ON true WHEN MATCHED THEN UPDATE SET *",
        "MERGE INTO leads USING contacts ON true WHEN NOT MATCHED THEN INSERT *",
        "MERGE INTO leads USING contacts ON true WHEN NOT MATCHED THEN INSERT (id) VALUES (1) WHERE true",
        "MERGE INTO leads USING contacts ON true WHEN MATCHED THEN UPDATE SET name = 'a' WHERE true",
        "MERGE INTO leads USING contacts ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "MERGE INTO leads l (a, b) USING contacts ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING contacts ON pg_sleep(1) IS NULL WHEN MATCHED THEN DELETE",
        "MERGE INTO leads USING contacts JOIN leads d ON true ON true WHEN MATCHED THEN DELETE",
    ] {
        assert!(check(Postgres, sql).is_err(), "{sql}");
    }
    let refused = refuses(
        Sqlite,
        "MERGE INTO leads USING contacts ON true WHEN MATCHED THEN DELETE",
        Statement,
    );
    assert!(refused.instead().contains("ON CONFLICT"), "{refused}");
}
