//! Who is it, and whose: sign-in, invitations, sessions, keys and tokens of two tenants over real HTTP, on every kind of address.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use crm::start::DEMO_PASSWORD;
use serde_json::{Value, json};

use crate::absent::some_user;
use crate::browser::{Answer, Browser};
use crate::world::{World, on_both};

on_both!(
    nobody_sees_anything_but_the_sign_in_page,
    a_password_opens_the_session_of_one_tenant,
    a_session_of_one_tenant_is_nothing_to_another,
    an_invitation_is_accepted_once_and_where_it_was_made,
    one_tenant_answers_on_its_own_domain_and_one_in_a_path,
    programs_bring_keys_and_tokens,
);

async fn nobody_sees_anything_but_the_sign_in_page(world: World) {
    let address = world.serve().await;
    let nobody = Browser::new(address, "acme.localhost");
    for page in [
        "/",
        "/leads",
        "/leads/new",
        "/leads/x",
        "/users",
        "/reports",
        "/nowhere",
    ] {
        let answer = nobody.get(page).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/sign-in"),
            "{page}"
        );
        assert_eq!(answer.body, "", "{page}");
    }
    for page in ["/leads", "/users", "/reports/goal"] {
        assert_eq!(
            nobody.post(page, "name=x").await.header("location"),
            "/sign-in",
            "{page}"
        );
    }
    for path in [
        "/api/leads",
        "/api/reports/pipeline",
        "/api/keys",
        "/api/nowhere",
    ] {
        let answer = nobody.get(path).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    let page = nobody.get("/sign-in").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("Acme Tools") && !page.body.contains("/leads"),
        "{page:?}"
    );
    assert_eq!(nobody.get("/healthz").await.body, "ok");
    // A host without a tenant has no sign-in page either.
    for host in ["vandelay.localhost", "localhost", "evil.example"] {
        assert_eq!(
            nobody.at(host).get("/sign-in").await.status,
            StatusCode::NOT_FOUND,
            "{host}"
        );
    }
}

