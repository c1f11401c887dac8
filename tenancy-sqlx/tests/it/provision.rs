//! Provisioning: whole or not at all, and again after every kind of accident.

use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tenancy_core::{
    Actor, ErrorKind, Isolation, Operation, RegistryExt as _, TenantContext, TenantId, TenantStatus,
};
use tenancy_sql::Dialect;
use tenancy_sqlx::provision::postgres::bootstrap;
use tenancy_sqlx::provision::{ProvisionDb, ProvisionStep};
use tenancy_sqlx::{Error, PgServer, Provisioner, SqlRegistry, walls};

use crate::places::{ALL, Files, POSTGRES, Pg, catalog, migration, new, secret, slug};

/// How many places of their own there are when one tenant of this isolation is whole.
fn whole(isolation: Isolation) -> usize {
    usize::from(isolation != Isolation::Shared)
}

pub(crate) async fn ensure_usable<DB: ProvisionDb>(registry: &SqlRegistry<DB>, name: &str) {
    let tenant = registry.by_slug(&slug(name)).await.unwrap();
    assert_eq!(tenant.status(), TenantStatus::Active);
    tenant.ensure_admits(Operation::Request).unwrap();
    TenantContext::for_request(tenant, Actor::user("u")).unwrap();
}

#[tokio::test]
async fn a_tenant_of_each_model_on_postgres() {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    for (n, isolation) in ALL.into_iter().enumerate() {
        let name = format!("t{n}");
        let tenant = provisioner.provision(new(&name, isolation)).await.unwrap();
        assert_eq!(tenant.placement().isolation(), isolation);
        ensure_usable(&place.registry, &name).await;
        let error = provisioner
            .provision(new(&name, isolation))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::SlugTaken), "{error:?}");
    }
    assert_eq!(place.places().await.len(), 2, "{:?}", place.places().await);
}

#[tokio::test]
async fn a_tenant_of_each_model_on_sqlite() {
    let files = Files::new().await;
    let provisioner = files.migrated().await;
    for (n, isolation) in ALL.into_iter().enumerate() {
        let name = format!("t{n}");
        let tenant = provisioner.provision(new(&name, isolation)).await.unwrap();
        assert_eq!(tenant.placement().isolation(), isolation);
        ensure_usable(&files.registry, &name).await;
        let error = provisioner
            .provision(new(&name, isolation))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::SlugTaken), "{error:?}");
    }
    assert_eq!(files.places().len(), 2, "{:?}", files.places());
}

/// The steps that are reached for a placement.
fn steps(isolation: Isolation) -> impl Iterator<Item = ProvisionStep> {
    ProvisionStep::ALL.into_iter().filter(move |step| {
        use ProvisionStep::{Activate, Register, Verify};
        isolation != Isolation::Shared || matches!(step, Register | Verify | Activate)
    })
}

#[tokio::test]
async fn a_failure_at_any_step_leaves_nothing_on_postgres() {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    for isolation in ALL {
        let before = place.places().await.len();
        let name = format!("t-{isolation}");
        let mut id = None;
        for step in steps(isolation) {
            let failing = place.builder().fail_after(step).build().unwrap();
            if isolation == Isolation::Shared {
                // Its own walls are looked at once; the injected failure comes after.
                provisioner.migrate_shared().await.unwrap();
            }
            let error = failing.provision(new(&name, isolation)).await.unwrap_err();
            assert!(
                matches!(error, Error::Provision { step: at, .. } if at == step),
                "{step}: {error:?}"
            );
            let row = place.registry.by_slug(&slug(&name)).await.unwrap();
            assert_eq!(row.status(), TenantStatus::Provisioning);
            assert!(row.ensure_admits(Operation::Request).is_err());
            assert_eq!(*id.get_or_insert(row.id()), row.id(), "the id stays");
            let left = place.places().await.len() - before;
            // After the last step the place is whole and only waits to be activated.
            let expect = if step == ProvisionStep::Activate {
                whole(isolation)
            } else {
                0
            };
            assert_eq!(
                left,
                expect,
                "{isolation} {step}: {:?}",
                place.places().await
            );
        }
        let tenant = provisioner.provision(new(&name, isolation)).await.unwrap();
        assert_eq!(Some(tenant.id()), id);
        assert_eq!(place.places().await.len() - before, whole(isolation));
    }
}

