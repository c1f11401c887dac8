//! What does not depend on a tenant: hosts, health, headers, assets, cross-site requests.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::world::{World, host, on_both};

on_both!(hosts_are_checked, answers_carry_their_headers);

async fn hosts_are_checked(world: World) {
    let ask = async |host: &str, path: &str, accept: &str| {
        let mut request = Request::get(path)
            .header(header::HOST, host)
            .header(header::ACCEPT, accept);
        // A browser sends a host's cookies to that host alone.
        if host.to_lowercase().starts_with("acme.localhost") {
            request = request.header(header::COOKIE, world.cookie("acme"));
        }
        world.send(request.body(Body::empty()).unwrap()).await
    };
    for host in [
        "acme.localhost",
        "nobody.localhost",
        "localhost:3000",
        "127.0.0.1:3000",
        "example.com",
    ] {
        let health = ask(host, "/healthz", "*/*").await;
        assert_eq!(
            (health.status, health.body.as_str()),
            (StatusCode::OK, "ok")
        );
    }
    assert_eq!(
        ask("ACME.localhost.:80", "/api/leads", "*/*").await.status,
        StatusCode::OK
    );
    for host in [
        "nobody.localhost",
        "localhost",
        "acme.example.com",
        "a.acme.localhost",
        "acmelocalhost",
    ] {
        ask(host, "/api/leads", "*/*")
            .await
            .is_problem(StatusCode::NOT_FOUND);
        let page = ask(host, "/", "text/html").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.body.contains("There is nothing here"), "{page:?}");
    }
    ask("acme.localhost", "/nowhere", "*/*")
        .await
        .is_problem(StatusCode::NOT_FOUND);
    assert_eq!(
        ask("ac me.localhost", "/api/leads", "*/*").await.status,
        StatusCode::BAD_REQUEST
    );
}

async fn answers_carry_their_headers(world: World) {
    for path in ["/", "/leads", "/api/leads", "/api/leads/x", "/nowhere"] {
        let answer = world.get("acme", path).await;
        assert_eq!(
            answer.header("cache-control"),
            "private, no-store",
            "{path}"
        );
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(
            answer
                .headers
                .get_all("vary")
                .iter()
                .any(|vary| vary == "Accept"),
            "{path}"
        );
    }
    let page = world.get("acme", "/").await.body;
    assert!(
        !page.contains("<script") && !page.contains("style="),
        "the policy allows neither"
    );
    let (_, rest) = page.split_once("href=\"/assets/app.css").unwrap();
    let css = format!("/assets/app.css{}", rest.split_once('"').unwrap().0);
    let css = world.get("acme", &css).await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.header("cache-control").contains("immutable"));

    let cross = Request::post("/leads")
        .header(header::COOKIE, world.cookie("acme"))
        .header(header::HOST, host("acme"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-site")
        .header(header::ORIGIN, "http://globex.localhost:3000");
    let refused = world
        .send(
            cross
                .body(Body::from("name=x&email=a%40b.example"))
                .unwrap(),
        )
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
}
