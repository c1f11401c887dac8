//! A tenant that changes, places at different versions, and a server that goes away, under synchronous work.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::{PgConnection, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};
use tenancy_core::{
    Actor, ErrorKind, InMemoryRegistry, Isolation, RegistryExt as _, ServerName, Tenant,
    TenantContext, TenantStatus,
};
use tenancy_diesel::{Budget, Error, TenantPool};
use tenancy_testkit::NetworkDelay;
use tenancy_testkit::fixture::Walls;

use crate::matrix::world::{World, at_rest, prefix};
use crate::places::pg_server;
use crate::tables::{Lead, leads};

fn kind(error: &DieselError) -> Option<ErrorKind> {
    Error::from_diesel(error)
        .and_then(Error::as_tenancy)
        .map(tenancy_core::Error::kind)
}

macro_rules! on_both {
    ($($test:ident, $sqlite:ident, $postgres:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $sqlite() {
                $test!(SqliteConnection);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $postgres() {
                $test!(PgConnection);
            }
        )*
    };
}

/// A tenant becomes read-only, then suspended, while it is at work.
macro_rules! suspension_bites {
    ($driver:ty) => {
        let w = World::<$driver>::new(Isolation::Shared, Walls::Both).await;
        let registry = Arc::new(InMemoryRegistry::new());
        let id = w.a.tenant_id();
        let tenant = Tenant::builder(id, *w.a.tenant().slug()).build().unwrap();
        registry.insert(tenant).unwrap();
        let tenant = registry.by_id(&id).await.unwrap();
        let cx = TenantContext::for_request(tenant, Actor::user("u")).unwrap();
        let pool = w.pool_of(1);
        let work = pool.for_tenant(&cx);

        let inside = Arc::clone(&registry);
        let done: QueryResult<usize> = work
            .interact(move |conn| {
                conn.transaction(|conn| {
                    let done = diesel::update(leads::table)
                        .set(leads::name.eq("changed"))
                        .execute(conn)?;
                    inside.set_status(&id, TenantStatus::ReadOnly).unwrap();
                    Ok(done)
                })
            })
            .await;
        assert_eq!(kind(&done.unwrap_err()), Some(ErrorKind::ReadOnly));
        let read = work.interact(|conn| {
            leads::table
                .filter(leads::name.eq("changed"))
                .count()
                .get_result::<i64>(conn)
        });
        assert_eq!(read.await, Ok(0), "nothing of it was kept");
        let refused = work.interact(|conn| diesel::delete(leads::table).execute(conn));
        assert_eq!(kind(&refused.await.unwrap_err()), Some(ErrorKind::ReadOnly));

        let inside = Arc::clone(&registry);
        let refused: QueryResult<i64> = work
            .interact(move |conn| {
                leads::table.count().get_result::<i64>(conn)?;
                inside.set_status(&id, TenantStatus::Suspended).unwrap();
                leads::table.count().get_result(conn)
            })
            .await;
        assert_eq!(
            kind(&refused.unwrap_err()),
            Some(ErrorKind::Suspended),
            "between two statements"
        );
        let refused = work.interact(|conn| leads::table.count().get_result::<i64>(conn));
        assert_eq!(
            kind(&refused.await.unwrap_err()),
            Some(ErrorKind::Suspended)
        );
        at_rest(|| pool.stats()).await;
    };
}

on_both! {
    suspension_bites, sqlite_suspension_bites_what_is_under_way, postgres_suspension_bites_what_is_under_way;
}

/// Reads and writes as one tenant after the other.
macro_rules! served_in_turn {
    ($w:ident, $pool:ident) => {
        for round in 0..4 {
            for cx in [&$w.a, &$w.b] {
                let mine = prefix(cx);
                let db = $pool.for_tenant(cx);
                let work = db.interact(move |conn| {
                    let all: Vec<Lead> = leads::table.order(leads::id).load(conn)?;
                    diesel::update(leads::table.find(1))
                        .set(leads::status.eq("open"))
                        .execute(conn)?;
                    Ok::<_, Error>(all)
                });
                let all = work.await.unwrap();
                assert_eq!(all.len(), 6, "round {round}");
                assert!(all.iter().all(|lead| lead.name.starts_with(&mine)));
            }
        }
        assert_eq!($pool.stats().open, 1);
    };
}

/// The same text means other columns and other types in each schema; one connection serves them in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schemas_at_different_versions_on_one_connection() {
    let w = World::<PgConnection>::new(Isolation::Schema, Walls::Both).await;
    let mut admin = w.tenants.admin_options().connect().await.unwrap();
    let ahead = format!(
        "SET search_path = \"{}\"; ALTER TABLE leads ADD COLUMN later text, ALTER COLUMN status TYPE varchar(40), \
         ALTER COLUMN name TYPE varchar(80)",
        w.b.tenant_id().schema_name()
    );
    admin
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(ahead)))
        .await
        .unwrap();
    let pool = &w.pool_of(1);
    served_in_turn!(w, pool);
}

/// The same of files that are attached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_at_different_versions_on_one_connection() {
    let w = World::<SqliteConnection>::new(Isolation::Schema, Walls::Both).await;
    let file = w.tenants.file_of(&w.tenants.b);
    let mut admin = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .unwrap();
    admin
        .execute("ALTER TABLE leads ADD COLUMN later TEXT")
        .await
        .unwrap();
    sqlx::Connection::close(admin).await.unwrap();
    let pool = &w.pool_of(1);
    served_in_turn!(w, pool);
}

/// The network is cut under idle connections and under a transaction; afterwards the pool serves again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_replaced() {
    let w = World::<PgConnection>::new(Isolation::Shared, Walls::Both).await;
    let network = NetworkDelay::to(w.tenants.server_address(), Duration::ZERO).unwrap();
    let network = Arc::new(network);
    let slow = |options: sqlx::postgres::PgConnectOptions| {
        options.host("127.0.0.1").port(network.address().port())
    };
    let server = pg_server(
        &slow(w.tenants.app_options()),
        &slow(w.tenants.admin_options()),
    );
    let pool = TenantPool::<PgConnection>::builder(w.tenants.pool.catalog().clone())
        .server(ServerName::default(), server)
        .budget(Budget::new(2))
        .build()
        .unwrap();
    let count = |cx: &TenantContext| {
        let work = pool.for_tenant(cx);
        async move {
            work.interact(|conn| leads::table.count().get_result::<i64>(conn))
                .await
        }
    };
    assert_eq!(count(&w.a).await, Ok(6));
    let cut = Arc::clone(&network);
    let lost: QueryResult<()> = pool
        .for_tenant(&w.a)
        .interact(move |conn| {
            conn.transaction(|conn| {
                diesel::delete(leads::table).execute(conn)?;
                cut.cut();
                assert!(leads::table.count().get_result::<i64>(conn).is_err());
                Ok(())
            })
        })
        .await;
    assert!(lost.is_err());
    assert!(count(&w.b).await.is_err());
    network.heal();
    for cx in [&w.a, &w.b] {
        assert_eq!(count(cx).await, Ok(6), "as if nothing had been");
    }
    at_rest(|| pool.stats()).await;
}