#[tokio::test]
async fn a_failure_at_any_step_leaves_nothing_on_sqlite() {
    let files = Files::new().await;
    let provisioner = files.migrated().await;
    for isolation in ALL {
        let before = files.places().len();
        let name = format!("t-{isolation}");
        for step in steps(isolation) {
            let failing = files.builder().fail_after(step).build().unwrap();
            let error = failing.provision(new(&name, isolation)).await.unwrap_err();
            assert!(
                matches!(error, Error::Provision { step: at, .. } if at == step),
                "{step}: {error:?}"
            );
            let row = files.registry.by_slug(&slug(&name)).await.unwrap();
            assert_eq!(row.status(), TenantStatus::Provisioning);
            let left = files.places().len() - before;
            let expect = if step == ProvisionStep::Activate {
                whole(isolation)
            } else {
                0
            };
            assert_eq!(left, expect, "{isolation} {step}: {:?}", files.places());
        }
        provisioner.provision(new(&name, isolation)).await.unwrap();
        ensure_usable(&files.registry, &name).await;
        assert_eq!(files.places().len() - before, whole(isolation));
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_left_alone() {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    let id = TenantId::new_v7();
    place
        .as_owner(&format!(
            "CREATE SCHEMA \"{}\"; CREATE TABLE \"{}\".precious ()",
            id.schema_name(),
            id.schema_name()
        ))
        .await;
    let error = provisioner
        .provision(new("acme", Isolation::Schema).id(id))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::PlaceTaken { what: "schema" }),
        "{error:?}"
    );
    place
        .as_owner(&format!("SELECT * FROM \"{}\".precious", id.schema_name()))
        .await;

    let id = TenantId::new_v7();
    place
        .as_owner(&format!("CREATE DATABASE \"{}\"", id.schema_name()))
        .await;
    let error = provisioner
        .provision(new("globex", Isolation::Database).id(id))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::PlaceTaken { what: "database" }),
        "{error:?}"
    );
    assert!(
        place
            .places()
            .await
            .contains(&format!("database {}", id.schema_name()))
    );

    // A role with rights of its own is not made a tenant's.
    let id = TenantId::new_v7();
    place
        .as_owner(&format!("CREATE ROLE \"{}\" LOGIN", id.schema_name()))
        .await;
    let error = provisioner
        .provision(new("initech", Isolation::Schema).id(id))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Provision {
                step: ProvisionStep::Create,
                ..
            }
        ),
        "{error:?}"
    );

    let files = Files::new().await;
    let provisioner = files.migrated().await;
    let id = TenantId::new_v7();
    std::fs::create_dir_all(files.folder.join("databases")).unwrap();
    let file = files
        .folder
        .join(format!("databases/{}.db", id.schema_name()));
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    conn.execute("CREATE TABLE precious (id)").await.unwrap();
    conn.close().await.unwrap();
    let error = provisioner
        .provision(new("acme", Isolation::Database).id(id))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::PlaceTaken { what: "file" }),
        "{error:?}"
    );
    assert!(file.exists());
}

