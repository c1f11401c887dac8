//! Statements, as sqlx's functions make them. Compiled once per driver.

use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{
    AssertSqlSafe, Either, Executor, FromRow, QueryBuilder, Row as _, SqlSafeStr as _,
    Statement as _, query, query_as, query_scalar, raw_sql,
};
use tenancy_core::InTenant as _;
use tenancy_sqlx::Error;

use super::{Db, Row};
use crate::surface::ours;

type Desk = crate::surface::Desk<Db>;

#[derive(Debug, PartialEq, FromRow)]
struct Lead {
    id: i64,
    name: String,
    #[sqlx(rename = "status")]
    state: String,
    owner_id: Option<i64>,
    #[sqlx(skip)]
    starred: bool,
}

const NAMES: &str = "SELECT name FROM leads ORDER BY id";
const LEAD: &str = "SELECT id, name, status, owner_id FROM leads WHERE id = $1";

pub(super) async fn bound_values(desk: Desk) {
    let Desk {
        mine,
        other,
        pool,
        cx,
        ..
    } = &desk;
    let done = query("INSERT INTO leads (id, name, status) VALUES ($1, $2, $3), ($4, $5, $6)")
        .bind(7_i64)
        .bind("seven")
        .bind(String::from("won"))
        .bind(8_i64)
        .bind("eight; DROP TABLE leads --")
        .bind("lost")
        .execute(mine)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 2);

    let names: Vec<String> =
        query_scalar("SELECT name FROM leads WHERE id > $1 AND status <> $2 ORDER BY id")
            .bind(6_i64)
            .bind("open")
            .fetch_all(pool)
            .in_tenant(cx)
            .await
            .unwrap()
            .unwrap();
    assert_eq!(names, ["seven", "eight; DROP TABLE leads --"]);

    let changed = query("UPDATE leads SET name = $1 WHERE id IN ($2, $3)")
        .bind("changed")
        .bind(7_i64)
        .bind(8_i64)
        .execute(mine)
        .await
        .unwrap();
    assert_eq!(changed.rows_affected(), 2);
    let deleted = query("DELETE FROM leads WHERE name = $1")
        .bind("changed")
        .execute(mine)
        .await
        .unwrap();
    assert_eq!(deleted.rows_affected(), 2);
    let (count,): (i64,) = query_as("SELECT count(*) FROM leads")
        .fetch_one(other)
        .await
        .unwrap();
    assert_eq!(count, 6);
}

pub(super) async fn rows_as_types(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let expect = Lead {
        id: 2,
        name: "a lead 2".into(),
        state: "open".into(),
        owner_id: Some(2),
        starred: false,
    };
    assert_eq!(
        query_as::<_, Lead>(LEAD)
            .bind(2_i64)
            .fetch_one(mine)
            .await
            .unwrap(),
        expect
    );
    let all: Vec<(i64, String)> = query_as("SELECT id, name FROM leads ORDER BY id DESC")
        .fetch_all(mine)
        .await
        .unwrap();
    assert_eq!(all.len(), 6);
    assert_eq!(all[0], (6, "a lead 6".into()));
    let none: Option<Lead> = query_as(LEAD)
        .bind(99_i64)
        .fetch_optional(mine)
        .await
        .unwrap();
    assert_eq!(none, None);

    let upper: Vec<String> = query("SELECT name FROM leads WHERE id < $1 ORDER BY id")
        .bind(3_i64)
        .map(|row: Row| row.get::<String, _>("name").to_uppercase())
        .fetch_all(mine)
        .await
        .unwrap();
    assert_eq!(upper, ["A LEAD 1", "A LEAD 2"]);
    let tried = query("SELECT name FROM leads")
        .try_map(|row: Row| row.try_get::<String, _>("no such column"))
        .fetch_one(mine)
        .await;
    assert!(
        matches!(tried, Err(sqlx::Error::ColumnNotFound(_))),
        "{tried:?}"
    );
    let row = query("SELECT name AS label, id FROM leads WHERE id = 1")
        .fetch_one(mine)
        .await
        .unwrap();
    assert_eq!(row.get::<String, _>("label"), "a lead 1");
    assert_eq!(row.get::<i64, _>(1), 1);
    assert_eq!(row.len(), 2, "the tenant column stays inside");
}

