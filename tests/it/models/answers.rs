//! What models read. Compiled once per driver.

use futures_util::TryStreamExt as _;
use tenancy_sqlx::model::{Column, TenantScoped as _};

use super::Db;
use crate::matrix::world::World;
use crate::models::{Lead, User, lead};

type W = World<Db>;

fn names(leads: &[Lead]) -> Vec<&str> {
    leads.iter().map(|lead| lead.name.as_str()).collect()
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

pub(super) async fn texts_that_never_change_are_parsed_once(w: &W) {
    let pool = w.pool_of(1);
    let db = pool.for_tenant(&w.a);
    for _ in 0..3 {
        let lead = Lead::find(1).fetch_one(&db).await.unwrap();
        Lead::all().fetch_all(&db).await.unwrap();
        Lead::count(&db).await.unwrap();
        assert!(Lead::exists(1, &db).await.unwrap());
        lead.update().execute(&db).await.unwrap();
        lead.upsert().execute(&db).await.unwrap();
        let new = Lead { id: 100, ..lead };
        new.insert().execute(&db).await.unwrap();
        Lead::delete(100).execute(&db).await.unwrap();
        let misses = pool.firewall().misses();
        assert_eq!((misses.compiled, misses.parsed), (0, 8));
    }
    assert_eq!(
        Lead::FIND,
        "SELECT id, name, status, owner_id FROM leads WHERE id = $1"
    );
}
