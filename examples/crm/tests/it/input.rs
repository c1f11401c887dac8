//! Input that is wrong, in every way we could think of.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::absent::some_user;
use crate::world::{LEADS, TENANTS, World, host, on_both};

on_both!(
    bad_json_is_422,
    bad_forms_come_back_with_messages,
    foreign_ids_in_a_payload_do_nothing
);

async fn bad_json_is_422(world: World) {
    let acme = "acme";
    let lead = world.add(acme, "Unchanged").await;
    let path = format!("/api/leads/{lead}");
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "x" }), "email"),
        (json!({ "name": " \n", "email": "a@b.example" }), "name"),
        (
            json!({ "name": "x".repeat(121), "email": "a@b.example" }),
            "name",
        ),
        (json!({ "name": "x", "email": "nobody" }), "email"),
        (
            json!({ "name": "x", "email": "a@b.example", "status": "maybe" }),
            "status",
        ),
        (
            json!({ "name": "x", "email": "a@b.example", "value": -1 }),
            "value",
        ),
        (
            json!({ "name": "x", "email": "a@b.example", "owner_id": "0197a5f0-0000-7000-8000-000000000000" }),
            "owner_id",
        ),
    ] {
        let answer = world.json(acme, Method::POST, "/api/leads", &body).await;
        let problem = answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem["errors"][field].is_string(), "{field}: {problem}");
    }
    for body in [
        json!([]),
        json!("x"),
        json!({ "name": 7 }),
        json!({ "name": null }),
        json!({ "owner_id": "me" }),
    ] {
        for (method, path) in [(Method::POST, "/api/leads"), (Method::PATCH, path.as_str())] {
            world
                .json(acme, method, path, &body)
                .await
                .is_problem(StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    for body in [
        json!({ "name": "" }),
        json!({ "email": "x" }),
        json!({ "status": "WON" }),
    ] {
        world
            .json(acme, Method::PATCH, &path, &body)
            .await
            .is_problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let raw = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/api/leads")
            .header(header::HOST, host(acme))
            .header(header::COOKIE, world.cookie(acme))
            .header(header::CONTENT_TYPE, kind);
        world.send(request.body(Body::from(body)).unwrap()).await
    };
    raw("application/json", b"{".to_vec())
        .await
        .is_problem(StatusCode::UNPROCESSABLE_ENTITY);
    raw("application/json", b"{\"name\":\"\xff\"}".to_vec())
        .await
        .is_problem(StatusCode::UNPROCESSABLE_ENTITY);
    raw("text/plain", b"{}".to_vec())
        .await
        .is_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    raw("application/json", vec![b' '; 3 << 20])
        .await
        .is_problem(StatusCode::PAYLOAD_TOO_LARGE);
    world
        .bare(acme, Method::PUT, "/api/leads")
        .await
        .is_problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get(acme, &path).await.json()["name"], "Unchanged");
    assert_eq!(world.count(acme).await, LEADS as u64 + 1);
}

async fn bad_forms_come_back_with_messages(world: World) {
    for tenant in TENANTS {
        let id = world.add(tenant, "Unchanged").await;
        for path in ["/leads".to_owned(), format!("/leads/{id}")] {
            let page = world
                .form(
                    tenant,
                    &path,
                    "name=&email=nobody&company=%3Cscript%3E&value=lots&status=open",
                )
                .await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{page:?}");
            for text in [
                "Enter a name.",
                "Enter an address like",
                "Enter whole euros",
                "aria-invalid",
                "value=\"nobody\"",
            ] {
                assert!(page.body.contains(text), "{text}: {page:?}");
            }
            assert!(!page.body.contains("<script>"), "{page:?}");
        }
        let page = world
            .form(tenant, &format!("/leads/{id}/notes"), "body=+")
            .await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            world.get(tenant, &format!("/api/leads/{id}")).await.json()["name"],
            "Unchanged"
        );
    }
}

async fn foreign_ids_in_a_payload_do_nothing(world: World) {
    for victim in TENANTS {
        let lead = world.add(victim, "Victim Lead").await;
        let user = some_user(&world, victim).await;
        for thief in TENANTS.into_iter().filter(|tenant| *tenant != victim) {
            let before = world.count(victim).await;
            // An id and a tenant that a client sends are not ours to take over.
            let body = json!({
                "id": lead, "tenant_id": victim, "tenant": victim, "name": "Smuggled", "email": "a@b.example",
            });
            let added = world.json(thief, Method::POST, "/api/leads", &body).await;
            assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
            assert_ne!(added.json()["id"], lead.as_str());
            assert_eq!(world.count(victim).await, before);
            // Somebody else's user can't own a lead of ours.
            let body = json!({ "name": "Smuggled", "email": "a@b.example", "owner_id": user });
            let refused = world.json(thief, Method::POST, "/api/leads", &body).await;
            let problem = refused.is_problem(StatusCode::UNPROCESSABLE_ENTITY);
            assert!(problem["errors"]["owner_id"].is_string());
        }
        assert_eq!(
            world
                .get(victim, &format!("/api/leads/{lead}"))
                .await
                .json()["name"],
            "Victim Lead"
        );
    }
}