#[tokio::test]
async fn requests_that_make_no_sense_are_typed() {
    let files = Files::new().await;
    let provisioner = files.migrated().await;
    let word = TenantId::parse("acme").unwrap();
    let error = provisioner
        .provision(new("acme", Isolation::Shared).id(word))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::KeyType { .. }), "{error:?}");
    let nowhere = tenancy_core::ServerName::parse("mars").unwrap();
    let error = provisioner
        .provision(new("acme", Isolation::Shared).on(nowhere))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::UnknownServer(_)), "{error:?}");
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let error = provisioner
        .provision(new("other", Isolation::Shared).id(acme.id()))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::IdTaken), "{error:?}");

    // An attempt for one model is not continued as another, but can be given up.
    let failing = files
        .builder()
        .fail_after(ProvisionStep::Verify)
        .build()
        .unwrap();
    failing
        .provision(new("globex", Isolation::Database))
        .await
        .unwrap_err();
    let error = provisioner
        .provision(new("globex", Isolation::Schema))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::HalfProvisioned), "{error:?}");
    provisioner
        .abandon(&slug("globex"), "changed our mind")
        .await
        .unwrap();
    provisioner
        .provision(new("globex", Isolation::Schema))
        .await
        .unwrap();
    let error = provisioner
        .abandon(&slug("globex"), "too late")
        .await
        .unwrap_err();
    assert_eq!(error.as_tenancy().unwrap().kind(), ErrorKind::ApiMisuse);

    // Before the shared tables are there, nobody is put into them.
    let fresh = Files::new().await;
    let error = fresh
        .builder()
        .build()
        .unwrap()
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Provision {
                step: ProvisionStep::Verify,
                ..
            }
        ),
        "{error:?}"
    );
    let fresh = Pg::new().await;
    let error = fresh
        .builder()
        .build()
        .unwrap()
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Provision {
                step: ProvisionStep::Verify,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn only_the_provisioner_activates() {
    let files = Files::new().await;
    let failing = files
        .builder()
        .fail_after(ProvisionStep::Register)
        .build()
        .unwrap();
    failing
        .provision(new("acme", Isolation::Database))
        .await
        .unwrap_err();
    let id = files.registry.by_slug(&slug("acme")).await.unwrap().id();
    let error = failing.resume(id, "please").await.unwrap_err();
    assert_eq!(error.as_tenancy().unwrap().kind(), ErrorKind::ApiMisuse);
}

#[tokio::test]
async fn shared_migrations_fill_columns_of_all_tenants_and_roll_back_as_one() {
    let place = Pg::new().await;
    let provisioner = place.migrated().await;
    for name in ["acme", "globex"] {
        let tenant = provisioner
            .provision(new(name, Isolation::Shared))
            .await
            .unwrap();
        let mut conn = place.app().await;
        let begin = format!("BEGIN; SET LOCAL app.tenant_id = '{}'", tenant.id());
        let mut tx = conn.begin_with(sqlx::AssertSqlSafe(begin)).await.unwrap();
        tx.execute("INSERT INTO leads (name) VALUES ('one')")
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    const SCORE: &str = "ALTER TABLE leads ADD COLUMN score int; UPDATE leads SET score = 7; ALTER TABLE leads ALTER COLUMN score SET NOT NULL";
    let next = |sql| {
        place
            .builder()
            .owned_migrations(Migrator::with_migrations(vec![
                migration(1, POSTGRES, false),
                migration(2, sql, false),
            ]))
            .build()
            .unwrap()
    };
    let error = next("ALTER TABLE leads ADD COLUMN half int; SELECT 1/0")
        .migrate_shared()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Provision {
                step: ProvisionStep::Migrate,
                ..
            }
        ),
        "{error:?}"
    );
    let tables = catalog(Dialect::Postgres);
    assert_eq!(
        walls::postgres::check(&mut place.app().await, &tables)
            .await
            .unwrap(),
        []
    );
    next(SCORE).migrate_shared().await.unwrap();
    next(SCORE).migrate_shared().await.unwrap();
    // A process with the catalogue of before is told of the column; one with that of now has nothing to be told.
    let findings = walls::postgres::check(&mut place.app().await, &tables)
        .await
        .unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].what().contains("`score`"), "{findings:#?}");
    let tables = tenancy_sql::Catalog::builder(Dialect::Postgres)
        .global(["countries"])
        .central(["invoices_of_ours"])
        .migrations([("1_tables.sql", POSTGRES), ("2_score.sql", SCORE)])
        .build()
        .unwrap();
    assert_eq!(
        walls::postgres::check(&mut place.app().await, &tables)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn migrations_outside_a_transaction() {
    const INDEX: &str = "CREATE INDEX CONCURRENTLY leads_name ON leads (tenant_id, name)";
    let place = Pg::new().await;
    let provisioner = place
        .builder()
        .owned_migrations(Migrator::with_migrations(vec![
            migration(1, POSTGRES, false),
            migration(2, INDEX, true),
        ]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    provisioner
        .provision(new("shared", Isolation::Shared))
        .await
        .unwrap();
    provisioner
        .provision(new("database", Isolation::Database))
        .await
        .unwrap();
    let error = provisioner
        .provision(new("schema", Isolation::Schema))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Provision {
                step: ProvisionStep::Migrate,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn bootstrap_makes_a_role_that_policies_bind() {
    let place = Pg::new().await;
    let role = format!("app_{}", uuid::Uuid::new_v4().simple());
    let app = bootstrap(&place.owner, &role, &secret()).await.unwrap();
    let again = bootstrap(&place.owner, &role, &secret()).await.unwrap();
    let provisioner = Provisioner::builder(place.registry.clone(), catalog(Dialect::Postgres))
        .server(
            tenancy_core::ServerName::default(),
            PgServer::new(again)
                .admin(place.owner.clone())
                .secret(secret()),
        )
        .owned_migrations(Migrator::with_migrations(vec![migration(
            1, POSTGRES, false,
        )]))
        .build()
        .unwrap();
    provisioner.migrate_shared().await.unwrap();
    for isolation in ALL {
        provisioner
            .provision(new(&format!("t-{isolation}"), isolation))
            .await
            .unwrap();
    }
    let mut conn = PgConnection::connect_with(&app).await.unwrap();
    let findings = walls::postgres::check(&mut conn, &catalog(Dialect::Postgres))
        .await
        .unwrap();
    assert_eq!(findings, []);

    let error = bootstrap(&place.owner, place.owner.get_username(), &secret())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    place
        .as_owner(&format!("ALTER ROLE \"{role}\" CREATEDB"))
        .await;
    let error = bootstrap(&place.owner, &role, &secret()).await.unwrap_err();
    assert!(matches!(error, Error::Walls { .. }), "{error:?}");
}
