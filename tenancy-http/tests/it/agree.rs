//! All that a request brings must name one tenant: every pair of sources, as two tenants, in every order.

use std::sync::atomic::Ordering;

use http::StatusCode;
use tenancy_core::{AuditKind, TenantStatus};
use tenancy_http::TenantLayer;

use crate::fixture::{BASE, registry};
use crate::people::{People, absent, claims, request, token};

/// One way to name a tenant: the host to use, what goes before the path, and a header.
struct Way {
    name: &'static str,
    host: Option<String>,
    prefix: String,
    header: Option<String>,
}

async fn ways(people: &People, slug: &str, id: &str, user: &str) -> Vec<Way> {
    let way = |name, host: Option<String>, prefix: &str, header: Option<String>| Way {
        name,
        host,
        prefix: prefix.to_owned(),
        header,
    };
    let bearer = |text: &str| Some(format!("authorization: Bearer {text}"));
    vec![
        way("subdomain", Some(format!("{slug}.{BASE}")), "", None),
        way(
            "custom domain",
            Some(format!("crm.{slug}.example")),
            "",
            None,
        ),
        way("path", None, &format!("/t/{slug}"), None),
        way("header", None, "", Some(format!("x-tenant-id: {id}"))),
        way("api key", None, "", Some(format!("x-api-key: tk_{slug}"))),
        way("token", None, "", bearer(&token(&claims(user, id)))),
        way(
            "session",
            None,
            "",
            Some(format!("cookie: {}", people.cookie(slug, user).await)),
        ),
    ]
}

/// A request that brings two ways; `None` if it can't, as both are its host.
fn both(one: &Way, two: &Way) -> Option<http::Request<axum::body::Body>> {
    let host = match (&one.host, &two.host) {
        (Some(_), Some(_)) => return None,
        (Some(host), None) | (None, Some(host)) => host.clone(),
        (None, None) => format!("api.{BASE}"),
    };
    let target = format!("{}{}/leads", one.prefix, two.prefix);
    let host = format!("host: {host}");
    let mut headers = vec![host.as_str()];
    headers.extend(one.header.as_deref());
    headers.extend(two.header.as_deref());
    Some(request(&target, &headers))
}

#[tokio::test]
async fn two_sources_agree_or_the_request_is_absent() {
    let people = People::new();
    let acme = ways(&people, "acme", "1", "ada").await;
    let globex = ways(&people, "globex", "2", "grace").await;
    let (mut agreed, mut refused) = (0, 0);
    for (i, one) in acme.iter().enumerate() {
        for (_, two) in acme.iter().enumerate().filter(|(j, _)| *j != i) {
            let Some(request) = both(one, two) else {
                continue;
            };
            let seen = people.ask(request).await;
            let two_actors = ["api key", "token", "session"];
            let (a, b) = (one.name, two.name);
            // A key and a user are two actors: refused, though they name one tenant.
            if two_actors.contains(&a)
                && two_actors.contains(&b)
                && (a == "api key" || b == "api key")
            {
                absent(&seen);
                continue;
            }
            assert_eq!(seen.status, StatusCode::OK, "{a} and {b}: {seen:?}");
            assert!(seen.body.starts_with("acme "), "{a} and {b}: {seen:?}");
            agreed += 1;
        }
        for two in &globex {
            let before = (
                people.reached.load(Ordering::SeqCst),
                people.audit.events().len(),
            );
            // Two sessions, or two keys, are one source that contradicts itself; tested by themselves.
            if one.name == two.name {
                continue;
            }
            let Some(request) = both(one, two) else {
                continue;
            };
            let seen = people.ask(request).await;
            let (a, b) = (one.name, two.name);
            let on_a_tenants_host = one.host.is_some() || two.host.is_some();
            if (a == "session" || b == "session") && !on_a_tenants_host {
                // A host that is nobody's serves many tenants: cookies of the others come along and prove nothing here.
                assert!(
                    !seen.body.contains("user:grace") || b != "session",
                    "{a} and {b}: {seen:?}"
                );
                assert!(
                    !seen.body.contains("user:ada") || a != "session",
                    "{a} and {b}: {seen:?}"
                );
                continue;
            }
            absent(&seen);
            let after = (
                people.reached.load(Ordering::SeqCst),
                people.audit.events().len(),
            );
            assert_eq!(
                after,
                (before.0, before.1 + 1),
                "{a} and {b}: no handler, one audit event"
            );
            let events = people.audit.events();
            let event = events.last().unwrap();
            assert_eq!(event.kind(), AuditKind::RefusedMismatch);
            let reason = event.reason().unwrap();
            assert!(
                reason.contains(a) && reason.contains(b),
                "{a} and {b}: {reason}"
            );
            refused += 1;
        }
    }
    assert!(
        agreed >= 30 && refused >= 20,
        "{agreed} agreed, {refused} refused"
    );
}

