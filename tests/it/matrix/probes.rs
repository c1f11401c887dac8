//! The probes: what one tenant does, and that the other never notices. Compiled once per driver.

use std::panic::AssertUnwindSafe;

use futures_util::{FutureExt as _, TryStreamExt as _};
use sqlx::query;
use sqlx::{query_as, query_scalar};
use tenancy_core::TenantContext;
use tenancy_sqlx::{Error, TenantPool};

use super::Db;
use crate::matrix::world::{World, at_rest, cancelled_after, more, prefix};

type Pool = TenantPool<Db>;

/// Leads and users that the fixture gives each tenant.
const LEADS: i64 = 6;

/// Runs every probe as each of the two tenants.
pub(crate) async fn run(world: World<Db>) {
    let w = &world;
    for (me, other) in [(&w.a, &w.b), (&w.b, &w.a)] {
        let pool = &w.pool();
        macro_rules! probe {
            ($($name:ident),* $(,)?) => {
                $(
                    $name(w, pool, me, other).await;
                    untouched(pool, me, other).await;
                )*
            };
        }
        probe!(
            list,
            get_by_id,
            join,
            count,
            insert,
            update,
            delete,
            insert_with_foreign_tenant,
            guess_ids,
            rollback,
            savepoint,
            cancelled_statement,
            cancelled_transaction,
            dropped_stream,
            panic_in_transaction,
            one_connection_for_both,
            fresh_connection,
            spawn_without_context,
            handle_of_another,
            extra_value,
            other_place_by_name,
        );
        super::models::run(w, pool, me, other).await;
        untouched(pool, me, other).await;
        at_rest(pool).await;
    }
}

/// Both tenants still have what the fixture gave them.
async fn untouched(pool: &Pool, me: &TenantContext, other: &TenantContext) {
    for cx in [me, other] {
        let rows = leads(pool, cx).await;
        let want: Vec<(i64, String)> = (1..=LEADS)
            .map(|id| (id, format!("{}lead {id}", prefix(cx))))
            .collect();
        assert_eq!(rows, want, "of {}", cx.tenant().slug());
    }
}

async fn leads(pool: &Pool, cx: &TenantContext) -> Vec<(i64, String)> {
    query_as("SELECT id, name FROM leads ORDER BY id")
        .fetch_all(&pool.for_tenant(cx))
        .await
        .unwrap()
}

async fn list(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let names: Vec<String> = me
        .scope(async { query_scalar("SELECT name FROM leads").fetch_all(pool).await })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| name.starts_with(&prefix(me))));
}

async fn get_by_id(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let name: String = me
        .scope(async {
            query_scalar("SELECT name FROM leads WHERE id = $1")
                .bind(3_i64)
                .fetch_one(pool)
                .await
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(name, format!("{}lead 3", prefix(me)));
}

async fn join(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let rows: Vec<(String, String)> = query_as(
        "SELECT l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id ORDER BY l.id",
    )
    .fetch_all(&pool.for_tenant(me))
    .await
    .unwrap();
    assert_eq!(rows.len(), 6);
    for (lead, user) in rows {
        assert!(lead.starts_with(&prefix(me)), "{lead}");
        assert!(user.starts_with(&prefix(me)), "{user}");
    }
}

async fn count(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let n: i64 = query_scalar("SELECT count(*) FROM leads WHERE status = $1 OR status <> $1")
        .bind("open")
        .fetch_one(&pool.for_tenant(me))
        .await
        .unwrap();
    assert_eq!(n, LEADS);
}

async fn insert(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let bound = pool.for_tenant(me);
    if !w.server_knows_the_tenant_column() {
        let refused =
            query("INSERT INTO leads (id, name, status, owner_id) VALUES (100, 'new', 'open', 1)")
                .execute(&bound)
                .await;
        assert!(refused.is_err());
        return;
    }
    let id: i64 = query_scalar(
        "INSERT INTO leads (id, name, status, owner_id) VALUES ($1, $2, 'open', 1) RETURNING id",
    )
    .bind(100_i64)
    .bind("new")
    .fetch_one(&bound)
    .await
    .unwrap();
    assert_eq!(id, 100);
    assert_eq!(leads(pool, me).await.len(), 7);
    assert_eq!(leads(pool, other).await.len(), 6);
    query("DELETE FROM leads WHERE id = 100")
        .execute(&bound)
        .await
        .unwrap();
}

async fn update(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let bound = pool.for_tenant(me);
    let done = query("UPDATE leads SET status = 'won' WHERE id = 1 OR id = 2")
        .execute(&bound)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 2);
    let done = query("UPDATE leads SET status = 'open'")
        .execute(&bound)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 6);
}

async fn delete(_w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let mut tx = pool.for_tenant(me).begin().await.unwrap();
    let done = query("DELETE FROM leads WHERE id > 0 OR id < 0")
        .execute(&mut tx)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 6);
    let left: i64 = query_scalar("SELECT count(*) FROM leads")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(leads(pool, other).await.len(), 6);
    tx.rollback().await.unwrap();
}

