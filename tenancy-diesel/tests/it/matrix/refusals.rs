//! The probes in which the answer is no. Compiled once per driver.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Text};
use tenancy_core::{ErrorKind, TenantContext};
use tenancy_diesel::Error;

use super::Driver;
use super::probes::{Pool, as_tenant};
use crate::matrix::world::{World, id_bytes, prefix};
use crate::tables::leads;

pub(crate) async fn spawn_without_context(
    _w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    _other: &TenantContext,
) {
    let spawned = me
        .scope(async {
            let pool = pool.clone();
            tokio::spawn(async move {
                pool.interact(|conn| leads::table.count().get_result::<i64>(conn))
                    .await
            })
            .await
        })
        .await
        .unwrap()
        .unwrap();
    let error = spawned.unwrap_err();
    let ours = Error::from_diesel(&error).and_then(Error::as_tenancy);
    assert!(
        ours.is_some_and(tenancy_core::Error::is_no_tenant),
        "{error}"
    );
    let inside = as_tenant(pool, me, |_conn| {
        Ok(TenantContext::current().map(|cx| cx.tenant_id()))
    });
    assert_eq!(inside.await.unwrap().unwrap(), me.tenant_id());
}

/// A handle of one tenant in the scope of another is refused, as is a connection that was carried there.
pub(crate) async fn handle_of_another(
    _w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    let theirs = pool.for_tenant(other);
    let refused = me.scope(theirs.interact(|conn| leads::table.count().get_result::<i64>(conn)));
    assert!(is_wrong_tenant(&refused.await.unwrap().unwrap_err()));

    let mine = me.clone();
    let refused = theirs.interact(move |conn| {
        // The scope of another inside a scope is refused as such; a thread of its own has none yet.
        std::thread::scope(|threads| {
            threads
                .spawn(|| mine.sync_scope(|| leads::table.count().get_result::<i64>(conn)))
                .join()
                .unwrap()
        })
        .unwrap()
    });
    assert!(is_wrong_tenant(&refused.await.unwrap_err()));
}

fn is_wrong_tenant(error: &DieselError) -> bool {
    Error::from_diesel(error)
        .and_then(Error::as_tenancy)
        .is_some_and(|error| error.kind() == ErrorKind::WrongTenant)
}

/// One value too many would take the place of the tenant behind it.
pub(crate) async fn extra_value(
    w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let theirs = id_bytes(other);
    let result = as_tenant(pool, me, move |conn| {
        sql_query("SELECT name FROM leads WHERE status = $1")
            .bind::<Text, _>("open")
            .bind::<Binary, _>(theirs)
            .load::<Name>(conn)
    })
    .await;
    match result {
        Err(error) => {
            if w.firewall_stands() {
                assert!(matches!(
                    Error::from_diesel(&error),
                    Some(Error::Arity {
                        placeholders: 1,
                        values: 2
                    })
                ));
            }
        }
        Ok(rows) => {
            assert!(!w.firewall_stands());
            assert!(rows.iter().all(|row| row.name.starts_with(&prefix(me))));
        }
    }
    if w.firewall_stands() {
        let missing = as_tenant(pool, me, |conn| {
            sql_query("DELETE FROM leads WHERE id = $1").execute(conn)
        });
        let missing = missing.await.unwrap_err();
        assert!(matches!(
            Error::from_diesel(&missing),
            Some(Error::Arity { .. })
        ));
        let right = as_tenant(pool, me, |conn| {
            sql_query("UPDATE leads SET name = name WHERE id = $1")
                .bind::<BigInt, _>(4)
                .execute(conn)
        });
        assert_eq!(right.await, Ok(1));
    }
}

/// The other's schema, named outright.
pub(crate) async fn other_place_by_name(
    _w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    other: &TenantContext,
) {
    if me.tenant().placement().name().is_none() {
        return;
    }
    let sql = format!(
        "SELECT * FROM \"{}\".leads",
        other.tenant_id().schema_name()
    );
    let refused = as_tenant(pool, me, move |conn| sql_query(sql).execute(conn));
    assert!(refused.await.is_err());
}

/// What would change the connection, or is more than one statement, is refused by the firewall and never sent.
pub(crate) async fn statements_that_are_not(
    w: &World<Driver>,
    pool: &Pool,
    me: &TenantContext,
    _other: &TenantContext,
) {
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
        "PRAGMA foreign_keys = OFF",
        "ATTACH DATABASE 'x' AS x",
    ] {
        let batch = as_tenant(pool, me, move |conn| {
            use diesel::connection::SimpleConnection as _;
            conn.batch_execute(text)
        });
        let query = as_tenant(pool, me, move |conn| {
            sql_query(text).execute(conn).map(drop)
        });
        for refused in [batch.await, query.await] {
            let refused = refused.unwrap_err();
            assert!(
                matches!(Error::from_diesel(&refused), Some(Error::Refused(_))),
                "{text}: {refused:?}"
            );
        }
    }
}