pub(super) async fn query_builder(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let rows = [(7_i64, "seven"), (8, "eight"), (9, "nine")];
    let mut insert = QueryBuilder::<Db>::new("INSERT INTO leads (id, name) ");
    insert.push_values(rows, |mut row, (id, name)| {
        row.push_bind(id).push_bind(name);
    });
    assert_eq!(
        insert.build().execute(mine).await.unwrap().rows_affected(),
        3
    );

    let mut select =
        QueryBuilder::<Db>::new("SELECT id, name, status, owner_id FROM leads WHERE id IN (");
    let mut ids = select.separated(", ");
    for (id, _) in rows {
        ids.push_bind(id);
    }
    ids.push_unseparated(") ORDER BY id");
    let found: Vec<Lead> = select.build_query_as().fetch_all(mine).await.unwrap();
    assert_eq!(
        found
            .iter()
            .map(|lead| lead.name.as_str())
            .collect::<Vec<_>>(),
        ["seven", "eight", "nine"]
    );

    // The text that the last statement left in the cache is not the one that is built next.
    for (id, name) in rows {
        select.reset();
        select.push_bind(id);
        let found: Vec<Lead> = {
            select.push(") AND name = ").push_bind(name);
            select.build_query_as().fetch_all(mine).await.unwrap()
        };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].id, id);
    }

    let mut delete = QueryBuilder::<Db>::new("DELETE FROM leads WHERE ");
    delete.push("id > ").push_bind(6_i64);
    assert_eq!(
        delete.build().execute(mine).await.unwrap().rows_affected(),
        3
    );
    let left: i64 = QueryBuilder::<Db>::new("SELECT count(*) FROM leads")
        .build_query_scalar()
        .fetch_one(other)
        .await
        .unwrap();
    assert_eq!(left, 6);
}

pub(super) async fn streams(desk: Desk) {
    let Desk {
        mine,
        other,
        pool,
        cx,
        ..
    } = &desk;
    let mut names = query_scalar::<_, String>("SELECT name FROM leads ORDER BY id").fetch(mine);
    let mut seen = 0;
    while let Some(name) = names.try_next().await.unwrap() {
        seen += 1;
        assert_eq!(name, format!("a lead {seen}"));
    }
    assert_eq!(seen, 6);
    drop(names);

    // Streams that borrow nothing, as a response body wants them. The tenant is read when `fetch` is called.
    for stream in cx
        .sync_scope(|| {
            [
                Executor::fetch(&pool.clone(), NAMES),
                query(NAMES).fetch(&pool.clone()),
            ]
        })
        .unwrap()
    {
        let stream: BoxStream<'static, Result<Row, sqlx::Error>> = stream;
        let rows: Vec<Row> = stream.try_collect().await.unwrap();
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[0].get::<String, _>(0), "a lead 1");
    }

    // Dropped half-way, as often as there are connections and once more.
    for _ in 0..=pool.stats().max {
        let mut half =
            query("SELECT l.name FROM leads l, leads m, leads n ORDER BY l.id").fetch(mine);
        assert!(half.next().await.unwrap().is_ok());
        drop(half);
        let name: String = query_scalar("SELECT name FROM leads WHERE id = 1")
            .fetch_one(other)
            .await
            .unwrap();
        assert_eq!(name, "b lead 1");
    }

    // Rows and what was done, as one stream.
    let steps: Vec<_> = mine
        .fetch_many("SELECT id FROM leads")
        .try_collect()
        .await
        .unwrap();
    let rows = steps
        .iter()
        .filter(|step| matches!(step, Either::Right(_)))
        .count();
    assert_eq!((rows, steps.len()), (6, 7));
}

pub(super) async fn one_statement_of_text(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let done = raw_sql("UPDATE leads SET status = 'won' WHERE id = 1")
        .execute(mine)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
    let done = mine
        .execute("UPDATE leads SET status = 'won' WHERE id = 2;")
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
    let built = format!("UPDATE leads SET status = 'won' WHERE id = {}", 3);
    mine.execute(AssertSqlSafe(built)).await.unwrap();
    let rows = raw_sql("SELECT id FROM leads WHERE status = 'won'")
        .fetch_all(mine)
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    let unbound = query("SELECT id FROM leads WHERE status = 'won'").persistent(false);
    assert_eq!(unbound.fetch_all(mine).await.unwrap().len(), 3);
    let bound = query("SELECT id FROM leads WHERE status = $1")
        .bind("won")
        .persistent(false);
    assert_eq!(bound.fetch_all(other).await.unwrap().len(), 0);
    let global: i64 = query_scalar("SELECT CAST(1 AS bigint)")
        .fetch_one(mine)
        .await
        .unwrap();
    assert_eq!(global, 1);
}

