//! Jobs that are sent with a tenant's rows or not at all, wherever the tenant lives.

use std::sync::Arc;

use tenancy_core::{Isolation, TenantContext};
use tenancy_jobs::{Enqueue, Error, Outbox};
use tenancy_sql::Dialect;
use tenancy_testkit::fixture::{Project, TestTenants};

use crate::world::{Place, Seen, Worker, World, keys, note};

const PROJECT: Project = Project::new(
    "[tenancy]\ndialect = [\"postgres\", \"sqlite\"]\n",
    &[
        (
            Dialect::Postgres,
            &[(
                "1_tables.sql",
                "CREATE TABLE leads (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));
                 CREATE TABLE tenancy_outbox (tenant_id uuid NOT NULL, id text NOT NULL, body text NOT NULL, PRIMARY KEY (tenant_id, id));",
            )],
        ),
        (
            Dialect::Sqlite,
            &[(
                "1_tables.sql",
                "CREATE TABLE leads (tenant_id BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tenant_id, id));
                 CREATE TABLE tenancy_outbox (tenant_id BLOB NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (tenant_id, id));",
            )],
        ),
    ],
);

/// A test for both databases and all isolations.
macro_rules! everywhere {
    ($(#[$doc:meta])* async fn $name:ident($world:ident, $tenants:ident) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;

            macro_rules! on {
                ($test:ident, $db:ty, $isolation:ident, $queue:ident) => {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $test() {
                        let $tenants = TestTenants::<$db>::of(&PROJECT, Isolation::$isolation).await.unwrap();
                        // Where the queue is makes no difference to an outbox: tenants' rows are in another database in any case.
                        let $world = World::$queue().await;
                        for cx in [&$tenants.a, &$tenants.b] {
                            $world.registry.insert(Arc::clone(cx.tenant())).unwrap();
                        }
                        $body
                    }
                };
            }

            on!(postgres_shared, sqlx::Postgres, Shared, redis);
            on!(postgres_schema, sqlx::Postgres, Schema, sqlite);
            on!(postgres_database, sqlx::Postgres, Database, redis);
            on!(sqlite_shared, sqlx::Sqlite, Shared, redis);
            on!(sqlite_schema, sqlx::Sqlite, Schema, redis);
            on!(sqlite_database, sqlx::Sqlite, Database, sqlite);
        }
    };
}

fn in_scope<F: Future>(cx: &TenantContext, future: F) -> impl Future<Output = F::Output> {
    let scoped = cx.scope(future);
    async { scoped.await.unwrap() }
}

everywhere! {
    async fn a_job_comes_with_its_rows_or_not_at_all(world, tenants) {
        let (a, b) = (&tenants.a, &tenants.b);
        let outbox = Outbox::new(world.queue.clone(), tenants.pool.clone()).unwrap();
        let leads = async || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM leads").fetch_one(&tenants.pool).await.unwrap();
        // Rolled back, by hand, by being dropped, by a later statement that fails.
        in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            sqlx::query("INSERT INTO leads (id) VALUES (1)").execute(&mut tx).await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "rolled back"), Enqueue::new()).await.unwrap();
            tx.rollback().await.unwrap();
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "dropped"), Enqueue::new()).await.unwrap();
            drop(tx);
            assert_eq!(leads().await, 0);
            assert_eq!(outbox.relay(a).await.unwrap(), 0);
        }).await;
        assert_eq!(world.count(0).await, 0);
        // Committed, for both tenants; b's process dies before it carries anything over.
        in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            sqlx::query("INSERT INTO leads (id) VALUES (1)").execute(&mut tx).await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "of a"), Enqueue::new().key("k")).await.unwrap();
            outbox.commit(tx).await.unwrap();
            assert_eq!(leads().await, 1);
        }).await;
        in_scope(b, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(b, "of b"), Enqueue::new().key("k")).await.unwrap();
            outbox.enqueue(&mut tx, &note(b, "of b, again"), Enqueue::new().key("k")).await.unwrap();
            tx.commit().await.unwrap();
        }).await;
        assert_eq!(world.count(0).await, 1);
        let list = vec![Arc::clone(a.tenant()), Arc::clone(b.tenant())];
        assert_eq!(outbox.sweep(&list).await.unwrap(), 2);
        assert_eq!(outbox.sweep(&list).await.unwrap(), 0);
        // Two processes carry the same job over; one of them dies before it removes it here. The queue has it once.
        in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "carried twice"), Enqueue::new()).await.unwrap();
            tx.commit().await.unwrap();
            let (id, body): (String, String) =
                sqlx::query_as("SELECT id, body FROM tenancy_outbox").fetch_one(&tenants.pool).await.unwrap();
            assert_eq!(outbox.relay(a).await.unwrap(), 1);
            sqlx::query("INSERT INTO tenancy_outbox (id, body) VALUES ($1, $2)").bind(id).bind(body).execute(&tenants.pool).await.unwrap();
            assert_eq!(outbox.relay(a).await.unwrap(), 1);
        }).await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        let mut texts = seen.texts();
        texts.sort();
        assert_eq!(texts, ["carried twice", "of a", "of b"]);
        seen.assert_nobody_met_anybody();
    }
}

