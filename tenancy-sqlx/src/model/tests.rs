//! The texts that lists are put together to. A model by hand; nothing is sent.

use sqlx::Sqlite;
use tenancy_core::ServerName;
use tenancy_sql::{Catalog, Dialect};

use super::join::JoinParts;
use super::*;
use crate::{SqliteServer, TenantDb, TenantPool};

struct Lead {
    id: i64,
    status: String,
}

const ID: Column<Lead> = Column::new(0, "id").key();
const STATUS: Column<Lead> = Column::new(1, "status");

impl TenantScoped for Lead {
    type Key = i64;
    const TABLE: &'static str = "leads";
    const COLUMNS: &'static [Column<Self>] = &[ID, STATUS];
    const LIST: &'static str = "id, status";
    const BY_KEY: &'static str = "id = $1";
    const SELECT: &'static str = "SELECT id, status FROM leads";
    const FIND: &'static str = "SELECT id, status FROM leads WHERE id = $1";
    const COUNT: &'static str = "SELECT count(*) FROM leads";
    const EXISTS: &'static str = "SELECT 1 FROM leads WHERE id = $1";
}

impl<DB: TenantDb> Stored<DB> for Lead
where
    i64: Value<DB>,
    String: Value<DB>,
{
    fn load(row: &DB::Row, at: usize) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: DB::column(row, at)?,
            status: DB::column(row, at + 1)?,
        })
    }

    fn value(&self, column: usize, values: &mut Values<DB>) {
        match column {
            0 => values.add(self.id),
            _ => values.add(&self.status),
        }
    }

    fn key(key: i64, values: &mut Values<DB>) {
        values.add(key);
    }
}

fn pool() -> TenantPool<Sqlite> {
    let ddl = "CREATE TABLE leads (tenant_id BLOB NOT NULL, id INTEGER NOT NULL, status TEXT NOT NULL, PRIMARY KEY (tenant_id, id))";
    let catalog = Catalog::builder(Dialect::Sqlite).migration("1.sql", ddl);
    TenantPool::builder(catalog.build().unwrap())
        .server(ServerName::default(), SqliteServer::folder("nowhere"))
        .build()
        .unwrap()
}

#[track_caller]
fn check<S>(select: Select<Lead, Sqlite, S>, expect: &str) {
    let (sql, _) = select.statement(&&pool()).unwrap();
    assert_eq!(sql.as_str(), expect);
    assert!(pool().firewall().check(expect).is_ok());
}

#[test]
fn lists() {
    check(select(), "SELECT id, status FROM leads");
    check(find(7), "SELECT id, status FROM leads WHERE id = $1");
    check(
        find(7).and("status = $2").bind("open"),
        "SELECT id, status FROM leads WHERE ((id = $1) AND (status = $2))",
    );
    check(
        filter("status = $1")
            .bind("open")
            .order_by_desc("status")
            .order_by(ID)
            .limit(3)
            .offset(6),
        "SELECT id, status FROM leads WHERE (status = $1) ORDER BY status DESC, id LIMIT $2 OFFSET $3",
    );
    check(
        select().order_by(STATUS.desc()).order_by_desc(ID.desc()),
        "SELECT id, status FROM leads ORDER BY status DESC, id",
    );
}

#[test]
fn pages() {
    let last = Lead {
        id: 7,
        status: "open".to_owned(),
    };
    check(
        select().page(3).into_select(),
        "SELECT id, status FROM leads ORDER BY id LIMIT $1",
    );
    check(
        select().page_after((7_i64,), 3).into_select(),
        "SELECT id, status FROM leads WHERE (id > $1) ORDER BY id LIMIT $2",
    );
    check(
        select()
            .order_by("status")
            .page_after(&last, 3)
            .into_select(),
        "SELECT id, status FROM leads WHERE ((status, id) > ($1, $2)) ORDER BY status, id LIMIT $3",
    );
    check(
        filter("id <> $1")
            .bind(1_i64)
            .order_by_desc("status")
            .page_after(&last, 3)
            .into_select(),
        "SELECT id, status FROM leads WHERE (id <> $1) AND ((status, id) < ($2, $3)) ORDER BY status DESC, id DESC LIMIT $4",
    );
    check(
        select()
            .order_by_desc("status")
            .order_by("id")
            .page_after(&last, 3)
            .into_select(),
        "SELECT id, status FROM leads WHERE (status < $1 OR (status = $1 AND (id > $2))) ORDER BY status DESC, id LIMIT $3",
    );
}

#[test]
fn joins() {
    const FROM: &str = "leads LEFT JOIN leads AS parent ON parent.id = leads.id";
    const PARTS: JoinParts<Lead, Lead> = JoinParts {
        table: "leads",
        columns: Lead::COLUMNS,
        alias: "parent",
        others: Lead::COLUMNS,
        from: FROM,
    };
    const TEXT: [u8; PARTS.len()] = PARTS.bytes();
    const JOIN: Join = Join::of(&TEXT, FROM);
    check(
        may_have::<Lead, Lead, Sqlite>(JOIN)
            .and("parent.status = $1")
            .bind("open")
            .order_by("status")
            .page_after((1_i64, 2_i64), 3)
            .into_select(),
        "SELECT leads.id, leads.status, parent.id, parent.status FROM leads LEFT JOIN leads AS parent ON parent.id = leads.id \
         WHERE (parent.status = $1) AND ((leads.status, leads.id) > ($2, $3)) ORDER BY leads.status, leads.id LIMIT $4",
    );
}
