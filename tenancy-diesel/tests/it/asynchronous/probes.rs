//! The probes: what one tenant does, and that the other never notices.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{Binary, Text};
use diesel_async::{AsyncConnection as _, RunQueryDsl, SimpleAsyncConnection as _};
use futures_util::{FutureExt as _, TryStreamExt as _};
use tenancy_core::{ErrorKind, TenantContext};
use tenancy_diesel::{AsyncTenantPool, Error};

use super::{Tenants, conn};
use crate::matrix::world::{at_rest, id_bytes, prefix};
use crate::places::async_pool;
use crate::tables::{Lead, lead, leads, users};

type Pool = AsyncTenantPool;

/// Runs every probe as each of the two tenants.
pub(crate) async fn run(world: Tenants) {
    let w = &world;
    let pool = &async_pool(&w.tenants, 4);
    for (me, other) in [(&w.a, &w.b), (&w.b, &w.a)] {
        macro_rules! probe {
            ($($name:ident),* $(,)?) => {
                $(
                    $name(w, pool, me, other).await;
                    untouched(pool, me, other).await;
                )*
            };
        }
        probe!(
            reads,
            writes,
            guess_ids,
            save_under_another,
            foreign_tenant_in_the_payload,
            rollback_and_savepoint,
            dropped_stream,
            panic_in_transaction,
            one_connection_for_both,
            without_context_or_elsewhere,
            wrong_number_of_values,
            statements_that_are_not,
        );
    }
    at_rest(|| pool.stats()).await;
}

/// Both tenants still have what the fixture gave them.
pub(super) async fn untouched(pool: &Pool, me: &TenantContext, other: &TenantContext) {
    for cx in [me, other] {
        let rows = rows(pool, cx).await;
        let want: Vec<(i64, String)> = (1..=6)
            .map(|id| (id, format!("{}lead {id}", prefix(cx))))
            .collect();
        assert_eq!(rows, want, "of {}", cx.tenant().slug());
    }
}

pub(super) async fn rows(pool: &Pool, cx: &TenantContext) -> Vec<(i64, String)> {
    leads::table
        .select((leads::id, leads::name))
        .order(leads::id)
        .load(&mut conn(pool, cx).await)
        .await
        .unwrap()
}

async fn reads(_w: &Tenants, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let read = async {
        let conn = &mut pool.get().await.unwrap();
        let found: Lead = leads::table.find(3).first(conn).await?;
        assert_eq!(found.name, format!("{}lead 3", prefix(me)));
        let joined: Vec<(String, String)> = leads::table
            .inner_join(users::table)
            .select((leads::name, users::name))
            .load(conn)
            .await?;
        assert_eq!(joined.len(), 6);
        assert!(
            joined
                .iter()
                .all(|(l, u)| l.starts_with(&prefix(me)) && u.starts_with(&prefix(me)))
        );
        leads::table.count().get_result::<i64>(conn).await
    };
    assert_eq!(me.scope(read).await.unwrap(), Ok(6));
}

async fn writes(w: &Tenants, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let conn = &mut conn(pool, me).await;
    let inserted: Lead = diesel::insert_into(leads::table)
        .values(&lead(100, "new"))
        .get_result(conn)
        .await
        .unwrap();
    assert_eq!(inserted.id, 100);
    assert_eq!(rows(pool, me).await.len(), 7);
    assert_eq!(rows(pool, other).await.len(), 6);
    let gone = diesel::delete(leads::table.filter(leads::id.gt(99))).execute(conn);
    assert_eq!(gone.await, Ok(1));
    for status in ["won", "open"] {
        let done = diesel::update(leads::table)
            .set(leads::status.eq(status))
            .execute(conn);
        assert_eq!(done.await, Ok(6));
    }
    let many: Vec<Lead> = (200..203).map(|id| lead(id, "many")).collect();
    let done = diesel::insert_into(leads::table)
        .values(&many)
        .execute(conn);
    assert_eq!(done.await, Ok(3));
    if w.firewall_stands() {
        let again = diesel::insert_into(leads::table)
            .values(&many)
            .on_conflict(leads::id)
            .do_update()
            .set(leads::name.eq("again"))
            .execute(conn);
        assert_eq!(again.await, Ok(3));
    }
    let gone = diesel::delete(leads::table.filter(leads::id.ge(200))).execute(conn);
    assert_eq!(gone.await, Ok(3));
}