async fn a_password_opens_the_session_of_one_tenant(world: World) {
    let address = world.serve().await;
    let mut browser = Browser::new(address, "acme.localhost");
    let wrong = browser
        .sign_in("", "admin@acme.example", "not-the-password")
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (email, password) in [
        ("nobody@acme.example", DEMO_PASSWORD),
        ("admin@globex.example", DEMO_PASSWORD),
        ("", ""),
        ("admin@acme.example", ""),
    ] {
        let refused = browser.sign_in("", email, password).await;
        assert_eq!(refused.status, wrong.status, "{email}");
        assert_eq!(refused.header("set-cookie"), "", "{email}");
        assert!(
            refused.body.contains("The email or the password is wrong."),
            "{email}"
        );
    }
    let welcome = browser
        .sign_in("", "Admin@ACME.example", DEMO_PASSWORD)
        .await;
    assert_eq!(
        (welcome.status, welcome.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let set = welcome.header("set-cookie");
    assert!(
        set.starts_with("__Host-crm-") && set.ends_with("Secure; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    assert!(!set.to_lowercase().contains("domain"), "{set}");
    assert!(browser.get("/").await.body.contains("Acme Tools"));
    let first = browser.cookie.clone();
    browser
        .sign_in("", "admin@acme.example", DEMO_PASSWORD)
        .await;
    assert_ne!(browser.cookie, first, "a new session each time");

    let kept = browser.cookie.clone();
    let out = browser.post("/sign-out", "").await;
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    assert_eq!(
        browser.get("/").await.header("location"),
        "/sign-in",
        "the cookie {kept} is worth nothing"
    );
    // The other session of the same user goes on.
    browser.cookie = first;
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
}

async fn a_session_of_one_tenant_is_nothing_to_another(world: World) {
    let address = world.serve().await;
    let mut acme = Browser::new(address, "acme.localhost");
    acme.sign_in("", "admin@acme.example", DEMO_PASSWORD).await;
    let unknown = acme.at("vandelay.localhost").get("/leads").await.timeless();
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for host in [
        "globex.localhost",
        "initech.localhost",
        "umbrella.localhost",
    ] {
        for path in ["/", "/leads", "/api/leads", "/sign-in", "/nowhere"] {
            assert_eq!(
                acme.at(host).get(path).await.timeless(),
                unknown,
                "{host}{path}"
            );
        }
    }
    // Under the other tenant's name it is no session there.
    let (_, secret) = acme.cookie.split_once('=').unwrap();
    let mut globex = Browser::new(address, "globex.localhost");
    globex
        .sign_in("", "admin@globex.example", DEMO_PASSWORD)
        .await;
    let (name, _) = globex.cookie.split_once('=').unwrap();
    globex.cookie = format!("{name}={secret}");
    assert_eq!(globex.get("/leads").await.header("location"), "/sign-in");
    let context = world.operator("globex").await;
    let events = context
        .scope(world.control.refusals())
        .await
        .unwrap()
        .unwrap();
    assert!(events > 0, "the mismatches were recorded");
}

async fn an_invitation_is_accepted_once_and_where_it_was_made(world: World) {
    let address = world.serve().await;
    let mut admin = Browser::new(address, "acme.localhost");
    admin.sign_in("", "admin@acme.example", DEMO_PASSWORD).await;
    let made = admin
        .post("/users", "email=Grace.Hopper%40navy.example&role=sales")
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let (_, rest) = made.body.split_once("//acme.localhost/").unwrap();
    let link = format!("/{}", rest.split_once('<').unwrap().0.trim());

    let mut grace = Browser::new(address, "acme.localhost");
    // Not before she accepted, with no password at all.
    assert_eq!(
        grace
            .sign_in("", "grace.hopper@navy.example", "")
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(
        grace
            .get(&link)
            .await
            .body
            .contains("Welcome, Grace Hopper")
    );
    assert_eq!(
        grace.at("globex.localhost").get(&link).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        grace
            .at("globex.localhost")
            .post(&link, "password=long-enough-for-it")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        grace.post(&link, "password=short").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let accepted = grace.post(&link, "password=long-enough-for-it").await;
    assert_eq!(accepted.status, StatusCode::SEE_OTHER, "{accepted:?}");
    assert_eq!(
        grace.get(&link).await.status,
        StatusCode::NOT_FOUND,
        "a link works once"
    );
    assert_eq!(
        grace.post(&link, "password=of-somebody-else").await.status,
        StatusCode::NOT_FOUND
    );
    grace
        .sign_in("", "grace.hopper@navy.example", "long-enough-for-it")
        .await;
    assert!(grace.get("/leads").await.body.contains("Acme Tools"));
    assert_eq!(
        grace.at("globex.localhost").get("/leads").await.status,
        StatusCode::NOT_FOUND
    );

    // Revoked, she is out at once, with what she holds and with what she knows.
    let users = admin.get("/users").await.body;
    let row = users
        .split("<tr")
        .find(|row| row.contains("grace.hopper@navy.example"))
        .unwrap();
    let action = row
        .split_once("action=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    assert_eq!(admin.post(action, "").await.status, StatusCode::SEE_OTHER);
    assert_eq!(grace.get("/leads").await.header("location"), "/sign-in");
    assert_eq!(
        grace
            .sign_in("", "grace.hopper@navy.example", "long-enough-for-it")
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(!some_user(&world, "acme").await.is_empty());
}

async fn one_tenant_answers_on_its_own_domain_and_one_in_a_path(world: World) {
    // Both claim it; the one whose record is there has it.
    let claim = json!({ "domain": "CRM.Globex.example." });
    for tenant in ["acme", "globex"] {
        let claimed = world
            .json(tenant, Method::POST, "/api/domains", &claim)
            .await;
        assert_eq!(claimed.status, StatusCode::CREATED, "{claimed:?}");
        let verify = "/api/domains/crm.globex.example/verify";
        let refused = world.json(tenant, Method::POST, verify, &Value::Null).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{refused:?}"
        );
        let record = &claimed.json()["record"];
        let name = record["name"].as_str().unwrap();
        assert_eq!(name, "_tenancy-challenge.crm.globex.example");
        world.zone.put(name, record["value"].as_str().unwrap());
    }
    let verify = "/api/domains/crm.globex.example/verify";
    let stolen = world.json("acme", Method::POST, verify, &Value::Null).await;
    assert_eq!(
        stolen.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{stolen:?}"
    );
    let verified = world
        .json("globex", Method::POST, verify, &Value::Null)
        .await;
    assert_eq!(verified.status, StatusCode::NO_CONTENT, "{verified:?}");
    for refused in [
        "localhost",
        "acme.localhost",
        "co.uk",
        "10.0.0.1",
        "printer.local",
        "acme",
    ] {
        let answer = world
            .json(
                "acme",
                Method::POST,
                "/api/domains",
                &json!({ "domain": refused }),
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    }
    assert_eq!(world.control.served().await.unwrap().len(), 1);
    let address = world.serve().await;

    let mut globex = Browser::new(address, "CRM.globex.example:443");
    globex
        .sign_in("", "admin@globex.example", DEMO_PASSWORD)
        .await;
    assert!(globex.get("/leads").await.body.contains("Globex Energy"));
    assert_eq!(
        Browser::new(address, "www.crm.globex.example")
            .get("/")
            .await
            .status,
        StatusCode::NOT_FOUND
    );

    let mut acme = Browser::new(address, "localhost");
    assert_eq!(
        acme.get("/t/acme/leads").await.header("location"),
        "/t/acme/sign-in"
    );
    let welcome = acme
        .sign_in("/t/acme", "admin@acme.example", DEMO_PASSWORD)
        .await;
    assert_eq!(welcome.header("location"), "/t/acme/");
    let page = acme.get("/t/acme/leads").await.body;
    assert!(page.contains("Acme Tools"), "{page}");
    for address in page.split("href=\"").chain(page.split("action=\"")).skip(1) {
        let address = address.split('"').next().unwrap();
        let within = ["/t/acme/", "/assets/", "#"]
            .iter()
            .any(|start| address.starts_with(start));
        assert!(
            within || address.starts_with("<!doctype"),
            "{address} leads out of the tenant's path"
        );
    }
    let added = acme
        .post(
            "/t/acme/leads",
            "name=In+A+Path&email=a%40b.example&status=open&value=1",
        )
        .await;
    assert!(
        added.header("location").starts_with("/t/acme/leads/"),
        "{added:?}"
    );
    // The cookie of acme says nothing in globex' path, and the path nothing on globex' host.
    assert_eq!(
        acme.get("/t/globex/leads").await.header("location"),
        "/t/globex/sign-in"
    );
    assert_eq!(
        acme.at("globex.localhost")
            .get("/t/acme/leads")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    for path in [
        "/t/vandelay/leads",
        "/t/%61cme/leads",
        "/t//leads",
        "/t/acme/../globex/leads",
        "/t",
    ] {
        assert_eq!(acme.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

async fn programs_bring_keys_and_tokens(world: World) {
    let address = world.serve().await;
    let mut admin = Browser::new(address, "acme.localhost");
    admin.sign_in("", "admin@acme.example", DEMO_PASSWORD).await;
    let json = |answer: &Answer| {
        serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
    };
    let made = json(&admin.send("POST", "/api/keys", "", "").await);
    let key = made["key"].as_str().unwrap();
    let prefix = made["prefix"].as_str().unwrap();
    let listed = admin.get("/api/keys").await;
    assert!(
        listed.body.contains(prefix) && !listed.body.contains(key),
        "{listed:?}"
    );

    let program = admin.with_bearer(key);
    for (host, status) in [
        ("acme.localhost", StatusCode::OK),
        ("localhost", StatusCode::OK),
        ("globex.localhost", StatusCode::NOT_FOUND),
        ("vandelay.localhost", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            program.at(host).get("/api/leads").await.status,
            status,
            "{host}"
        );
    }
    assert_eq!(
        program
            .with_bearer("tk_0123")
            .get("/api/leads")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );

    // Rotated, both work; revoked, neither a cache nor a host lets it in for long.
    let rotated = admin
        .send("POST", &format!("/api/keys/{prefix}/rotate"), "", "")
        .await;
    assert_eq!(rotated.status, StatusCode::CREATED, "{rotated:?}");
    let next = json(&rotated)["key"].as_str().unwrap().to_owned();
    assert_eq!(program.get("/api/leads").await.status, StatusCode::OK);
    assert_eq!(
        program.with_bearer(&next).get("/api/leads").await.status,
        StatusCode::OK
    );
    let other = world
        .json(
            "globex",
            Method::DELETE,
            &format!("/api/keys/{prefix}"),
            &Value::Null,
        )
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "another tenant's key");
    let revoked = admin
        .send("DELETE", &format!("/api/keys/{prefix}"), "", "")
        .await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT, "{revoked:?}");
    for attempt in 0.. {
        match program.get("/api/leads").await.status {
            StatusCode::UNAUTHORIZED => break,
            status => assert!(
                attempt < 300 && status == StatusCode::OK,
                "{attempt} {status}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        program.with_bearer(&next).get("/api/leads").await.status,
        StatusCode::OK
    );

    let token = json(&admin.send("POST", "/api/tokens", "", "").await)["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let program = admin.with_bearer(&token);
    assert_eq!(program.get("/api/leads").await.status, StatusCode::OK);
    assert_eq!(
        program.at("localhost").get("/api/leads").await.status,
        StatusCode::OK
    );
    assert_eq!(
        program
            .at("globex.localhost")
            .get("/api/leads")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let (signed, _) = token.rsplit_once('.').unwrap();
    assert_eq!(
        program
            .with_bearer(&format!("{signed}.AAAA"))
            .get("/api/leads")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    // A key makes no tokens: those are for users.
    let by_key = admin
        .with_bearer(&next)
        .send("POST", "/api/tokens", "", "")
        .await;
    assert_eq!(by_key.status, StatusCode::FORBIDDEN, "{by_key:?}");
}
