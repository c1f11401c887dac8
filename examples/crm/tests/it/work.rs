//! Files, work in the background and what is cached, under each of the tenants.

use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use crm::clock;
use crm::reports::counts::{Counts, LEADS as TAG};
use serde_json::{Value, json};
use tenancy::cache::CacheKey;
use tenancy::{Actor, RegistryExt, TenantContext, TenantSlug};

use crate::world::{LEADS, TENANTS, World, on_both};

on_both!(
    files_are_added_listed_read_and_removed,
    files_have_a_limit_and_a_harmless_name,
    files_go_with_their_lead,
    leads_are_imported_in_the_background,
    what_can_not_be_imported_says_why,
    leads_are_exported_in_the_background,
    counts_are_kept_until_a_lead_changes
);

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Adds a file to a lead; its id.
pub(crate) async fn attached(world: &World, tenant: &str, lead: &str, text: &str) -> String {
    let path = format!("/leads/{lead}/attachments");
    let sent = world.upload(tenant, &path, "offer.pdf", text).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
    let page = world.get(tenant, &format!("/leads/{lead}")).await.body;
    let (_, rest) = page.split_once("href=\"/attachments/").expect("a file");
    rest.split_once('"').unwrap().0.to_owned()
}

/// Begins a task and waits until it is over.
pub(crate) async fn done(world: &World, tenant: &str, begun: &crate::world::Answer) -> Value {
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{begun:?}");
    let address = begun.header("location").to_owned();
    eventually("the task is over", async || {
        let now = world.get(tenant, &format!("/api{address}")).await.json();
        !now["finished_at"].is_null()
    })
    .await;
    world.get(tenant, &format!("/api{address}")).await.json()
}

/// Exports a tenant's leads; the id of the task.
pub(crate) async fn exported(world: &World, tenant: &str) -> String {
    let begun = world.form(tenant, "/tasks/export", "").await;
    let task = done(world, tenant, &begun).await;
    assert_eq!(task["state"], "done", "{task}");
    task["id"].as_str().unwrap().to_owned()
}

async fn files_are_added_listed_read_and_removed(world: World) {
    for tenant in TENANTS {
        // The same name and the same lead's name everywhere.
        let lead = world.add(tenant, "With Files").await;
        let text = format!("the offer of {tenant}");
        let file = attached(&world, tenant, &lead, &text).await;
        let page = world
            .get(tenant, &format!("/leads/{lead}?done=attached"))
            .await
            .body;
        assert!(
            page.contains("offer.pdf") && page.contains("The file was added."),
            "{page}"
        );
        let path = format!("/attachments/{file}");
        let read = world.get(tenant, &path).await;
        assert_eq!(
            (read.status, read.body.as_str()),
            (StatusCode::OK, text.as_str())
        );
        assert_eq!(read.header("content-type"), "application/octet-stream");
        assert_eq!(
            read.header("content-disposition"),
            "attachment; filename*=UTF-8''offer.pdf"
        );

        let removed = world.form(tenant, &format!("{path}/delete"), "").await;
        assert_eq!(
            removed.header("location"),
            format!("/leads/{lead}?done=detached")
        );
        assert_eq!(world.get(tenant, &path).await.status, StatusCode::NOT_FOUND);
        let again = world.form(tenant, &format!("{path}/delete"), "").await;
        assert_eq!(again.status, StatusCode::NOT_FOUND);
    }
}

async fn files_have_a_limit_and_a_harmless_name(world: World) {
    let lead = world.add("acme", "With Files").await;
    let path = format!("/leads/{lead}/attachments");
    let large = "x".repeat(crm::attachments::LARGEST + 100_000);
    let refused = world.upload("acme", &path, "large.bin", &large).await;
    refused.is_problem(StatusCode::PAYLOAD_TOO_LARGE);
    let none = world.form("acme", &path, "file=x").await;
    assert!(none.status.is_client_error(), "{none:?}");
    let odd = world
        .upload("acme", &path, "../../<b>.html", "<script>")
        .await;
    assert_eq!(odd.status, StatusCode::SEE_OTHER);
    let page = world.get("acme", &format!("/leads/{lead}")).await.body;
    assert!(
        page.contains("&#60;b&#62;.html") && !page.contains("large.bin"),
        "{page}"
    );
}

pub(crate) async fn files_go_with_their_lead(world: World) {
    for tenant in TENANTS {
        let lead = world.add(tenant, "Goes Away").await;
        let file = attached(&world, tenant, &lead, "gone soon").await;
        assert!(is_on_disk(&world, &file));
        let gone = world
            .bare(tenant, Method::DELETE, &format!("/api/leads/{lead}"))
            .await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
        let path = format!("/attachments/{file}");
        assert_eq!(world.get(tenant, &path).await.status, StatusCode::NOT_FOUND);
        eventually("its files are removed", async || !is_on_disk(&world, &file)).await;
    }
}

/// Whether a file of this name is anywhere below the folders of all tenants.
fn is_on_disk(world: &World, name: &str) -> bool {
    let mut folders = vec![world.files()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ if entry.file_name().to_string_lossy() == name => return true,
                _ => {}
            }
        }
    }
    false
}

