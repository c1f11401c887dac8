//! Who may do what: every route, asked by every kind of caller, in each tenant and at another one's host.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use crate::world::{TENANTS, World, host, on_both};

on_both!(
    everybody_may_do_what_the_table_says,
    a_role_that_was_taken_away_is_gone_at_once,
);

/// Ids and names that are nobody's: whoever may do it is told that there is nothing (404) or that fields are missing (422), so
/// that asking changes little, and whoever may not is told that (403) whatever is there.
///
/// A stranger is another tenant's administrator, with the session that they have there.
const TABLE: &str = "
    what                                     nobody  viewer  sales  admin  key  token  stranger
    GET     /                                303     200     200    200    200  200    404
    GET     /leads                           303     200     200    200    200  200    404
    POST    /leads                           303     403     422    422    422  422    404
    GET     /leads/new                       303     200     200    200    200  200    404
    GET     /leads/{id}                      303     404     404    404    404  404    404
    POST    /leads/{id}                      303     403     404    404    404  404    404
    GET     /leads/{id}/edit                 303     404     404    404    404  404    404
    POST    /leads/{id}/notes                303     403     404    404    404  404    404
    POST    /leads/{id}/delete               303     403     404    404    404  404    404
    POST    /leads/{id}/attachments          303     403     404    404    404  404    404
    GET     /attachments/{id}                303     404     404    404    404  404    404
    POST    /attachments/{id}/delete         303     403     404    404    404  404    404
    GET     /tasks                           303     200     200    200    200  200    404
    POST    /tasks/import                    303     403     422    422    422  422    404
    POST    /tasks/export                    303     403     303    303    303  303    404
    GET     /tasks/{id}                      303     404     404    404    404  404    404
    GET     /tasks/{id}/file                 303     404     404    404    404  404    404
    GET     /users                           303     200     200    200    200  200    404
    POST    /users                           303     403     403    422    403  403    404
    POST    /users/{id}/revoke               303     403     403    404    403  403    404
    GET     /reports                         303     200     200    200    200  200    404
    POST    /reports/goal                    303     403     403    422    403  403    404
    GET     /api/leads                       401     200     200    200    200  200    404
    POST    /api/leads                       401     403     422    422    422  422    404
    GET     /api/leads/{id}                  401     404     404    404    404  404    404
    PATCH   /api/leads/{id}                  401     403     404    404    404  404    404
    DELETE  /api/leads/{id}                  401     403     404    404    404  404    404
    GET     /api/tasks/{id}                  401     404     404    404    404  404    404
    GET     /api/reports/pipeline            401     200     200    200    200  200    404
    GET     /api/reports/goal                401     200     200    200    200  200    404
    PUT     /api/reports/goal                401     403     403    422    403  403    404
    GET     /api/domains                     401     403     403    200    403  403    404
    POST    /api/domains                     401     403     403    422    403  403    404
    POST    /api/domains/{domain}/verify     401     403     403    422    403  403    404
    DELETE  /api/domains/{domain}            401     403     403    422    403  403    404
    GET     /api/keys                        401     403     403    200    403  403    404
    POST    /api/keys                        401     403     403    201    403  403    404
    POST    /api/keys/{prefix}/rotate        401     403     403    404    403  403    404
    DELETE  /api/keys/{prefix}               401     403     403    404    403  403    404
    POST    /api/tokens                      401     200     200    200    403  200    404
";

struct Row {
    method: Method,
    path: &'static str,
    /// In the order of the callers.
    expect: Vec<StatusCode>,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty());
    let read = |line: &'static str| {
        let mut words = line.split_whitespace();
        let status = |word: &str| StatusCode::from_bytes(word.as_bytes()).unwrap();
        Row {
            method: words.next().unwrap().parse().unwrap(),
            path: words.next().unwrap(),
            expect: words.map(status).collect(),
        }
    };
    lines.skip(1).map(read).collect()
}

/// What a caller brings.
#[derive(Clone, Default)]
struct Caller {
    cookie: String,
    bearer: String,
}

impl Caller {
    fn session(cookie: &str) -> Self {
        Self {
            cookie: cookie.to_owned(),
            ..Self::default()
        }
    }

    fn program(secret: &str) -> Self {
        Self {
            bearer: format!("Bearer {secret}"),
            ..Self::default()
        }
    }

    async fn ask(
        &self,
        world: &World,
        tenant: &str,
        method: &Method,
        path: &str,
    ) -> crate::world::Answer {
        let path = path
            .replace("{id}", "0197a5f0-0000-7000-8000-000000000000")
            .replace("{domain}", "no-domain")
            .replace("{prefix}", "tk_00000000");
        let kind = match (path.as_str(), path.starts_with("/api/")) {
            ("/tasks/import", _) => "multipart/form-data; boundary=edge",
            (path, _) if path.ends_with("/attachments") => "multipart/form-data; boundary=edge",
            (_, true) => "application/json",
            (_, false) => "application/x-www-form-urlencoded",
        };
        let body = match kind {
            "application/json" => "{}",
            "application/x-www-form-urlencoded" => "",
            _ => "--edge--\r\n",
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host(tenant))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, kind);
        for (name, value) in [
            (header::COOKIE, &self.cookie),
            (header::AUTHORIZATION, &self.bearer),
        ] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        world.send(request.body(Body::from(body)).unwrap()).await
    }
}

