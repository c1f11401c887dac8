//! Invitations.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::absent::some_user;
use crate::world::{TENANTS, World, on_both};

on_both!(
    the_same_address_can_be_invited_by_each_tenant_once,
    who_is_revoked_can_own_nothing_new
);

async fn the_same_address_can_be_invited_by_each_tenant_once(world: World) {
    let form = "email=Grace.Hopper%40navy.example&role=sales";
    for tenant in TENANTS {
        let sent = world.form(tenant, "/users", form).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{sent:?}");
        assert!(sent.body.contains("Grace Hopper") && sent.body.contains("/invitations/"));
        let again = world.form(tenant, "/users", form).await;
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{again:?}");
        assert!(again.body.contains("invited already"));
    }
    for bad in [
        "email=x&role=sales",
        "email=a%40b.example&role=root",
        "",
        "role=sales",
    ] {
        assert_eq!(
            world.form("acme", "/users", bad).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{bad}"
        );
    }
}

async fn who_is_revoked_can_own_nothing_new(world: World) {
    for tenant in TENANTS {
        let user = some_user(&world, tenant).await;
        let lead = json!({ "name": "Owned", "email": "a@b.example", "owner_id": user });
        let added = world.json(tenant, Method::POST, "/api/leads", &lead).await;
        assert_eq!(added.json()["owner"]["id"], user.as_str(), "{added:?}");
        let revoked = world
            .form(tenant, &format!("/users/{user}/revoke"), "")
            .await;
        assert_eq!(
            revoked.header("location"),
            "/users?done=revoked",
            "{revoked:?}"
        );
        world
            .json(tenant, Method::POST, "/api/leads", &lead)
            .await
            .is_problem(StatusCode::UNPROCESSABLE_ENTITY);
        // A lead that was theirs stays theirs while other things change, and can be taken away.
        let path = format!("/api/leads/{}", added.json()["id"].as_str().unwrap());
        let kept = world
            .json(
                tenant,
                Method::PATCH,
                &path,
                &json!({ "name": "Still Owned" }),
            )
            .await;
        assert_eq!(kept.json()["owner"]["id"], user.as_str(), "{kept:?}");
        let freed = world
            .json(tenant, Method::PATCH, &path, &json!({ "owner_id": null }))
            .await;
        assert!(freed.json()["owner"].is_null(), "{freed:?}");
    }
}
