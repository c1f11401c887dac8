//! Session cookies: bound to one tenant, ended for good, and no way to fix, forge or double one.

use std::time::Duration;

use http::{HeaderMap, header};
use tenancy_http::{InMemorySessions, SameSite, Sessions};

use crate::people::{People, absent, request};

const ACME: &str = "host: acme.crm.example.com";

#[tokio::test]
async fn a_session_is_its_tenants_until_it_is_closed() {
    let people = People::new();
    let cookie = people.cookie("acme", "ada").await;
    let header = format!("cookie: theme=dark; {cookie}");
    assert_eq!(
        people.ask(request("/", &[ACME, &header])).await.body,
        "acme user:ada /"
    );
    // The same words on a domain of the tenant's own are the same session.
    assert_eq!(
        people
            .ask(request("/", &["host: crm.acme.example", &header]))
            .await
            .body,
        "acme user:ada /"
    );
    absent(
        &people
            .ask(request("/", &["host: globex.crm.example.com", &header]))
            .await,
    );

    let mut headers = HeaderMap::new();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    let context = people.context("acme").await;
    let removed = people.sessions.close(&context, &headers).await.unwrap();
    assert!(removed.to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(
        people.ask(request("/", &[ACME, &header])).await.body,
        "acme anonymous /"
    );
}

#[tokio::test]
async fn forged_and_foreign_cookies_authenticate_nobody() {
    let people = People::new();
    let cookie = people.cookie("acme", "ada").await;
    let (name, secret) = cookie.split_once('=').unwrap();
    assert_eq!(name, "__Host-session-1");
    let other = "0".repeat(secret.len());
    for forged in [
        format!("{name}={other}"),
        format!("{name}={}", secret.to_uppercase()),
        format!("{name}={}", &secret[1..]),
        format!("{name}="),
        format!("session-1={secret}"),
        format!("__Host-session-01={secret}"),
        // Planted beside the real one: which is real can't be known.
        format!("{cookie}; {name}={other}"),
        format!("{name}={other}; {cookie}"),
    ] {
        let header = format!("cookie: {forged}");
        let seen = people.ask(request("/", &[ACME, &header])).await;
        assert_eq!(seen.body, "acme anonymous /", "{forged}");
    }
    // The secret of a session of acme under globex' name is no session of globex.
    let renamed = format!("cookie: __Host-session-2={secret}");
    let seen = people
        .ask(request("/", &["host: globex.crm.example.com", &renamed]))
        .await;
    assert_eq!(seen.body, "globex anonymous /");
}

#[tokio::test]
async fn an_ended_session_is_nobodys() {
    let people = People::new();
    let short = people.sessions.clone().with_lifetime(Duration::ZERO);
    let context = people.context("acme").await;
    let cookie = short.open(&context, "ada").await.unwrap();
    let header = format!(
        "cookie: {}",
        cookie.to_str().unwrap().split(';').next().unwrap()
    );
    assert_eq!(
        people.ask(request("/", &[ACME, &header])).await.body,
        "acme anonymous /"
    );
}

#[tokio::test]
async fn all_sessions_of_a_user_end_together_and_only_theirs() {
    let people = People::new();
    let first = people.cookie("acme", "ada").await;
    let second = people.cookie("acme", "ada").await;
    assert_ne!(first, second);
    let both = people.cookie("acme", "both").await;
    let elsewhere = people.cookie("globex", "grace").await;
    people
        .sessions
        .close_all(&people.context("acme").await, "ada")
        .await
        .unwrap();
    people
        .sessions
        .close_all(&people.context("acme").await, "grace")
        .await
        .unwrap();
    for (host, cookie, expect) in [
        (ACME, first, "acme anonymous /"),
        (ACME, second, "acme anonymous /"),
        (ACME, both, "acme user:both /"),
        (
            "host: globex.crm.example.com",
            elsewhere,
            "globex user:grace /",
        ),
    ] {
        let header = format!("cookie: {cookie}");
        assert_eq!(
            people.ask(request("/", &[host, &header])).await.body,
            expect
        );
    }
}

#[tokio::test]
async fn two_tenants_in_paths_keep_two_sessions() {
    let people = People::new();
    let acme = people.cookie("acme", "ada").await;
    let globex = people.cookie("globex", "grace").await;
    let header = format!("cookie: {acme}; {globex}");
    let ask = async |target: &str| {
        people
            .ask(request(target, &["host: crm.example.com", &header]))
            .await
    };
    assert_eq!(ask("/t/acme/").await.body, "acme user:ada / /t/acme");
    assert_eq!(
        ask("/t/globex/").await.body,
        "globex user:grace / /t/globex"
    );
    // Without a path both are meant, so neither is.
    absent(&ask("/").await);
}

#[tokio::test]
async fn attributes_are_as_chosen() {
    let people = People::new();
    let strict = Sessions::new(InMemorySessions::new())
        .with_same_site(SameSite::Strict)
        .with_lifetime(Duration::from_secs(90))
        .with_name("crm")
        .unwrap();
    let cookie = strict
        .open(&people.context("acme").await, "ada")
        .await
        .unwrap();
    assert!(cookie.is_sensitive());
    let cookie = cookie.to_str().unwrap();
    assert!(cookie.starts_with("__Host-crm-1="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=90; Secure; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    assert!(!cookie.to_ascii_lowercase().contains("domain="));
    assert!(
        strict
            .open(&people.context("acme").await, "")
            .await
            .is_err()
    );
    assert!(
        Sessions::new(InMemorySessions::new())
            .with_name("a b")
            .is_err()
    );
}
