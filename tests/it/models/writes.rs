//! What models write. Compiled once per driver.

use super::Db;
use crate::matrix::world::World;
use crate::models::{Lead, NewLead, lead};

type W = World<Db>;

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