pub(crate) async fn leads_are_imported_in_the_background(world: World) {
    let mut begun = Vec::new();
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        let mut file = "Name,Email,Company,Value\n".to_owned();
        for row in 0..120 + number {
            file.push_str(&format!(
                "Imported {row},i{row}@{tenant}.example,{tenant},7\n"
            ));
        }
        file.push_str("No Address,,,\n");
        begun.push(
            world
                .upload(tenant, "/tasks/import", "leads.csv", &file)
                .await,
        );
    }
    for (number, tenant) in TENANTS.into_iter().enumerate() {
        let rows = 121 + number;
        let task = done(&world, tenant, &begun[number]).await;
        assert_eq!(task["state"], "done", "{task}");
        assert_eq!(
            (
                task["total"].as_u64(),
                task["done"].as_u64(),
                task["rejected"].as_u64()
            ),
            (Some(rows as u64), Some(rows as u64), Some(1))
        );
        assert_eq!(
            world.count(tenant).await as usize,
            LEADS + rows - 1,
            "{tenant}"
        );
        let list = world
            .get(tenant, "/api/leads?q=imported&limit=1000")
            .await
            .json();
        assert!(
            list.as_array()
                .unwrap()
                .iter()
                .all(|lead| lead["company"] == tenant)
        );
        let page = world
            .get(tenant, begun[number].header("location"))
            .await
            .body;
        assert!(
            page.contains("1 rows were not complete") && !page.contains("progress.js"),
            "{page}"
        );
        // The dashboard knows.
        let start = world.get(tenant, "/").await.body;
        assert!(
            start.contains(&format!("of {} in all", LEADS + rows - 1)),
            "{start}"
        );
        assert!(
            world
                .get(tenant, "/tasks")
                .await
                .body
                .contains("Import of leads.csv")
        );
    }
}

async fn what_can_not_be_imported_says_why(world: World) {
    for (file, why) in [
        ("a;b\n1;2\n", "The first line must name the columns"),
        ("", "The first line must"),
    ] {
        let begun = world
            .upload("initech", "/tasks/import", "odd.csv", file)
            .await;
        let task = done(&world, "initech", &begun).await;
        assert_eq!(task["state"], "failed");
        assert!(task["note"].as_str().unwrap().contains(why), "{task}");
    }
    let large = "name,email\n".to_owned() + &"x".repeat(crm::tasks::import::LARGEST + 100_000);
    let refused = world
        .upload("initech", "/tasks/import", "large.csv", &large)
        .await;
    refused.is_problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(world.count("initech").await as usize, LEADS);
}

pub(crate) async fn leads_are_exported_in_the_background(world: World) {
    for tenant in TENANTS {
        world.add(tenant, &format!("Only {tenant}")).await;
    }
    for tenant in TENANTS {
        let task = exported(&world, tenant).await;
        let file = world.get(tenant, &format!("/tasks/{task}/file")).await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.body.lines().count(), 1 + LEADS + 1, "{tenant}");
        for other in TENANTS {
            assert_eq!(
                file.body.contains(&format!("Only {other}")),
                other == tenant
            );
        }
    }
}

pub(crate) async fn counts_are_kept_until_a_lead_changes(world: World) {
    for tenant in TENANTS {
        let shown = async || {
            let page = world.get(tenant, "/").await.body;
            let (_, rest) = page.split_once("<dd class=\"tile-hint\">of ").unwrap();
            rest.split_once(" in all")
                .unwrap()
                .0
                .parse::<usize>()
                .unwrap()
        };
        assert_eq!(shown().await, LEADS, "{tenant}");
        assert_eq!(kept(&world, tenant).await, Some(LEADS as i64), "{tenant}");
        let id = world.add(tenant, "One More").await;
        assert_eq!(kept(&world, tenant).await, None, "outdated by the write");
        assert_eq!(shown().await, LEADS + 1, "{tenant}");
        let path = format!("/api/leads/{id}");
        world
            .json(tenant, Method::PATCH, &path, &json!({ "status": "won" }))
            .await;
        assert_eq!(kept(&world, tenant).await, None);
        assert_eq!(shown().await, LEADS + 1);
        world.bare(tenant, Method::DELETE, &path).await;
        assert_eq!(shown().await, LEADS, "{tenant}");
    }
    // Each has its own, under the same key; without a tenant there is none.
    for tenant in TENANTS {
        assert_eq!(kept(&world, tenant).await, Some(LEADS as i64), "{tenant}");
    }
    world.add("acme", "Of Acme Alone").await;
    assert_eq!(kept(&world, "acme").await, None);
    assert_eq!(
        kept(&world, "globex").await,
        Some(LEADS as i64),
        "no news for others"
    );
    let nobody = world
        .tools
        .counts
        .get_or_load(key(), async || Err::<Counts, _>("not loaded"))
        .await;
    assert!(nobody.is_err_and(|error| error.tenancy().is_some_and(tenancy::Error::is_no_tenant)));
}

fn key() -> CacheKey {
    CacheKey::new("dashboard")
        .part(clock::month(clock::now()))
        .tag(TAG)
}

/// How many leads the cache knows of, if it knows.
async fn kept(world: &World, tenant: &str) -> Option<i64> {
    let found = world
        .registry
        .by_slug(&TenantSlug::parse(tenant).unwrap())
        .await
        .unwrap();
    let context = TenantContext::for_request(found, Actor::system("test")).unwrap();
    let counts = world.tools.counts.for_tenant(&context);
    let counts = counts
        .get_or_load(key(), async || Err::<Counts, _>("not there"))
        .await;
    Some(counts.ok()?.steps.iter().map(|step| step.leads).sum())
}
