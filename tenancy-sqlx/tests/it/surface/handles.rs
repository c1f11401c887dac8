//! Pools and transactions in the places where people put them. Compiled once per driver.

use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Executor, query, query_scalar};
use tenancy_core::{InTenant as _, TenantContext};
use tenancy_sqlx::{TenantDb, TenantPool, TenantTx};

use super::{Db, DbExecutor, Row};
use crate::surface::ours;

type Desk = crate::surface::Desk<Db>;

async fn count<'c>(executor: impl DbExecutor<'c>) -> Result<i64, sqlx::Error> {
    query_scalar("SELECT count(*) FROM leads")
        .fetch_one(executor)
        .await
}

async fn rename<'c, E>(executor: E, id: i64) -> Result<u64, sqlx::Error>
where
    E: Executor<'c, Database = Db>,
{
    let done = query("UPDATE leads SET name = 'renamed' WHERE id = $1")
        .bind(id)
        .execute(executor)
        .await?;
    Ok(done.rows_affected())
}

async fn twice(tx: &mut TenantTx<'_, Db>) -> Result<i64, sqlx::Error> {
    Ok(count(&mut *tx).await? + count(&mut **tx).await?)
}

pub(super) async fn executor_functions(desk: Desk) {
    let Desk {
        mine,
        other,
        pool,
        cx,
        ..
    } = &desk;
    assert_eq!(count(mine).await.unwrap(), 6);
    let inside = async {
        assert_eq!(count(pool).await.unwrap(), 6);
        assert_eq!(rename(pool, 1).await.unwrap(), 1);
        let mut tx = pool.begin().await.unwrap();
        assert_eq!(count(&mut tx).await.unwrap(), 6);
        assert_eq!(count(&mut *tx).await.unwrap(), 6);
        assert_eq!(rename(&mut tx, 2).await.unwrap(), 1);
        assert_eq!(rename(&mut *tx, 3).await.unwrap(), 1);
        assert_eq!(twice(&mut tx).await.unwrap(), 12);
        let mut part = tx.savepoint().await.unwrap();
        assert_eq!(rename(&mut part, 4).await.unwrap(), 1);
        assert_eq!(twice(&mut part).await.unwrap(), 12);
        part.commit().await.unwrap();
        tx.commit().await.unwrap();
    };
    inside.in_tenant(cx).await.unwrap();
    let renamed = "SELECT count(*) FROM leads WHERE name = 'renamed'";
    assert_eq!(
        query_scalar::<_, i64>(renamed)
            .fetch_one(mine)
            .await
            .unwrap(),
        4
    );
    assert_eq!(
        query_scalar::<_, i64>(renamed)
            .fetch_one(other)
            .await
            .unwrap(),
        0
    );
}

/// Generic over the database; what it decodes is the caller's to say, as in plain sqlx.
async fn affected<DB: TenantDb>(
    pool: &TenantPool<DB>,
    sql: &'static str,
) -> Result<usize, sqlx::Error> {
    let rows = pool.fetch_all(sql).await?;
    let mut tx = pool.begin_read_only().await?;
    let again = tx.fetch_all(sql).await?;
    assert_eq!(rows.len(), again.len());
    tx.rollback().await?;
    Ok(rows.len())
}

pub(super) async fn generic_functions(desk: Desk) {
    let Desk { pool, cx, .. } = &desk;
    let rows = affected(pool, "SELECT id FROM leads")
        .in_tenant(cx)
        .await
        .unwrap();
    assert_eq!(rows.unwrap(), 6);
}