#[tokio::test]
async fn each_source_alone_names_its_tenant() {
    let people = People::new();
    for (slug, id, user) in [("acme", "1", "ada"), ("globex", "2", "grace")] {
        for way in ways(&people, slug, id, user).await {
            let host = format!(
                "host: {}",
                way.host.as_deref().unwrap_or("api.crm.example.com")
            );
            let mut headers = vec![host.as_str()];
            headers.extend(way.header.as_deref());
            let seen = people
                .ask(request(&format!("{}/leads?q=1", way.prefix), &headers))
                .await;
            let actor = match way.name {
                "api key" => "service:api key".to_owned(),
                "token" | "session" => format!("user:{user}"),
                _ => "anonymous".to_owned(),
            };
            let links = if way.name == "path" {
                format!(" /t/{slug}")
            } else {
                String::new()
            };
            assert_eq!(
                seen.body,
                format!("{slug} {actor} /leads?q=1{links}"),
                "{}",
                way.name
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_named_where_nothing_was_switched_on() {
    let people = People::new();
    let bare = TenantLayer::new(people.registry.clone()).subdomain_of(BASE);
    let acme = token(&claims("ada", "1"));
    let cookie = people.cookie("acme", "ada").await;
    for header in [
        "x-tenant-id: 1".to_owned(),
        "x-api-key: tk_acme".to_owned(),
        "authorization: Bearer tk_acme".to_owned(),
        format!("authorization: Bearer {acme}"),
        format!("cookie: {cookie}"),
    ] {
        let seen = people
            .through(
                &bare,
                request("/t/acme/", &["host: crm.example.com", &header]),
            )
            .await;
        absent(&seen);
        // On a tenant's own host it is not looked at either, and authenticates nobody.
        let seen = people
            .through(
                &bare,
                request("/", &["host: globex.crm.example.com", &header]),
            )
            .await;
        assert_eq!(seen.body, "globex anonymous /", "{header}");
    }
    let seen = people
        .through(&bare, request("/", &["host: crm.acme.example"]))
        .await;
    absent(&seen);
}

#[tokio::test]
async fn unknown_suspended_and_not_yours_are_the_same_bytes() {
    let people = People::new();
    let base = people
        .ask(request("/", &["host: vandelay.crm.example.com"]))
        .await;
    absent(&base);
    let ada = token(&claims("ada", "1"));
    let suspended = token(&claims("ada", "4"));
    let unknown = token(&claims("ada", "77"));
    let stranger = token(&claims("mallory", "1"));
    let cookie = people.cookie("acme", "ada").await;
    let bearer = |token: &str| format!("authorization: Bearer {token}");
    for (target, headers) in [
        // Unknown, in every place.
        ("/", vec!["host: crm.vandelay.example".to_owned()]),
        (
            "/t/vandelay/leads",
            vec!["host: crm.example.com".to_owned()],
        ),
        (
            "/",
            vec![
                "host: crm.example.com".to_owned(),
                "x-tenant-id: 77".to_owned(),
            ],
        ),
        (
            "/",
            vec!["host: api.crm.example.com".to_owned(), bearer(&unknown)],
        ),
        // Suspended.
        ("/", vec!["host: umbrella.crm.example.com".to_owned()]),
        ("/", vec!["host: crm.umbrella.example".to_owned()]),
        ("/t/umbrella/", vec!["host: crm.example.com".to_owned()]),
        (
            "/",
            vec![
                "host: api.crm.example.com".to_owned(),
                "x-api-key: tk_umbrella".to_owned(),
            ],
        ),
        (
            "/",
            vec!["host: api.crm.example.com".to_owned(), bearer(&suspended)],
        ),
        (
            "/",
            vec![
                "host: umbrella.crm.example.com".to_owned(),
                bearer(&suspended),
            ],
        ),
        // Somebody else's, whatever became of them.
        (
            "/",
            vec!["host: globex.crm.example.com".to_owned(), bearer(&ada)],
        ),
        (
            "/",
            vec!["host: umbrella.crm.example.com".to_owned(), bearer(&ada)],
        ),
        (
            "/",
            vec!["host: vandelay.crm.example.com".to_owned(), bearer(&ada)],
        ),
        (
            "/",
            vec![
                "host: globex.crm.example.com".to_owned(),
                "x-api-key: tk_acme".to_owned(),
            ],
        ),
        (
            "/",
            vec![
                "host: umbrella.crm.example.com".to_owned(),
                "x-api-key: tk_acme".to_owned(),
            ],
        ),
        (
            "/",
            vec![
                "host: globex.crm.example.com".to_owned(),
                format!("cookie: {cookie}"),
            ],
        ),
        (
            "/",
            vec![
                "host: vandelay.crm.example.com".to_owned(),
                format!("cookie: {cookie}"),
            ],
        ),
        (
            "/",
            vec![
                "host: globex.crm.example.com".to_owned(),
                "x-tenant-id: 1".to_owned(),
            ],
        ),
        // No member.
        (
            "/",
            vec!["host: acme.crm.example.com".to_owned(), bearer(&stranger)],
        ),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        assert_eq!(
            people.ask(request(target, &headers)).await,
            base,
            "{target} {headers:?}"
        );
    }
    assert_eq!(people.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_bad_credential_says_nothing_about_the_host() {
    let people = People::new();
    let ask = async |host: &str, header: &str| people.ask(request("/", &[host, header])).await;
    for header in [
        "x-api-key: tk_nobody",
        "x-api-key: acme",
        "authorization: Bearer tk_nobody",
        "authorization: Bearer nonsense",
        "authorization: Bearer a.b.c",
    ] {
        let base = ask("host: acme.crm.example.com", header).await;
        assert_eq!(base.status, StatusCode::UNAUTHORIZED, "{header}");
        assert_eq!(base.headers["www-authenticate"], "Bearer");
        for host in [
            "host: globex.crm.example.com",
            "host: umbrella.crm.example.com",
            "host: vandelay.crm.example.com",
            "host: api.crm.example.com",
        ] {
            assert_eq!(ask(host, header).await, base, "{host} {header}");
        }
    }
    assert_eq!(people.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn membership_is_asked_anew_and_a_stranger_is_told_of() {
    let people = People::new();
    let mallory = people.cookie("acme", "mallory").await;
    let cookie = format!("cookie: {mallory}");
    absent(
        &people
            .ask(request("/", &["host: acme.crm.example.com", &cookie]))
            .await,
    );
    let events = people.audit.events();
    assert_eq!(events.last().unwrap().kind(), AuditKind::RefusedStranger);
    assert_eq!(events.last().unwrap().actor().id(), Some("mallory"));
    // A member of two tenants is each where they are.
    for (slug, id) in [("acme", "1"), ("globex", "2")] {
        let both = format!("authorization: Bearer {}", token(&claims("both", id)));
        let host = format!("host: {slug}.crm.example.com");
        let seen = people.ask(request("/", &[&host, &both])).await;
        assert_eq!(seen.body, format!("{slug} user:both /"));
    }
}

#[tokio::test]
async fn users_need_somebody_who_says_that_they_are_members() {
    let people = People::new();
    let layer = TenantLayer::new(registry())
        .subdomain_of(BASE)
        .sessions(people.sessions.clone());
    let error = layer.ensure_configured().unwrap_err();
    assert!(error.to_string().contains("members"), "{error}");
    let seen = people
        .through(&layer, request("/", &["host: acme.crm.example.com"]))
        .await;
    assert_eq!(seen.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(layer.members_vouched_for().ensure_configured().is_ok());
}

#[tokio::test]
async fn a_suspension_ends_every_way_in() {
    let people = People::new();
    let ways = ways(&people, "acme", "1", "ada").await;
    let id = tenancy_core::TenantId::parse("1").unwrap();
    people
        .registry
        .set_status(&id, TenantStatus::Suspended)
        .unwrap();
    for way in ways {
        let host = format!(
            "host: {}",
            way.host.as_deref().unwrap_or("api.crm.example.com")
        );
        let mut headers = vec![host.as_str()];
        headers.extend(way.header.as_deref());
        absent(
            &people
                .ask(request(&format!("{}/", way.prefix), &headers))
                .await,
        );
    }
    assert_eq!(people.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn central_and_universal_routes_know_their_place() {
    let people = People::new();
    let central = people.layer.clone().central();
    let universal = people.layer.clone().universal();
    let cookie = format!("cookie: {}", people.cookie("acme", "ada").await);
    for (host, target, in_tenant) in [
        ("host: acme.crm.example.com", "/", Some("acme")),
        ("host: crm.globex.example", "/", Some("globex")),
        ("host: crm.example.com", "/t/acme/", Some("acme")),
        ("host: crm.example.com", "/", None),
        ("host: api.crm.example.com", "/", None),
    ] {
        let in_centre = people.through(&central, request(target, &[host])).await;
        let anywhere = people.through(&universal, request(target, &[host])).await;
        match in_tenant {
            Some(slug) => {
                absent(&in_centre);
                assert!(anywhere.body.starts_with(slug), "{host}: {anywhere:?}");
            }
            None => {
                assert_eq!(in_centre.body, "nobody /", "{host}");
                assert_eq!(anywhere.body, "nobody /", "{host}");
                absent(&people.ask(request(target, &[host])).await);
            }
        }
    }
    // What can't be, is absent from all of them.
    for host in [
        "host: vandelay.crm.example.com",
        "host: umbrella.crm.example.com",
        "host: a.b.crm.example.com",
        "host: evil.org",
        "host: [::1]",
    ] {
        for layer in [&central, &universal, &people.layer] {
            absent(&people.through(layer, request("/", &[host])).await);
        }
    }
    // A session alone is a tenant to universal routes, and nothing to central ones.
    let seen = people
        .through(
            &universal,
            request("/", &["host: crm.example.com", &cookie]),
        )
        .await;
    assert_eq!(seen.body, "acme user:ada /");
    let seen = people
        .through(&central, request("/", &["host: crm.example.com", &cookie]))
        .await;
    assert_eq!(seen.body, "nobody /");
}
