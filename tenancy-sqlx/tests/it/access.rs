//! API keys that are rotated and listed, and domains that a proxy may ask about, on both databases.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tenancy_core::{
    Actor, ApiKeyHash, CachedRegistry, DomainName, ErrorKind, Isolation, RegistryExt as _,
    TenantStatus,
};
use tenancy_sqlx::provision::ProvisionDb;
use tenancy_sqlx::registry::ApiKey;
use tenancy_sqlx::{Provisioner, SqlRegistry};

use crate::places::{Files, Pg, new};

#[tokio::test]
async fn keys_are_rotated_on_postgres() {
    let place = Pg::new().await;
    keys_are_rotated(place.registry.clone(), place.migrated().await).await;
}

#[tokio::test]
async fn keys_are_rotated_on_sqlite() {
    let place = Files::new().await;
    keys_are_rotated(place.registry.clone(), place.migrated().await).await;
}

#[tokio::test]
async fn served_domains_are_verified_ones_of_served_tenants_on_postgres() {
    let place = Pg::new().await;
    served_domains(place.registry.clone(), place.migrated().await).await;
}

#[tokio::test]
async fn served_domains_are_verified_ones_of_served_tenants_on_sqlite() {
    let place = Files::new().await;
    served_domains(place.registry.clone(), place.migrated().await).await;
}

#[tokio::test]
async fn keys_end_on_every_node_on_postgres() {
    let place = Pg::new().await;
    keys_end_on_every_node(place.registry.clone(), place.migrated().await).await;
}

#[tokio::test]
async fn keys_end_on_every_node_on_sqlite() {
    let place = Files::new().await;
    keys_end_on_every_node(place.registry.clone(), place.migrated().await).await;
}

/// Two nodes, each with a cache that keeps what it knows for an hour.
async fn keys_end_on_every_node<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let by = Actor::user("ops");
    let tenant = provisioner.provision(new("acme", Isolation::Shared)).await;
    let acme = tenant.unwrap().id();
    let hour = Duration::from_secs(3600);
    let node = || {
        let cache = CachedRegistry::builder(registry.clone())
            .ttl(hour)
            .negative_ttl(hour);
        Arc::new(cache.build())
    };
    let (here, there) = (node(), node());
    let _watches = [
        registry
            .watch(&here, Duration::from_millis(50))
            .await
            .unwrap(),
        registry
            .watch(&there, Duration::from_millis(50))
            .await
            .unwrap(),
    ];
    let served = async |key: &ApiKey| {
        let hash = ApiKeyHash::of(key.reveal());
        (
            here.by_api_key(&hash).await.is_ok(),
            there.by_api_key(&hash).await.is_ok(),
        )
    };

    // Revoked: at once on the node that applies the event, and on the other when the news are there.
    let key = registry.add_api_key(acme, &by).await.unwrap();
    assert_eq!(served(&key).await, (true, true));
    let event = registry
        .revoke_listed_api_key(acme, key.prefix(), &by)
        .await
        .unwrap();
    here.apply(event);
    assert!(!served(&key).await.0);
    for attempt in 0.. {
        assert!(
            attempt < 500,
            "the other node goes on serving a revoked key"
        );
        if !served(&key).await.1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // Rotated: nobody announces that the overlap is over, and yet no cache serves the old key from then on.
    let old = registry.add_api_key(acme, &by).await.unwrap();
    let overlap = Duration::from_secs(2);
    let next = registry
        .rotate_api_key(acme, old.prefix(), overlap, &by)
        .await
        .unwrap();
    let listed = registry.api_keys(acme).await.unwrap();
    let row = listed.iter().find(|row| row.prefix == old.prefix());
    let end = u64::try_from(row.unwrap().expires_at.unwrap()).unwrap();
    let end = SystemTime::UNIX_EPOCH + Duration::from_millis(end);
    // As long as it is served it is so from the caches, most of the time.
    while let Ok(left) = end.duration_since(SystemTime::now()) {
        let _ = served(&old).await;
        tokio::time::sleep(left.min(Duration::from_millis(20))).await;
    }
    assert_eq!(served(&old).await, (false, false));
    assert_eq!(served(&next).await, (true, true));
}

