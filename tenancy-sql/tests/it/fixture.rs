//! One schema for all tests, in both dialects, and the three questions tests ask about a statement.

use tenancy_sql::{Catalog, Checked, Dialect, Firewall, Refused, RefusedKind};

pub(crate) const POSTGRES: &str = r#"
CREATE TABLE leads (
    tenant_id uuid NOT NULL, id bigint NOT NULL, name text, status text NOT NULL DEFAULT 'open', amount numeric,
    owner_id bigint, email text, data jsonb, tags text[], total numeric GENERATED ALWAYS AS (amount * 2) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email), CONSTRAINT leads_name_key UNIQUE (name, tenant_id)
);
CREATE TABLE contacts (
    tenant_id uuid NOT NULL, id bigint NOT NULL, lead_id bigint, email text UNIQUE, name text, is_primary boolean,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE TABLE "Odd ""Name" (tenant_id uuid NOT NULL, "order" int, PRIMARY KEY (tenant_id, "order"));
CREATE TABLE events (tenant_id uuid NOT NULL, id bigint, PRIMARY KEY (tenant_id, id)) PARTITION BY HASH (tenant_id);
CREATE TABLE events_0 PARTITION OF events FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE shapes (tenant_id uuid NOT NULL, id bigint, outline polygon, raw JSON, PRIMARY KEY (tenant_id, id));
CREATE TABLE countries (code text PRIMARY KEY, name text);
CREATE TABLE plans (id int PRIMARY KEY);
CREATE VIEW all_leads AS SELECT * FROM leads;
CREATE VIEW my_leads WITH (security_invoker = true) AS SELECT * FROM leads;
CREATE FUNCTION score(leads) RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM leads';
"#;

pub(crate) const SQLITE: &str = r#"
CREATE TABLE leads (
    tenant_id TEXT NOT NULL, id INTEGER NOT NULL, name TEXT, status TEXT NOT NULL DEFAULT 'open', amount REAL,
    owner_id INTEGER, email TEXT, data TEXT, total REAL GENERATED ALWAYS AS (amount * 2) STORED,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, email)
);
CREATE TABLE contacts (
    tenant_id TEXT NOT NULL, id INTEGER NOT NULL, lead_id INTEGER, email TEXT UNIQUE, name TEXT, is_primary INTEGER,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE TABLE "Odd ""Name" (tenant_id TEXT NOT NULL, "order" int, PRIMARY KEY (tenant_id, "order"));
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE plans (id INTEGER PRIMARY KEY);
CREATE VIEW all_leads AS SELECT * FROM leads;
CREATE VIEW my_leads AS SELECT * FROM leads;
"#;

const CONFIG: &str = "[tenancy]\nglobal = ['countries']\ncentral = ['plans']\nviews = ['my_leads']\nfunctions = ['touch']";

pub(crate) fn firewall(dialect: Dialect) -> Firewall {
    let ddl = match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
    };
    let config = tenancy_sql::Config::parse(CONFIG).unwrap();
    let catalog = Catalog::builder(dialect)
        .config(&config)
        .migration("0001.sql", ddl)
        .build();
    Firewall::new(catalog.unwrap_or_else(|error| panic!("{error}")))
}

pub(crate) fn check(dialect: Dialect, sql: &str) -> Result<Checked, Refused> {
    firewall(dialect)
        .check(sql)
        .map(|checked| (*checked).clone())
}

/// In the expected text `<<leads>>` stands for the derived table, `[[l]]` for the predicate on `l`, `{v}` for the tenant.
pub(crate) fn accepts(dialect: Dialect, sql: &str, expected: &str) -> Checked {
    let checked = check(dialect, sql).unwrap_or_else(|refused| panic!("{}", refused.render(sql)));
    let value = match dialect {
        Dialect::Postgres => format!("${}::uuid", checked.params() + 1),
        Dialect::Sqlite => format!("${}", checked.params() + 1),
    };
    let equals = match dialect {
        Dialect::Postgres => "OPERATOR(pg_catalog.=)",
        Dialect::Sqlite => "=",
    };
    let predicate = |table: &str| format!("{table}.tenant_id {equals} {value}");
    let mut text = expected.replace("{v}", &value);
    while let Some(start) = text.find("<<") {
        let end = text.find(">>").unwrap();
        let table = text[start + 2..end].to_owned();
        text.replace_range(
            start..end + 2,
            &format!("(SELECT * FROM {table} WHERE {})", predicate(&table)),
        );
    }
    while let Some(start) = text.find("[[") {
        let end = text.find("]]").unwrap();
        let name = text[start + 2..end].to_owned();
        text.replace_range(start..end + 2, &predicate(&name));
    }
    assert_eq!(&**checked.sql(), text, "\n{sql}");
    checked
}

pub(crate) fn both(sql: &str, expected: &str) {
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        accepts(dialect, sql, expected);
    }
}

#[track_caller]
pub(crate) fn refuses(dialect: Dialect, sql: &str, kind: RefusedKind) -> Refused {
    match check(dialect, sql) {
        Ok(checked) => panic!("{dialect} accepted\n{sql}\nas\n{}", checked.sql()),
        Err(refused) => {
            assert_eq!(refused.kind(), kind, "{}", refused.render(sql));
            refused
        }
    }
}

#[track_caller]
pub(crate) fn both_refuse(sql: &str, kind: RefusedKind) {
    refuses(Dialect::Postgres, sql, kind);
    refuses(Dialect::Sqlite, sql, kind);
}
