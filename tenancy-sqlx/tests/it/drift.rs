//! The migrations against the tables that are there, on both engines.

use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection};
use tenancy_core::Isolation;
use tenancy_sql::{Catalog, Dialect, Drift, DriftKind};
use tenancy_sqlx::{drift, walls};

use crate::places::{Files, Pg, catalog, new};
use DriftKind::*;

const POSTGRES: &str = "
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE people (
    tenant_id uuid NOT NULL DEFAULT NULLIF(current_setting('app.tenant_id', true), '')::uuid, id bigserial, n int4 NOT NULL,
    name varchar(20), code char(3), at timestamptz(3) NOT NULL DEFAULT now(), day timestamp, clock timetz, amount decimal(12, 2),
    tags text[] NOT NULL DEFAULT '{}', grid int[3][3], feels mood, is_on bool, ratio float8, data jsonb, raw bytea, key uuid,
    twice bigint GENERATED ALWAYS AS (n * 2) STORED, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, name)
);
CREATE UNIQUE INDEX by_lower ON people (tenant_id, lower(name)) WHERE n > 1;
CREATE INDEX plain ON people (n);
CREATE TABLE pets (
    tenant_id uuid NOT NULL, id int GENERATED ALWAYS AS IDENTITY, owner bigint, \"Odd \"\"Name\" int,
    PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, owner) REFERENCES people ON DELETE CASCADE
) PARTITION BY HASH (tenant_id);
CREATE TABLE pets_0 PARTITION OF pets FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE countries (code text PRIMARY KEY);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER stamp BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE kept AS ON DELETE TO countries DO INSTEAD NOTHING;
ALTER TABLE people RENAME COLUMN key TO token;
ALTER TABLE people DROP COLUMN clock, ADD COLUMN note text NOT NULL DEFAULT '';
";

