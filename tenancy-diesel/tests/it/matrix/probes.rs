//! The probes: what one tenant does, and that the other never notices. Compiled once per driver.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::Binary;
use futures_util::FutureExt as _;
use tenancy_core::TenantContext;
use tenancy_diesel::{Error, TenantConnection, TenantPool};

use super::Driver;
use super::refusals::{
    extra_value, handle_of_another, other_place_by_name, spawn_without_context,
    statements_that_are_not,
};
use crate::matrix::world::{World, at_rest, cancelled_after, id_bytes, prefix};
use crate::tables::{Lead, lead, leads, users};

pub(crate) type Pool = TenantPool<Driver>;
type Conn = TenantConnection<Driver>;

/// Leads that the fixture gives each tenant.
const LEADS: i64 = 6;

/// Runs every probe as each of the two tenants.
pub(crate) async fn run(world: World<Driver>) {
    let w = &world;
    let pool = &w.pool_of(4);
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
            list,
            get_by_id,
            join,
            count,
            insert,
            update,
            delete,
            insert_with_foreign_tenant,
            guess_ids,
            save_under_another,
            rollback,
            savepoint,
            cancelled_work,
            left_cursor,
            panic_in_transaction,
            one_connection_for_both,
            fresh_connection,
            spawn_without_context,
            handle_of_another,
            extra_value,
            other_place_by_name,
            statements_that_are_not,
        );
    }
    at_rest(|| pool.stats()).await;
}

/// Runs work as one tenant.
pub(crate) async fn as_tenant<R: Send + 'static>(
    pool: &Pool,
    cx: &TenantContext,
    work: impl FnOnce(&mut Conn) -> QueryResult<R> + Send + 'static,
) -> QueryResult<R> {
    cx.scope(pool.interact(work)).await.unwrap()
}

/// Both tenants still have what the fixture gave them.
async fn untouched(pool: &Pool, me: &TenantContext, other: &TenantContext) {
    for cx in [me, other] {
        let rows = rows(pool, cx).await;
        let want: Vec<(i64, String)> = (1..=LEADS)
            .map(|id| (id, format!("{}lead {id}", prefix(cx))))
            .collect();
        assert_eq!(rows, want, "of {}", cx.tenant().slug());
    }
}

async fn rows(pool: &Pool, cx: &TenantContext) -> Vec<(i64, String)> {
    pool.for_tenant(cx)
        .interact(|conn| {
            leads::table
                .select((leads::id, leads::name))
                .order(leads::id)
                .load(conn)
        })
        .await
        .map_err(|error: DieselError| error)
        .unwrap()
}

async fn list(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let found = as_tenant(pool, me, |conn| {
        leads::table.select(Lead::as_select()).load(conn)
    });
    let found = found.await.unwrap();
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|it| it.name.starts_with(&prefix(me))));
}

async fn get_by_id(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let found: Lead = as_tenant(pool, me, |conn| leads::table.find(3).first(conn))
        .await
        .unwrap();
    assert_eq!(found.name, format!("{}lead 3", prefix(me)));
}

async fn join(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let rows: Vec<(String, String)> = as_tenant(pool, me, |conn| {
        leads::table
            .inner_join(users::table)
            .select((leads::name, users::name))
            .order(leads::id)
            .load(conn)
    })
    .await
    .unwrap();
    assert_eq!(rows.len(), 6);
    for (lead, user) in rows {
        assert!(lead.starts_with(&prefix(me)), "{lead}");
        assert!(user.starts_with(&prefix(me)), "{user}");
    }
}

async fn count(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let n: i64 = as_tenant(pool, me, |conn| {
        leads::table
            .filter(leads::status.eq("open").or(leads::status.ne("open")))
            .count()
            .get_result(conn)
    })
    .await
    .unwrap();
    assert_eq!(n, LEADS);
}

async fn insert(w: &World<Driver>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let inserted = as_tenant(pool, me, |conn| {
        diesel::insert_into(leads::table)
            .values(&lead(100, "new"))
            .execute(conn)
    })
    .await;
    if !w.server_knows_the_tenant_column() {
        assert!(inserted.is_err());
        return;
    }
    assert_eq!(inserted, Ok(1));
    assert_eq!(rows(pool, me).await.len(), 7);
    assert_eq!(rows(pool, other).await.len(), 6);
    let gone = as_tenant(pool, me, |conn| {
        diesel::delete(leads::table.find(100)).execute(conn)
    });
    assert_eq!(gone.await, Ok(1));
}