everywhere! {
    async fn an_outbox_sends_only_what_was_signed_for_its_tenant(world, tenants) {
        let (a, b) = (&tenants.a, &tenants.b);
        let outbox = Outbox::new(world.queue.clone(), tenants.pool.clone()).unwrap();
        let forged = in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "pay 10"), Enqueue::new()).await.unwrap();
            tx.commit().await.unwrap();
            sqlx::query("UPDATE tenancy_outbox SET body = replace(body, 'pay 10', 'pay 99')").execute(&tenants.pool).await.unwrap();
            sqlx::query_as::<_, (String, String)>("SELECT id, body FROM tenancy_outbox").fetch_one(&tenants.pool).await.unwrap()
        }).await;
        // Another tenant brings a copy, changed and as it was, under its own name and another.
        in_scope(b, async {
            let was = forged.1.replace("pay 99", "pay 10");
            for (id, body) in [("1", &forged.1), (&*forged.0, &was), ("3", &"{}".to_owned())] {
                sqlx::query("INSERT INTO tenancy_outbox (id, body) VALUES ($1, $2)").bind(id).bind(body).execute(&tenants.pool).await.unwrap();
            }
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(b, "good"), Enqueue::new()).await.unwrap();
            outbox.commit(tx).await.unwrap();
        }).await;
        assert_eq!(outbox.relay(a).await.unwrap(), 0);
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        assert_eq!(seen.texts(), ["good"]);
        assert_eq!(world.count(2).await, 0);
    }
}

everywhere! {
    async fn a_queue_that_is_away_keeps_nobody_from_committing(world, tenants) {
        let a = &tenants.a;
        // Never migrated, so that it has no tables; or a server that is not there.
        let away = match &world.place {
            Place::Redis(..) => Place::Redis("redis://127.0.0.1:1/0".to_owned(), "away".to_owned()),
            _ => Place::Sqlite(Arc::new(tenancy_testkit::TempFolder::new().unwrap())),
        };
        let away = away.queue(keys()).build().unwrap();
        let outbox = Outbox::new(away, tenants.pool.clone()).unwrap();
        in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            outbox.enqueue(&mut tx, &note(a, "kept"), Enqueue::new()).await.unwrap();
            outbox.commit(tx).await.unwrap();
        }).await;
        assert!(matches!(outbox.relay(a).await, Err(Error::Store(_))));
        let back = Outbox::new(world.queue.clone(), tenants.pool.clone()).unwrap();
        assert_eq!(back.relay(a).await.unwrap(), 1);
        assert_eq!(world.count(0).await, 1);
    }
}

everywhere! {
    async fn a_closed_tenant_sends_nothing(world, tenants) {
        let a = &tenants.a;
        let outbox = Outbox::new(world.queue.clone(), tenants.pool.clone()).unwrap();
        in_scope(a, async {
            let mut tx = tenants.pool.begin().await.unwrap();
            // In the scope of another.
            let elsewhere = tenants.b.clone();
            let crossed = tokio::spawn(elsewhere.scope(async { TenantContext::current().is_ok() })).await.unwrap().unwrap();
            assert!(crossed);
            outbox.enqueue(&mut tx, &note(a, "x"), Enqueue::new()).await.unwrap();
            tx.rollback().await.unwrap();
        }).await;
        let mut of_a = in_scope(a, tenants.pool.begin()).await.unwrap();
        let crossed = in_scope(&tenants.b, outbox.enqueue(&mut of_a, &note(a, "x"), Enqueue::new())).await;
        assert!(crossed.unwrap_err().as_tenancy().unwrap().is_wrong_tenant());
        drop(of_a);
        assert_eq!(world.count(0).await, 0);
    }
}

#[tokio::test]
async fn without_its_table_there_is_no_outbox() {
    let tenants = tenancy_testkit::fixture::TwoTenants::<sqlx::Sqlite>::sqlite(Isolation::Shared)
        .build()
        .await
        .unwrap();
    let world = World::sqlite().await;
    let refused = Outbox::new(world.queue, tenants.pool.clone());
    assert!(matches!(refused, Err(Error::Config(_))));
}
