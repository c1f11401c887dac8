//! A file with two tenants whose rows have the same keys, and connections to it.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tenancy_sqlite_wall::{Key, Rules, Wall};

const SCHEMA: &str = "
    CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, secret TEXT NOT NULL);
    CREATE TABLE users (
        tenant_id INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (tenant_id, id));
    CREATE TABLE leads (
        tenant_id INTEGER NOT NULL REFERENCES accounts, id INTEGER NOT NULL, name TEXT NOT NULL, owner_id INTEGER,
        email TEXT, upper_name TEXT GENERATED ALWAYS AS (upper(name)) VIRTUAL,
        PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id));
    CREATE UNIQUE INDEX leads_email ON leads (email) WHERE email IS NOT NULL;
    CREATE INDEX leads_name ON leads (tenant_id, name);
    CREATE TABLE notes (
        tenant_id INTEGER NOT NULL, id INTEGER NOT NULL, lead_id INTEGER, text TEXT NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE)
        WITHOUT ROWID;
    CREATE TABLE parents (tenant_id INTEGER NOT NULL, id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
    CREATE TABLE children (
        tenant_id INTEGER NOT NULL, id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parents ON DELETE CASCADE);
    CREATE TABLE undeclared (tenant_id INTEGER NOT NULL, secret TEXT NOT NULL);
    CREATE VIEW all_leads AS SELECT * FROM leads;
    CREATE VIRTUAL TABLE search USING fts5 (body);
    INSERT INTO countries VALUES ('NL', 'Netherlands');
    INSERT INTO accounts VALUES (1, 'secret 1'), (2, 'secret 2');
    INSERT INTO undeclared VALUES (1, 'secret 1'), (2, 'secret 2');
    INSERT INTO search VALUES ('secret 2');
    INSERT INTO users SELECT value, 1, 'user of ' || value FROM json_each('[1,2]');
    INSERT INTO leads (tenant_id, id, name, owner_id, email)
        SELECT t.value, i.value, 'lead ' || i.value || ' of ' || t.value, 1, i.value || '@' || t.value
        FROM json_each('[1,2]') t, json_each('[1,2,3]') i;
    INSERT INTO notes SELECT t.value, i.value, i.value, 'note of ' || t.value
        FROM json_each('[1,2]') t, json_each('[1,2,3]') i;
    INSERT INTO parents (tenant_id, id, name) VALUES (1, 1, 'parent of 1'), (2, 2, 'parent of 2');
    INSERT INTO children VALUES (1, 1, 1), (2, 2, 2);
";

/// Tables with rows of tenants.
const TABLES: [&str; 6] = [
    "users",
    "leads",
    "notes",
    "parents",
    "children",
    "undeclared",
];

pub(crate) struct World {
    folder: tempfile::TempDir,
}

pub(crate) fn rules() -> Rules {
    ["users", "leads", "notes", "parents", "children"]
        .into_iter()
        .fold(Rules::new("tenant_id"), Rules::tenant_table)
        .open_table("countries")
}

impl World {
    pub(crate) async fn new() -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut owner = world
            .options()
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        owner.execute(SCHEMA).await.unwrap();
        owner.close().await.unwrap();
        world
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(self.file())
            .journal_mode(SqliteJournalMode::Wal)
    }

    pub(crate) fn file(&self) -> String {
        self.folder
            .path()
            .join("shared.db")
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// A connection without a wall: the owner's.
    pub(crate) async fn owner(&self) -> SqliteConnection {
        self.options().connect().await.unwrap()
    }

    /// A connection behind a wall, of no tenant yet.
    pub(crate) async fn walled(&self, rules: &Rules) -> Walled {
        let mut conn = SqliteConnectOptions::new()
            .filename(":memory:")
            .connect()
            .await
            .unwrap();
        let wall = Wall::build(&mut conn, &self.file(), rules).await.unwrap();
        Walled { conn, wall }
    }

    /// A connection of tenant 1.
    pub(crate) async fn tenant(&self) -> Walled {
        let walled = self.walled(&rules()).await;
        walled.wall.enter(Key::Integer(1));
        walled
    }

    /// Everything that belongs to tenant 2, as text.
    pub(crate) async fn of_two(&self) -> String {
        let mut owner = self.owner().await;
        let mut all = String::new();
        for table in TABLES {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                .bind(table)
                .fetch_all(&mut owner)
                .await
                .unwrap();
            let sql = format!(
                "SELECT coalesce(group_concat(row, ';'), '') FROM (SELECT json_array({}) AS row FROM {table} WHERE tenant_id = 2 ORDER BY 1)",
                columns.join(", ")
            );
            let rows: String = sqlx::query_scalar(AssertSqlSafe(sql)) // names of the test
                .fetch_one(&mut owner)
                .await
                .unwrap();
            all.push_str(&format!("{table}: {rows}\n"));
        }
        owner.close().await.unwrap();
        all
    }
}

pub(crate) struct Walled {
    pub(crate) conn: SqliteConnection,
    pub(crate) wall: Wall,
}

impl Walled {
    /// Runs a statement; `%` in it stands for the schema that targets of writes are named with.
    pub(crate) async fn run(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        let sql = sql.replace('%', self.wall.schema());
        let done = sqlx::query(AssertSqlSafe(sql)) // text of the test
            .execute(&mut self.conn)
            .await?;
        Ok(done.rows_affected())
    }

    /// All values of the first column, as text.
    pub(crate) async fn column(&mut self, sql: &str) -> Result<Vec<String>, sqlx::Error> {
        let sql = sql.replace('%', self.wall.schema());
        let rows: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(sql)) // text of the test
            .fetch_all(&mut self.conn)
            .await?;
        Ok(rows
            .into_iter()
            .map(|value| value.unwrap_or_else(|| "NULL".to_owned()))
            .collect())
    }
}
