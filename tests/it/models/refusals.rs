//! What models refuse. Compiled once per driver.

use futures_util::TryStreamExt as _;
use tenancy_core::{
    Actor, ErrorKind, InMemoryRegistry, RegistryExt as _, TenantContext, TenantStatus,
};
use tenancy_sqlx::Error;
use tenancy_sqlx::model::{Column, TenantExecutor};

use super::Db;
use crate::matrix::world::{World, at_rest, cancelled_after, more};
use crate::models::{Lead, lead};

type W = World<Db>;

#[track_caller]
fn ours(error: &sqlx::Error) -> &Error {
    Error::from_sqlx(error).unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

/// A value loaded as one tenant and saved as another: as a row that does not exist.
pub(super) async fn a_value_of_another_tenant_is_not_found(w: &W) {
    let pool = w.pool();
    let (db, other) = (pool.for_tenant(&w.a), pool.for_tenant(&w.b));
    let mine = lead(100, "a alone");
    mine.insert().execute(&db).await.unwrap();
    let mut loaded = Lead::find(100).fetch_one(&db).await.unwrap();
    loaded.name = "planted".to_owned();
    let saved = loaded.update().execute(&other).await;
    assert!(matches!(saved, Err(sqlx::Error::RowNotFound)), "{saved:?}");
    let saved = loaded.update().returning(&other).await;
    assert!(matches!(saved, Err(sqlx::Error::RowNotFound)), "{saved:?}");
    let gone = Lead::delete(100).execute(&other).await;
    assert!(matches!(gone, Err(sqlx::Error::RowNotFound)), "{gone:?}");
    let seen = Lead::find(100).fetch_one(&other).await;
    assert!(matches!(seen, Err(sqlx::Error::RowNotFound)), "{seen:?}");
    let many = Lead::delete_where("id = 100")
        .execute(&other)
        .await
        .unwrap();
    assert_eq!(many, 0);
    // A transaction of the other, too.
    let mut tx = other.begin().await.unwrap();
    let saved = loaded.update().execute(&mut tx).await;
    assert!(matches!(saved, Err(sqlx::Error::RowNotFound)), "{saved:?}");
    drop(tx);
    assert_eq!(Lead::find(100).fetch_one(&db).await.unwrap(), mine);
    assert_eq!(Lead::count(&other).await.unwrap(), 6);
    Lead::delete(100).execute(&db).await.unwrap();
}

/// Every function of a model, on a pool of either kind.
async fn every_function<'c>(
    db: impl TenantExecutor<'c, Db> + Copy + 'c,
) -> Vec<(&'static str, Result<(), sqlx::Error>)> {
    let (one, none): (Lead, [Lead; 0]) = (lead(1, "x"), []);
    let two = [lead(200, "x"), lead(201, "x")];
    vec![
        ("find", Lead::find(1).fetch_one(db).await.map(drop)),
        ("all", Lead::all().fetch_all(db).await.map(drop)),
        (
            "filter",
            Lead::filter("true").fetch_optional(db).await.map(drop),
        ),
        (
            "stream",
            Lead::all()
                .fetch(db)
                .try_collect::<Vec<_>>()
                .await
                .map(drop),
        ),
        ("page", Lead::all().page(1).fetch_all(db).await.map(drop)),
        (
            "page_after",
            Lead::all()
                .page_after(&one, 1)
                .fetch_all(db)
                .await
                .map(drop),
        ),
        (
            "with_owner",
            Lead::with_owner().fetch_all(db).await.map(drop),
        ),
        ("owner", one.owner().unwrap().fetch_one(db).await.map(drop)),
        ("count", Lead::count(db).await.map(drop)),
        ("exists", Lead::exists(1, db).await.map(drop)),
        ("insert", one.insert().execute(db).await),
        ("update", one.update().execute(db).await),
        (
            "update returning",
            one.update().returning(db).await.map(drop),
        ),
        ("upsert", one.upsert().execute(db).await),
        (
            "insert_many",
            Lead::insert_many(&two).execute(db).await.map(drop),
        ),
        (
            "insert none",
            Lead::insert_many(&none).execute(db).await.map(drop),
        ),
        ("delete", Lead::delete(1).execute(db).await),
        (
            "delete_where",
            Lead::delete_where("true").execute(db).await.map(drop),
        ),
        (
            "delete_where returning",
            Lead::delete_where("true").returning(db).await.map(drop),
        ),
    ]
}

