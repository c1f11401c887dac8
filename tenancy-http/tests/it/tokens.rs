//! Attacks on signed tokens, each with its one answer; keys that rotate, and keys that can't be fetched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tenancy_core::TenantId;
use tenancy_http::{FetchedKeys, FixedKeys, Issuer, KeySource, TenantLayer, TokenKey, Tokens};

use crate::fixture::{BASE, registry};
use crate::people::{ISSUER, People, SECRET, absent, claims, request, token};

const ACME: &str = "host: acme.crm.example.com";

async fn ask(
    people: &People,
    layer: &TenantLayer,
    host: &str,
    token: &str,
) -> (StatusCode, String) {
    let header = format!("authorization: Bearer {token}");
    let seen = people.through(layer, request("/", &[host, &header])).await;
    (seen.status, seen.body)
}

fn signed(header: &Header, claims: &Value, secret: &[u8]) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn header(kid: &str, algorithm: Algorithm) -> Header {
    Header {
        kid: Some(kid.to_owned()),
        ..Header::new(algorithm)
    }
}

/// base64url without padding, for tokens that no library would make.
fn b64(text: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]));
        }
    }
    out
}

#[tokio::test]
async fn every_forged_or_stale_token_is_refused_alike() {
    let people = People::new();
    let good = claims("ada", "1");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        token(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        token(&claims)
    };
    let now = get_current_timestamp();
    let fine = token(&good);
    let (status, body) = ask(&people, &people.layer, ACME, &fine).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "acme user:ada /"));
    let (head, rest) = fine.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let none = b64(br#"{"alg":"none","typ":"JWT","kid":"k1"}"#);
    let crit = Header {
        crit: Some(vec!["exp".to_owned()]),
        ..header("k1", Algorithm::HS256)
    };
    let other_payload = b64(good.to_string().replace("\"1\"", "\"2\"").as_bytes());
    let refused = [
        ("expired", with("exp", json!(now - 3600))),
        ("no exp", without("exp")),
        ("exp as text", with("exp", json!("tomorrow"))),
        ("not yet", with("nbf", json!(now + 3600))),
        ("another audience", with("aud", json!("billing"))),
        ("other audiences", with("aud", json!(["billing", "mail"]))),
        ("no audience", without("aud")),
        ("another issuer", with("iss", json!("https://evil.example"))),
        (
            "issuer with a slash",
            with("iss", json!(format!("{ISSUER}/"))),
        ),
        ("no issuer", without("iss")),
        ("no subject", without("sub")),
        ("empty subject", with("sub", json!(""))),
        ("no tenant", without("tenant")),
        ("tenant is no id", with("tenant", json!("Acme"))),
        ("tenant is a list", with("tenant", json!(["1", "2"]))),
        ("tenant with a leading zero", with("tenant", json!("01"))),
        (
            "another secret",
            signed(
                &header("k1", Algorithm::HS256),
                &good,
                b"another secret of 32 bytes or more!!",
            ),
        ),
        (
            "unknown kid",
            signed(&header("k2", Algorithm::HS256), &good, SECRET),
        ),
        (
            "kid as a path",
            signed(&header("../k1", Algorithm::HS256), &good, SECRET),
        ),
        (
            "another algorithm of the key",
            signed(&header("k1", Algorithm::HS512), &good, SECRET),
        ),
        ("critical header", signed(&crit, &good, SECRET)),
        ("alg none", format!("{none}.{payload}.")),
        (
            "alg none with a signature",
            format!("{none}.{payload}.{signature}"),
        ),
        ("no signature", format!("{head}.{payload}.")),
        (
            "payload swapped",
            format!("{head}.{other_payload}.{signature}"),
        ),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{fine}.x")),
        ("too long", format!("{fine}{}", "A".repeat(9000))),
        ("truncated", fine[..fine.len() - 2].to_owned()),
    ];
    let base = people
        .ask(request("/", &[ACME, "authorization: Bearer x.y.z"]))
        .await;
    for (what, token) in refused {
        let header = format!("authorization: Bearer {token}");
        assert_eq!(
            people.ask(request("/", &[ACME, &header])).await,
            base,
            "{what}"
        );
    }
    assert_eq!(base.status, StatusCode::UNAUTHORIZED);
    // Within the leeway, and with the audience among several, it is good.
    for fine in [
        with("exp", json!(now - 5)),
        with("aud", json!(["mail", "crm"])),
        with("nbf", json!(now + 5)),
    ] {
        assert_eq!(
            ask(&people, &people.layer, ACME, &fine).await.0,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_token_of_one_tenant_on_the_host_of_another_reaches_no_handler() {
    let people = People::new();
    let token = format!("authorization: Bearer {}", token(&claims("both", "1")));
    // Even of somebody who is a member of both.
    absent(
        &people
            .ask(request("/", &["host: globex.crm.example.com", &token]))
            .await,
    );
    assert_eq!(people.reached.load(Ordering::SeqCst), 0);
    assert_eq!(people.audit.events().len(), 1);
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    // The classic: sign with HS256, and the issuer's public key as the secret.
    let public = [9u8; 32];
    let keys =
        FixedKeys::new([
            TokenKey::new("k1", Algorithm::EdDSA, DecodingKey::from_ed_der(&public)).unwrap(),
        ]);
    let issuer = Issuer::new(ISSUER, "crm", keys).tenant_id_claim("tenant");
    let people = People::new();
    let layer = TenantLayer::new(registry())
        .subdomain_of(BASE)
        .tokens(Tokens::new([issuer]))
        .members_vouched_for();
    let forged = signed(
        &header("k1", Algorithm::HS256),
        &claims("ada", "1"),
        &public,
    );
    assert_eq!(
        ask(&people, &layer, ACME, &forged).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn keys_and_issuers_of_one_tenant_sign_for_no_other() {
    let id = |text| TenantId::parse(text).unwrap();
    let secrets: [&[u8]; 3] = [
        b"the key of acme alone, thirty-two bytes",
        b"the key of globex alone, thirty-two byte",
        b"the key of the provider of globex, 32+ b",
    ];
    let key = |name: &str, secret: &[u8]| {
        TokenKey::new(name, Algorithm::HS256, DecodingKey::from_secret(secret)).unwrap()
    };
    let shared = FixedKeys::new([
        key("acme", secrets[0]).only_for(id("1")),
        key("globex", secrets[1]).only_for(id("2")),
    ]);
    let own = FixedKeys::new([key("k", secrets[2])]);
    let people = People::new();
    let layer = TenantLayer::new(registry())
        .subdomain_of(BASE)
        .tokens(Tokens::new([
            Issuer::new(ISSUER, "crm", shared).tenant_slug_claim("org"),
            Issuer::new("https://id.globex.example", "crm", own).only_for(id("2")),
        ]))
        .members_vouched_for();
    let mut of_acme = claims("ada", "1");
    of_acme["org"] = json!("acme");
    let mut of_globex = claims("ada", "1");
    of_globex["org"] = json!("globex");
    let mut from_globex = claims("ada", "1");
    from_globex["iss"] = json!("https://id.globex.example");
    let check = async |host: &str, token: String, status: u16| {
        assert_eq!(ask(&people, &layer, host, &token).await.0, status, "{host}");
    };
    let globex = "host: globex.crm.example.com";
    check(
        ACME,
        signed(&header("acme", Algorithm::HS256), &of_acme, secrets[0]),
        200,
    )
    .await;
    check(
        globex,
        signed(&header("globex", Algorithm::HS256), &of_globex, secrets[1]),
        200,
    )
    .await;
    // acme's key says that it speaks for globex.
    check(
        globex,
        signed(&header("acme", Algorithm::HS256), &of_globex, secrets[0]),
        404,
    )
    .await;
    check(
        ACME,
        signed(&header("acme", Algorithm::HS256), &of_globex, secrets[0]),
        404,
    )
    .await;
    // globex' own issuer, whatever its tokens say, is globex'.
    check(
        globex,
        signed(&header("k", Algorithm::HS256), &from_globex, secrets[2]),
        200,
    )
    .await;
    check(
        ACME,
        signed(&header("k", Algorithm::HS256), &from_globex, secrets[2]),
        404,
    )
    .await;
    // The key of one issuer does not sign for another.
    check(
        globex,
        signed(
            &header("globex", Algorithm::HS256),
            &from_globex,
            secrets[1],
        ),
        401,
    )
    .await;
    check(
        ACME,
        signed(&header("k", Algorithm::HS256), &of_acme, secrets[2]),
        401,
    )
    .await;
}

#[tokio::test]
async fn rotation_has_both_keys_for_a_while() {
    let keys = FixedKeys::default();
    let key = |name: &str, secret: &[u8]| {
        TokenKey::new(name, Algorithm::HS256, DecodingKey::from_secret(secret)).unwrap()
    };
    let issuer = Issuer::new(ISSUER, "crm", keys.clone()).tenant_id_claim("tenant");
    let people = People::new();
    let layer = TenantLayer::new(registry())
        .subdomain_of(BASE)
        .tokens(Tokens::new([issuer]))
        .members_vouched_for();
    let second: &[u8] = b"the second secret, of 32 bytes or more";
    let old = signed(
        &header("old", Algorithm::HS256),
        &claims("ada", "1"),
        SECRET,
    );
    let new = signed(
        &header("new", Algorithm::HS256),
        &claims("ada", "1"),
        second,
    );
    let check = async |old_good: bool, new_good: bool| {
        assert_eq!(
            ask(&people, &layer, ACME, &old).await.0.is_success(),
            old_good
        );
        assert_eq!(
            ask(&people, &layer, ACME, &new).await.0.is_success(),
            new_good
        );
    };
    keys.replace([key("old", SECRET)]);
    check(true, false).await;
    keys.replace([key("old", SECRET), key("new", second)]);
    check(true, true).await;
    keys.replace([key("new", second)]);
    check(false, true).await;
    keys.replace([]);
    check(false, false).await;
}

const PUBLISHED: &str = r#"{"keys":[
    {"kty":"OKP","crv":"Ed25519","use":"sig","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    {"kty":"OKP","crv":"Ed25519","use":"enc","kid":"encrypts","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    {"kty":"oct","kid":"shared","alg":"HS256","k":"c29tZSBzZWNyZXQgdGhhdCBub2JvZHkgc2hvdWxkIHB1Ymxpc2g"},
    {"kty":"RSA","kid":"rsa","alg":"RS256","n":"AQAB","e":"AQAB"},
    {"kty":"strange","kid":"strange"},
    {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[tokio::test]
async fn only_keys_of_ours_are_taken_out_of_a_document() {
    let keys = FetchedKeys::new([Algorithm::EdDSA], || async { Ok(PUBLISHED.into()) });
    for (kid, there) in [
        ("good", true),
        ("encrypts", false),
        ("shared", false),
        ("rsa", false),
        ("strange", false),
        ("", false),
    ] {
        assert_eq!(keys.key(Some(kid)).await.unwrap().is_some(), there, "{kid}");
    }
    assert!(keys.key(None).await.unwrap().is_some(), "the only key");
}

#[tokio::test]
async fn made_up_key_names_cause_one_fetch() {
    let fetched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&fetched);
    let keys = Arc::new(FetchedKeys::new([Algorithm::EdDSA], move || {
        count.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            Ok(PUBLISHED.into())
        }
    }));
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..50 {
        let keys = Arc::clone(&keys);
        tasks.spawn(async move {
            keys.key(Some(&format!("made-up-{i}")))
                .await
                .unwrap()
                .is_none()
        });
    }
    assert!(tasks.join_all().await.into_iter().all(|none| none));
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert!(keys.key(Some("good")).await.unwrap().is_some());
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_no_refusal() {
    let down = FetchedKeys::new([Algorithm::EdDSA], || async {
        Err("no route to id.example.com".into())
    });
    let issuer = Issuer::new(ISSUER, "crm", down).tenant_id_claim("tenant");
    let people = People::new();
    let layer = TenantLayer::new(registry())
        .subdomain_of(BASE)
        .tokens(Tokens::new([issuer]))
        .members_vouched_for();
    for _ in 0..2 {
        let (status, body) = ask(&people, &layer, ACME, &token(&claims("ada", "1"))).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!body.contains("id.example.com"), "{body}");
    }
    // A document that was fetched before is used on.
    let fail = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&fail);
    let keys = FetchedKeys::new([Algorithm::EdDSA], move || {
        let call = calls.fetch_add(1, Ordering::SeqCst);
        async move {
            if call == 0 {
                Ok(PUBLISHED.into())
            } else {
                Err("gone".into())
            }
        }
    })
    .with_pause(Duration::ZERO);
    assert!(keys.key(Some("good")).await.unwrap().is_some());
    assert!(keys.key(Some("unknown")).await.unwrap().is_none());
    assert_eq!(fail.load(Ordering::SeqCst), 2);
    assert!(keys.key(Some("good")).await.unwrap().is_some());
}
