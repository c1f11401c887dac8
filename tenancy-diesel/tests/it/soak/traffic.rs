//! One piece of work through Diesel's own connections. Compiled once per driver.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use tenancy_core::TenantContext;
use tenancy_diesel::{TenantConnection, TenantPool};

use super::Driver;
use crate::matrix::world::prefix;
use crate::soak::{Piece, own_rows};
use crate::tables::{Lead, lead, leads, users};

/// Does it in the scope of its tenant.
pub(crate) async fn one(pool: TenantPool<Driver>, cx: TenantContext, piece: Piece) {
    let inside = cx.clone();
    let work = pool.interact(move |conn| {
        piece_of_work(conn, &inside, piece)?;
        Ok::<_, tenancy_diesel::Error>(())
    });
    cx.scope(work).await.unwrap().unwrap();
}

fn piece_of_work(
    conn: &mut TenantConnection<Driver>,
    cx: &TenantContext,
    Piece { kind, id }: Piece,
) -> QueryResult<()> {
    let mine = prefix(cx);
    match kind {
        0 => {
            let lead: Lead = Lead::scoped().find(id).first(conn)?;
            assert!(lead.name.starts_with(&mine), "{lead:?} was read as {mine}");
        }
        1 => {
            let rows: Vec<(String, String)> = leads::table
                .inner_join(users::table)
                .select((leads::name, users::name))
                .load(conn)?;
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
                .execute(conn)?;
            assert_eq!(done, 1);
        }
        3 => rolled_back(conn, |conn| {
            diesel::update(leads::table)
                .set(leads::name.eq("nobody is to see this"))
                .execute(conn)?;
            assert_eq!(leads::table.count().get_result::<i64>(conn)?, 6);
            Ok(())
        })?,
        4 => {
            let mut lead: Lead = leads::table.find(id).first(conn)?;
            lead.name = format!("{mine}lead {id}");
            assert_eq!(lead.save_changes::<Lead>(conn)?, lead);
        }
        5 => rolled_back(conn, |conn| {
            let many: Vec<Lead> = (100..103)
                .map(|id| lead(id, "nobody is to see this"))
                .collect();
            diesel::insert_into(leads::table)
                .values(&many)
                .execute(conn)?;
            conn.transaction(|conn| {
                diesel::insert_into(leads::table)
                    .values(&many[0])
                    .on_conflict(leads::id)
                    .do_update()
                    .set(leads::name.eq("nor this"))
                    .execute(conn)
            })?;
            let gone = diesel::delete(leads::table.filter(leads::id.ge(100))).execute(conn)?;
            assert_eq!(gone, 3);
            Ok(())
        })?,
        6 => {
            let mut pages = leads::table.into_boxed();
            pages = pages.filter(leads::id.gt(id)).filter(leads::id.le(6));
            let page: Vec<Lead> = pages.order(leads::name).limit(6).load(conn)?;
            assert_eq!(page.len(), 6 - usize::try_from(id).unwrap());
            assert!(page.iter().all(|lead| lead.name.starts_with(&mine)));
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
            .get_result::<Name>(conn)?;
            assert!(found.name.starts_with(&mine));
        }
        _ => {
            let rows: Vec<(i64, String)> = leads::table
                .select((leads::id, leads::name))
                .order(leads::id)
                .load(conn)?;
            assert_eq!(rows, own_rows(cx));
        }
    }
    Ok(())
}

/// Does it, and takes it back.
fn rolled_back(
    conn: &mut TenantConnection<Driver>,
    work: impl FnOnce(&mut TenantConnection<Driver>) -> QueryResult<()>,
) -> QueryResult<()> {
    let done: QueryResult<()> = conn.transaction(|conn| {
        work(conn)?;
        Err(diesel::result::Error::RollbackTransaction)
    });
    match done {
        Err(diesel::result::Error::RollbackTransaction) => Ok(()),
        other => other,
    }
}
