//! The registry in SQL: the same tests on PostgreSQL and SQLite.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sqlx::{ConnectOptions as _, Executor as _};
use tenancy_core::{
    Actor, ApiKeyHash, AuditEvent, AuditKind, AuditSink as _, CachedRegistry, DomainName,
    ErrorKind, Isolation, RegistryExt as _, TenantId, TenantStatus,
};
use tenancy_sqlx::provision::ProvisionDb;
use tenancy_sqlx::registry::RowError;
use tenancy_sqlx::{Error, Provisioner, SqlRegistry};

use crate::places::{Files, Pg, new, slug};

fn operator() -> Actor {
    Actor::user("ops")
}

fn kind_of(error: &Error) -> Option<ErrorKind> {
    error.as_tenancy().map(tenancy_core::Error::kind)
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let place = super::Pg::new().await;
                super::$name(place.registry.clone(), place.migrated().await).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let place = super::Files::new().await;
                super::$name(place.registry.clone(), place.migrated().await).await;
            })+
        }
    };
}

on_both!(
    finds_by_every_key,
    statuses_are_steps_with_reasons,
    settings_are_changed_one_by_one,
    lists_page_by_page,
    a_buried_slug_stays_taken,
    audit_rows_cannot_be_changed_by_us,
    a_watch_carries_news,
    epochs_grow_in_the_order_of_commits,
    migrating_again_changes_nothing,
);

async fn finds_by_every_key<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let acme = provisioner
        .provision(
            new("acme", Isolation::Shared)
                .name("Acme Inc.")
                .plan("team"),
        )
        .await
        .unwrap();
    let other = provisioner
        .provision(new("globex", Isolation::Shared))
        .await
        .unwrap();
    assert_eq!((acme.name(), acme.plan()), ("Acme Inc.", Some("team")));
    assert_eq!(registry.by_id(&acme.id()).await.unwrap(), acme);
    assert_eq!(registry.by_slug(&slug("acme")).await.unwrap(), acme);
    assert!(
        registry
            .by_slug(&slug("unheard"))
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );

    // A domain leads nowhere until it is verified, and to the tenant that verified it.
    let domain = DomainName::parse("crm.acme.example").unwrap();
    for tenant in [&acme, &other] {
        registry
            .add_domain(tenant.id(), &domain, &operator())
            .await
            .unwrap();
    }
    assert!(
        registry
            .by_domain(&domain)
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );
    registry
        .verify_domain(acme.id(), &domain, &operator())
        .await
        .unwrap();
    assert_eq!(registry.by_domain(&domain).await.unwrap().id(), acme.id());
    let error = registry
        .verify_domain(other.id(), &domain, &operator())
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::Forbidden));
    let unclaimed = DomainName::parse("other.example").unwrap();
    let error = registry
        .verify_domain(acme.id(), &unclaimed, &operator())
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::UnknownTenant));
    registry
        .remove_domain(acme.id(), &domain, &operator())
        .await
        .unwrap();
    assert!(
        registry
            .by_domain(&domain)
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );

    let key = registry.add_api_key(acme.id(), &operator()).await.unwrap();
    let hash = ApiKeyHash::of(key.reveal());
    assert_eq!(registry.by_api_key(&hash).await.unwrap().id(), acme.id());
    registry.mark_api_key_used(&hash).await.unwrap();
    let error = registry
        .revoke_api_key(other.id(), &hash, &operator())
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::UnknownTenant));
    registry
        .revoke_api_key(acme.id(), &hash, &operator())
        .await
        .unwrap();
    assert!(
        registry
            .by_api_key(&hash)
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );
    let error = registry
        .add_api_key(TenantId::new_v7(), &operator())
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::UnknownTenant));
}

