//! Settings, features and plans: written once, read where the tenant is, on both databases.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenancy_core::{Actor, CachedRegistry, Isolation, RegistryExt as _, TenantId};
use tenancy_sqlx::provision::ProvisionDb;
use tenancy_sqlx::{Provisioner, SqlRegistry};

use crate::places::{Files, Pg, new};

fn operator() -> Actor {
    Actor::user("ops")
}

#[tokio::test]
async fn they_travel_with_their_tenant_on_postgres() {
    let place = Pg::new().await;
    settings_features_and_plans_travel_with_their_tenant(
        place.registry.clone(),
        place.migrated().await,
    )
    .await;
}

#[tokio::test]
async fn they_travel_with_their_tenant_on_sqlite() {
    let place = Files::new().await;
    settings_features_and_plans_travel_with_their_tenant(
        place.registry.clone(),
        place.migrated().await,
    )
    .await;
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Look {
    accent: String,
    seats: Option<u32>,
}

async fn settings_features_and_plans_travel_with_their_tenant<DB: ProvisionDb>(
    registry: SqlRegistry<DB>,
    provisioner: Provisioner<DB>,
) {
    let begin = new("acme", Isolation::Shared).feature("export");
    let acme = provisioner.provision(begin).await.unwrap();
    let globex = new("globex", Isolation::Shared);
    let globex = provisioner.provision(globex).await.unwrap();
    assert!(acme.feature("export") && !globex.feature("export"));
    let cache = Arc::new(CachedRegistry::new(registry.clone()));
    assert!(!cache.by_id(&acme.id()).await.unwrap().feature("forecast"));

    let id = acme.id();
    let look = |seats| Look {
        accent: "teal".into(),
        seats,
    };
    let by = operator();
    for (feature, on) in [("forecast", true), ("forecast", true), ("export", false)] {
        let set = registry.set_feature(id, feature, on, &by);
        cache.apply(set.await.unwrap());
    }
    let set = registry.set_plan(id, Some("gold"), &by);
    cache.apply(set.await.unwrap());
    for seats in [Some(5), None] {
        let set = registry.set_settings(id, &look(seats), &by).await;
        cache.apply(set.unwrap());
    }
    let acme = cache.by_id(&id).await.unwrap();
    assert_eq!(acme.features().collect::<Vec<_>>(), ["forecast"]);
    assert_eq!(acme.plan(), Some("gold"));
    assert_eq!(acme.settings::<Look>().unwrap(), look(None));
    assert_eq!(acme.raw_settings().len(), 1, "None removes the setting");
    let globex = cache.by_id(&globex.id()).await.unwrap();
    assert_eq!((globex.features().count(), globex.plan()), (0, None));
    assert!(globex.settings::<Look>().is_err());

    // Refused: a name that nobody could write, settings that are none, nobody's features.
    for name in ["", "Export", "a b", "\u{e9}", &"x".repeat(65)] {
        let refused = registry.set_feature(id, name, true, &by).await;
        assert!(refused.is_err(), "{name:?}");
    }
    let wrong = new("initech", Isolation::Shared).feature("Export");
    assert!(provisioner.provision(wrong).await.is_err());
    assert!(registry.set_settings(id, &7, &by).await.is_err());
    let nobody = TenantId::parse("f6b1b1a0-0000-4000-8000-000000000001").unwrap();
    assert!(registry.set_feature(nobody, "x", true, &by).await.is_err());
    assert!(registry.set_plan(nobody, None, &by).await.is_err());
    assert!(
        registry
            .set_settings(nobody, &look(None), &by)
            .await
            .is_err()
    );

    // The log names what was changed and keeps values to itself.
    let rows = registry.audit_rows(id, 0, 100).await.unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| row.kind.as_str()).collect();
    for kind in ["feature_changed", "plan_changed", "settings_changed"] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    assert!(!format!("{rows:?}").contains("teal"));
}
