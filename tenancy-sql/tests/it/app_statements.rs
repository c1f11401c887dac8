//! 224 statements in the manner of an application, where that file is at hand: each is accepted, or on the list of those
//! refused on purpose. The list may only shrink.

use std::path::Path;

use tenancy_sql::{Catalog, Config, Dialect, Firewall, RefusedKind};

const SCHEMA: &str = r#"
CREATE TABLE leads (
    tenant_id uuid NOT NULL, id bigint NOT NULL, name text, status text, amount numeric, owner_id bigint, lead_id bigint,
    email text, data jsonb, items jsonb, tags text[], search tsvector, locked boolean, n int, a int, b int, c int,
    parent_id bigint, created_at timestamptz, deleted_at timestamptz, archived boolean, "Name" text, PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX leads_lower ON leads (tenant_id, lower(name)) WHERE deleted_at IS NULL;
CREATE TABLE contacts (
    tenant_id uuid NOT NULL, id bigint NOT NULL, lead_id bigint, email text, name text, status text, amount numeric,
    is_primary boolean, bounced boolean, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE deals (tenant_id uuid NOT NULL, id bigint, contact_id bigint, PRIMARY KEY (tenant_id, id));
CREATE TABLE folders (tenant_id uuid NOT NULL, id bigint, parent_id bigint, PRIMARY KEY (tenant_id, id));
CREATE TABLE leads_archive (
    tenant_id uuid NOT NULL, id bigint NOT NULL, name text, status text, amount numeric, owner_id bigint, lead_id bigint,
    email text, data jsonb, items jsonb, tags text[], search tsvector, locked boolean, n int, a int, b int, c int,
    parent_id bigint, created_at timestamptz, deleted_at timestamptz, archived boolean, "Name" text, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE names (tenant_id uuid NOT NULL, name text);
CREATE TABLE staging (tenant_id uuid NOT NULL, id bigint, name text, del boolean);
CREATE TABLE t1 (tenant_id uuid NOT NULL, a int, b int);
CREATE TABLE t2 (tenant_id uuid NOT NULL, a int, b int);
CREATE TABLE t3 (tenant_id uuid NOT NULL, a int, b int);
"#;

/// A table that some statements name like a common table expression of others.
const T: &str = "CREATE TABLE t (tenant_id uuid NOT NULL, a int, b int, c int, d int, e int, \"B\" int, doc xml, data jsonb, x int);";

const CONFIG: &str =
    "[tenancy]\nfunctions = ['f', 'my_func']\n# A field of what f makes.\npure_functions = ['y']";

/// Beginnings of the statements refused on purpose, by the rule that refuses them.
const ON_PURPOSE: &[(&str, RefusedKind, &[&str])] = &[
    (
        "does not read or write rows: the pool's business, a migration's, or nobody's",
        RefusedKind::Statement,
        &[
            "ALTER",
            "BEGIN",
            "CALL",
            "COMMIT",
            "CREATE",
            "DISCARD",
            "DO",
            "EXPLAIN",
            "GRANT",
            "LISTEN",
            "LOCK",
            "NOTIFY",
            "REFRESH",
            "RESET",
            "ROLLBACK",
            "SAVEPOINT",
            "SET",
            "SHOW",
            "TRUNCATE",
        ],
    ),
    (
        "moves rows past the statement that was checked: COPY, prepared statements, cursors",
        RefusedKind::Statement,
        &["CLOSE", "COPY", "DECLARE", "EXECUTE", "FETCH", "PREPARE"],
    ),
    (
        "there is no cursor to be at, so the parser does not read it",
        RefusedKind::Syntax,
        &["UPDATE ONLY leads SET n = n + 1 WHERE CURRENT OF"],
    ),
    (
        "more than one statement",
        RefusedKind::StatementCount,
        &["SELECT 1; DELETE"],
    ),
    (
        "makes a table",
        RefusedKind::Statement,
        &["SELECT * INTO TEMP"],
    ),
    (
        "makes a table, and reads like a column called INTO",
        RefusedKind::Syntax,
        &["SELECT INTO newt"],
    ),
    (
        "a name that means another thing to each engine",
        RefusedKind::Relation,
        &["WITH leads AS ("],
    ),
    (
        "a name that leaves the tenant's tables",
        RefusedKind::Qualifier,
        &[
            "SELECT t.a, t.\"B\", s.t.a",
            "SELECT * FROM pg_catalog.",
            "SELECT * FROM information_schema.",
        ],
    ),
    (
        "a function that changes, locks or reads what is not the tenant's",
        RefusedKind::Function,
        &[
            "SELECT nextval(",
            "SELECT set_config(",
            "SELECT current_setting(",
            "SELECT pg_advisory_xact_lock(",
        ],
    ),
    (
        "rows of the target that no source row meets are those of all tenants, and only PostgreSQL 17 has it",
        RefusedKind::Statement,
        &["MERGE INTO leads l USING staging s ON l.id = s.id WHEN NOT MATCHED BY SOURCE"],
    ),
];

#[test]
fn each_is_accepted_or_refused_on_purpose() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle/app_statements.sql");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: no {}", path.display());
        return;
    };
    let firewall = |with_t: bool| {
        let mut builder = Catalog::builder(Dialect::Postgres)
            .config(&Config::parse(CONFIG).unwrap())
            .migration("app.sql", SCHEMA);
        if with_t {
            builder = builder.migration("t.sql", T);
        }
        Firewall::new(builder.build().unwrap())
    };
    let (with, without) = (firewall(true), firewall(false));
    let (mut accepted, mut refused, mut unread, mut wrong) = (0, 0, 0, Vec::new());
    for statement in text.lines().filter(|line| !line.is_empty()) {
        let answer = with
            .check(statement)
            .or_else(|_| without.check(statement))
            .or_else(|_| with.check(statement));
        let on_purpose = ON_PURPOSE
            .iter()
            .find(|(_, _, starts)| starts.iter().any(|start| statement.starts_with(start)));
        match (answer, on_purpose) {
            (Ok(_), None) => accepted += 1,
            (Err(reason), Some((_, kind, _))) if reason.kind() == *kind => {
                refused += 1;
                unread += usize::from(*kind == RefusedKind::Syntax);
            }
            (Ok(checked), Some(_)) => {
                wrong.push(format!("accepted: {statement}\n  {}", checked.sql()));
            }
            (Err(reason), _) => {
                wrong.push(format!(
                    "refused: {statement}\n  {:?}: {reason}",
                    reason.kind()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((accepted, refused, unread), (170, 54, 2));
    eprintln!(
        "{accepted} accepted, {refused} refused on purpose, of which the parser can't read {unread}"
    );
}