pub(super) async fn two_statements_are_refused(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let both = "UPDATE leads SET status = 'won'; DELETE FROM leads";
    for error in [
        raw_sql(both).execute(mine).await.unwrap_err(),
        mine.execute(both).await.unwrap_err(),
        query(both).execute(mine).await.unwrap_err(),
        mine.prepare(both.into_sql_str()).await.unwrap_err(),
        mine.describe(both.into_sql_str()).await.unwrap_err(),
    ] {
        assert!(matches!(ours(&error), Error::Refused(_)), "{error:?}");
    }
    let untouched: i64 = query_scalar("SELECT count(*) FROM leads WHERE status = 'open'")
        .fetch_one(mine)
        .await
        .unwrap();
    assert_eq!(untouched, 6);
}

pub(super) async fn prepared(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let statement = mine.prepare(LEAD.into_sql_str()).await.unwrap();
    assert_eq!(statement.columns().len(), 4);
    // As often as one likes, by whichever tenant, and through each of the three shapes.
    for (bound, slug) in [(mine, "a"), (other, "b"), (mine, "a")] {
        let row = statement
            .query()
            .bind(3_i64)
            .fetch_one(bound)
            .await
            .unwrap();
        assert_eq!(row.get::<String, _>("name"), format!("{slug} lead 3"));
        let lead: Lead = statement
            .query_as()
            .bind(3_i64)
            .fetch_one(bound)
            .await
            .unwrap();
        assert_eq!(lead.name, format!("{slug} lead 3"));
        let id: i64 = statement
            .query_scalar()
            .bind(3_i64)
            .fetch_one(bound)
            .await
            .unwrap();
        assert_eq!(id, 3);
    }
    let mut tx = mine.begin().await.unwrap();
    let in_tx = (&mut tx)
        .prepare("UPDATE leads SET name = $1 WHERE id = $2".into_sql_str())
        .await
        .unwrap();
    let done = in_tx
        .query()
        .bind("renamed")
        .bind(3_i64)
        .execute(&mut *tx)
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
    tx.commit().await.unwrap();
    let names: Vec<String> = query_scalar("SELECT name FROM leads WHERE id = 3")
        .fetch_all(other)
        .await
        .unwrap();
    assert_eq!(names, ["b lead 3"]);
}

pub(super) async fn nulls(desk: Desk) {
    let Desk { mine, .. } = &desk;
    query("UPDATE leads SET owner_id = $1 WHERE id = $2")
        .bind(None::<i64>)
        .bind(1_i64)
        .execute(mine)
        .await
        .unwrap();
    let owner: Option<i64> = query_scalar("SELECT owner_id FROM leads WHERE id = 1")
        .fetch_one(mine)
        .await
        .unwrap();
    assert_eq!(owner, None);
    let found: Vec<i64> = query_scalar("SELECT id FROM leads WHERE owner_id = $1")
        .bind(None::<i64>)
        .fetch_all(mine)
        .await
        .unwrap();
    assert_eq!(found, Vec::<i64>::new());
    let refused = query("UPDATE leads SET name = $1")
        .bind(None::<String>)
        .execute(mine)
        .await
        .unwrap_err();
    assert_eq!(
        refused.as_database_error().unwrap().kind(),
        sqlx::error::ErrorKind::NotNullViolation
    );
    let left: (i64, Option<String>) = query_as(
        "SELECT l.id, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id WHERE l.id = 1",
    )
    .fetch_one(mine)
    .await
    .unwrap();
    assert_eq!(left, (1, None));
}

pub(super) async fn returning(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let (id, name): (i64, String) =
        query_as("INSERT INTO leads (id, name) VALUES ($1, $2) RETURNING id, name")
            .bind(7_i64)
            .bind("seven")
            .fetch_one(mine)
            .await
            .unwrap();
    assert_eq!((id, name.as_str()), (7, "seven"));
    let mut changed: Vec<i64> =
        query_scalar("UPDATE leads SET status = 'won' WHERE id > $1 RETURNING id")
            .bind(4_i64)
            .fetch_all(mine)
            .await
            .unwrap();
    changed.sort_unstable();
    assert_eq!(changed, [5, 6, 7]);
    let gone: Option<Lead> =
        query_as("DELETE FROM leads WHERE id = $1 RETURNING id, name, status, owner_id")
            .bind(7_i64)
            .fetch_optional(mine)
            .await
            .unwrap();
    assert_eq!(gone.unwrap().state, "won");
    let won: i64 = query_scalar("SELECT count(*) FROM leads WHERE status = 'won'")
        .fetch_one(other)
        .await
        .unwrap();
    assert_eq!(won, 0);
}