pub(super) async fn spawned(desk: Desk) {
    let Desk {
        pool,
        cx,
        mine,
        other,
        ..
    } = &desk;
    let bound = mine.clone();
    let counted = tokio::spawn(async move { count(&bound).await });
    assert_eq!(counted.await.unwrap().unwrap(), 6);

    // A whole unit of work, transaction and stream included, is `Send`.
    let (worker, scope) = (pool.clone(), cx.clone());
    let work = tokio::spawn(scope.scope(async move {
        let mut tx = worker.begin().await?;
        rename(&mut tx, 1).await?;
        let rows = query("SELECT id FROM leads").fetch(&mut *tx).count().await;
        tx.commit().await?;
        let streamed = query("SELECT id FROM leads").fetch(&worker).count().await;
        Ok::<_, tenancy_sqlx::Error>((rows, streamed))
    }));
    assert_eq!(work.await.unwrap().unwrap().unwrap(), (6, 6));

    // A bare task is outside.
    let outside = pool.clone();
    let bare = cx.scope(async { tokio::spawn(async move { count(&outside).await }).await });
    let error = bare.await.unwrap().unwrap().unwrap_err();
    assert!(ours(&error).as_tenancy().unwrap().is_no_tenant());

    // Many at once, of both tenants, over fewer connections.
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..24 {
        let bound = if turn % 2 == 0 {
            mine.clone()
        } else {
            other.clone()
        };
        tasks.spawn(async move {
            let names: Vec<String> = query_scalar("SELECT name FROM users ORDER BY id")
                .fetch_all(&bound)
                .await
                .unwrap();
            let slug = if turn % 2 == 0 { "a" } else { "b" };
            assert_eq!(names, [1, 2, 3].map(|id| format!("{slug} user {id}")));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

pub(super) async fn dropped_stream_of_a_write(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let mut rows = query("UPDATE leads SET status = 'won' RETURNING id").fetch(mine);
    let _first: Row = rows.try_next().await.unwrap().unwrap();
    drop(rows);
    // As in plain sqlx, where the statement commits by itself.
    let won = "SELECT count(*) FROM leads WHERE status = 'won'";
    assert_eq!(
        query_scalar::<_, i64>(won).fetch_one(mine).await.unwrap(),
        6
    );
    assert_eq!(
        query_scalar::<_, i64>(won).fetch_one(other).await.unwrap(),
        0
    );

    // Made but never polled, it did nothing.
    drop(query("DELETE FROM leads").fetch(mine));
    drop(query("DELETE FROM leads").execute(mine));
    assert_eq!(count(mine).await.unwrap(), 6);
}

pub(super) async fn dropped_stream_in_a_transaction(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let mut tx = mine.begin().await.unwrap();
    let mut rows = query("UPDATE leads SET status = 'won' RETURNING id").fetch(&mut tx);
    let _first: Row = rows.try_next().await.unwrap().unwrap();
    drop(rows);
    let mut rows = query("SELECT l.id FROM leads l, leads m").fetch(&mut tx);
    let _first: Row = rows.try_next().await.unwrap().unwrap();
    drop(rows);
    assert_eq!(count(&mut tx).await.unwrap(), 6);
    let mut rows = query("UPDATE leads SET name = 'renamed' RETURNING id").fetch(&mut tx);
    let _first: Row = rows.try_next().await.unwrap().unwrap();
    drop(rows);
    tx.commit().await.unwrap();
    let both: i64 =
        query_scalar("SELECT count(*) FROM leads WHERE status = 'won' AND name = 'renamed'")
            .fetch_one(mine)
            .await
            .unwrap();
    assert_eq!(both, 6);
}

/// Who was shown the row that a write returned can rely on it.
pub(super) async fn a_row_that_was_handed_out_is_there(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let orphan = "INSERT INTO leads (id, name, owner_id) VALUES ($1, 'orphan', 99) RETURNING id";
    let there = "SELECT count(*) FROM leads WHERE id = $1";
    let one = query(orphan).bind(10_i64).fetch_one(mine).await;
    assert!(one.is_err(), "fetch_one hid that the row was refused");
    let optional = query(orphan).bind(11_i64).fetch_optional(mine).await;
    assert!(
        optional.is_err(),
        "fetch_optional hid that the row was refused"
    );
    let streamed = query(orphan).bind(12_i64).fetch(mine).next().await.unwrap();
    assert!(streamed.is_err(), "a stream hid that the row was refused");

    let mut tx = mine.begin().await.unwrap();
    let in_tx = query(orphan).bind(13_i64).fetch_one(&mut tx).await;
    assert!(
        in_tx.is_err(),
        "fetch_one in a transaction hid that the row was refused"
    );
    tx.rollback().await.unwrap();
    for id in 10..=13_i64 {
        assert_eq!(
            query_scalar::<_, i64>(there)
                .bind(id)
                .fetch_one(mine)
                .await
                .unwrap(),
            0
        );
    }

    // And at once, over whichever connection.
    for id in 20..40_i64 {
        let made: i64 =
            query_scalar("INSERT INTO leads (id, name) VALUES ($1, 'new') RETURNING id")
                .bind(id)
                .fetch_one(mine)
                .await
                .unwrap();
        let mut busy = mine.begin_read_only().await.unwrap();
        let seen: i64 = query_scalar(there)
            .bind(made)
            .fetch_one(&mut busy)
            .await
            .unwrap();
        assert_eq!(seen, 1);
        assert_eq!(
            query_scalar::<_, i64>(there)
                .bind(made)
                .fetch_one(mine)
                .await
                .unwrap(),
            1
        );
    }
}

pub(super) async fn transactions_and_savepoints(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let named = async |id: i64| -> String {
        query_scalar("SELECT name FROM leads WHERE id = $1")
            .bind(id)
            .fetch_one(mine)
            .await
            .unwrap()
    };
    let mut tx = mine.begin().await.unwrap();
    rename(&mut tx, 1).await.unwrap();
    {
        let mut dropped = tx.savepoint().await.unwrap();
        rename(&mut dropped, 2).await.unwrap();
    }
    let mut kept = tx.savepoint().await.unwrap();
    rename(&mut kept, 3).await.unwrap();
    let mut inner = kept.savepoint().await.unwrap();
    rename(&mut inner, 4).await.unwrap();
    // A failure inside is undone with the savepoint.
    assert!(
        query("INSERT INTO leads (id, name) VALUES (1, 'twice')")
            .execute(&mut inner)
            .await
            .is_err()
    );
    inner.rollback().await.unwrap();
    rename(&mut kept, 5).await.unwrap();
    kept.commit().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(named(1).await, "renamed");
    assert_eq!(named(2).await, "a lead 2");
    assert_eq!(named(3).await, "renamed");
    assert_eq!(named(4).await, "a lead 4");
    assert_eq!(named(5).await, "renamed");
}

pub(super) async fn future_made_here_and_polled_there(desk: Desk) {
    let Desk {
        pool, cx, tenants, ..
    } = &desk;
    let b = TenantContext::for_test(tenants.b.clone());
    // sqlx's functions are `async fn`s: they ask when they are polled.
    let made_in_a = cx
        .sync_scope(|| {
            query_scalar::<_, String>("SELECT name FROM leads WHERE id = 1").fetch_one(pool)
        })
        .unwrap();
    assert_eq!(b.scope(made_in_a).await.unwrap().unwrap(), "b lead 1");
    // With the tenant tied to it, it refuses to run elsewhere.
    let tied = query_scalar::<_, String>("SELECT name FROM leads WHERE id = 1")
        .fetch_one(pool)
        .in_tenant(cx);
    assert!(b.scope(tied).await.unwrap().unwrap_err().is_wrong_tenant());
}
