//! The probes that go through `#[tenant_scoped]` models. Compiled once per driver.

use futures_util::TryStreamExt as _;
use tenancy_core::TenantContext;
use tenancy_sqlx::TenantPool;

use super::Db;
use crate::matrix::world::{World, at_rest, cancelled_after, more, prefix};
use crate::models::{Lead, User, lead};

type Pool = TenantPool<Db>;

/// Runs every probe; each leaves things as they were.
pub(crate) async fn run(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    read(pool, me).await;
    joined(pool, me).await;
    paged(pool, me).await;
    written(w, pool, me, other).await;
    saved_by_another(w, pool, me, other).await;
    many(w, pool, me, other).await;
    cancelled(w, me, other).await;
}

async fn read(pool: &Pool, me: &TenantContext) {
    let mine = prefix(me);
    let third = me.scope(Lead::find(3).fetch_one(pool)).await.unwrap();
    assert_eq!(third.unwrap().name, format!("{mine}lead 3"));
    let bound = pool.for_tenant(me);
    assert_eq!(Lead::count(&bound).await.unwrap(), 6);
    assert!(Lead::exists(1, &bound).await.unwrap());
    let some = Lead::filter("id > $1 OR status = $2")
        .bind(0_i64)
        .bind("open");
    let some: Vec<Lead> = some.fetch(&bound).try_collect().await.unwrap();
    assert_eq!(some.len(), 6);
    assert!(some.iter().all(|lead| lead.name.starts_with(&mine)));
}

async fn joined(pool: &Pool, me: &TenantContext) {
    let (mine, bound) = (prefix(me), pool.for_tenant(me));
    let pairs = Lead::with_owner()
        .order_by("id")
        .fetch_all(&bound)
        .await
        .unwrap();
    assert_eq!(pairs.len(), 6);
    for (lead, owner) in pairs {
        let owner = owner.unwrap();
        assert_eq!(Some(owner.id), lead.owner_id);
        assert!(owner.name.starts_with(&mine) && lead.name.starts_with(&mine));
        let again = lead.owner().unwrap().fetch_one(&bound).await.unwrap();
        assert_eq!(again, owner);
    }
}

async fn paged(pool: &Pool, me: &TenantContext) {
    let bound = pool.for_tenant(me);
    let list = || {
        Lead::filter("status = $1")
            .bind("open")
            .order_by_desc("name")
    };
    let first = list().page(4).fetch_all(&bound).await.unwrap();
    let rest = list()
        .page_after(&first[3], 4)
        .fetch_all(&bound)
        .await
        .unwrap();
    let seen: Vec<_> = first
        .iter()
        .chain(&rest)
        .map(|lead| lead.name.clone())
        .collect();
    let want: Vec<_> = (1..=6)
        .rev()
        .map(|id| format!("{}lead {id}", prefix(me)))
        .collect();
    assert_eq!(seen, want);
}

async fn written(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    let bound = pool.for_tenant(me);
    let mut new = lead(100, "new");
    if !w.server_knows_the_tenant_column() {
        assert!(new.insert().execute(&bound).await.is_err());
        return;
    }
    new.insert().execute(&bound).await.unwrap();
    new.status = "won".to_owned();
    assert_eq!(new.update().returning(&bound).await.unwrap(), new);
    new.name = "newer".to_owned();
    // The key of the table begins with the tenant, which only the firewall writes.
    let upserted = new.upsert().execute(&bound).await;
    assert_eq!(upserted.is_ok(), w.firewall_stands(), "{upserted:?}");
    assert_eq!(Lead::count(&pool.for_tenant(other)).await.unwrap(), 6);
    Lead::delete(100).execute(&bound).await.unwrap();
}

/// A value that was loaded as one tenant and is saved as another: as if the row were not there.
async fn saved_by_another(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    if !w.server_knows_the_tenant_column() {
        return;
    }
    let (bound, theirs) = (pool.for_tenant(me), pool.for_tenant(other));
    let alone = lead(100, "alone");
    alone.insert().execute(&bound).await.unwrap();
    let loaded = Lead::find(100).fetch_one(&bound).await.unwrap();
    for result in [
        loaded.update().execute(&theirs).await,
        loaded.update().returning(&theirs).await.map(drop),
        Lead::delete(100).execute(&theirs).await,
        Lead::find(100).fetch_one(&theirs).await.map(drop),
    ] {
        assert!(
            matches!(result, Err(sqlx::Error::RowNotFound)),
            "{result:?}"
        );
    }
    assert_eq!(Lead::find(100).fetch_one(&bound).await.unwrap(), alone);
    Lead::delete(100).execute(&bound).await.unwrap();
}

async fn many(w: &World<Db>, pool: &Pool, me: &TenantContext, other: &TenantContext) {
    if !w.server_knows_the_tenant_column() {
        return;
    }
    let mut tx = pool.for_tenant(me).begin().await.unwrap();
    let rows: Vec<User> = (100..130)
        .map(|id| User {
            id,
            name: format!("{}many {id}", prefix(me)),
        })
        .collect();
    assert_eq!(User::insert_many(&rows).execute(&mut tx).await.unwrap(), 30);
    assert_eq!(User::count(&mut *tx).await.unwrap(), 33);
    let gone = User::delete_where("id >= $1").bind(100_i64);
    assert_eq!(gone.execute(&mut tx).await.unwrap(), 30);
    tx.commit().await.unwrap();
    assert_eq!(User::count(&pool.for_tenant(other)).await.unwrap(), 3);
}

/// Left at each await: the only connection answers both tenants with their own, and the row is written or not.
async fn cancelled(w: &World<Db>, me: &TenantContext, other: &TenantContext) {
    let pool = &w.pool_of(1);
    let (bound, theirs) = (pool.for_tenant(me), pool.for_tenant(other));
    let before = Lead::find(1).fetch_one(&bound).await.unwrap();
    let after = Lead {
        status: "won".to_owned(),
        ..before.clone()
    };
    let mut polls = 0;
    loop {
        let done = cancelled_after(polls, after.update().execute(&bound)).await;
        let seen = Lead::find(1).fetch_one(&bound).await.unwrap();
        assert!(seen == before || seen == after, "{seen:?}");
        let other_lead = Lead::find(1).fetch_one(&theirs).await.unwrap();
        assert_eq!(other_lead.name, format!("{}lead 1", prefix(other)));
        if done.is_some() {
            break;
        }
        before.update().execute(&bound).await.unwrap();
        polls = more(polls);
    }
    before.update().execute(&bound).await.unwrap();
    at_rest(pool).await;
}
