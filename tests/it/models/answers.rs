//! What models answer. Compiled once per driver.

use futures_util::TryStreamExt as _;
use tenancy_core::{
    Actor, ErrorKind, InMemoryRegistry, RegistryExt as _, TenantContext, TenantStatus,
};
use tenancy_sqlx::Error;
use tenancy_sqlx::model::{Column, TenantExecutor, TenantScoped as _};

use super::Db;
use crate::matrix::world::{World, at_rest, cancelled_after, more};
use crate::models::{Lead, NewLead, User};

type W = World<Db>;

fn names(leads: &[Lead]) -> Vec<&str> {
    leads.iter().map(|lead| lead.name.as_str()).collect()
}

fn lead(id: i64, name: &str) -> Lead {
    Lead {
        id,
        name: name.to_owned(),
        status: "open".to_owned(),
        owner_id: Some(1),
    }
}

#[track_caller]
fn ours(error: &sqlx::Error) -> &Error {
    Error::from_sqlx(error).unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

pub(super) async fn reads_one_tenants_rows(w: &W) {
    let (pool, db) = (w.pool(), w.pool().for_tenant(&w.b));
    let third = Lead::find(3).fetch_one(&db).await.unwrap();
    assert_eq!(third.name, "b lead 3");
    let third = w.a.scope(Lead::find(3).fetch_one(&pool)).await.unwrap();
    assert_eq!(third.unwrap().name, "a lead 3");
    let none = Lead::find(7).fetch_optional(&db).await.unwrap();
    assert_eq!(none, None);
    let missing = Lead::find(7).fetch_one(&db).await;
    assert!(matches!(missing, Err(sqlx::Error::RowNotFound)));

    assert_eq!(Lead::count(&db).await.unwrap(), 6);
    assert!(Lead::exists(6, &db).await.unwrap());
    assert!(!Lead::exists(7, &db).await.unwrap());
    let all = Lead::all()
        .order_by(Lead::ID.desc())
        .fetch_all(&db)
        .await
        .unwrap();
    let want: Vec<_> = (1..=6).rev().map(|id| format!("b lead {id}")).collect();
    assert_eq!(names(&all), want);

    let some = Lead::filter("owner_id = $1 OR name = $2")
        .bind(1_i64)
        .bind("a lead 2");
    let some = some.order_by("id").fetch_all(&db).await.unwrap();
    assert_eq!(names(&some), ["b lead 1", "b lead 4"]);
    let open = || {
        Lead::filter("status = $1")
            .bind("open")
            .and("id > $2")
            .bind(2_i64)
    };
    assert_eq!(open().count(&db).await.unwrap(), 4);
    assert!(open().exists(&db).await.unwrap());
    assert!(!open().and("id < 2").exists(&db).await.unwrap());
    let two = open()
        .order_by(Lead::NAME)
        .limit(2)
        .offset(1)
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(names(&two), ["b lead 4", "b lead 5"]);
    let streamed: Vec<Lead> = open()
        .order_by("id")
        .fetch(&db)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        names(&streamed),
        ["b lead 3", "b lead 4", "b lead 5", "b lead 6"]
    );

    // In a transaction, as `&mut tx` and `&mut *tx`.
    let mut tx = db.begin_read_only().await.unwrap();
    assert_eq!(Lead::count(&mut tx).await.unwrap(), 6);
    assert_eq!(User::all().fetch_all(&mut *tx).await.unwrap().len(), 3);
    // NULL is at the same end on both databases.
    let mut tx = db.begin().await.unwrap();
    let homeless = Lead {
        owner_id: None,
        ..lead(7, "b homeless")
    };
    homeless.insert().execute(&mut tx).await.unwrap();
    let up = Lead::all()
        .order_by("owner_id")
        .fetch_all(&mut tx)
        .await
        .unwrap();
    assert_eq!(up.last(), Some(&homeless));
    let down = Lead::all()
        .order_by_desc("owner_id")
        .fetch_all(&mut tx)
        .await
        .unwrap();
    assert_eq!(down.first(), Some(&homeless));
}