async fn keys_are_rotated<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let by = Actor::user("ops");
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap()
        .id();
    let globex = provisioner
        .provision(new("globex", Isolation::Shared))
        .await
        .unwrap()
        .id();
    let finds = async |key: &ApiKey| {
        let found = registry.by_api_key(&ApiKeyHash::of(key.reveal())).await;
        found.map(|tenant| tenant.id()).ok()
    };
    let old = registry.add_api_key(acme, &by).await.unwrap();
    let hour = Duration::from_secs(3600);

    // Another tenant can neither rotate nor revoke it, nor can anybody a key that is not there.
    for (tenant, prefix) in [(globex, old.prefix()), (acme, "tk_00000000")] {
        let refused = registry
            .rotate_api_key(tenant, prefix, hour, &by)
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_tenancy().unwrap().kind(),
            ErrorKind::UnknownTenant
        );
        let refused = registry
            .revoke_listed_api_key(tenant, prefix, &by)
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_tenancy().unwrap().kind(),
            ErrorKind::UnknownTenant
        );
    }
    let next = registry
        .rotate_api_key(acme, old.prefix(), hour, &by)
        .await
        .unwrap();
    assert_eq!(
        (finds(&old).await, finds(&next).await),
        (Some(acme), Some(acme)),
        "both, for a while"
    );
    let last = registry
        .rotate_api_key(acme, next.prefix(), Duration::ZERO, &by)
        .await
        .unwrap();
    assert_eq!(
        (finds(&next).await, finds(&last).await),
        (None, Some(acme)),
        "no overlap, no old key"
    );
    let again = registry
        .rotate_api_key(acme, next.prefix(), hour, &by)
        .await;
    assert!(
        again.is_err(),
        "a key that is over can't be rotated back to life"
    );

    let used = SystemTime::now();
    let hash = ApiKeyHash::of(last.reveal());
    registry.mark_api_keys_used(&[(hash, used)]).await.unwrap();
    registry
        .mark_api_keys_used(&[(hash, used - hour)])
        .await
        .unwrap();
    registry
        .revoke_listed_api_key(acme, old.prefix(), &by)
        .await
        .unwrap();
    assert_eq!(finds(&old).await, None);
    let listed = registry.api_keys(acme).await.unwrap();
    assert_eq!(listed.len(), 3);
    assert!(registry.api_keys(globex).await.unwrap().is_empty());
    let row = |key: &ApiKey| {
        listed
            .iter()
            .find(|row| row.prefix == key.prefix())
            .unwrap()
    };
    let millis = used
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    assert_eq!(
        row(&last).last_used_at,
        Some(i64::try_from(millis).unwrap()),
        "the latest use"
    );
    assert!(row(&old).revoked_at.is_some() && row(&old).expires_at.is_some());
    assert!(row(&next).expires_at.is_some() && row(&next).revoked_at.is_none());
    assert!(row(&last).expires_at.is_none());
    let kinds: Vec<_> = registry
        .audit_rows(acme, 0, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.kind)
        .collect();
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| *kind == "api_key_rotated")
            .count(),
        2
    );
}

async fn served_domains<DB: ProvisionDb>(registry: SqlRegistry<DB>, provisioner: Provisioner<DB>) {
    let by = Actor::user("ops");
    let acme = provisioner
        .provision(new("acme", Isolation::Shared))
        .await
        .unwrap()
        .id();
    let globex = provisioner
        .provision(new("globex", Isolation::Shared))
        .await
        .unwrap()
        .id();
    let name = |text: &str| DomainName::parse(text).unwrap();
    for (tenant, domain, verified) in [
        (acme, "crm.acme.example", true),
        (acme, "claimed.example", false),
        (globex, "crm.globex.example", true),
        (globex, "claimed.example", false),
    ] {
        registry
            .add_domain(tenant, &name(domain), &by)
            .await
            .unwrap();
        if verified {
            registry
                .verify_domain(tenant, &name(domain), &by)
                .await
                .unwrap();
        }
    }
    let served = async || registry.served_domains().await.unwrap();
    assert_eq!(
        served().await,
        [name("crm.acme.example"), name("crm.globex.example")]
    );
    let claims = registry.domains(acme).await.unwrap();
    let claims: Vec<_> = claims
        .iter()
        .map(|row| (row.domain.as_str(), row.verified_at.is_some()))
        .collect();
    assert_eq!(
        claims,
        [("claimed.example", false), ("crm.acme.example", true)]
    );

    registry
        .set_status(globex, TenantStatus::Suspended, &by, "unpaid since march")
        .await
        .unwrap();
    assert_eq!(served().await, [name("crm.acme.example")]);
    registry
        .remove_domain(acme, &name("crm.acme.example"), &by)
        .await
        .unwrap();
    assert!(served().await.is_empty());
}
