//! The tables that the made statements are about, and the few rows in them.

use tenancy_sql::Dialect;

/// What a value is; a column or an expression has one kind throughout, so that the stricter engine takes it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Int,
    Text,
    Real,
    Bool,
}

/// A relation of the catalogue.
#[derive(Debug)]
pub(super) struct Table {
    /// As it is written, with quotes if it needs them.
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Kind)],
    /// How many of the columns, from the first on, are the primary key.
    pub(super) key: usize,
    /// What an upsert may name: the text between ON CONFLICT and DO.
    pub(super) uniques: &'static [&'static str],
    pub(super) role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Tenant,
    Global,
    View,
}

use Kind::{Int, Real, Text};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "companies",
        columns: &[
            ("id", Int),
            ("name", Text),
            ("city", Text),
            ("employees", Int),
            ("rating", Real),
        ],
        key: 1,
        uniques: &["( id )"],
        role: Role::Tenant,
    },
    Table {
        name: "contacts",
        columns: &[
            ("id", Int),
            ("company_id", Int),
            ("name", Text),
            ("email", Text),
            ("manager_id", Int),
            ("age", Int),
        ],
        key: 1,
        uniques: &["( id )", "( email )"],
        role: Role::Tenant,
    },
    Table {
        name: "deals",
        columns: &[
            ("id", Int),
            ("contact_id", Int),
            ("company_id", Int),
            ("stage", Text),
            ("amount", Int),
            ("day", Int),
        ],
        key: 1,
        uniques: &["( id )", "( contact_id , day ) WHERE stage = 'open'"],
        role: Role::Tenant,
    },
    Table {
        name: "tags",
        columns: &[("deal_id", Int), ("tag", Text), ("weight", Int)],
        key: 2,
        uniques: &["( deal_id , tag )", "( tag , deal_id )"],
        role: Role::Tenant,
    },
    Table {
        name: "notes",
        columns: &[("body", Text), ("stars", Int)],
        key: 0,
        uniques: &[],
        role: Role::Tenant,
    },
    Table {
        name: "\"Odd\u{e000}\"\"N\u{e4}me\"",
        columns: &[
            ("\"order\"", Int),
            ("\"Gr\u{f6}\u{df}e\"", Int),
            ("\"a\u{e000}b\"", Text),
        ],
        key: 1,
        uniques: &["( \"order\" )"],
        role: Role::Tenant,
    },
    Table {
        name: "countries",
        columns: &[("code", Text), ("people", Int)],
        key: 1,
        uniques: &[],
        role: Role::Global,
    },
    Table {
        name: "open_deals",
        columns: &[("id", Int), ("amount", Int), ("day", Int)],
        key: 0,
        uniques: &[],
        role: Role::View,
    },
];

/// What makes the tenants' tables, one statement each, as for one tenant alone.
pub(super) const TENANTS: &[&str] = &[
    "CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT, employees INTEGER, rating REAL)",
    "CREATE TABLE contacts (id INTEGER PRIMARY KEY, company_id INTEGER, name TEXT NOT NULL, email TEXT UNIQUE, manager_id INTEGER, age INTEGER)",
    "CREATE TABLE deals (id INTEGER PRIMARY KEY, contact_id INTEGER, company_id INTEGER, stage TEXT NOT NULL, amount INTEGER, day INTEGER)",
    "CREATE TABLE tags (deal_id INTEGER NOT NULL REFERENCES deals (id) ON DELETE CASCADE, tag TEXT NOT NULL, weight INTEGER DEFAULT 1, PRIMARY KEY (deal_id, tag))",
    "CREATE TABLE notes (body TEXT DEFAULT 'empty', stars INTEGER DEFAULT 3)",
    "CREATE TABLE \"Odd \"\"Näme\" (\"order\" INTEGER PRIMARY KEY, \"Größe\" INTEGER, \"a b\" TEXT)",
    "CREATE INDEX contacts_company ON contacts (company_id)",
    "CREATE INDEX deals_stage ON deals (stage, amount DESC)",
    "CREATE UNIQUE INDEX deals_open ON deals (contact_id, day) WHERE stage = 'open'",
];

/// What is the same for all tenants.
pub(super) const GLOBAL: &str = "CREATE TABLE countries (code TEXT PRIMARY KEY, people INTEGER); \
    INSERT INTO countries VALUES ('CH', 9), ('AT', 9), ('DE', 84), ('won', 3)";

/// The view, whose query goes through the firewall too.
pub(super) const VIEW: (&str, &str) = (
    "open_deals",
    "SELECT id, amount, day FROM deals WHERE stage = 'open'",
);

/// The tenant's rows, which are few so that everything is quick, and alike so that everything joins.
pub(super) const ROWS: &[&str] = &[
    "INSERT INTO companies (id, name, city, employees, rating) VALUES (1, 'Ahorn', 'Bern', 12, 4.5), (2, 'Birke', 'Wien', 250, 3.25), (3, 'Cedar', NULL, 12, 4.5), (4, 'Douglas', 'Bern', 3, NULL)",
    "INSERT INTO contacts (id, company_id, name, email, manager_id, age) VALUES (1, 1, 'Ada', 'ada@example.com', NULL, 36), (2, 1, 'Bob', 'bob@example.com', 1, 41), (3, 2, 'Cleo', 'cleo@example.com', 1, 29), (4, 2, 'Dan', NULL, 3, 52), (5, NULL, 'Eve', 'eve@example.com', 3, NULL)",
    "INSERT INTO deals (id, contact_id, company_id, stage, amount, day) VALUES (1, 1, 1, 'won', 100, 1), (2, 1, 1, 'lost', 250, 2), (3, 2, 1, 'open', 75, 2), (4, 3, 2, 'won', 9, 3), (5, 4, 2, 'open', 40, 5), (6, NULL, 3, 'open', NULL, 5)",
    "INSERT INTO tags (deal_id, tag, weight) VALUES (1, 'new', 1), (1, 'big', 3), (2, 'new', 2), (4, 'big', 5), (5, 'open', 1)",
    "INSERT INTO notes (body, stars) VALUES ('open', 1), ('open', 1), ('it''s', 2), (NULL, NULL)",
    "INSERT INTO \"Odd \"\"Näme\" (\"order\", \"Größe\", \"a b\") VALUES (1, 3, 'won'), (2, 1, 'Bern'), (3, NULL, 'x')",
];

/// The settings beside the migrations.
pub(super) fn config(dialect: Dialect, tenant_column: &str) -> String {
    format!(
        "[tenancy]\ndialect = \"{dialect}\"\ntenant_column = \"{tenant_column}\"\nglobal = ['countries']\nviews = ['open_deals']\n"
    )
}