async fn update(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let done = as_tenant(pool, me, |conn| {
        diesel::update(leads::table.filter(leads::id.eq(1).or(leads::id.eq(2))))
            .set(leads::status.eq("won"))
            .execute(conn)
    });
    assert_eq!(done.await, Ok(2));
    let done = as_tenant(pool, me, |conn| {
        diesel::update(leads::table)
            .set(leads::status.eq("open"))
            .execute(conn)
    });
    assert_eq!(done.await, Ok(6));
}

async fn delete(_w: &World<Driver>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let inside = as_tenant(pool, me, |conn| {
        conn.transaction(|conn| {
            let gone = diesel::delete(leads::table.filter(leads::id.gt(0).or(leads::id.lt(0))))
                .execute(conn)?;
            let left: i64 = leads::table.count().get_result(conn)?;
            assert_eq!((gone, left), (6, 0));
            Err::<(), _>(DieselError::RollbackTransaction)
        })
    });
    assert_eq!(inside.await, Err(DieselError::RollbackTransaction));
    assert_eq!(rows(pool, other).await.len(), 6);
}

/// The caller's payload names the other tenant: refused, and the other has no row more.
async fn insert_with_foreign_tenant(
    _w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let theirs = id_bytes(other);
    let refused = as_tenant(pool, me, move |conn| {
        sql_query("INSERT INTO leads (tenant_id, id, name, status, owner_id) VALUES ($1, 200, 'planted', 'open', 1)")
            .bind::<Binary, _>(theirs)
            .execute(conn)
    });
    assert!(refused.await.is_err());
}

async fn guess_ids(w: &World<Driver>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    if !w.server_knows_the_tenant_column() {
        return;
    }
    // A row that only the other has.
    let planted = as_tenant(pool, other, |conn| {
        diesel::insert_into(leads::table)
            .values(&lead(777, "theirs"))
            .execute(conn)
    });
    assert_eq!(planted.await, Ok(1));
    for id in [777_i64, 0, -1, i64::MAX] {
        let done = as_tenant(pool, me, move |conn| {
            let found = leads::table
                .find(id)
                .select(leads::name)
                .first::<String>(conn)
                .optional()?;
            let changed = diesel::update(leads::table.find(id))
                .set(leads::name.eq("mine"))
                .execute(conn)?;
            let gone = diesel::delete(leads::table.find(id)).execute(conn)?;
            Ok((found, changed, gone))
        });
        assert_eq!(done.await, Ok((None, 0, 0)), "{id}");
    }
    let gone = as_tenant(pool, other, |conn| {
        diesel::delete(leads::table.filter(leads::name.eq("theirs"))).execute(conn)
    });
    assert_eq!(gone.await, Ok(1));
}

/// A value that was loaded as one tenant and is saved as another changes nothing.
async fn save_under_another(
    w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    if !w.server_knows_the_tenant_column() {
        return;
    }
    let theirs: Lead = as_tenant(pool, other, |conn| {
        diesel::insert_into(leads::table)
            .values(&lead(888, "theirs"))
            .execute(conn)?;
        leads::table.find(888).first(conn)
    })
    .await
    .unwrap();
    let saved = as_tenant(pool, me, move |conn| {
        let changed = Lead {
            name: "stolen".to_owned(),
            ..theirs
        };
        changed.save_changes::<Lead>(conn)
    });
    assert_eq!(saved.await, Err(DieselError::NotFound));
    let name: String = as_tenant(pool, other, |conn| {
        let name = leads::table.find(888).select(leads::name).first(conn)?;
        diesel::delete(leads::table.find(888)).execute(conn)?;
        Ok(name)
    })
    .await
    .unwrap();
    assert_eq!(name, "theirs");
}

async fn rollback(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    let left_open = as_tenant(pool, me, |conn| {
        use diesel::connection::TransactionManager as _;
        type Manager = <Conn as Connection>::TransactionManager;
        Manager::begin_transaction(conn)?;
        diesel::delete(leads::table).execute(conn)
    });
    assert_eq!(left_open.await, Ok(6));
    let rolled_back = as_tenant(pool, me, |conn| {
        conn.transaction(|conn| {
            diesel::update(leads::table)
                .set(leads::name.eq("gone"))
                .execute(conn)?;
            Err::<(), _>(DieselError::RollbackTransaction)
        })
    });
    assert_eq!(rolled_back.await, Err(DieselError::RollbackTransaction));
}

async fn savepoint(_w: &World<Driver>, pool: &Pool, me: &TenantContext, _other: &TenantContext) {
    fn rename(conn: &mut Conn, name: &str) -> QueryResult<usize> {
        diesel::update(leads::table.find(1))
            .set(leads::name.eq(name))
            .execute(conn)
    }
    let mine = format!("{}lead 1", prefix(me));
    let done = as_tenant(pool, me, move |conn| {
        conn.transaction(|conn| {
            rename(conn, "outer")?;
            let failed = conn.transaction(|conn| {
                rename(conn, "inner")?;
                // The same key again.
                diesel::insert_into(leads::table)
                    .values(&lead(1, "twice"))
                    .execute(conn)
            });
            assert!(failed.is_err());
            let name: String = leads::table.find(1).select(leads::name).first(conn)?;
            assert_eq!(name, "outer");
            conn.transaction(|conn| rename(conn, &mine))
        })
    });
    assert_eq!(done.await, Ok(1));
}

