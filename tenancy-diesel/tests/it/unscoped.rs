//! What the type system can't refuse: tables that Diesel believes in and the catalogue does not know, tables of another schema,
//! text. The firewall refuses them, and the driver is sent nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection, sql_query};
use tenancy_core::Isolation;
use tenancy_diesel::Error;
use tenancy_testkit::fixture::Walls;

use crate::matrix::world::World;
use crate::tables::leads;

diesel::table! {
    invoices (id) {
        id -> BigInt,
        name -> Text,
    }
}

mod qualified {
    diesel::table! {
        elsewhere.leads (id) {
            id -> BigInt,
            name -> Text,
        }
    }
}

mod catalogue {
    diesel::table! {
        pg_tables (tablename) {
            tablename -> Text,
        }
    }
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
        }
    }
}

diesel::define_sql_function! {
    /// Would run the statement that it is given.
    fn query_to_xml(statement: diesel::sql_types::Text, nulls: diesel::sql_types::Bool) -> diesel::sql_types::Text;
}

/// Each of them once; `$($wait)*` is `.await` where there is something to wait for.
macro_rules! each_is_refused {
    ($conn:ident $(, $wait:tt)?) => {
        let sent = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&sent);
        $conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                seen.fetch_add(1, Ordering::Relaxed);
            }
        });
        let refused: Vec<QueryResult<usize>> = vec![
            invoices::table.select(invoices::id).execute($conn)$(.$wait)?,
            diesel::delete(invoices::table).execute($conn)$(.$wait)?,
            qualified::leads::table.select(qualified::leads::id).execute($conn)$(.$wait)?,
            diesel::update(qualified::leads::table)
                .set(qualified::leads::name.eq("everybody's"))
                .execute($conn)$(.$wait)?,
            catalogue::pg_tables::table.select(catalogue::pg_tables::tablename).execute($conn)$(.$wait)?,
            catalogue::sqlite_master::table.select(catalogue::sqlite_master::name).execute($conn)$(.$wait)?,
            leads::table.select(query_to_xml("SELECT * FROM leads", true)).execute($conn)$(.$wait)?,
            leads::table
                .filter(leads::id.eq_any(invoices::table.select(invoices::id)))
                .select(leads::id)
                .execute($conn)$(.$wait)?,
            sql_query("SELECT * FROM invoices").execute($conn)$(.$wait)?,
            sql_query("TRUNCATE leads").execute($conn)$(.$wait)?,
            sql_query("DROP TABLE leads").execute($conn)$(.$wait)?,
        ];
        for (at, refused) in refused.into_iter().enumerate() {
            let refused = refused.unwrap_err();
            assert!(
                matches!(Error::from_diesel(&refused), Some(Error::Refused(_))),
                "{at}: {refused:?}"
            );
        }
        assert_eq!(AtomicUsize::load(&sent, Ordering::Relaxed), 0, "something was sent");
        let count: i64 = leads::table.count().get_result($conn)$(.$wait)?.unwrap();
        assert_eq!(count, 6);
        assert!(AtomicUsize::load(&sent, Ordering::Relaxed) > 0, "the instrument sees what is sent");
    };
}

macro_rules! on_each_driver {
    ($($test:ident: $driver:ty;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let w = World::<$driver>::new(Isolation::Shared, Walls::Both).await;
                let pool = w.pool_of(1).for_tenant(&w.a);
                let work = pool.interact(|conn| {
                    each_is_refused!(conn);
                    Ok::<_, Error>(())
                });
                work.await.unwrap();
            }
        )*
    };
}

on_each_driver! {
    on_sqlite: SqliteConnection;
    on_postgres: PgConnection;
}

mod asynchronous {
    //! Apart, because Diesel's two ways to run a query have one name.
    use diesel::prelude::*;
    use diesel_async::{AsyncConnection as _, RunQueryDsl};

    use super::{
        Arc, AtomicUsize, Error, InstrumentationEvent, Isolation, Ordering, PgConnection, Walls,
        World, catalogue, invoices, leads, qualified, query_to_xml, sql_query,
    };
    use crate::places::async_pool;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        let w = World::<PgConnection>::new(Isolation::Shared, Walls::Both).await;
        let pool = async_pool(&w.tenants, 1);
        let conn = &mut pool.get_for(&w.a).await.unwrap();
        each_is_refused!(conn, await);
    }
}
