//! Starting again finds what is there.

use axum::http::StatusCode;

use crate::world::{LEADS, TENANTS, World, on_both};

on_both!(a_second_start_adds_nothing_and_loses_nothing);

async fn a_second_start_adds_nothing_and_loses_nothing(world: World) {
    let mut added = Vec::new();
    for tenant in TENANTS {
        added.push(world.add(tenant, "Before the restart").await);
    }
    let world = world.again().await.again().await;
    for (tenant, id) in TENANTS.into_iter().zip(added) {
        assert_eq!(world.count(tenant).await, LEADS as u64 + 1, "{tenant}");
        assert_eq!(
            world.get(tenant, &format!("/api/leads/{id}")).await.status,
            StatusCode::OK
        );
    }
}