pub(super) async fn joins_one_tenants_rows(w: &W) {
    let db = w.pool().for_tenant(&w.a);
    let homeless = Lead {
        owner_id: None,
        ..lead(7, "a homeless")
    };
    homeless.insert().execute(&db).await.unwrap();
    let pairs = Lead::with_owner()
        .order_by("id")
        .fetch_all(&db)
        .await
        .unwrap();
    assert_eq!(pairs.len(), 7);
    for (lead, owner) in &pairs {
        assert!(lead.name.starts_with("a "), "{lead:?}");
        assert_eq!(owner.as_ref().map(|owner| owner.id), lead.owner_id);
        let name = lead.owner_id.map(|id| format!("a user {id}"));
        assert_eq!(owner.as_ref().map(|owner| owner.name.clone()), name);
    }
    let of_two = || Lead::with_owner().and("owner.name = $1").bind("a user 2");
    assert_eq!(of_two().count(&db).await.unwrap(), 2);
    assert!(of_two().exists(&db).await.unwrap());
    assert_eq!(of_two().fetch_all(&db).await.unwrap().len(), 2);
    let theirs = Lead::with_owner().and("owner.name = $1").bind("b user 2");
    assert_eq!(theirs.count(&db).await.unwrap(), 0);

    // From a row to what it points to.
    let (first, _) = &pairs[0];
    let owner = first.owner().unwrap().fetch_one(&db).await.unwrap();
    assert_eq!(owner.name, "a user 1");
    assert!(homeless.owner::<Db>().is_none());
    // In the hands of another tenant the same key is that tenant's user.
    let other = w.pool().for_tenant(&w.b);
    let theirs = first.owner().unwrap().fetch_one(&other).await.unwrap();
    assert_eq!(theirs.name, "b user 1");
    // Aggregated: free SQL over the same tables.
    let sums: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT owner.id, count(*) FROM leads JOIN users AS owner ON owner.id = leads.owner_id GROUP BY owner.id ORDER BY owner.id",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(sums, [(1, 2), (2, 2), (3, 2)]);
    Lead::delete(7).execute(&db).await.unwrap();
}

pub(super) async fn pages_have_each_row_once(w: &W) {
    let db = w.pool().for_tenant(&w.a);
    let rows: Vec<Lead> = (10..40)
        .map(|id| Lead {
            status: ["open", "won", "lost"][id as usize % 3].to_owned(),
            ..lead(id, &format!("a page {}", id % 7))
        })
        .collect();
    Lead::insert_many(&rows).execute(&db).await.unwrap();
    let orders: [&[(Column<Lead>, bool)]; 5] = [
        &[],
        &[(Lead::NAME, false)],
        &[(Lead::NAME, true)],
        &[(Lead::STATUS, true), (Lead::NAME, false)],
        &[(Lead::STATUS, false), (Lead::NAME, true), (Lead::ID, false)],
    ];
    for order in orders {
        let list = || {
            let list = Lead::filter("id >= $1").bind(10_i64);
            order.iter().fold(list, |list, (column, descending)| {
                list.order_by(if *descending {
                    column.desc()
                } else {
                    column.asc()
                })
            })
        };
        let mut seen: Vec<Lead> = Vec::new();
        loop {
            let page = match seen.last() {
                None => list().page(7),
                Some(last) => list().page_after(last, 7),
            };
            let page = page.fetch_all(&db).await.unwrap();
            seen.extend(page.iter().cloned());
            if page.len() < 7 {
                break;
            }
        }
        let mut want = rows.clone();
        want.sort_by(|a, b| {
            let steps = order.iter().map(|(column, descending)| {
                let step = match column.name() {
                    "name" => a.name.cmp(&b.name),
                    "status" => a.status.cmp(&b.status),
                    _ => a.id.cmp(&b.id),
                };
                if *descending { step.reverse() } else { step }
            });
            let last = order.last().is_some_and(|(_, descending)| *descending);
            let by_key = if last {
                b.id.cmp(&a.id)
            } else {
                a.id.cmp(&b.id)
            };
            steps
                .fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
                .then(by_key)
        });
        assert_eq!(seen, want, "{order:?}");
    }
    // By values, which a request may bring along.
    let page = Lead::all()
        .order_by("name")
        .page_after(("a lead 5", 5_i64), 1);
    assert_eq!(names(&page.fetch_all(&db).await.unwrap()), ["a lead 6"]);
    // A joined list, whose columns are called by their table.
    let page = Lead::with_owner()
        .order_by("name")
        .page_after(("a lead 5", 5_i64), 1);
    assert_eq!(page.fetch_all(&db).await.unwrap()[0].0.name, "a lead 6");

    let gone = Lead::delete_where("id >= $1")
        .bind(10_i64)
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(gone, 30);
}