/// Invites somebody with a role; their session, once they accepted.
async fn member(world: &World, tenant: &str, role: &str) -> Caller {
    let email = format!("{role}@rights.example");
    let form = format!("email={role}%40rights.example&role={role}");
    let made = world.form(tenant, "/users", &form).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let (_, rest) = made.body.split_once("/invitations/").unwrap();
    let secret = rest.split('<').next().unwrap().trim();
    let accept = Request::post(format!("/invitations/{secret}"))
        .header(header::HOST, host(tenant))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(Body::from("password=long-enough-for-it"));
    assert_eq!(
        world.send(accept.unwrap()).await.status,
        StatusCode::SEE_OTHER
    );
    let cookie = world
        .sign_in(&host(tenant), "", &email, "long-enough-for-it")
        .await;
    Caller::session(&cookie.unwrap())
}

async fn everybody_may_do_what_the_table_says(world: World) {
    for (at, tenant) in TENANTS.into_iter().enumerate() {
        let admin = Caller::session(world.cookie(tenant));
        let sales = member(&world, tenant, "sales").await;
        let made = admin
            .ask(&world, tenant, &Method::POST, "/api/keys")
            .await
            .json();
        let token = sales
            .ask(&world, tenant, &Method::POST, "/api/tokens")
            .await
            .json();
        let elsewhere = TENANTS[(at + 1) % TENANTS.len()];
        let callers = [
            ("nobody", Caller::default()),
            ("viewer", member(&world, tenant, "viewer").await),
            ("sales", sales),
            ("admin", admin),
            ("key", Caller::program(made["key"].as_str().unwrap())),
            ("token", Caller::program(token["token"].as_str().unwrap())),
            ("stranger", Caller::session(world.cookie(elsewhere))),
        ];
        for row in rows() {
            assert_eq!(row.expect.len(), callers.len(), "{}", row.path);
            for ((name, caller), expect) in callers.iter().zip(&row.expect) {
                let seen = caller.ask(&world, tenant, &row.method, row.path).await;
                let Row { method, path, .. } = &row;
                assert_eq!(
                    seen.status, *expect,
                    "{name} in {tenant}: {method} {path} {seen:?}"
                );
            }
        }
        // What a role does not allow is not offered.
        let (_, viewer) = &callers[1];
        let page = viewer
            .ask(&world, tenant, &Method::GET, "/users")
            .await
            .body;
        assert!(
            !page.contains("/revoke") && !page.contains("Invite somebody"),
            "{page}"
        );
    }
}

async fn a_role_that_was_taken_away_is_gone_at_once(world: World) {
    let sales = member(&world, "acme", "sales").await;
    let token = sales
        .ask(&world, "acme", &Method::POST, "/api/tokens")
        .await
        .json();
    let token = Caller::program(token["token"].as_str().unwrap());
    let page = world.get("acme", "/users").await.body;
    let row = page
        .split("<tr")
        .find(|row| row.contains("sales@rights.example"));
    let (_, action) = row.unwrap().split_once("action=\"").unwrap();
    let revoked = world
        .form("acme", action.split('"').next().unwrap(), "")
        .await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER);
    for (caller, status) in [
        (sales, StatusCode::SEE_OTHER),
        (token, StatusCode::NOT_FOUND),
    ] {
        let seen = caller.ask(&world, "acme", &Method::GET, "/leads").await;
        assert_eq!(seen.status, status, "{seen:?}");
        let seen = caller.ask(&world, "acme", &Method::POST, "/leads").await;
        assert_eq!(seen.status, status, "{seen:?}");
    }
}

/// A route that is not in the table would be a route of which nobody has said who may use it.
#[test]
fn every_route_is_in_the_table() {
    let source = include_str!("../../src/app.rs");
    let tabled = rows();
    // What is there before anybody signed in, and what is of no tenant.
    let open = [
        "/healthz",
        "/allowed-domain",
        "/sign-in",
        "/sign-out",
        "/invitations/{secret}",
    ];
    let routes = source.split(".route(").skip(1).map(|route| {
        let path = route.split('"').nth(1).unwrap();
        let end = route.find("\n        .").unwrap_or(route.len());
        (
            path,
            &route[..end.min(route.find(".route(").unwrap_or(end))],
        )
    });
    let mut seen = 0;
    for (path, route) in routes.filter(|(path, _)| !open.contains(path)) {
        seen += 1;
        assert!(
            tabled.iter().any(|row| row.path == path),
            "{path} is missing"
        );
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let call = format!("{}(", method.as_str().to_lowercase());
            let is_served =
                route.contains(&format!(" {call}")) || route.contains(&format!(".{call}"));
            let is_tabled = tabled
                .iter()
                .any(|row| row.path == path && row.method == method);
            assert!(!is_served || is_tabled, "{method} {path} is missing");
        }
    }
    assert!(seen > 30, "{seen}");
}