async fn cancelled_work(
    w: &World<Driver>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    for polls in 0..6 {
        let work = me.scope(pool.interact(|conn| {
            conn.transaction(|conn| {
                diesel::update(leads::table)
                    .set(leads::status.eq("lost"))
                    .execute(conn)?;
                diesel::update(leads::table)
                    .set(leads::status.eq("open"))
                    .execute(conn)
            })
        }));
        let finished = cancelled_after(polls, work).await;
        let theirs = rows(pool, other).await;
        assert!(
            theirs
                .iter()
                .all(|(_, name)| name.starts_with(&prefix(other)))
        );
        // All or nothing: the only committed state is the one the fixture made.
        let changed: i64 = as_tenant(pool, me, |conn| {
            leads::table
                .filter(leads::status.ne("open"))
                .count()
                .get_result(conn)
        })
        .await
        .unwrap();
        assert_eq!(changed, 0);
        if let Some(result) = finished {
            assert_eq!(result.unwrap().map_err(|error: DieselError| error), Ok(6));
        }
    }
    at_rest(|| pool.stats()).await;
    pool.close().await;
}

async fn left_cursor(w: &World<Driver>, _pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let pool = &w.pool_of(1);
    let first = as_tenant(pool, me, |conn| {
        let mut rows = leads::table
            .select(leads::id)
            .order(leads::id)
            .load_iter::<i64, diesel::connection::DefaultLoadingMode>(conn)?;
        rows.next().unwrap()
    });
    assert_eq!(first.await, Ok(1));
    assert_eq!(rows(pool, other).await.len(), 6);
    let inside = as_tenant(pool, me, |conn| {
        conn.transaction(|conn| {
            let mut rows = leads::table
                .select(leads::id)
                .order(leads::id)
                .load_iter::<i64, diesel::connection::DefaultLoadingMode>(conn)?;
            rows.next().unwrap()
        })
    });
    assert_eq!(inside.await, Ok(1));
    assert_eq!(rows(pool, other).await.len(), 6);
    pool.close().await;
}

async fn panic_in_transaction(
    w: &World<Driver>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    let panics = me.scope(pool.interact(|conn| {
        conn.transaction(|conn| {
            diesel::delete(leads::table).execute(conn)?;
            panic!("with the transaction open");
            #[allow(unreachable_code, reason = "names the type")]
            Ok::<(), DieselError>(())
        })
    }));
    let caught = std::panic::AssertUnwindSafe(panics).catch_unwind().await;
    let payload = caught.unwrap_err();
    assert_eq!(
        payload.downcast_ref::<&str>(),
        Some(&"with the transaction open")
    );
    assert!(TenantContext::current().is_err());
    assert_eq!(rows(pool, me).await.len(), 6);
    assert_eq!(rows(pool, other).await.len(), 6);
    pool.close().await;
}

/// The same statements by turns: one prepared text serves both, and answers each with its own.
async fn one_connection_for_both(
    w: &World<Driver>,
    _pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let pool = &w.pool_of(1);
    for _ in 0..10 {
        for cx in [me, other] {
            let all = rows(pool, cx).await;
            assert_eq!(all.len(), 6);
            assert!(all.iter().all(|(_, name)| name.starts_with(&prefix(cx))));
            let one: String = as_tenant(pool, cx, |conn| {
                leads::table
                    .filter(leads::id.eq(2).and(leads::status.eq("open")))
                    .select(leads::name)
                    .first(conn)
            })
            .await
            .unwrap();
            assert_eq!(one, format!("{}lead 2", prefix(cx)));
        }
    }
    assert!(pool.stats().open <= 1);
    pool.close().await;
}

async fn fresh_connection(
    w: &World<Driver>,
    _pool: &Pool,
    me: &TenantContext,
    _other: &TenantContext,
) {
    let pool = &w.pool_of(2);
    assert_eq!(pool.stats().open, 0);
    assert_eq!(rows(pool, me).await.len(), 6);
    pool.close().await;
    let closed = as_tenant(pool, me, |conn| sql_query("SELECT 1").execute(conn)).await;
    let closed = closed.unwrap_err();
    assert!(matches!(
        Error::from_diesel(&closed),
        Some(Error::Budget(_))
    ));
}
