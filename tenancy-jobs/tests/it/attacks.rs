//! Somebody can write to the queue's tables. What runs must still be what was sent, for whom it was sent.

use serde::{Deserialize, Serialize};
use tenancy_core::TenantStatus;
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Job, JobKeys};

use sqlx::ConnectOptions as _;

use crate::world::{Note, Place, Seen, Worker, World, eventually, keys, note, on_each, secret};
use crate::writer::Row;

/// Runs what is there after the attack: nothing but what may, and the rest is dead with a reason that begins so.
async fn expect(world: &World, ran: &[&str], errors: &[&str]) {
    let seen = Seen::default();
    let worker = Worker::start(world.backend(), seen.handlers());
    world.drained().await;
    worker.stop().await;
    let mut texts = seen.texts();
    texts.sort();
    assert_eq!(texts, ran);
    seen.assert_nobody_met_anybody();
    let found = world.errors().await;
    assert_eq!(found.len(), errors.len(), "{found:?}");
    for (found, expected) in found.iter().zip(errors) {
        assert!(found.contains(expected), "{found}");
    }
    // Never retried: one attempt, and none after it.
    assert_eq!(world.writer.count(|row| row.attempt > 1).await, 0);
}

on_each! {
    async fn a_job_of_one_tenant_renamed_to_another(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        world.send(&a, "of a").await;
        world.send(&b, "of b").await;
        let (of_a, b) = (a.tenant_id().to_string(), b.tenant_id().to_string());
        assert_eq!(world.writer.edit(|row| row.tenant == of_a, |row| row.tenant.clone_from(&b)).await, 1);
        expect(&world, &["of b"], &["not made with our keys"]).await;
    }
}

on_each! {
    async fn a_job_renamed_inside_its_envelope_too(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        world.send(&a, "of a").await;
        let (a, b) = (a.tenant_id().to_string(), b.tenant_id().to_string());
        let edited = world.writer.edit(|_| true, |row| {
            row.tenant.clone_from(&b);
            row.body = row.body.replace(&a, &b);
        });
        assert_eq!(edited.await, 1);
        expect(&world, &[], &["not made with our keys"]).await;
    }
}

on_each! {
    async fn an_edited_payload(world) {
        let a = world.tenant("a");
        world.send(&a, "pay 10").await;
        let edited = world.writer.edit(|_| true, |row| row.body = row.body.replace("pay 10", "pay 99"));
        assert_eq!(edited.await, 1);
        expect(&world, &[], &["not made with our keys"]).await;
    }
}

on_each! {
    async fn anything_else_that_was_signed(world) {
        let a = world.tenant("a");
        let changes: [fn(&mut Row); 6] = [
            |row| row.name = "other".to_owned(),
            |row| row.version = 2,
            |row| row.key = Some("k".to_owned()),
            |row| row.id = "00000000-0000-7000-8000-000000000000".to_owned(),
            |row| row.signer = "nobody".to_owned(),
            |row| row.mark.truncate(16),
        ];
        for change in changes {
            let id = world.send(&a, "x").await.to_string();
            assert_eq!(world.writer.edit(|row| row.id == id, change).await, 1);
        }
        let forged = "not made with our keys";
        expect(&world, &[], &[forged, forged, forged, forged, forged, "key is not known"]).await;
    }
}

on_each! {
    async fn a_signed_job_replayed_under_another_tenant_or_as_another_job(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        world.send(&a, "once").await;
        let row = world.writer.rows().await.remove(0);
        for (n, cx) in [(1, &a), (2, &b)] {
            let id = format!("00000000-0000-7000-8000-00000000000{n}");
            world.writer.insert(Row { id, tenant: cx.tenant_id().to_string(), ..row.clone() }).await;
        }
        let forged = "not made with our keys";
        expect(&world, &["once"], &[forged, forged]).await;
    }
}

on_each! {
    async fn a_job_without_a_tenant(world) {
        let a = world.tenant("a");
        world.send(&a, "x").await;
        world.send(&a, "y").await;
        for (row, tenant) in world.writer.rows().await.iter().zip(["", "../a"]) {
            world.writer.edit(|other| other.id == row.id, |row| row.tenant = tenant.to_owned()).await;
        }
        expect(&world, &[], &["names no tenant", "names no tenant"]).await;
    }
}

on_each! {
    async fn a_job_signed_by_somebody_else(world) {
        let a = world.tenant("a");
        // The right name for the key, and another secret; and a name that is not known.
        for (id, text) in [("test", "a guess at the secret"), ("mine", "the secret of the tests")] {
            let keys = JobKeys::new(id, &secret(text)).unwrap();
            let queue = world.place.queue(keys).build().unwrap();
            let _ = queue.enqueue_for(&a, &note(&a, "forged"), Default::default()).await.unwrap();
        }
        expect(&world, &[], &["not made with our keys", "key is not known"]).await;
    }
}