pub(super) async fn writes_one_tenants_rows(w: &W) {
    let pool = w.pool();
    let (db, other) = (pool.for_tenant(&w.a), pool.for_tenant(&w.b));
    let mut new = lead(100, "a new");
    new.insert().execute(&db).await.unwrap();
    assert!(!Lead::exists(100, &other).await.unwrap());
    new.status = "won".to_owned();
    new.update().execute(&db).await.unwrap();
    assert_eq!(Lead::find(100).fetch_one(&db).await.unwrap(), new);
    new.status = "lost".to_owned();
    assert_eq!(new.update().returning(&db).await.unwrap(), new);
    // The same key, for each tenant a row of its own.
    new.upsert().execute(&other).await.unwrap();
    new.name = "a changed".to_owned();
    assert_eq!(new.upsert().returning(&db).await.unwrap(), new);
    assert_eq!(
        Lead::find(100).fetch_one(&other).await.unwrap().name,
        "a new"
    );
    assert_eq!(Lead::count(&db).await.unwrap(), 7);

    let taken = new.insert().execute(&db).await.unwrap_err();
    assert!(
        taken.as_database_error().unwrap().is_unique_violation(),
        "{taken:?}"
    );
    assert_eq!(Lead::delete(100).returning(&db).await.unwrap(), new);
    let again = Lead::delete(100).execute(&db).await;
    assert!(matches!(again, Err(sqlx::Error::RowNotFound)));
    let left = Lead::delete_where("id = $1 AND name = $2")
        .bind(100_i64)
        .bind("a new");
    let left = left.returning(&other).await.unwrap();
    assert_eq!(left.len(), 1);
    let all = Lead::delete_where("true");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(all.execute(&mut tx).await.unwrap(), 6);
    assert_eq!(Lead::count(&other).await.unwrap(), 6);
    tx.rollback().await.unwrap();
    assert_eq!(Lead::count(&db).await.unwrap(), 6);
}

pub(super) async fn what_the_database_fills_in_comes_back(w: &W) {
    let db = w.pool().for_tenant(&w.a);
    let new = NewLead {
        id: 100,
        title: "a new".to_owned(),
        status: "is not sent".to_owned(),
        note: "stays here".to_owned(),
    };
    let stored = new.insert().returning(&db).await.unwrap();
    assert_eq!(
        (&*stored.title, &*stored.status, &*stored.note),
        ("a new", "open", "")
    );
    let won = NewLead {
        status: "won".to_owned(),
        ..stored
    };
    assert_eq!(won.update().returning(&db).await.unwrap().status, "won");
    NewLead::delete(100).execute(&db).await.unwrap();
}

pub(super) async fn many_rows_are_added_all_or_none(w: &W) {
    let db = w.pool().for_tenant(&w.a);
    let other = w.pool().for_tenant(&w.b);
    // More than a statement takes, and not a multiple of it.
    let rows: Vec<Lead> = (100..2_601)
        .map(|id| lead(id, &format!("a many {id}")))
        .collect();
    assert_eq!(Lead::insert_many(&rows).execute(&db).await.unwrap(), 2_501);
    assert_eq!(Lead::count(&db).await.unwrap(), 2_507);
    assert_eq!(Lead::count(&other).await.unwrap(), 6);
    let last = Lead::find(2_600).fetch_one(&db).await.unwrap();
    assert_eq!(Some(&last), rows.last());

    // The last one is there already: none of the others stays.
    let more: Vec<Lead> = (3_000..5_000)
        .chain([2_600])
        .map(|id| lead(id, "a more"))
        .collect();
    assert!(Lead::insert_many(&more).execute(&db).await.is_err());
    assert_eq!(Lead::count(&db).await.unwrap(), 2_507);
    let mut tx = db.begin().await.unwrap();
    assert!(Lead::insert_many(&more).execute(&mut tx).await.is_err());
    assert_eq!(Lead::count(&mut tx).await.unwrap(), 2_507);
    drop(tx);
    assert_eq!(Lead::insert_many(&[]).execute(&db).await.unwrap(), 0);
    Lead::delete_where("id >= 100").execute(&db).await.unwrap();
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

pub(super) async fn texts_that_never_change_are_not_parsed(w: &W) {
    let pool = w.pool_of(1);
    let db = pool.for_tenant(&w.a);
    let lead = Lead::find(1).fetch_one(&db).await.unwrap();
    Lead::all().fetch_all(&db).await.unwrap();
    Lead::count(&db).await.unwrap();
    Lead::exists(1, &db).await.unwrap();
    lead.update().execute(&db).await.unwrap();
    lead.upsert().execute(&db).await.unwrap();
    Lead { id: 100, ..lead }
        .insert()
        .execute(&db)
        .await
        .unwrap();
    Lead::delete(100).execute(&db).await.unwrap();
    let misses = pool.firewall().misses();
    assert_eq!((misses.compiled, misses.parsed), (8, 0));
    assert_eq!(
        Lead::FIND,
        "SELECT id, name, status, owner_id FROM leads WHERE id = $1"
    );
}
