//! How often somebody may try to sign in, and what they learn from it.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use crm::start::DEMO_PASSWORD;

use crate::world::{Answer, World, host, on_both};

on_both!(
    guesses_are_counted_by_name_and_tell_nothing,
    a_workspace_has_so_many_attempts_a_minute,
);

async fn attempt(world: &World, tenant: &str, email: &str, password: &str) -> Answer {
    let form = format!("email={}&password={password}", email.replace('@', "%40"));
    let request = Request::post("/sign-in")
        .header(header::HOST, host(tenant))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    world.send(request.body(Body::from(form)).unwrap()).await
}

/// What an outsider can compare: not how long there is to wait, nor how many attempts the workspace has left.
fn compared(mut answer: Answer) -> Answer {
    for name in ["retry-after", "ratelimit"] {
        assert!(answer.headers.remove(name).is_some(), "{name} {answer:?}");
    }
    answer
}

async fn guesses_are_counted_by_name_and_tell_nothing(world: World) {
    // The administrator of acme, and nobody.
    let (known, unknown) = ("admin@acme.example", "nobody@acme.example");
    for email in [known, unknown] {
        for n in 0..10 {
            let wrong = attempt(&world, "acme", email, "a-guess").await;
            assert_eq!(
                wrong.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{n} {email}"
            );
        }
    }
    let refused = attempt(&world, "acme", known, "a-guess").await;
    refused.is_problem(StatusCode::TOO_MANY_REQUESTS);
    let refused = compared(refused);
    assert_eq!(
        refused,
        compared(attempt(&world, "acme", unknown, "a-guess").await)
    );
    // However it is written, and with the right password too: nobody is told that it was right.
    for (email, password) in [(" Admin@ACME.example ", "a-guess"), (known, DEMO_PASSWORD)] {
        let again = attempt(&world, "acme", &email.replace(' ', "+"), password).await;
        assert_eq!(compared(again), refused);
    }
    // Others of the workspace, the same name in another one, and sessions that are open go on.
    let other = attempt(&world, "acme", "somebody@acme.example", "a-guess").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let elsewhere = attempt(&world, "globex", known, "a-guess").await;
    assert_eq!(elsewhere.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.get("acme", "/leads").await.status, StatusCode::OK);

    // Who is right does not use them up.
    for _ in 0..15 {
        let right = attempt(&world, "globex", "admin@globex.example", DEMO_PASSWORD).await;
        assert_eq!(right.status, StatusCode::SEE_OTHER);
    }
}

async fn a_workspace_has_so_many_attempts_a_minute(world: World) {
    let mut refused = None;
    // No form, so that no password has to be checked: one comes back each second, and each takes much less.
    for _ in 0..600 {
        let request = Request::post("/sign-in")
            .header(header::HOST, host("acme"))
            .header("sec-fetch-site", "same-origin");
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let refused = refused.expect("a limit");
    assert!(
        refused.header("ratelimit").starts_with("\"rate\";r=0"),
        "{refused:?}"
    );
    assert!(!refused.header("retry-after").is_empty());
    let elsewhere = attempt(&world, "globex", "admin@globex.example", DEMO_PASSWORD).await;
    assert_eq!(elsewhere.status, StatusCode::SEE_OTHER);
}