/// The caller's payload names the other tenant: refused, and the other has no row more.
async fn insert_with_foreign_tenant(
    _w: &World<Db>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let refused = query(
        "INSERT INTO leads (tenant_id, id, name, status, owner_id) VALUES ($1, 200, 'planted', 'open', 1)",
    )
    .bind(crate::matrix::uuid_of(other))
    .execute(&pool.for_tenant(me))
    .await;
    assert!(refused.is_err());
}

async fn guess_ids(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let bound = pool.for_tenant(me);
    // A row that only the other has.
    let theirs = pool.for_tenant(other);
    if !w.server_knows_the_tenant_column() {
        return;
    }
    query("INSERT INTO leads (id, name, status, owner_id) VALUES (777, 'theirs', 'open', 1)")
        .execute(&theirs)
        .await
        .unwrap();
    for id in [777_i64, 0, -1, i64::MAX] {
        let row: Option<(String,)> = query_as("SELECT name FROM leads WHERE id = $1")
            .bind(id)
            .fetch_optional(&bound)
            .await
            .unwrap();
        assert_eq!(row, None);
        for sql in [
            "UPDATE leads SET name = 'mine' WHERE id = $1",
            "DELETE FROM leads WHERE id = $1",
        ] {
            let done = query(sql).bind(id).execute(&bound).await.unwrap();
            assert_eq!(done.rows_affected(), 0, "{sql}");
        }
    }
    let done = query("DELETE FROM leads WHERE id = 777 AND name = 'theirs'")
        .execute(&theirs)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

async fn rollback(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let dropped = async {
        let mut tx = pool.begin().await.unwrap();
        query("DELETE FROM leads").execute(&mut tx).await.unwrap();
        drop(tx);
        let mut tx = pool.begin().await.unwrap();
        query("UPDATE leads SET name = 'gone'")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.rollback().await.unwrap();
    };
    me.scope(dropped).await.unwrap();
}

async fn savepoint(_w: &World<Db>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let mut tx = pool.for_tenant(me).begin().await.unwrap();
    query("UPDATE leads SET name = 'outer' WHERE id = 1")
        .execute(&mut tx)
        .await
        .unwrap();
    {
        let mut part = tx.savepoint().await.unwrap();
        query("UPDATE leads SET name = 'inner' WHERE id = 1")
            .execute(&mut part)
            .await
            .unwrap();
        // A failing statement inside the part: the same key again.
        let failed =
            query("INSERT INTO leads (id, name, status, owner_id) VALUES (1, 'twice', 'open', 1)")
                .execute(&mut part)
                .await;
        assert!(failed.is_err());
        part.rollback().await.unwrap();
    }
    {
        let mut part = tx.savepoint().await.unwrap();
        query("UPDATE leads SET name = 'dropped' WHERE id = 1")
            .execute(&mut part)
            .await
            .unwrap();
    }
    let name: String = query_scalar("SELECT name FROM leads WHERE id = 1")
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert_eq!(name, "outer");
    {
        let mut part = tx.savepoint().await.unwrap();
        query("UPDATE leads SET name = $1 WHERE id = 1")
            .bind(format!("{}lead 1", prefix(me)))
            .execute(&mut part)
            .await
            .unwrap();
        part.commit().await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn cancelled_statement(
    w: &World<Db>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    let mut polls = 0;
    loop {
        let mine = me.scope(async {
            query("UPDATE leads SET name = name WHERE id > $1")
                .bind(0_i64)
                .execute(pool)
                .await
        });
        let finished = cancelled_after(polls, mine).await;
        let rows = leads(pool, other).await;
        assert!(
            rows.iter()
                .all(|(_, name)| name.starts_with(&prefix(other)))
        );
        assert_eq!(rows.len(), 6);
        if finished.is_some() {
            break;
        }
        polls = more(polls);
    }
    at_rest(pool).await;
    pool.close().await;
}

async fn cancelled_transaction(
    w: &World<Db>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    let mut polls = 0;
    loop {
        let mine = me.scope(async {
            let mut tx = pool.begin().await?;
            query("UPDATE leads SET status = 'lost'")
                .execute(&mut tx)
                .await?;
            let mut part = tx.savepoint().await?;
            query("UPDATE leads SET status = 'won'")
                .execute(&mut part)
                .await?;
            part.rollback().await?;
            query("UPDATE leads SET status = 'open'")
                .execute(&mut tx)
                .await?;
            tx.commit().await
        });
        let finished = cancelled_after(polls, mine).await;
        let rows = leads(pool, other).await;
        assert!(
            rows.iter()
                .all(|(_, name)| name.starts_with(&prefix(other)))
        );
        // All or nothing: the only committed state is the one the fixture made.
        let changed: i64 = query_scalar("SELECT count(*) FROM leads WHERE status <> 'open'")
            .fetch_one(&pool.for_tenant(me))
            .await
            .unwrap();
        assert_eq!(changed, 0);
        if let Some(result) = finished {
            result.unwrap().unwrap();
            break;
        }
        polls = more(polls);
    }
    at_rest(pool).await;
    pool.close().await;
}

async fn dropped_stream(w: &World<Db>, _pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let pool = &w.pool_of(1);
    let bound = pool.for_tenant(me);
    let mut rows = query_as::<_, (i64,)>("SELECT id FROM leads ORDER BY id").fetch(&bound);
    assert_eq!(rows.try_next().await.unwrap(), Some((1,)));
    drop(rows);
    assert_eq!(leads(pool, other).await.len(), 6);

    let mut tx = bound.begin().await.unwrap();
    {
        let mut rows = query_as::<_, (i64,)>("SELECT id FROM leads ORDER BY id").fetch(&mut tx);
        assert_eq!(rows.try_next().await.unwrap(), Some((1,)));
    }
    tx.commit().await.unwrap();
    assert_eq!(leads(pool, other).await.len(), 6);
    pool.close().await;
}

async fn panic_in_transaction(
    w: &World<Db>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    let panics = me.scope(async {
        let mut tx = pool.begin().await.unwrap();
        query("DELETE FROM leads").execute(&mut tx).await.unwrap();
        panic!("with the transaction open");
    });
    assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
    assert!(TenantContext::current().is_err());
    assert_eq!(leads(pool, me).await.len(), 6);
    assert_eq!(leads(pool, other).await.len(), 6);
    pool.close().await;
}

async fn one_connection_for_both(
    w: &World<Db>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    for _ in 0..10 {
        for cx in [me, other] {
            let rows = leads(pool, cx).await;
            assert!(rows.iter().all(|(_, name)| name.starts_with(&prefix(cx))));
        }
    }
    assert!(pool.stats().open <= 1);
    pool.close().await;
}

async fn fresh_connection(w: &World<Db>, _pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let pool = &w.pool_of(2);
    assert_eq!(pool.stats().open, 0);
    assert_eq!(leads(pool, me).await.len(), 6);
    pool.close().await;
    let closed = query("SELECT 1")
        .execute(&pool.for_tenant(me))
        .await
        .unwrap_err();
    assert!(matches!(Error::from_sqlx(&closed), Some(Error::Closed)));
}

async fn spawn_without_context(
    _w: &World<Db>,
    pool: &Pool,
    me: &TenantContext,
    _other: &TenantContext,
) {
    let spawned = me
        .scope(async {
            let pool = pool.clone();
            tokio::spawn(async move { query("SELECT * FROM leads").fetch_all(&pool).await }).await
        })
        .await
        .unwrap()
        .unwrap();
    let error = spawned.unwrap_err();
    let ours = Error::from_sqlx(&error).and_then(Error::as_tenancy);
    assert!(
        ours.is_some_and(tenancy_core::Error::is_no_tenant),
        "{error}"
    );

    let carried = me
        .scope(async {
            let pool = pool.clone();
            tenancy_core::spawn(async move { query("SELECT * FROM leads").fetch_all(&pool).await })
                .unwrap()
                .await
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(carried.unwrap().len(), 6);
}

/// A handle of one tenant in the scope of another is refused, as is a transaction.
async fn handle_of_another(_w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let theirs = pool.for_tenant(other);
    let mut tx = theirs.begin().await.unwrap();
    me.scope(async {
        let refused = query("SELECT * FROM leads")
            .fetch_all(&theirs)
            .await
            .unwrap_err();
        assert!(is_wrong_tenant(&refused));
        let refused = query("SELECT * FROM leads")
            .fetch_all(&mut tx)
            .await
            .unwrap_err();
        assert!(is_wrong_tenant(&refused));
    })
    .await
    .unwrap();
}

fn is_wrong_tenant(error: &sqlx::Error) -> bool {
    Error::from_sqlx(error)
        .and_then(Error::as_tenancy)
        .is_some_and(|error| error.kind() == tenancy_core::ErrorKind::WrongTenant)
}

/// One value too many would take the place of the tenant behind it.
async fn extra_value(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let result = query_as::<_, (String,)>("SELECT name FROM leads WHERE status = $1")
        .bind("open")
        .bind(crate::matrix::uuid_of(other))
        .fetch_all(&pool.for_tenant(me))
        .await;
    match result {
        Err(error) => {
            if w.firewall_stands() {
                assert!(matches!(
                    Error::from_sqlx(&error),
                    Some(Error::Arity {
                        placeholders: 1,
                        values: 2
                    })
                ));
            }
        }
        Ok(rows) => {
            assert!(!w.firewall_stands());
            assert!(rows.iter().all(|(name,)| name.starts_with(&prefix(me))));
        }
    }
}

/// The other's schema, named outright.
async fn other_place_by_name(
    _w: &World<Db>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    if me.tenant().placement().name().is_none() {
        return;
    }
    let sql = format!(
        "SELECT * FROM \"{}\".leads",
        other.tenant_id().schema_name()
    );
    let refused = query(sqlx::AssertSqlSafe(sql))
        .fetch_all(&pool.for_tenant(me))
        .await;
    assert!(refused.is_err());
}
