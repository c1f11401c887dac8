//! The tables that are attacked, without row level security: once with the rows of tenant 1 alone, once with those of tenant 2
//! beside them, who has the same keys and a few rows more.

use tenancy_sql::{Catalog, Config, Dialect, Firewall};

pub(super) const OURS: i64 = 1;

/// The tables with a tenant column.
pub(super) const TABLES: &[&str] = &[
    "contacts", "kids", "labels", "leads", LONG, "names", "tokens",
];

/// As long as PostgreSQL lets a name be.
const LONG: &str = "long_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

const DDL: &str = "
CREATE TABLE leads (
    tenant_id BIGINT NOT NULL, id BIGINT NOT NULL, name TEXT, email TEXT, amount NUMERIC, at TIMESTAMP DEFAULT '2026-01-01',
    PRIMARY KEY (tenant_id, id), CONSTRAINT leads_email UNIQUE (tenant_id, email)
);
CREATE TABLE contacts (
    tenant_id BIGINT NOT NULL, id BIGINT NOT NULL, lead_id BIGINT, name TEXT,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id) ON DELETE CASCADE
);
CREATE TABLE tokens (tenant_id BIGINT NOT NULL, id BIGINT NOT NULL UNIQUE, code TEXT UNIQUE, PRIMARY KEY (tenant_id, id));
CREATE TABLE kids (
    tenant_id BIGINT NOT NULL, id BIGINT NOT NULL, token_id BIGINT REFERENCES tokens (id) ON DELETE CASCADE, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE names (tenant_id BIGINT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (tenant_id, name));
CREATE TABLE labels (tenant_id BIGINT NOT NULL, name TEXT DEFAULT 'plain');
CREATE TABLE LONG (tenant_id BIGINT NOT NULL, id BIGINT NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE plans (id BIGINT PRIMARY KEY);
CREATE VIEW all_leads AS SELECT * FROM leads;
";

const OWN: &str = "
INSERT INTO countries VALUES ('de', 'Germany'), ('at', 'Austria'), ('ch', 'Switzerland');
INSERT INTO plans VALUES (1);
INSERT INTO leads (tenant_id, id, name, email, amount) VALUES (1, 1, 'own 1', 'e1', 10), (1, 2, 'own 2', 'e2', 20), (1, 3, 'own 3', 'e3', 30);
INSERT INTO contacts VALUES (1, 1, 1, 'own 1'), (1, 2, 2, 'own 2'), (1, 3, NULL, 'own 3'), (1, 7, 2, 'own 7'), (1, 8, 2, 'own 8'), (1, 9, 1, 'own 9');
INSERT INTO tokens VALUES (1, 1, 'ours');
INSERT INTO names VALUES (1, 'own 1'), (1, 'own 2');
INSERT INTO labels VALUES (1, 'own 1');
INSERT INTO LONG VALUES (1, 1);
";

const THEIRS: &str = "
INSERT INTO leads (tenant_id, id, name, email, amount) VALUES (2, 1, 'foreign 1', 'e1', 42), (2, 2, 'foreign 2', 'e2', 20),
    (2, 3, 'foreign 3', 'e3', 30), (2, 4, 'foreign 4', 'e4', 40), (2, 5, 'foreign 5', 'e5', 50);
INSERT INTO contacts VALUES (2, 1, 1, 'foreign 1'), (2, 2, 2, 'foreign 2'), (2, 3, 4, 'foreign 3'), (2, 4, 5, 'foreign 4'), (2, 5, 1, 'foreign 5');
INSERT INTO tokens VALUES (2, 2, 'theirs');
INSERT INTO kids VALUES (2, 1, 2);
INSERT INTO names VALUES (2, 'foreign 1'), (2, 'own 1');
INSERT INTO labels VALUES (2, 'own 2'), (2, 'foreign 1');
INSERT INTO LONG VALUES (2, 1), (2, 2);
";

/// The statements that make a world, with neighbours or alone.
pub(super) fn script(neighbours: bool) -> String {
    let rows = if neighbours { THEIRS } else { "" };
    format!("{DDL}{OWN}{rows}").replace("LONG", LONG)
}

pub(super) fn catalog(dialect: Dialect) -> Catalog {
    let config = "[tenancy]\nglobal = ['countries']\ncentral = ['plans']";
    Catalog::builder(dialect)
        .config(&Config::parse(config).unwrap())
        .migration("world.sql", DDL.replace("LONG", LONG))
        .build()
        .unwrap()
}

pub(super) fn firewall(dialect: Dialect) -> Firewall {
    Firewall::new(catalog(dialect))
}