pub(super) async fn refused_where_a_statement_is_refused(w: &W) {
    let pool = &w.pool();
    // No tenant.
    for (function, result) in every_function(pool).await {
        let error = result.expect_err(function);
        assert!(
            ours(&error).as_tenancy().unwrap().is_no_tenant(),
            "{function}: {error}"
        );
    }
    for cx in [&w.a, &w.b] {
        assert_eq!(Lead::count(&pool.for_tenant(cx)).await.unwrap(), 6);
    }
    // A handle of one tenant in the scope of another.
    let (mine, two) = (pool.for_tenant(&w.a), [lead(200, "x"), lead(201, "x")]);
    let wrong = w.b.scope(async {
        [
            Lead::find(1).fetch_one(&mine).await.map(drop),
            Lead::delete_where("true").execute(&mine).await.map(drop),
            Lead::insert_many(&two).execute(&mine).await.map(drop),
            Lead::insert_many(&two[..0]).execute(&mine).await.map(drop),
        ]
    });
    for result in wrong.await.unwrap() {
        let error = result.unwrap_err();
        assert_eq!(
            ours(&error).as_tenancy().unwrap().kind(),
            ErrorKind::WrongTenant
        );
    }
    // Left at any of its awaits, a function takes no connection along and writes all or nothing.
    let small = &w.pool_of(1);
    let many: Vec<Lead> = (200..1_201).map(|id| lead(id, "a many")).collect();
    let mut polls = 0;
    loop {
        let db = small.for_tenant(&w.a);
        let done = cancelled_after(polls, Lead::insert_many(&many).execute(&db)).await;
        at_rest(small).await;
        let there = Lead::count(&db).await.unwrap();
        assert!(there == 6 || there == 1_007, "{there} after {polls}");
        assert_eq!(Lead::count(&small.for_tenant(&w.b)).await.unwrap(), 6);
        if there > 6 {
            Lead::delete_where("id >= 200").execute(&db).await.unwrap();
        }
        if done.is_some() {
            break;
        }
        polls = more(polls);
    }
    // Suspended while it is at work; this outlives the test, so it is the last.
    let registry = InMemoryRegistry::new();
    registry.insert((*w.tenants.a).clone()).unwrap();
    let tenant = registry.by_id(&w.a.tenant_id()).await.unwrap();
    let cx = TenantContext::for_request(tenant, Actor::user("ada")).unwrap();
    let mine = pool.for_tenant(&cx);
    registry
        .set_status(&w.a.tenant_id(), TenantStatus::Suspended)
        .unwrap();
    for (function, result) in every_function(&mine).await {
        let error = result.expect_err(function);
        let kind = ours(&error).as_tenancy().unwrap().kind();
        assert_eq!(kind, ErrorKind::Suspended, "{function}");
    }
    assert_eq!(Lead::count(&pool.for_tenant(&w.b)).await.unwrap(), 6);
}

/// What is wrong with a call is said before anything is sent.
pub(super) async fn mistakes_send_nothing(w: &W) {
    let db = w.pool().for_tenant(&w.a);
    let error = Lead::all()
        .order_by("name; DROP TABLE leads")
        .fetch_all(&db)
        .await
        .unwrap_err();
    assert_eq!(
        ours(&error).to_string(),
        "`leads` has no column `name; DROP TABLE leads` to order by; it has `id`, `name`, `status`, `owner_id`"
    );
    assert!(Column::<Lead>::named("tenant_id").is_none());
    let error = Lead::all()
        .order_by("owner_id")
        .page(3)
        .fetch_all(&db)
        .await
        .unwrap_err();
    assert!(
        matches!(ours(&error), Error::NullableOrder { column: "owner_id" }),
        "{error}"
    );
    let error = Lead::all()
        .order_by("name")
        .page_after((1_i64,), 3)
        .fetch_all(&db)
        .await
        .unwrap_err();
    assert!(
        matches!(
            ours(&error),
            Error::Cursor {
                columns: 2,
                values: 1,
                ..
            }
        ),
        "{error}"
    );
    // A placeholder without a value would take the limit's, or the tenant's.
    for error in [
        Lead::filter("status = $1")
            .fetch_all(&db)
            .await
            .unwrap_err(),
        Lead::filter("status = $1")
            .limit(1)
            .fetch_all(&db)
            .await
            .unwrap_err(),
        Lead::filter("status = $1")
            .page_after((1_i64,), 1)
            .fetch_all(&db)
            .await
            .unwrap_err(),
        Lead::find(1).bind("more").fetch_one(&db).await.unwrap_err(),
        Lead::filter("status = $1").count(&db).await.unwrap_err(),
        Lead::delete_where("id = $1")
            .execute(&db)
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(ours(&error), Error::Arity { .. }), "{error:?}");
    }
    // A condition that tries to be more than one is refused, or means what it says.
    for condition in [
        "true -- ",
        "true /*",
        "true) UNION (SELECT * FROM users",
        "tenant_id = 1; SELECT 1",
    ] {
        assert!(
            Lead::filter(condition)
                .order_by("id")
                .fetch_all(&db)
                .await
                .is_err(),
            "{condition}"
        );
        assert!(
            Lead::delete_where(condition).execute(&db).await.is_err(),
            "{condition}"
        );
    }
    let all = Lead::filter("false) OR (true")
        .fetch_all(&db)
        .await
        .unwrap();
    assert!(all.len() == 6 && all.iter().all(|lead| lead.name.starts_with("a ")));
}