async fn guess_ids(_w: &Tenants, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let theirs = &mut conn(pool, other).await;
    diesel::insert_into(leads::table)
        .values(&lead(777, "theirs"))
        .execute(theirs)
        .await
        .unwrap();
    let mine = &mut conn(pool, me).await;
    for id in [777_i64, 0, -1, i64::MAX] {
        let found = leads::table.find(id).first::<Lead>(mine).await.optional();
        assert_eq!(found, Ok(None));
        let changed = diesel::update(leads::table.find(id))
            .set(leads::name.eq("mine"))
            .execute(mine);
        assert_eq!(changed.await, Ok(0));
        let gone = diesel::delete(leads::table.find(id)).execute(mine);
        assert_eq!(gone.await, Ok(0));
    }
    let gone = diesel::delete(leads::table.filter(leads::name.eq("theirs"))).execute(theirs);
    assert_eq!(gone.await, Ok(1));
}

async fn save_under_another(_w: &Tenants, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let theirs = &mut conn(pool, other).await;
    let loaded: Lead = diesel::insert_into(leads::table)
        .values(&lead(888, "theirs"))
        .get_result(theirs)
        .await
        .unwrap();
    let changed = Lead {
        name: "stolen".to_owned(),
        ..loaded.clone()
    };
    let mine = &mut conn(pool, me).await;
    let saved: QueryResult<Lead> = diesel_async::SaveChangesDsl::save_changes(&changed, mine).await;
    assert_eq!(saved, Err(DieselError::NotFound));
    let still: Lead = leads::table.find(888).first(theirs).await.unwrap();
    assert_eq!(still, loaded);
    let gone = diesel::delete(leads::table.find(888)).execute(theirs);
    assert_eq!(gone.await, Ok(1));
}

async fn foreign_tenant_in_the_payload(
    _w: &Tenants,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let refused = sql_query("INSERT INTO leads (tenant_id, id, name, status, owner_id) VALUES ($1, 200, 'planted', 'open', 1)")
        .bind::<diesel::sql_types::Binary, _>(id_bytes(other))
        .execute(&mut conn(pool, me).await)
        .await;
    assert!(refused.is_err());
}

async fn rollback_and_savepoint(
    _w: &Tenants,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let conn = &mut conn(pool, me).await;
    let mine = format!("{}lead 1", prefix(me));
    let done: QueryResult<usize> = conn
        .transaction(async |conn| {
            let gone = diesel::delete(leads::table.filter(leads::id.gt(1)))
                .execute(conn)
                .await?;
            assert_eq!(gone, 5);
            let failed: QueryResult<usize> = conn
                .transaction(async |conn| {
                    diesel::insert_into(leads::table)
                        .values(&lead(1, "twice"))
                        .execute(conn)
                        .await
                })
                .await;
            assert!(failed.is_err());
            let left: i64 = leads::table.count().get_result(conn).await?;
            assert_eq!(left, 1);
            conn.transaction(async |conn| {
                diesel::update(leads::table.find(1))
                    .set(leads::name.eq("kept for a moment"))
                    .execute(conn)
                    .await
            })
            .await?;
            Err(DieselError::RollbackTransaction)
        })
        .await;
    assert_eq!(done, Err(DieselError::RollbackTransaction));
    assert_eq!(rows(pool, other).await.len(), 6);
    let done: QueryResult<usize> = conn
        .transaction(async |conn| {
            diesel::update(leads::table.find(1))
                .set(leads::name.eq(&mine))
                .execute(conn)
                .await
        })
        .await;
    assert_eq!(done, Ok(1));
}

async fn dropped_stream(w: &Tenants, _pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let pool = &async_pool(&w.tenants, 1);
    {
        let conn = &mut conn(pool, me).await;
        let query = leads::table.select(leads::id).order(leads::id);
        let mut rows = query.load_stream::<i64>(conn).await.unwrap();
        assert_eq!(rows.try_next().await, Ok(Some(1)));
        drop(rows);
        let n: i64 = leads::table.count().get_result(conn).await.unwrap();
        assert_eq!(n, 6);
    }
    assert_eq!(rows(pool, other).await.len(), 6);
    pool.close().await;
}