const SQLITE: &str = "
CREATE TABLE people (
    tenant_id TEXT NOT NULL, id INTEGER NOT NULL, n INT, name VARCHAR ( 20 ), at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, plain,
    twice INTEGER GENERATED ALWAYS AS (n * 2) STORED, thrice INTEGER AS (n * 3), PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, name)
);
CREATE UNIQUE INDEX by_lower ON people (tenant_id, lower(name)) WHERE n > 1;
CREATE TABLE Pets (
    tenant_id TEXT NOT NULL, id INTEGER, owner INTEGER, \"Odd \"\"Name\" int, PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner) REFERENCES People ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE countries (code TEXT PRIMARY KEY);
CREATE TRIGGER stamp AFTER INSERT ON people BEGIN UPDATE people SET at = 'now' WHERE id = NEW.id AND tenant_id = NEW.tenant_id; END;
ALTER TABLE people RENAME COLUMN n TO m;
ALTER TABLE people ADD COLUMN note TEXT NOT NULL DEFAULT '';
";

fn wide(dialect: Dialect) -> (Catalog, &'static str) {
    let sql = match dialect {
        Dialect::Postgres => POSTGRES,
        Dialect::Sqlite => SQLITE,
    };
    let catalog = Catalog::builder(dialect)
        .global(["countries"])
        .migration("1_wide.sql", sql)
        .build()
        .unwrap();
    (catalog, sql)
}

/// What a change of the database comes to, and that undoing it ends it.
fn told(found: &[Drift], kind: DriftKind, table: &str, part: &str) {
    assert!(
        found.iter().any(|drift| drift.kind() == kind
            && drift.table() == table
            && drift.to_string().contains(part)),
        "{kind:?} of {table}, {part}: {found:#?}"
    );
}

#[tokio::test]
async fn postgres_as_migrated_and_as_changed() {
    let place = Pg::new().await;
    let (catalog, sql) = wide(Dialect::Postgres);
    let mut conn = place.owner.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
    let found = drift::postgres(&mut conn, &catalog, "public")
        .await
        .unwrap();
    // The registry's tables have their own schema, and the sixth migration of nobody is not in the way.
    assert_eq!(found, [], "{found:#?}");
    for (change, kind, table, part) in [
        (
            "DROP TABLE countries",
            MissingTable,
            "countries",
            "apply the migrations",
        ),
        (
            "CREATE TABLE forgotten (tenant_id uuid, id int)",
            UnknownTable,
            "forgotten",
            "in no migration",
        ),
        (
            "ALTER TABLE people DROP COLUMN name",
            MissingColumn,
            "people",
            "`name`",
        ),
        (
            "ALTER TABLE people ADD COLUMN extra int",
            UnknownColumn,
            "people",
            "`extra`",
        ),
        (
            "ALTER TABLE people DROP COLUMN note; ALTER TABLE people RENAME raw TO note; ALTER TABLE people ADD raw bytea",
            ColumnOrder,
            "people",
            "another order",
        ),
        (
            "ALTER TABLE people ALTER at TYPE timestamptz",
            ColumnType,
            "people",
            "timestamp(3) with time zone",
        ),
        (
            "ALTER TABLE people ALTER amount TYPE numeric(12, 3)",
            ColumnType,
            "people",
            "numeric(12,3)",
        ),
        (
            "ALTER TABLE people ALTER tags DROP NOT NULL",
            ColumnRule,
            "people",
            "`tags`, which may be NULL",
        ),
        (
            "ALTER TABLE people ALTER data SET NOT NULL",
            ColumnRule,
            "people",
            "`data`, which is NOT NULL",
        ),
        (
            "ALTER TABLE people ALTER twice DROP EXPRESSION",
            ColumnRule,
            "people",
            "generated on one side",
        ),
        (
            "ALTER TABLE pets DROP CONSTRAINT pets_tenant_id_owner_fkey; ALTER TABLE people DROP CONSTRAINT people_pkey; ALTER TABLE people ALTER tenant_id DROP NOT NULL",
            TenantColumn,
            "people",
            "may be NULL",
        ),
        (
            "ALTER TABLE people ALTER tenant_id DROP DEFAULT; ALTER TABLE people ALTER tenant_id TYPE text; ",
            TenantColumn,
            "people",
            "of type text",
        ),
        (
            "ALTER TABLE pets DROP CONSTRAINT pets_pkey",
            Key,
            "pets",
            "primary key ()",
        ),
        (
            "ALTER TABLE people DROP CONSTRAINT people_tenant_id_name_key",
            Key,
            "people",
            "lacks the unique key (name, tenant_id)",
        ),
        (
            "DROP INDEX by_lower",
            Key,
            "people",
            "(tenant_id, an expression) of some rows",
        ),
        (
            "CREATE UNIQUE INDEX more ON people (token)",
            Key,
            "people",
            "unique key (token) that no migration",
        ),
        (
            "ALTER TABLE pets DROP CONSTRAINT pets_tenant_id_owner_fkey",
            Reference,
            "pets",
            "lacks the foreign key (owner, tenant_id) to `people`",
        ),
        (
            "CREATE UNIQUE INDEX ids ON people (id); ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES people (id)",
            Reference,
            "pets",
            "(owner) to `people` (id) that no migration",
        ),
        (
            "DROP TRIGGER stamp ON people",
            Trigger,
            "people",
            "lacks the trigger or rule `stamp`",
        ),
        (
            "CREATE TRIGGER other AFTER DELETE ON pets FOR EACH ROW EXECUTE FUNCTION f()",
            Trigger,
            "pets",
            "`other`, which no migration makes",
        ),
        (
            "CREATE RULE r AS ON INSERT TO people DO ALSO NOTHING",
            Trigger,
            "people",
            "`r`, which no migration makes",
        ),
    ] {
        let mut tx = conn.begin().await.unwrap();
        // The key of the partitioned table refers to the tenant column, whose type is not changed alone.
        if change.contains("TYPE text") {
            tx.execute("ALTER TABLE pets DROP CONSTRAINT pets_tenant_id_owner_fkey")
                .await
                .unwrap();
        }
        sqlx::raw_sql(change)
            .execute(&mut *tx)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error}"));
        let found = drift::postgres(&mut tx, &catalog, "public").await.unwrap();
        told(&found, kind, table, part);
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn sqlite_as_migrated_and_as_changed() {
    let (catalog, sql) = wide(Dialect::Sqlite);
    for (change, kind, table, part) in [
        ("", MissingTable, "", ""),
        (
            "DROP TABLE countries",
            MissingTable,
            "countries",
            "apply the migrations",
        ),
        (
            "CREATE TABLE forgotten (tenant_id TEXT, id INT)",
            UnknownTable,
            "forgotten",
            "in no migration",
        ),
        (
            "ALTER TABLE people DROP COLUMN plain",
            MissingColumn,
            "people",
            "`plain`",
        ),
        (
            "ALTER TABLE people ADD COLUMN Extra INT",
            UnknownColumn,
            "people",
            "`extra`",
        ),
        (
            "ALTER TABLE people DROP COLUMN plain; ALTER TABLE people ADD COLUMN plain",
            ColumnOrder,
            "people",
            "another order",
        ),
        (
            "DROP TABLE countries; CREATE TABLE countries (code BLOB PRIMARY KEY)",
            ColumnType,
            "countries",
            "`code` of type blob",
        ),
        (
            "DROP TABLE countries; CREATE TABLE countries (code TEXT)",
            Key,
            "countries",
            "primary key ()",
        ),
        (
            "ALTER TABLE people DROP COLUMN thrice; ALTER TABLE people ADD COLUMN thrice INTEGER",
            ColumnRule,
            "people",
            "generated on one side",
        ),
        (
            "ALTER TABLE people DROP COLUMN note; ALTER TABLE people ADD COLUMN note TEXT",
            ColumnRule,
            "people",
            "`note`, which may be NULL",
        ),
        (
            "DROP TABLE pets; CREATE TABLE pets (tenant_id TEXT, id INTEGER, owner INTEGER, \"Odd \"\"Name\" int, PRIMARY KEY (tenant_id, id))",
            TenantColumn,
            "pets",
            "may be NULL",
        ),
        (
            "DROP TABLE pets; CREATE TABLE pets (tenant_id INTEGER NOT NULL, id INTEGER, owner INTEGER, \"Odd \"\"Name\" int, PRIMARY KEY (tenant_id, id))",
            TenantColumn,
            "pets",
            "of type integer",
        ),
        (
            "DROP TABLE pets; CREATE TABLE pets (tenant_id TEXT NOT NULL, id INTEGER, owner INTEGER, \"Odd \"\"Name\" int, PRIMARY KEY (tenant_id, id))",
            Reference,
            "pets",
            "lacks the foreign key (owner, tenant_id) to `people`",
        ),
        (
            "DROP INDEX by_lower",
            Key,
            "people",
            "(tenant_id, an expression) of some rows",
        ),
        (
            "CREATE UNIQUE INDEX more ON people (m)",
            Key,
            "people",
            "unique key (m) that no migration",
        ),
        (
            "DROP TRIGGER stamp",
            Trigger,
            "people",
            "lacks the trigger or rule `stamp`",
        ),
        (
            "CREATE TRIGGER other AFTER DELETE ON pets BEGIN SELECT 1; END",
            Trigger,
            "pets",
            "`other`, which no migration makes",
        ),
    ] {
        let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
        sqlx::raw_sql(change)
            .execute(&mut conn)
            .await
            .unwrap_or_else(|error| panic!("{change}: {error}"));
        let found = drift::sqlite(&mut conn, &catalog, "main").await.unwrap();
        match change {
            "" => assert_eq!(found, [], "{found:#?}"),
            _ => told(&found, kind, table, part),
        }
    }
}

/// Shared tables, schemas, databases and files that the provisioner made are as the migrations say, whatever of ours is beside.
#[tokio::test]
async fn what_the_provisioner_made_has_not_drifted() {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    let tables = catalog(Dialect::Postgres);
    let mut conn = place.owner.connect().await.unwrap();
    let found = drift::postgres(&mut conn, &tables, "public").await.unwrap();
    assert_eq!(found, [], "{found:#?}");
    let tenant = provisioner
        .provision(new("acme", Isolation::Schema))
        .await
        .unwrap();
    let schema = tenant.id().schema_name();
    let found = drift::postgres(&mut conn, &tables, &schema).await.unwrap();
    assert_eq!(found, [], "{found:#?}");
    place
        .as_superuser(&format!("ALTER TABLE \"{schema}\".leads ADD note text"))
        .await;
    told(
        &drift::postgres(&mut conn, &tables, &schema).await.unwrap(),
        UnknownColumn,
        "leads",
        "`note`",
    );
    let found = drift::postgres(&mut conn, &tables, "no_such_schema")
        .await
        .unwrap();
    told(&found, MissingTable, "leads", "is not there");

    let files = Files::new().await;
    let provisioner = files.migrated().await;
    for isolation in [Isolation::Schema, Isolation::Database] {
        provisioner
            .provision(new(&format!("t-{isolation:?}").to_lowercase(), isolation))
            .await
            .unwrap();
    }
    let tables = catalog(Dialect::Sqlite);
    let mut paths = vec![files.folder.join("shared.db")];
    paths.extend(
        files
            .places()
            .into_iter()
            .filter(|path| path.ends_with(".db"))
            .map(|path| files.folder.join(path)),
    );
    assert_eq!(paths.len(), 3);
    for path in paths {
        let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&path)
            .connect()
            .await
            .unwrap();
        let found = drift::sqlite(&mut conn, &tables, "main").await.unwrap();
        assert_eq!(found, [], "{}: {found:#?}", path.display());
    }
}

#[tokio::test]
async fn the_check_of_the_walls_tells_it_too() {
    let place = Pg::new().await;
    place.migrated().await;
    let check = async || {
        let mut conn: PgConnection = place.app().await;
        walls::postgres::check(&mut conn, &catalog(Dialect::Postgres))
            .await
            .unwrap()
    };
    assert_eq!(check().await, []);
    place
        .as_owner("ALTER TABLE leads ADD note text; CREATE UNIQUE INDEX names ON leads (name)")
        .await;
    let findings = check().await;
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity() == walls::Severity::Weak),
        "{findings:#?}"
    );
}