on_each! {
    async fn keys_change_without_losing_what_waits(world) {
        let a = world.tenant("a");
        world.send(&a, "old").await;
        let keys = JobKeys::new("new", &secret("another secret of the tests")).unwrap()
            .believe("test", &secret("the secret of the tests")).unwrap();
        let queue = world.place.queue(keys).build().unwrap();
        let _ = queue.enqueue_for(&a, &note(&a, "new"), Default::default()).await.unwrap();
        let changed = World { queue, ..world };
        expect(&changed, &["new", "old"], &[]).await;
    }
}

on_each! {
    async fn jobs_of_a_tenant_that_is_gone(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        world.send(&a, "of a").await;
        world.send(&b, "of b").await;
        world.registry.remove(&a.tenant_id()).unwrap();
        expect(&world, &["of b"], &["no such tenant"]).await;
    }
}

on_each! {
    /// Offboarding: parked first, and buried when the tenant is gone.
    async fn jobs_of_a_tenant_that_leaves(world) {
        let a = world.tenant("a");
        for n in 0..20 {
            world.send(&a, &n.to_string()).await;
        }
        world.set_status(&a, TenantStatus::Offboarding);
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        eventually(async || world.queue.depths().await.unwrap()[0].parked).await;
        world.registry.remove(&a.tenant_id()).unwrap();
        eventually(async || world.count(2).await == 20).await;
        worker.stop().await;
        assert!(seen.texts().is_empty());
        assert!(world.errors().await.iter().all(|error| error.contains("no such tenant")));
    }
}

#[derive(Serialize, Deserialize)]
struct Newer {
    other: u8,
}
impl Job for Newer {
    const NAME: &'static str = "note";
    const VERSION: u32 = 2;
}

on_each! {
    async fn a_version_that_nobody_here_knows(world) {
        let a = world.tenant("a");
        let _ = world.queue.enqueue_for(&a, &Newer { other: 1 }, Default::default()).await.unwrap();
        // Left to others, and not counted as an attempt.
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        eventually(async || {
            world.writer.count(|row| row.state == 0 && row.attempt == 0 && row.run_at > row.created_at + 20_000).await == 1
        }).await;
        worker.stop().await;
        // A newer process has a handler for it.
        world.writer.edit(|_| true, |row| row.run_at = 0).await;
        let done = seen.clone();
        let handlers = Handlers::new().on(move |job: Newer, _: Run| {
            let done = done.clone();
            async move { done.note(Note { owner: TenantOf::current(), text: job.other.to_string() }) }
        });
        let worker = Worker::start(world.backend(), handlers);
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["1"]);
        // Nobody ever had one.
        let _ = world.queue.enqueue_for(&a, &Newer { other: 2 }, Default::default()).await.unwrap();
        let worker = Worker::start(world.backend().unknown_for(std::time::Duration::ZERO), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert!(world.errors().await[0].contains("no handler for job `note` of version 2"));
    }
}

/// The application's role, as which requests of tenants run: it has no rights on the queue, whatever statement reaches it.
#[tokio::test]
async fn connections_of_tenants_do_not_reach_the_queue() {
    let world = World::postgres().await;
    world.send(&world.tenant("a"), "x").await;
    let Place::Pg(_, database) = &world.place else {
        unreachable!()
    };
    let mut conn = database.app_options().connect().await.unwrap();
    for sql in [
        "SELECT count(*) FROM tenancy_jobs.jobs",
        "INSERT INTO tenancy_jobs.lanes (queue, tenant) VALUES ('default', 'a')",
        "UPDATE tenancy_jobs.jobs SET run_at = 0",
        "DELETE FROM tenancy_jobs.jobs",
        "CREATE TABLE tenancy_jobs.mine (id int)",
    ] {
        let refused = sqlx::query(sql).execute(&mut conn).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {refused}");
    }
}

struct TenantOf;
impl TenantOf {
    fn current() -> String {
        tenancy_core::TenantContext::current()
            .unwrap()
            .tenant_id()
            .to_string()
    }
}

#[derive(Serialize, Deserialize)]
struct Lookalike {
    text: u64,
}
impl Job for Lookalike {
    const NAME: &'static str = "note";
}

on_each! {
    async fn a_payload_that_can_not_be_read(world) {
        let a = world.tenant("a");
        let _ = world.queue.enqueue_for(&a, &Lookalike { text: 4711 }, Default::default()).await.unwrap();
        world.send(&a, "good").await;
        expect(&world, &["good"], &["can't be read: line 1"]).await;
        assert!(!world.errors().await[0].contains("4711"), "no data of the tenant's in the reason");
        assert_eq!(format!("{:?}", keys()), r#"JobKeys(["test"])"#);
    }
}
