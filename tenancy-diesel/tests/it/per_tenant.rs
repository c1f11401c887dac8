//! A limit of connections per tenant: one tenant at its limit waits for itself, and the other is served at once.

use std::sync::mpsc;
use std::time::Duration;

use diesel::{PgConnection, QueryDsl as _, RunQueryDsl, SqliteConnection};
use tenancy_core::budget::BudgetError;
use tenancy_core::{Isolation, TenantContext};
use tenancy_diesel::{Budget, Error, TenantPool};
use tenancy_testkit::fixture::Walls;

use crate::matrix::world::{World, at_rest, cancelled_after};
use crate::places::{Driver, pool_with};
use crate::tables::leads;

macro_rules! count {
    ($pool:expr, $cx:expr) => {
        $pool
            .for_tenant(&$cx)
            .interact(|conn| leads::table.count().get_result::<i64>(conn))
            .await
    };
}

pub(crate) fn is_own_limit(error: &diesel::result::Error) -> bool {
    matches!(
        Error::from_diesel(error),
        Some(Error::Budget(BudgetError::TenantExhausted {
            per_tenant: 1,
            ..
        }))
    )
}

/// A tenant's connection, held on a thread until the answer is dropped.
async fn held<C: Driver>(pool: &TenantPool<C>, cx: &TenantContext) -> mpsc::Sender<()> {
    let (end, ended) = mpsc::channel::<()>();
    let (began, begun) = tokio::sync::oneshot::channel();
    let bound = pool.for_tenant(cx);
    tokio::spawn(async move {
        let work = move |_: &mut _| {
            let _ = began.send(());
            let _ = ended.recv();
            Ok::<_, Error>(())
        };
        bound.interact(work).await
    });
    begun.await.unwrap();
    end
}

macro_rules! synchronous {
    ($($test:ident: $driver:ty, $isolation:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let w = World::<$driver>::new(Isolation::$isolation, Walls::Both).await;
                let pool = pool_with::<$driver>(&w.tenants, Budget::new(2).per_tenant(1));
                let end = held(&pool, &w.a).await;
                let waiting = pool.for_tenant(&w.a);
                let flood = tokio::spawn(async move {
                    waiting.interact(|conn| leads::table.count().get_result::<i64>(conn)).await
                });
                for _ in 0..10 {
                    assert_eq!(count!(pool, w.b), Ok(6));
                }
                // One who goes away while the tenant is at its limit.
                let gone = pool.for_tenant(&w.a);
                let gone = gone.interact(|conn| leads::table.count().get_result::<i64>(conn));
                assert!(cancelled_after(0, gone).await.is_none());
                assert!(!flood.is_finished());
                drop(end);
                assert_eq!(flood.await.unwrap(), Ok(6));
                assert_eq!(count!(pool, w.a), Ok(6));
                at_rest(|| pool.stats()).await;
                assert_eq!(pool.stats().tenants, 0);
                pool.close().await;

                let short = Budget::new(2).per_tenant(1).acquire_timeout(Duration::from_millis(20));
                let pool = pool_with::<$driver>(&w.tenants, short);
                let end = held(&pool, &w.a).await;
                let refused = count!(pool, w.a).unwrap_err();
                assert!(is_own_limit(&refused), "{refused:?}");
                assert_eq!(count!(pool, w.b), Ok(6));
                drop(end);
                at_rest(|| pool.stats()).await;
            }
        )*
    };
}

synchronous! {
    postgres_shared: PgConnection, Shared;
    postgres_database: PgConnection, Database;
    sqlite_shared: SqliteConnection, Shared;
    sqlite_database: SqliteConnection, Database;
}