async fn statuses_are_steps_with_reasons<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    use TenantStatus::{Active, Offboarding, ReadOnly, Suspended};
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let id = acme.id();
    let mut epoch = acme.epoch();
    for to in [
        Suspended,
        ReadOnly,
        Active,
        ReadOnly,
        Suspended,
        Active,
        Offboarding,
    ] {
        let event = registry
            .set_status(id, to, &operator(), "a test")
            .await
            .unwrap();
        assert!(event.epoch > epoch, "{to}");
        epoch = event.epoch;
        let again = registry
            .set_status(id, to, &operator(), "a test")
            .await
            .unwrap();
        assert_eq!(again.epoch, epoch, "{to} twice");
        assert_eq!(registry.by_id(&id).await.unwrap().status(), to);
    }
    for to in [Active, Suspended] {
        let error = registry
            .set_status(id, to, &operator(), "a test")
            .await
            .unwrap_err();
        assert_eq!(kind_of(&error), Some(ErrorKind::ApiMisuse), "{to}");
    }
    let error = registry
        .set_status(id, Offboarding, &operator(), " ")
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::ApiMisuse));
    let nobody = TenantId::new_v7();
    let error = registry
        .set_status(nobody, Suspended, &operator(), "a test")
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::UnknownTenant));

    let rows = registry.audit_rows(id, 0, 100).await.unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "provisioned",
            "activated",
            "suspended",
            "resumed",
            "resumed",
            "suspended",
            "suspended",
            "resumed",
            "offboarded"
        ]
    );
    assert!(rows.iter().all(|row| row.at > 1_700_000_000_000));
    assert_eq!(rows[2].actor, "user:ops");
    assert_eq!(
        rows[2].detail.as_deref(),
        Some(r#"{"from":"active","to":"suspended"}"#)
    );
}

async fn settings_are_changed_one_by_one<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let setters = (0..8).map(|n| {
        let registry = registry.clone();
        async move {
            registry
                .set_setting(
                    acme_id(&registry).await,
                    &format!("s{n}"),
                    json!(n),
                    &operator(),
                )
                .await
                .unwrap()
        }
    });
    futures_util::future::join_all(setters).await;
    let settings = registry.settings(acme.id()).await.unwrap();
    assert_eq!(settings.len(), 8);
    assert_eq!(settings["s3"], json!(3));
    registry
        .set_setting(acme.id(), "s3", json!(null), &operator())
        .await
        .unwrap();
    assert!(
        !registry
            .settings(acme.id())
            .await
            .unwrap()
            .contains_key("s3")
    );
    assert_eq!(
        registry
            .by_id(&acme.id())
            .await
            .unwrap()
            .raw_settings()
            .len(),
        7
    );
}

async fn acme_id<DB: ProvisionDb>(registry: &SqlRegistry<DB>) -> TenantId {
    registry.by_slug(&slug("acme")).await.unwrap().id()
}

async fn lists_page_by_page<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let mut ids = Vec::new();
    for n in 0..7 {
        let tenant = provisioner
            .provision(new(&format!("t{n}"), Isolation::Shared))
            .await
            .unwrap();
        ids.push(tenant.id().to_string());
    }
    ids.sort();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = registry.list(after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.id());
        seen.extend(page.iter().map(|tenant| tenant.id().to_string()));
    }
    assert_eq!(seen, ids);
}

async fn a_buried_slug_stays_taken<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let error = registry
        .bury(acme.id(), &operator(), "gone")
        .await
        .unwrap_err();
    assert_eq!(kind_of(&error), Some(ErrorKind::ApiMisuse));
    provisioner.offboard(acme.id(), "left us").await.unwrap();
    registry.bury(acme.id(), &operator(), "gone").await.unwrap();
    assert!(
        registry
            .by_slug(&slug("acme"))
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );
    let error = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::SlugTaken), "{error:?}");
    assert_eq!(
        registry.audit_rows(acme.id(), 0, 100).await.unwrap().len(),
        4
    );
}

async fn audit_rows_cannot_be_changed_by_us<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let event = AuditEvent::new(AuditKind::CrossedTenants, operator())
        .with_tenant(acme.id())
        .with_reason("support case 7")
        .with_permission("support");
    registry.record(&event).await.unwrap();
    let rows = registry.audit_rows(acme.id(), 0, 100).await.unwrap();
    let row = rows.last().unwrap();
    assert_eq!(
        (
            row.kind.as_str(),
            row.reason.as_deref(),
            row.detail.as_deref()
        ),
        (
            "crossed_tenants",
            Some("support case 7"),
            Some(r#"{"permission":"support"}"#)
        )
    );
    assert_eq!(
        registry.audit_rows(acme.id(), row.id, 100).await.unwrap(),
        []
    );
}

async fn a_watch_carries_news<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let cache = Arc::new(CachedRegistry::new(registry.clone()));
    let _watch = registry
        .watch(&cache, Duration::from_millis(100))
        .await
        .unwrap();
    let held = cache.by_slug(&slug("acme")).await.unwrap();
    assert_eq!(held.status(), TenantStatus::Active);
    provisioner.suspend(acme.id(), "unpaid").await.unwrap();
    // The tenant that a request already holds learns of it, without asking.
    eventually(|| held.status() == TenantStatus::Suspended).await;
    provisioner.resume(acme.id(), "paid").await.unwrap();
    eventually(|| held.status() == TenantStatus::Active).await;
}

