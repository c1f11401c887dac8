//! The second wall alone: plain statements without our firewall, as the role that serves requests.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use tenancy_core::{Isolation, Tenant, TenantId};
use tenancy_sql::Dialect;
use tenancy_sqlx::walls::{self, Severity};

use crate::places::{Files, Pg, catalog, new};

/// Two tenants in shared tables, with rows of the same keys.
async fn shared() -> (Pg, TenantId, TenantId) {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    let mut ids = Vec::new();
    for slug in ["acme", "globex"] {
        let tenant = provisioner
            .provision(new(slug, Isolation::Shared))
            .await
            .unwrap();
        let mut conn = place.app().await;
        let mut tx = within(&mut conn, tenant.id()).await;
        // No tenant column: its default is the setting.
        tx.execute("INSERT INTO leads (id, name) VALUES (1, 'one'), (2, 'two')")
            .await
            .unwrap();
        tx.execute("INSERT INTO notes (id, lead_id) VALUES (1, 1)")
            .await
            .unwrap();
        tx.commit().await.unwrap();
        ids.push(tenant.id());
    }
    (place, ids[0], ids[1])
}

async fn within(
    conn: &mut PgConnection,
    tenant: TenantId,
) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let sql = format!("BEGIN; SET LOCAL app.tenant_id = '{tenant}'");
    conn.begin_with(sqlx::AssertSqlSafe(sql)).await.unwrap()
}

async fn refused(conn: &mut PgConnection, tenant: Option<TenantId>, sql: &str) -> String {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    let error = match tenant {
        Some(tenant) => {
            let mut tx = within(conn, tenant).await;
            let error = tx.execute(sql).await.map(|_| ()).unwrap_err();
            tx.rollback().await.unwrap();
            error
        }
        None => conn.execute(sql).await.map(|_| ()).unwrap_err(),
    };
    error.to_string()
}