async fn panic_in_transaction(
    w: &Tenants,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &async_pool(&w.tenants, 1);
    let panics = async {
        let conn = &mut conn(pool, me).await;
        let _: QueryResult<()> = conn
            .transaction(async |conn| {
                diesel::delete(leads::table).execute(conn).await?;
                panic!("with the transaction open");
            })
            .await;
    };
    let caught = std::panic::AssertUnwindSafe(panics).catch_unwind().await;
    assert!(caught.is_err());
    assert_eq!(rows(pool, me).await.len(), 6);
    assert_eq!(rows(pool, other).await.len(), 6);
    pool.close().await;
}

/// The same statements by turns: one prepared text serves both, and answers each with its own.
async fn one_connection_for_both(
    w: &Tenants,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &async_pool(&w.tenants, 1);
    for _ in 0..10 {
        for cx in [me, other] {
            let all = rows(pool, cx).await;
            assert_eq!(all.len(), 6);
            assert!(all.iter().all(|(_, name)| name.starts_with(&prefix(cx))));
        }
    }
    assert!(pool.stats().open <= 1);
    pool.close().await;
    assert!(matches!(pool.get_for(me).await, Err(Error::Budget(_))));
}

async fn without_context_or_elsewhere(
    _w: &Tenants,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let refused = pool.get().await.unwrap_err();
    assert!(refused.as_tenancy().unwrap().is_no_tenant());
    let lost = me.scope(async {
        let pool = pool.clone();
        tokio::spawn(async move { pool.get().await.map(drop) }).await
    });
    let lost = lost.await.unwrap().unwrap().unwrap_err();
    assert!(lost.as_tenancy().unwrap().is_no_tenant());

    let theirs = &mut conn(pool, other).await;
    me.scope(async {
        let refused = leads::table.count().get_result::<i64>(theirs).await;
        let refused = refused.unwrap_err();
        let ours = Error::from_diesel(&refused).and_then(Error::as_tenancy);
        assert_eq!(ours.map(|it| it.kind()), Some(ErrorKind::WrongTenant));
        assert!(pool.get_for(other).await.is_err());
    })
    .await
    .unwrap();
}

/// One value too many would take the place of the tenant behind it.
async fn wrong_number_of_values(
    w: &Tenants,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    if !w.firewall_stands() {
        return;
    }
    let conn = &mut conn(pool, me).await;
    let refused = sql_query("UPDATE leads SET name = name WHERE status = $1")
        .bind::<Text, _>("open")
        .bind::<Binary, _>(id_bytes(other))
        .execute(conn)
        .await
        .unwrap_err();
    assert!(matches!(
        Error::from_diesel(&refused),
        Some(Error::Arity {
            placeholders: 1,
            values: 2
        })
    ));
    let right = sql_query("UPDATE leads SET name = name WHERE status = $1")
        .bind::<Text, _>("open")
        .execute(conn);
    assert_eq!(right.await, Ok(6));
}

async fn statements_that_are_not(
    w: &Tenants,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let conn = &mut conn(pool, me).await;
    if other.tenant().placement().name().is_some() {
        let name = other.tenant_id().schema_name();
        let refused = sql_query(format!("SELECT * FROM \"{name}\".leads")).execute(conn);
        assert!(refused.await.is_err());
    }
    if !w.firewall_stands() {
        return;
    }
    for text in [
        "BEGIN",
        "COMMIT",
        "ROLLBACK; DELETE FROM leads",
        "SELECT 1; SELECT 2",
        "SET app.tenant_id = 'x'",
        "SET ROLE postgres",
    ] {
        let batch = conn.batch_execute(text).await;
        let query = sql_query(text).execute(conn).await.map(drop);
        for refused in [batch, query] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(Error::from_diesel(&refused), Some(Error::Refused(_))),
                "{text}: {refused:?}"
            );
        }
    }
}
