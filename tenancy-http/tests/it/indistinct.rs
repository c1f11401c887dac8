//! What an outsider can compare: unknown, closed and somebody else's, at every kind of address, with every kind of credential,
//! are one answer byte for byte, headers and all.

use std::sync::atomic::Ordering;

use http::StatusCode;
use tenancy_core::{DomainName, TenantId};

use crate::fixture::{BASE, Seen};
use crate::people::{People, absent, claims, request, token};

/// The tenants of the fixture and one that never was, and what ada of acme is to them.
const TENANTS: [(&str, &str, &str); 7] = [
    ("acme", "1", "hers"),
    ("globex", "2", "not hers"),
    ("initech", "3", "not hers, read-only"),
    ("umbrella", "4", "suspended"),
    ("hooli", "5", "provisioning"),
    ("stark", "6", "offboarding"),
    ("vandelay", "77", "unknown"),
];

/// Every way an address names a tenant: target, and headers without a credential.
fn addresses(slug: &str, id: &str) -> [(&'static str, String, Vec<String>); 4] {
    let host = |host: &str| format!("host: {host}");
    [
        (
            "subdomain",
            "/leads".to_owned(),
            vec![host(&format!("{slug}.{BASE}"))],
        ),
        (
            "domain",
            "/leads".to_owned(),
            vec![host(&format!("crm.{slug}.example"))],
        ),
        ("path", format!("/t/{slug}/leads"), vec![host(BASE)]),
        (
            "header",
            "/leads".to_owned(),
            vec![host(BASE), format!("x-tenant-id: {id}")],
        ),
    ]
}

/// All tenants have a domain and a key, whatever their status.
fn people() -> People {
    let people = People::new();
    for (slug, id, _) in TENANTS {
        if matches!(slug, "initech" | "hooli" | "stark") {
            let id = TenantId::parse(id).unwrap();
            let domain = DomainName::parse(&format!("crm.{slug}.example")).unwrap();
            people.registry.add_domain(&id, domain).unwrap();
        }
    }
    people
}

async fn ask(people: &People, target: &str, headers: &[String], credential: &str) -> Seen {
    let mut headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    headers.extend(Some(credential).filter(|credential| !credential.is_empty()));
    people.ask(request(target, &headers)).await
}

#[tokio::test]
async fn whose_it_is_and_whether_it_is_there_is_one_answer_at_every_address() {
    let people = people();
    let base = people
        .ask(request("/", &["host: vandelay.crm.example.com"]))
        .await;
    absent(&base);
    let cookie = people.cookie("acme", "ada").await;
    let mallory = people.cookie("acme", "mallory").await;
    let credentials = [
        ("nothing", String::new()),
        ("session", format!("cookie: {cookie}")),
        (
            "token",
            format!("authorization: Bearer {}", token(&claims("ada", "1"))),
        ),
        ("key", "x-api-key: tk_acme".to_owned()),
        ("session of no member", format!("cookie: {mallory}")),
        (
            "token of no member",
            format!("authorization: Bearer {}", token(&claims("mallory", "1"))),
        ),
    ];
    let (mut refused, mut served) = (0, 0);
    for (slug, id, what) in TENANTS {
        for (place, target, headers) in addresses(slug, id) {
            for (name, credential) in &credentials {
                let before = people.reached.load(Ordering::SeqCst);
                let seen = ask(&people, &target, &headers, credential).await;
                let case = format!("{name} at {place} of {slug}, {what}");
                let is_open = what.contains("hers");
                // Addresses that anybody may look at, her own, and cookies that come along where a host serves many tenants.
                let passes = match *name {
                    "nothing" => is_open,
                    "session" if place == "path" || place == "header" => is_open,
                    "session of no member" if place == "path" || place == "header" => {
                        is_open && what != "hers"
                    }
                    "session" | "token" | "key" => what == "hers",
                    _ => false,
                };
                if passes {
                    assert_eq!(seen.status, StatusCode::OK, "{case} {seen:?}");
                    assert!(seen.body.starts_with(slug), "{case} {seen:?}");
                    let is_ada = seen.body.contains("user:ada");
                    assert!(!is_ada || what == "hers", "{case} {seen:?}");
                    served += 1;
                } else {
                    assert_eq!(seen, base, "{case}");
                    assert_eq!(people.reached.load(Ordering::SeqCst), before, "{case}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        refused > 100 && served > 10,
        "{refused} refused, {served} served"
    );
}

#[tokio::test]
async fn a_credential_that_proves_nothing_is_one_answer_at_every_address() {
    let people = people();
    let forged = format!("{}x", token(&claims("ada", "1")));
    let over = token(&serde_json::json!({
        "iss": crate::people::ISSUER, "aud": "crm", "sub": "ada", "tenant": "1", "exp": 1_000_000
    }));
    let base = people
        .ask(request(
            "/",
            &["host: vandelay.crm.example.com", "x-api-key: tk_nobody"],
        ))
        .await;
    assert_eq!(base.status, StatusCode::UNAUTHORIZED);
    for credential in [
        "x-api-key: tk_nobody".to_owned(),
        format!("authorization: Bearer {forged}"),
        format!("authorization: Bearer {over}"),
    ] {
        for (slug, id, what) in TENANTS {
            for (place, target, headers) in addresses(slug, id) {
                let seen = ask(&people, &target, &headers, &credential).await;
                assert_eq!(seen, base, "{credential} at {place} of {slug}, {what}");
            }
        }
    }
    assert_eq!(people.reached.load(Ordering::SeqCst), 0);
}

/// A session that is none authenticates nobody: each address answers as it does to a stranger.
#[tokio::test]
async fn a_session_that_is_none_changes_no_answer() {
    let people = people();
    // What a real one is called.
    let acme = people.cookie("acme", "ada").await;
    assert!(acme.starts_with("__Host-session-1="), "{acme}");
    for (slug, id, what) in TENANTS {
        for (place, target, headers) in addresses(slug, id) {
            let stranger = ask(&people, &target, &headers, "").await;
            let forged = format!("cookie: __Host-session-{id}={}", "0".repeat(64));
            let seen = ask(&people, &target, &headers, &forged).await;
            assert_eq!(seen, stranger, "{place} of {slug}, {what}");
        }
    }
}