#[tokio::test]
async fn shared_tables_show_one_tenant() {
    let (place, acme, globex) = shared().await;
    let mut conn = place.app().await;
    for tenant in [acme, globex] {
        let mut tx = within(&mut conn, tenant).await;
        let rows = tx
            .fetch_all("SELECT tenant_id::text AS t FROM leads")
            .await
            .unwrap();
        assert_eq!(rows.len(), 2);
        assert!(
            rows.iter()
                .all(|row| row.get::<String, _>("t") == tenant.to_string())
        );
        tx.rollback().await.unwrap();
    }
    // Without a tenant, on a connection that had one: nothing to read, nothing to write, and no error when reading.
    assert!(
        conn.fetch_all("SELECT * FROM leads")
            .await
            .unwrap()
            .is_empty()
    );
    for sql in ["UPDATE leads SET name = 'x'", "DELETE FROM leads"] {
        assert_eq!(conn.execute(sql).await.unwrap().rows_affected(), 0, "{sql}");
    }
    let error = refused(
        &mut conn,
        None,
        "INSERT INTO leads (id, name) VALUES (9, 'x')",
    )
    .await;
    assert!(
        error.contains("null value") || error.contains("row-level security"),
        "{error}"
    );
    // In a fresh connection the setting was never there.
    let mut fresh = place.app().await;
    assert!(
        fresh
            .fetch_all("SELECT * FROM leads")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn shared_tables_take_rows_of_one_tenant() {
    let (place, acme, globex) = shared().await;
    let mut conn = place.app().await;
    for sql in [
        format!("INSERT INTO leads (tenant_id, id, name) VALUES ('{globex}', 9, 'planted')"),
        format!("UPDATE leads SET tenant_id = '{globex}'"),
        format!(
            "INSERT INTO leads (id, name) VALUES (1, 'x') ON CONFLICT (tenant_id, id) DO UPDATE SET tenant_id = '{globex}'"
        ),
    ] {
        let error = refused(&mut conn, Some(acme), &sql).await;
        assert!(error.contains("row-level security"), "{sql}: {error}");
    }
    for sql in [
        "TRUNCATE leads",
        "CREATE TABLE mine (LIKE leads)",
        "CREATE TRIGGER t BEFORE INSERT ON leads FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "INSERT INTO countries VALUES ('xx')",
        "SELECT * FROM invoices_of_ours",
        "SELECT * FROM _sqlx_migrations",
        "ALTER TABLE leads NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenancy_restrict ON leads",
        "SET ROLE pg_read_all_data",
    ] {
        let error = refused(&mut conn, Some(acme), sql).await;
        assert!(
            error.contains("permission denied") || error.contains("must be owner"),
            "{sql}: {error}"
        );
    }
    assert_eq!(
        conn.fetch_all("SELECT * FROM countries")
            .await
            .unwrap()
            .len(),
        2
    );
    // Identity and serial columns work.
    let mut tx = within(&mut conn, acme).await;
    tx.execute("INSERT INTO leads (name) VALUES ('three')")
        .await
        .ok();
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn the_owner_is_bound_too_and_a_policy_more_opens_nothing() {
    let (place, acme, _) = shared().await;
    place
        .as_owner("CREATE POLICY open ON leads USING (true) WITH CHECK (true)")
        .await;
    let mut conn = place.app().await;
    let mut tx = within(&mut conn, acme).await;
    assert_eq!(tx.fetch_all("SELECT * FROM leads").await.unwrap().len(), 2);
    tx.rollback().await.unwrap();
    assert!(
        conn.fetch_all("SELECT * FROM leads")
            .await
            .unwrap()
            .is_empty()
    );
    place.as_owner("DROP POLICY open ON leads").await;
    let mut owner = sqlx::PgConnection::connect_with(&place.owner)
        .await
        .unwrap();
    assert!(
        owner
            .fetch_all("SELECT * FROM leads")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_sound_database_has_no_findings() {
    let (place, ..) = shared().await;
    let findings = walls::postgres::check(&mut place.app().await, &catalog(Dialect::Postgres))
        .await
        .unwrap();
    assert_eq!(findings, [], "{findings:#?}");
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_found_and_its_fix_fixes_it() {
    let (place, ..) = shared().await;
    let tables = catalog(Dialect::Postgres);
    let app = place.database.app_options().get_username().to_owned();
    let owner = place.owner.get_username().to_owned();
    // What breaks it, what is found, and what mends it where the finding carries no SQL.
    let cases: &[(String, &str, Option<&str>)] = &[
        ("ALTER TABLE leads DISABLE ROW LEVEL SECURITY".into(), "is off on", None),
        ("ALTER TABLE notes NO FORCE ROW LEVEL SECURITY".into(), "does not bind the owner", None),
        (format!("GRANT TRUNCATE ON leads TO \"{app}\""), "TRUNCATE", None),
        (format!("GRANT INSERT ON countries TO \"{app}\""), "can write the global table", None),
        (format!("GRANT SELECT ON invoices_of_ours TO \"{app}\""), "central table", None),
        ("GRANT SELECT ON invoices_of_ours TO PUBLIC".into(), "central table", None),
        (format!("REVOKE SELECT ON leads FROM \"{app}\""), "can't use", None),
        (format!("GRANT CREATE ON SCHEMA public TO \"{app}\""), "can create tables", None),
        ("CREATE VIEW all_leads AS SELECT * FROM leads; GRANT SELECT ON all_leads TO PUBLIC".into(), "reads tenants' rows as its owner", None),
        ("CREATE MATERIALIZED VIEW stored AS SELECT * FROM leads; GRANT SELECT ON stored TO PUBLIC".into(), "materialised view", None),
        ("CREATE TABLE forgotten (tenant_id uuid, id int)".into(), "in no migration", None),
        ("DROP POLICY tenancy_restrict ON leads".into(), "tenancy_restrict", Some("walls")),
        ("ALTER POLICY tenancy_permit ON leads WITH CHECK (true)".into(), "tenancy_permit", Some("walls")),
        ("ALTER TABLE leads ALTER COLUMN tenant_id DROP DEFAULT".into(), "no default from the setting", Some("walls")),
        (format!("ALTER DATABASE \"{}\" SET app.tenant_id = 'x'", place.database.name()), "has a default", Some("reset")),
    ];
    for (breaks, found, mend) in cases {
        if *mend == Some("reset") {
            // PostgreSQL lets superusers only give a setting it does not know a default.
            place.as_superuser(breaks).await;
        } else {
            place.as_owner(breaks).await;
        }
        let findings = walls::postgres::check(&mut place.app().await, &tables)
            .await
            .unwrap();
        let finding = findings
            .iter()
            .find(|finding| finding.what().contains(found))
            .unwrap_or_else(|| panic!("{breaks}: {findings:#?}"));
        assert_eq!(finding.severity(), Severity::Broken);
        match mend {
            None => place.as_owner(finding.fix_sql().unwrap()).await,
            Some("reset") => {
                place
                    .as_superuser(&format!(
                        "ALTER DATABASE \"{}\" RESET app.tenant_id",
                        place.database.name()
                    ))
                    .await;
            }
            // The provisioner sees it too and puts the walls up again.
            Some(_) => place
                .builder()
                .build()
                .unwrap()
                .migrate_shared()
                .await
                .unwrap(),
        }
        let findings = walls::postgres::check(&mut place.app().await, &tables)
            .await
            .unwrap();
        assert_eq!(findings, [], "after mending {breaks}");
    }
    // Asked as the owner, it says that the owner is the wrong role to serve requests as.
    let mut conn = PgConnection::connect_with(&place.owner).await.unwrap();
    let findings = walls::postgres::check(&mut conn, &tables).await.unwrap();
    assert!(
        findings
            .iter()
            .any(|f| f.what().contains(&owner) && f.what().contains("owns")),
        "{findings:#?}"
    );
    assert!(findings.iter().any(|f| f.what().contains("CREATEROLE")));
    let mut conn = PgConnection::connect_with(&place.database.admin_options())
        .await
        .unwrap();
    let findings = walls::postgres::check(&mut conn, &tables).await.unwrap();
    assert!(
        findings.iter().any(|f| f.what().contains("SUPERUSER")),
        "{findings:#?}"
    );
}

#[tokio::test]
async fn a_partition_cannot_be_reached_by_its_own_name() {
    let (place, acme, _) = shared().await;
    place
        .as_owner(
            "CREATE TABLE notes_more () INHERITS (notes); \
             GRANT ALL ON notes_more TO PUBLIC",
        )
        .await;
    let tables = catalog(Dialect::Postgres);
    let findings = walls::postgres::check(&mut place.app().await, &tables)
        .await
        .unwrap();
    assert!(
        findings.iter().any(|f| f.what().contains("partition")),
        "{findings:#?}"
    );
    place
        .builder()
        .build()
        .unwrap()
        .migrate_shared()
        .await
        .unwrap();
    let error = refused(
        &mut place.app().await,
        Some(acme),
        "SELECT * FROM notes_more",
    )
    .await;
    assert!(error.contains("permission denied"), "{error}");
}

async fn own_place(isolation: Isolation) -> (Pg, std::sync::Arc<Tenant>, std::sync::Arc<Tenant>) {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    let acme = provisioner.provision(new("acme", isolation)).await.unwrap();
    let globex = provisioner
        .provision(new("globex", isolation))
        .await
        .unwrap();
    (place, acme, globex)
}

#[tokio::test]
async fn a_schema_is_open_to_its_role_only() {
    let (place, acme, globex) = own_place(Isolation::Schema).await;
    let (a, b) = (acme.id().schema_name(), globex.id().schema_name());
    let mut conn = place.app().await;
    // The application role has no rights of its own anywhere: it is no member that inherits.
    for sql in [
        format!("SELECT * FROM \"{a}\".leads"),
        format!("INSERT INTO \"{b}\".leads (id, name) VALUES (1, 'x')"),
    ] {
        let error = refused(&mut conn, None, &sql).await;
        assert!(error.contains("permission denied"), "{sql}: {error}");
    }
    let enter = format!("BEGIN; SET LOCAL search_path TO \"{a}\", pg_temp; SET LOCAL ROLE \"{a}\"");
    let mut tx = conn
        .begin_with(sqlx::AssertSqlSafe(enter.clone()))
        .await
        .unwrap();
    tx.execute("INSERT INTO leads (name) VALUES ('one')")
        .await
        .unwrap();
    tx.execute("INSERT INTO notes (lead_id) SELECT id FROM leads")
        .await
        .unwrap();
    let owner: String = sqlx::query_scalar("SELECT tenant_id::text FROM leads")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(owner, acme.id().to_string());
    assert_eq!(
        tx.fetch_all("SELECT * FROM countries").await.unwrap().len(),
        2
    );
    tx.commit().await.unwrap();
    for sql in [
        format!("SELECT * FROM \"{b}\".leads"),
        format!("INSERT INTO \"{b}\".leads (id, name) VALUES (1, 'x')"),
        "SELECT * FROM public.leads".to_owned(),
        "SELECT * FROM tenancy.tenants".to_owned(),
        format!("CREATE TABLE \"{a}\".mine (id int)"),
        "TRUNCATE leads".to_owned(),
        "INSERT INTO countries VALUES ('xx')".to_owned(),
        "SELECT * FROM invoices_of_ours".to_owned(),
        format!("SELECT * FROM \"{a}\"._sqlx_migrations"),
    ] {
        let mut tx = conn
            .begin_with(sqlx::AssertSqlSafe(enter.clone()))
            .await
            .unwrap();
        let error = tx
            .execute(sqlx::AssertSqlSafe(sql.clone()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("permission denied"), "{sql}: {error}");
        tx.rollback().await.unwrap();
    }
    let plant = format!(
        "INSERT INTO leads (tenant_id, id, name) VALUES ('{}', 9, 'planted')",
        globex.id()
    );
    let mut tx = conn.begin_with(sqlx::AssertSqlSafe(enter)).await.unwrap();
    let error = tx
        .execute(sqlx::AssertSqlSafe(plant))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("tenancy_pin"), "{error}");
}

#[tokio::test]
async fn a_database_is_open_to_its_role_only() {
    let (place, acme, globex) = own_place(Isolation::Database).await;
    let (a, b) = (acme.id().schema_name(), globex.id().schema_name());
    let denied = place.database.app_options().database(&a);
    let error = PgConnection::connect_with(&denied)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("permission denied"), "{error}");
    // A password is derived for each role: nobody else's opens it.
    let error = PgConnection::connect_with(&denied.username(&a))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("password"), "{error}");
    // The owner may connect, which shows that the rows are pinned whoever writes.
    let mut owner = PgConnection::connect_with(&place.owner.clone().database(&a))
        .await
        .unwrap();
    owner
        .execute("INSERT INTO leads (name) VALUES ('one')")
        .await
        .unwrap();
    let plant = format!(
        "INSERT INTO leads (tenant_id, id, name) VALUES ('{}', 9, 'planted')",
        globex.id()
    );
    let error = owner
        .execute(sqlx::AssertSqlSafe(plant))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("tenancy_pin"), "{error}");
    let allowed: Vec<String> = sqlx::query_scalar(
        "SELECT r.rolname::text FROM pg_roles r WHERE has_database_privilege(r.oid, $1, 'CONNECT') \
         AND NOT r.rolsuper AND NOT pg_has_role(r.oid, (SELECT datdba FROM pg_database WHERE datname = $1), 'USAGE') ORDER BY 1",
    )
    .bind(&b)
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(allowed, [b]);
}

#[tokio::test]
async fn walls_can_be_put_up_again() {
    let (place, acme, _) = own_place(Isolation::Schema).await;
    let name = acme.id().schema_name();
    let tables = catalog(Dialect::Postgres);
    let sql = walls::postgres::pinned(&tables, &name, acme.id(), &name).unwrap();
    for _ in 0..2 {
        place.as_owner(&sql.join(";\n")).await;
        let shared = walls::postgres::shared(&tables, place.database.app_options().get_username());
        place.as_owner(&shared.join(";\n")).await;
    }
    let findings = walls::postgres::check(&mut place.app().await, &tables)
        .await
        .unwrap();
    assert_eq!(findings, []);
}

#[tokio::test]
async fn a_file_takes_rows_of_its_tenant_only() {
    let files = Files::new().await;
    let provisioner = files.migrated().await;
    for isolation in [Isolation::Schema, Isolation::Database] {
        let acme = provisioner
            .provision(new(&format!("acme-{isolation}"), isolation))
            .await
            .unwrap();
        let other = TenantId::new_v7();
        let folder = if isolation == Isolation::Schema {
            "schemas"
        } else {
            "databases"
        };
        let file = files
            .folder
            .join(folder)
            .join(format!("{}.db", acme.id().schema_name()));
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&file);
        let mut conn = sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap();
        let uuid = |id: TenantId| uuid::Uuid::parse_str(&id.to_string()).unwrap();
        let insert = "INSERT INTO leads (tenant_id, id, name) VALUES ($1, $2, 'x')";
        sqlx::query(insert)
            .bind(uuid(acme.id()))
            .bind(1)
            .execute(&mut conn)
            .await
            .unwrap();
        for sql in [
            insert,
            "INSERT OR REPLACE INTO leads (tenant_id, id, name) VALUES ($1, $2, 'x')",
        ] {
            let error = sqlx::query(sql)
                .bind(uuid(other))
                .bind(1)
                .execute(&mut conn)
                .await
                .unwrap_err();
            assert!(
                error.to_string().contains("pinned to another tenant"),
                "{error}"
            );
        }
        let error = sqlx::query("UPDATE leads SET tenant_id = $1")
            .bind(uuid(other))
            .execute(&mut conn)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("pinned to another tenant"),
            "{error}"
        );
        // Pinning again, for whomever, changes nothing.
        for tenant in [acme.id(), other] {
            let sql = walls::sqlite::pinned(&catalog(Dialect::Sqlite), tenant)
                .unwrap()
                .join(";\n");
            conn.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
        let pin: Vec<String> = sqlx::query_scalar("SELECT tenant_id FROM _tenancy_pin")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        assert_eq!(pin, [acme.id().to_string()]);
        conn.close().await.unwrap();
    }
}
