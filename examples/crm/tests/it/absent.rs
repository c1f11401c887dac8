//! Another tenant's id looks exactly like one that never was, on every route that takes one.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::work;
use crate::world::{Answer, TENANTS, World, on_both};

on_both!(another_tenants_id_is_like_one_that_never_was);

/// Every route with an id in it: method, path, form body.
const ROUTES: [(Method, &str, &str); 15] = [
    (Method::POST, "/leads/{id}/attachments", ""),
    (Method::GET, "/attachments/{id}", ""),
    (Method::POST, "/attachments/{id}/delete", ""),
    (Method::GET, "/tasks/{id}", ""),
    (Method::GET, "/tasks/{id}/file", ""),
    (Method::GET, "/api/tasks/{id}", ""),
    (Method::GET, "/api/leads/{id}", ""),
    (Method::PATCH, "/api/leads/{id}", ""),
    (Method::DELETE, "/api/leads/{id}", ""),
    (Method::GET, "/leads/{id}", ""),
    (Method::GET, "/leads/{id}/edit", ""),
    (
        Method::POST,
        "/leads/{id}",
        "name=Taken+Over&email=me%40example.com",
    ),
    (Method::POST, "/leads/{id}/notes", "body=I+was+here"),
    (Method::POST, "/leads/{id}/delete", ""),
    (Method::POST, "/users/{id}/revoke", ""),
];

async fn ask(world: &World, tenant: &str, route: &(Method, &str, &str), id: &str) -> Answer {
    let (method, path, form) = route;
    let path = path.replace("{id}", id);
    match *method {
        Method::PATCH => {
            world
                .json(
                    tenant,
                    Method::PATCH,
                    &path,
                    &json!({ "name": "Taken Over" }),
                )
                .await
        }
        Method::POST => world.form(tenant, &path, form).await,
        _ => world.bare(tenant, method.clone(), &path).await,
    }
}

async fn another_tenants_id_is_like_one_that_never_was(world: World) {
    let nobody = "0197a5f0-0000-7000-8000-000000000000";
    for victim in TENANTS {
        let lead = world.add(victim, "Victim Lead").await;
        let user = some_user(&world, victim).await;
        let file = work::attached(&world, victim, &lead, "the victim's").await;
        let task = work::exported(&world, victim).await;
        for thief in TENANTS.into_iter().filter(|tenant| *tenant != victim) {
            for route in &ROUTES {
                let id = match route.1 {
                    path if path.starts_with("/users") => &user,
                    path if path.starts_with("/attachments") => &file,
                    path if path.contains("/tasks") => &task,
                    _ => &lead,
                };
                let stolen = ask(&world, thief, route, id).await;
                assert_eq!(
                    stolen.status,
                    StatusCode::NOT_FOUND,
                    "{thief} at {victim}: {route:?} {stolen:?}"
                );
                assert_eq!(
                    stolen,
                    ask(&world, thief, route, nobody).await,
                    "{thief} at {victim}: {route:?}"
                );
                assert_eq!(
                    stolen,
                    ask(&world, thief, route, "no-id").await,
                    "{thief} at {victim}: {route:?}"
                );
            }
        }
        let lead = world
            .get(victim, &format!("/api/leads/{lead}"))
            .await
            .json();
        assert_eq!(lead["name"], "Victim Lead");
        let kept = world.get(victim, &format!("/attachments/{file}")).await;
        assert_eq!(kept.body, "the victim's");
        let users = world.get(victim, "/users").await.body;
        assert!(
            users.contains(&format!("/users/{user}/revoke")),
            "somebody else revoked {user}"
        );
        assert!(!world.get(victim, "/").await.body.contains("I was here"));
    }
}

/// The id of somebody who can be revoked.
pub(crate) async fn some_user(world: &World, tenant: &str) -> String {
    let page = world.get(tenant, "/users").await.body;
    let (_, rest) = page.split_once("action=\"/users/").expect("a user");
    rest.split_once("/revoke").expect("a form").0.to_owned()
}

/// A route that takes an id and is not asked here would be a route nobody tried to steal from.
#[test]
fn every_route_with_an_id_is_asked() {
    let source = include_str!("../../src/app.rs");
    let mut literals = source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|text| text.contains("{id}"));
    let missing = literals.find(|path| ROUTES.iter().all(|(_, asked, _)| asked != path));
    assert_eq!(missing, None);
}