async fn eventually(check: impl Fn() -> bool) {
    for _ in 0..200 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not happen within four seconds");
}

async fn epochs_grow_in_the_order_of_commits<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let mut tenants = Vec::new();
    for n in 0..4 {
        tenants.push(
            provisioner
                .provision(new(&format!("t{n}"), Isolation::Shared))
                .await
                .unwrap()
                .id(),
        );
    }
    let changes = tenants
        .iter()
        .flat_map(|id| (0..5).map(move |n| (*id, n)))
        .map(|(id, n)| {
            let registry = registry.clone();
            async move {
                registry
                    .set_setting(id, "n", json!(n), &operator())
                    .await
                    .unwrap()
                    .epoch
            }
        });
    let mut epochs = futures_util::future::join_all(changes).await;
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 20);
}

async fn migrating_again_changes_nothing<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let many = (0..4).map(|_| registry.migrate());
    for migrated in futures_util::future::join_all(many).await {
        migrated.unwrap();
    }
    assert_eq!(registry.list(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_outage_is_no_answer() {
    let place = Pg::new().await;
    let gone = SqlRegistry::<sqlx::Postgres>::new(place.owner.clone().port(1));
    let error = gone.by_slug(&slug("acme")).await.unwrap_err();
    assert!(error.is_registry_unavailable(), "{error:?}");
    assert!(std::error::Error::source(&error).is_some());
    assert!(!error.looks_absent());

    let files = Files::new().await;
    std::fs::remove_file(files.folder.join("registry.db")).unwrap();
    let gone = SqlRegistry::<sqlx::Sqlite>::new(files.folder.path());
    let error = gone.by_slug(&slug("acme")).await.unwrap_err();
    assert!(error.is_registry_unavailable(), "{error:?}");
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_an_error_of_its_own() {
    let place = Pg::new().await;
    let acme = place
        .migrated()
        .await
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    place
        .as_owner("ALTER TABLE tenancy.tenants DROP CONSTRAINT tenants_status_check")
        .await;
    for (broken, column) in [
        ("status = 'on holiday'", "status"),
        ("status = 'active', slug = 'Acme'", "slug"),
        (
            "slug = 'acme', isolation = 'schema', placement_name = 'tenant_t_somebody'",
            "placement_name",
        ),
        (
            "isolation = 'shared', placement_name = NULL, server = 'No Server'",
            "server",
        ),
        ("server = 'main', epoch = -1", "epoch"),
    ] {
        place
            .as_owner(&format!("UPDATE tenancy.tenants SET {broken}"))
            .await;
        let error = place.registry.by_id(&acme.id()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other, "{broken}: {error:?}");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref::<RowError>().unwrap().column(), column);
    }

    let files = Files::new().await;
    let acme = files
        .migrated()
        .await
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(files.folder.join("registry.db"))
        .connect()
        .await
        .unwrap();
    conn.execute("PRAGMA ignore_check_constraints = ON")
        .await
        .unwrap();
    conn.execute("UPDATE tenants SET status = 'on holiday'")
        .await
        .unwrap();
    let error = files.registry.by_id(&acme.id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
}

#[tokio::test]
async fn the_audit_log_refuses_changes() {
    let place = Pg::new().await;
    place
        .migrated()
        .await
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let mut conn = place.owner.connect().await.unwrap();
    for sql in [
        "UPDATE tenancy.audit_log SET reason = 'x'",
        "DELETE FROM tenancy.audit_log",
        "TRUNCATE tenancy.audit_log",
    ] {
        let error = conn.execute(sql).await.unwrap_err();
        assert!(error.to_string().contains("append only"), "{error}");
    }
    // The application role of tenants has no business here at all.
    for sql in [
        "SELECT * FROM tenancy.tenants",
        "SELECT * FROM tenancy.api_keys",
    ] {
        let error = place.app().await.execute(sql).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{error}");
    }

    let files = Files::new().await;
    files
        .migrated()
        .await
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap();
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(files.folder.join("registry.db"))
        .connect()
        .await
        .unwrap();
    for sql in ["UPDATE audit_log SET reason = 'x'", "DELETE FROM audit_log"] {
        let error = conn.execute(sql).await.unwrap_err();
        assert!(error.to_string().contains("append only"), "{error}");
    }
}