pub(super) async fn wrong_number_of_values(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    // One too many would take the place where the tenant goes.
    let stolen = match other_id(&desk).repr() {
        tenancy_core::IdRepr::Uuid(id) => id,
        id => panic!("the fixture's tenants have UUIDs: {id:?}"),
    };
    let error = query("SELECT name FROM leads")
        .bind(stolen)
        .fetch_all(mine)
        .await
        .unwrap_err();
    assert!(
        matches!(
            ours(&error),
            Error::Arity {
                placeholders: 0,
                values: 1
            }
        ),
        "{error:?}"
    );
    let error = query("UPDATE leads SET name = $1")
        .bind("x")
        .bind(stolen)
        .execute(mine)
        .await
        .unwrap_err();
    assert!(
        matches!(
            ours(&error),
            Error::Arity {
                placeholders: 1,
                values: 2
            }
        ),
        "{error:?}"
    );
    let error = query("UPDATE leads SET name = $1 WHERE id = $2")
        .bind("x")
        .execute(mine)
        .await
        .unwrap_err();
    assert!(
        matches!(
            ours(&error),
            Error::Arity {
                placeholders: 2,
                values: 1
            }
        ),
        "{error:?}"
    );
    let error = raw_sql("DELETE FROM leads WHERE id = $1")
        .execute(mine)
        .await
        .unwrap_err();
    assert!(
        matches!(
            ours(&error),
            Error::Arity {
                placeholders: 1,
                values: 0
            }
        ),
        "{error:?}"
    );
    for bound in [mine, other] {
        let renamed: i64 = query_scalar("SELECT count(*) FROM leads WHERE name = 'x'")
            .fetch_one(bound)
            .await
            .unwrap();
        assert_eq!(renamed, 0);
    }
}

fn other_id(desk: &Desk) -> tenancy_core::TenantId {
    desk.tenants.b.id()
}

pub(super) async fn placeholders_in_any_order(desk: Desk) {
    let Desk { mine, .. } = &desk;
    let ids: Vec<i64> =
        query_scalar("SELECT id FROM leads WHERE name = $2 OR id = $1 OR name = $2 ORDER BY id")
            .bind(1_i64)
            .bind("a lead 4")
            .fetch_all(mine)
            .await
            .unwrap();
    assert_eq!(ids, [1, 4]);
}

pub(super) async fn errors_keep_their_kind(desk: Desk) {
    let Desk { mine, other, .. } = &desk;
    let missing = query_as::<_, Lead>(LEAD).bind(99_i64).fetch_one(mine).await;
    assert!(
        matches!(missing, Err(sqlx::Error::RowNotFound)),
        "{missing:?}"
    );

    let twice = query("INSERT INTO leads (id, name) VALUES (1, 'twice')")
        .execute(mine)
        .await
        .unwrap_err();
    let database = twice.as_database_error().unwrap();
    assert!(database.is_unique_violation(), "{twice:?}");
    assert_eq!(database.kind(), sqlx::error::ErrorKind::UniqueViolation);

    let nobodys = query("INSERT INTO leads (id, name, owner_id) VALUES (7, 'seven', 99)");
    let error = nobodys.execute(mine).await.unwrap_err();
    assert!(
        error
            .as_database_error()
            .unwrap()
            .is_foreign_key_violation(),
        "{error:?}"
    );

    let decoded = query_scalar::<_, i64>("SELECT name FROM leads")
        .fetch_one(mine)
        .await;
    assert!(
        matches!(decoded, Err(sqlx::Error::ColumnDecode { .. })),
        "{decoded:?}"
    );

    let unknown = query("SELECT nothing_of_this_name FROM leads")
        .fetch_all(mine)
        .await
        .unwrap_err();
    assert!(
        unknown.as_database_error().is_some() || matches!(ours(&unknown), Error::Refused(_)),
        "{unknown:?}"
    );
    // None of it did harm.
    for bound in [mine, other] {
        let count: i64 = query_scalar("SELECT count(*) FROM leads")
            .fetch_one(bound)
            .await
            .unwrap();
        assert_eq!(count, 6);
    }
}
