//! One piece of work through diesel-async.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection as _, RunQueryDsl};
use futures_util::TryStreamExt as _;
use tenancy_core::TenantContext;
use tenancy_diesel::{AsyncTenantConnection, AsyncTenantPool};

use super::{Piece, own_rows};
use crate::matrix::world::prefix;
use crate::tables::{Lead, lead, leads, users};

/// Does it in the scope of its tenant.
pub(crate) async fn one(pool: AsyncTenantPool, cx: TenantContext, piece: Piece) {
    let work = async {
        let conn = &mut pool.get().await?;
        Ok::<_, tenancy_diesel::Error>(piece_of_work(conn, &cx, piece).await?)
    };
    cx.scope(work).await.unwrap().unwrap();
}

async fn piece_of_work(
    conn: &mut AsyncTenantConnection,
    cx: &TenantContext,
    Piece { kind, id }: Piece,
) -> QueryResult<()> {
    let mine = prefix(cx);
    match kind {
        0 => {
            let lead: Lead = Lead::scoped().find(id).first(conn).await?;
            assert!(lead.name.starts_with(&mine), "{lead:?} was read as {mine}");
        }
        1 => {
            let rows: Vec<(String, String)> = leads::table
                .inner_join(users::table)
                .select((leads::name, users::name))
                .load(conn)
                .await?;
            assert_eq!(rows.len(), 6);
            for (lead, user) in rows {
                assert!(
                    lead.starts_with(&mine) && user.starts_with(&mine),
                    "{lead}, {user} were read as {mine}"
                );
            }
        }
        2 => {
            let done = diesel::update(leads::table.find(id))
                .set(leads::name.eq(format!("{mine}lead {id}")))
                .execute(conn)
                .await?;
            assert_eq!(done, 1);
        }
        3 => {
            let done: QueryResult<()> = conn
                .transaction(async |conn| {
                    diesel::update(leads::table)
                        .set(leads::name.eq("nobody is to see this"))
                        .execute(conn)
                        .await?;
                    let n: i64 = leads::table.count().get_result(conn).await?;
                    assert_eq!(n, 6);
                    Err(diesel::result::Error::RollbackTransaction)
                })
                .await;
            was_rolled_back(done)?;
        }
        4 => {
            let mut lead: Lead = leads::table.find(id).first(conn).await?;
            lead.name = format!("{mine}lead {id}");
            let saved: Lead = diesel_async::SaveChangesDsl::save_changes(&lead, conn).await?;
            assert_eq!(saved, lead);
        }
        5 => {
            let done: QueryResult<()> = conn
                .transaction(async |conn| {
                    let many: Vec<Lead> = (100..103)
                        .map(|id| lead(id, "nobody is to see this"))
                        .collect();
                    diesel::insert_into(leads::table)
                        .values(&many)
                        .execute(conn)
                        .await?;
                    conn.transaction(async |conn| {
                        diesel::insert_into(leads::table)
                            .values(lead(100, "nor this"))
                            .on_conflict(leads::id)
                            .do_update()
                            .set(leads::name.eq("nor this"))
                            .execute(conn)
                            .await
                    })
                    .await?;
                    let gone = diesel::delete(leads::table.filter(leads::id.ge(100)))
                        .execute(conn)
                        .await?;
                    assert_eq!(gone, 3);
                    Err(diesel::result::Error::RollbackTransaction)
                })
                .await;
            was_rolled_back(done)?;
        }
        6 => {
            // A stream that is dropped after its first row.
            let page = leads::table.filter(leads::id.ge(id)).order(leads::id);
            let mut rows = page.load_stream::<Lead>(conn).await?;
            let first = rows.try_next().await?.expect("each id is there");
            assert!(first.id == id && first.name.starts_with(&mine), "{first:?}");
        }
        7 => {
            #[derive(QueryableByName)]
            struct Name {
                #[diesel(sql_type = Text)]
                name: String,
            }
            let found = sql_query(
                "SELECT u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id = $1",
            )
            .bind::<BigInt, _>(id)
            .get_result::<Name>(conn)
            .await?;
            assert!(found.name.starts_with(&mine));
        }
        _ => {
            let rows: Vec<(i64, String)> = leads::table
                .select((leads::id, leads::name))
                .order(leads::id)
                .load(conn)
                .await?;
            assert_eq!(rows, own_rows(cx));
        }
    }
    Ok(())
}

fn was_rolled_back(done: QueryResult<()>) -> QueryResult<()> {
    match done {
        Err(diesel::result::Error::RollbackTransaction) => Ok(()),
        other => other,
    }
}
